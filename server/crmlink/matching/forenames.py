"""Whether two names differ by a slip of the pen or by another forename.

Brothers and sisters are often called alike, and no list knows every forename.
"""

from collections.abc import Callable, Iterator, Sequence

from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.features.similarity import has_letters_of

MIN_TWO_SLIPS = 6  # letters from which two slips leave a forename what it is
MIN_UNKNOWN = 5  # letters from which one slip leaves a forename that no list knows what it is
# The same of a last word behind one that may be the surname, or of a slip in its first letter
MIN_SURNAME = 7
MORE_OFTEN = 5  # times that a short word is held more often than the first to be the surname
VOWELS = frozenset("aeiou")
# Row and column of each key; each row is half a key further right
_PLACES: dict[str, tuple[int, float]] = {
    letter: (row, column + row / 2)
    for row, letters in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
    for column, letter in enumerate(letters)
}
_ALONE = frozenset(normalise.WORDS["forenames_alone"])  # hardly anyone has them as a surname
_MORE = frozenset(normalise.WORDS["more_forenames"]) | _ALONE  # their spellings are not known
_SURNAMES_TOO = frozenset(normalise.WORDS["forenames_and_surnames"])
_OF_TWO = [frozenset(names) for names in normalise.WORDS["alike_forenames"]]


def is_known(word: str) -> bool:
    """Return whether a word is a forename, a rarer one among them."""
    return normalise.is_forename(word) or word in _MORE


def is_never_a_surname(word: str) -> bool:
    """Return whether a word is a forename, and not one that is a surname as well.

    Nor one that many put before their forename: Mohammed Asif and Mohammed Atif are brothers. Of
    the rarer forenames (Amin, Kane, Quinn) it is not known which are surnames as well.
    """
    return normalise.is_forename(word) and word not in _SURNAMES_TOO


def has_another_forename(
    contact: Sequence[str], record: Sequence[str], holders: Callable[[str], int]
) -> bool:
    """Return whether more than a slip parts a word of the contact's name from the record's.

    `holders` is the number of records that have a word in a name. Of surnames any misspelling is
    one, for a household shares it: the record's last word, and the contact's last or first.
    """
    return any(
        not _is_slip(word, other, holders) or (last and not _is_inside(word, other, MIN_SURNAME))
        for word, other, last in _pairs(contact, record, holders)
        if min(len(word), len(other)) > 1 and not is_form(word, other)
    )


def _pairs(
    contact: Sequence[str], record: Sequence[str], holders: Callable[[str], int]
) -> Iterator[tuple[str, str, bool]]:
    """Yield the words that differ, each with the most similar one that differs, but surnames.

    With them goes whether both are the last words, which may be surnames or not.
    """
    left = [word for word in contact if word not in record]
    right = [word for word in record if word not in contact]
    while left and right:
        word, other = max(
            ((word, other) for word in left for other in right),
            key=lambda pair: OSA.normalized_similarity(*pair),
        )
        left.remove(word)
        right.remove(other)
        surname = (
            other == record[-1]
            and not _differ_in_first_letter(word, other)
            and (
                _is_last_surname(word, other, contact[-1:], {contact[0], record[0]}, holders)
                or _is_first_surname(word, contact, record[0])
            )
        )
        if not surname:
            last = min(len(contact), len(record)) > 1 and word == contact[-1]
            yield word, other, last and other == record[-1]


def _is_last_surname(
    word: str,
    other: str,
    last: Sequence[str],
    first: set[str],
    holders: Callable[[str], int],
) -> bool:
    """Return whether a word is the last of a name and a surname.

    Behind a first word that may be the surname it is one where more records have it, or others
    do and the first is a forename as well: in *Holloway Kiandra* and perhaps in *Thomas Kiandra*
    the surname is the first.
    """
    if word not in last:
        return False
    before = first - {word, other}
    if any(map(is_never_a_surname, before)):
        return True
    if not _ALONE.isdisjoint(before) and _is_mistyped(word, other):
        return not _are_others_names(word, other, holders)
    if is_known(word) or is_known(other):
        return False
    often, as_often = max(holders(word), holders(other)), max(map(holders, first))
    if min(len(word), len(other)) < MIN_UNKNOWN:  # as many a forename: He Wen Lin, He Wen Ling
        return often > MORE_OFTEN * as_often
    return often > as_often or (often > 1 and any(map(normalise.is_forename, first)))


def _differ_in_first_letter(word: str, other: str) -> bool:
    """Return whether two short surnames differ in their first letter alone: Grady and Brady."""
    return word[0] != other[0] and word[1:] == other[1:] and len(word) < MIN_SURNAME


def _is_first_surname(word: str, contact: Sequence[str], first: str) -> bool:
    """Return whether a word is the first of a name before the record's forename."""
    return word == contact[0] and contact[-1] == first and is_never_a_surname(first)


def is_form(word: str, other: str) -> bool:
    """Return whether two forenames are known to be short forms or spellings of one.

    Not where they may be mother and daughter, or father and son: Julia and Julie, John and Jack.
    """
    both = normalise.is_forename(word) and normalise.is_forename(other)
    if any({word, other} <= names for names in _OF_TWO):
        return False
    return both and not normalise.are_other_forenames(word, other)


def _is_slip(word: str, held: str, holders: Callable[[str], int]) -> bool:
    if (is_known(word) and is_known(held)) or _differ_in_ending(word, held):
        return False
    slips = OSA.distance(word, held)
    if not normalise.is_forename(word) and not normalise.is_forename(held):
        typed = (is_known(word) or is_known(held)) and _is_typed_beside(word, held)
        alike = typed or _is_inside(word, held, MIN_UNKNOWN)
        return alike and not _are_others_names(word, held, holders)
    long = min(len(word), len(held)) >= MIN_TWO_SLIPS
    alike = slips <= 1 and word[0] == held[0]  # the first letter is seldom mistyped: Zora, Nora
    alike |= slips == 2 and long and _have_same_ends(word, held)
    return alike or has_letters_of(word, held)


def _are_others_names(word: str, held: str, holders: Callable[[str], int]) -> bool:
    """Return whether others have both names as well: then neither is a slip of the other."""
    return holders(word) >= 1 and holders(held) >= 2


def _differ_in_ending(word: str, held: str) -> bool:
    """Return whether two words differ in the vowels behind one stem: Mario, Maria; Amir, Amira."""
    short, long = sorted((word, held), key=len)
    if len(short) == len(long):
        return short[:-1] == long[:-1] and {short[-1], long[-1]} <= VOWELS
    behind = long.removeprefix(short).removeprefix(short[-1])  # Janee is a slip of Jane
    return long.startswith(short) and not VOWELS.isdisjoint(behind)


def _is_inside(word: str, held: str, letters: int) -> bool:
    """Return whether two words differ inside by letters exchanged, or one too many or too few.

    With another letter, or with one before or behind, a name is often another: Manjit and Ranjit.
    """
    if OSA.distance(word, held) > 1 or not _have_same_ends(word, held):
        return False
    if len(word) == len(held):
        return sorted(word) == sorted(held) and len(word) >= MIN_UNKNOWN
    return min(len(word), len(held)) >= letters


def _is_typed_beside(word: str, held: str) -> bool:
    """Return whether a key beside the right one was hit inside, not a vowel for a vowel."""
    if len(word) != len(held) or len(word) < MIN_TWO_SLIPS or not _have_same_ends(word, held):
        return False
    differing = _differing(word, held)
    return len(differing) == 1 and not VOWELS.issuperset(differing[0]) and _is_mistyped(word, held)


def _is_mistyped(word: str, other: str) -> bool:
    """Return whether letters are exchanged, or a key beside the right one was hit or hit as well.

    A letter that is merely lacking or another makes another name: Heney and Heaney.
    """
    if OSA.distance(word, other) != 1:
        return False
    differing = _differing(word, other)
    if len(word) == len(other):
        return len(differing) == 2 or _are_neighbours(*differing[0])
    short, long = sorted((word, other), key=len)
    at = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    around = long[max(at - 1, 0) : at] + long[at + 1 : at + 2]
    return any(_are_neighbours(long[at], letter) and letter != long[at] for letter in around)


def _differing(word: str, other: str) -> list[tuple[str, str]]:
    return [pair for pair in zip(word, other, strict=False) if pair[0] != pair[1]]


def _are_neighbours(letter: str, other: str) -> bool:
    if letter not in _PLACES or other not in _PLACES:
        return False
    (row, column), (other_row, other_column) = _PLACES[letter], _PLACES[other]
    return abs(row - other_row) <= 1 and abs(column - other_column) <= 1


def _have_same_ends(word: str, held: str) -> bool:
    return word[0] == held[0] and word[-1] == held[-1]
