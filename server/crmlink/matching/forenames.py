"""Whether two names differ by a slip of the pen or by another forename.

Brothers and sisters are often called alike, and no list knows every forename.
"""

from collections.abc import Callable, Iterator, Sequence

from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.features.similarity import has_letters_of

MIN_TWO_SLIPS = 6  # letters from which two slips leave a forename what it is


def has_another_forename(
    contact: Sequence[str], record: Sequence[str], holders: Callable[[str], int]
) -> bool:
    """Return whether more than a slip parts a word of the contact's name from the record's.

    `holders` is the number of records that have a word in a name. Of surnames any misspelling is
    one, for a household shares it: the record's last word, and the contact's last or first.
    """
    return any(
        not _is_slip(word, other, holders)
        for word, other in _pairs(contact, record, holders)
        if min(len(word), len(other)) > 1 and not _is_form(word, other)
    )


def _pairs(
    contact: Sequence[str], record: Sequence[str], holders: Callable[[str], int]
) -> Iterator[tuple[str, str]]:
    """Yield the words that differ, each with the most similar one that differs, but surnames."""
    left = [word for word in contact if word not in record]
    right = [word for word in record if word not in contact]
    while left and right:
        word, other = max(
            ((word, other) for word in left for other in right),
            key=lambda pair: OSA.normalized_similarity(*pair),
        )
        left.remove(word)
        right.remove(other)
        surname = other == record[-1] and (
            _is_last_surname(word, other, contact[-1:], {contact[0], record[0]}, holders)
            or _is_first_surname(word, contact, record[0])
        )
        if not surname:
            yield word, other


def _is_last_surname(
    word: str,
    other: str,
    last: Sequence[str],
    first: set[str],
    holders: Callable[[str], int],
) -> bool:
    """Return whether a word is the last of a name and a surname.

    Behind no known forename it is one where more records have it than the first word: in *Holloway
    Kiandra* the surname is the first.
    """
    if word not in last:
        return False
    before = max(map(holders, first))
    return any(map(normalise.is_forename, first)) or max(holders(word), holders(other)) > before


def _is_first_surname(word: str, contact: Sequence[str], first: str) -> bool:
    """Return whether a word is the first of a name before the record's forename."""
    return word == contact[0] and contact[-1] == first and normalise.is_forename(first)


def _is_form(word: str, other: str) -> bool:
    """Return whether two forenames are known to be short forms or spellings of one."""
    both = normalise.is_forename(word) and normalise.is_forename(other)
    return both and not normalise.are_other_forenames(word, other)


def _is_slip(word: str, held: str, holders: Callable[[str], int]) -> bool:
    known = normalise.is_forename(word) + normalise.is_forename(held)
    slips = OSA.distance(word, held)
    if slips <= 1:  # two names that others have as well are no slips of each other
        return known > 0 or holders(word) < 1 or holders(held) < 2
    if known != 1:
        return False
    alike = slips == 2 and word[0] == held[0] and min(len(word), len(held)) >= MIN_TWO_SLIPS
    return alike or has_letters_of(word, held)
