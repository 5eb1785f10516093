"""Whether two names are one person's although a word is missing, an initial or another.

Of a household, all share the surname and none the forename; whoever lived there before has another
surname. So a forename says more than a surname, and an email may spell out what the name lacks.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.indexed_record import IndexedRecord
from crmlink.matching.normalised import PARENTHETICAL, TOWN_FLAG, NormalisedDetails

MIN_SURNAME_SIMILARITY = 0.6  # below this a surname is no misspelling of another
_NO_LETTERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says of a person: the words of the name, emails, numbers of each address."""

    words: list[str]
    emails: Sequence[str]
    doors: list[frozenset[str]]


def contact_side(contact: NormalisedDetails) -> Side:
    """Return what the contact says of its person."""
    name = contact.secondary_name if contact.is_company else contact.primary_name
    streets = [[w for w, flag in a.words if flag != TOWN_FLAG] for a in contact.addresses]
    words = [word for word, flags in name if not flags & PARENTHETICAL]
    return Side(words, contact.emails, _doors(streets))


def record_side(record: IndexedRecord, is_company: bool) -> Side:
    """Return what the record says of its person."""
    words = record.secondary_name if is_company else record.primary_name
    return Side(words, record.emails, _doors([address.street for address in record.addresses]))


def _doors(streets: list[list[str]]) -> list[frozenset[str]]:
    numbers = [frozenset(word for word in street if word[0].isdigit()) for street in streets]
    return [found for found in numbers if found]


def is_same_door(one: Side, other: Side) -> bool:
    """Return whether the numbers of two addresses are the same, the flat's among them."""
    return any(door in other.doors for door in one.doors)


def is_same_but_for_spaces(one: Side, other: Side) -> bool:
    """Return whether two names of whole words have the same letters: AnnMorrison, Ann Morrison."""
    short, long = sorted((one.words, other.words), key=len)
    if len(long) < 2 or min(map(len, long)) < 2:
        return False
    return any("".join(short) == "".join(words) for words in _orders(long))


def is_spelt_out(one: Side, other: Side) -> bool:
    """Return whether one side's email spells the first and last word of the other side's name.

    T Stonehurst, thomas.stonehurst@..., is Thomas Stonehurst.
    """
    return _spells(one.emails, other.words) or _spells(other.emails, one.words)


def _spells(emails: Sequence[str], words: list[str]) -> bool:
    if len(words) < 2 or min(len(words[0]), len(words[-1])) < 2:
        return False
    spelt = {words[0] + words[-1], words[-1] + words[0]}
    return any(_NO_LETTERS.sub("", email.partition("@")[0]) in spelt for email in emails)


def is_forename_of(one: Side, other: Side) -> bool:
    """Return whether one name is a forename alone and the other begins with it.

    Not where the other's last word is a forename as well, for then its order is unknown.
    """
    short, long = sorted((one.words, other.words), key=len)
    return (
        len(short) == 1
        and len(long) > 1
        and short[0] == long[0]
        and normalise.is_forename(short[0])
        and not normalise.is_forename(long[-1])
    )


def is_misspelt(one: Side, other: Side) -> bool:
    """Return whether two names have one forename, to the letter, and surnames that are alike.

    Spaces are ignored: Ann Morriso n is Ann Morrison. Only a known forename tells which word is the
    surname, for forenames that are alike are two people's.
    """
    return any(
        OSA.normalized_similarity(rest, other_rest) >= MIN_SURNAME_SIMILARITY
        for words in _orders(one.words)
        for other_words in _orders(other.words)
        for rest, other_rest in _after_equal_forenames(words, other_words)
        if not (normalise.is_forename(rest) or normalise.is_forename(other_rest))
    )


def _orders(words: list[str]) -> list[list[str]]:
    """Return the words as they are, and with the last or the first moved to the other end."""
    return [words, words[-1:] + words[:-1], words[1:] + words[:1]]


def _after_equal_forenames(words: list[str], others: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the rest of both names after each beginning that is one forename in both."""
    for end in range(1, len(words)):
        forename = "".join(words[:end])
        for other_end in range(1, len(others) if normalise.is_forename(forename) else 0):
            if forename == "".join(others[:other_end]):
                yield "".join(words[end:]), "".join(others[other_end:])
