"""Whether two names are one person's although one of them is not whole.

People at one address share the surname and seldom a forename, so that a forename says more. An
email may spell out an initial.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from crmlink.matching import normalise, titles
from crmlink.matching.forenames import is_form, is_known, is_never_a_surname
from crmlink.matching.indexed_record import IndexedRecord
from crmlink.matching.mailboxes import (
    have_other_initials,
    is_households,
    shared_mailboxes,
    spells_another,
)
from crmlink.matching.normalised import PARENTHETICAL, TOWN_FLAG, NormalisedDetails
from crmlink.matching.titles import Gender

MIN_SHARED = 3  # letters of a word from which it is seen in another
MIN_ATTACHED = 2  # letters from which what is attached to it is no slip of the keyboard
MIN_SIMILARITY = 0.6  # below this a word is no misspelling of another
MIN_SURNAME_SIMILARITY = 0.5  # the same of surnames behind one forename at one door
_OF_ANOTHER_FIRM = frozenset(normalise.WORDS["words_of_another_firm"])
_NO_LETTERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says of a person: the words of the name, emails, numbers of each address."""

    words: list[str]
    emails: Sequence[str]
    doors: list[frozenset[str]]
    title: Gender
    generations: frozenset[str]


def contact_side(contact: NormalisedDetails) -> Side:
    """Return what the contact says of its person."""
    name = contact.secondary_name or contact.primary_name
    streets = [[w for w, flag in a.words if flag != TOWN_FLAG] for a in contact.addresses]
    words = [word for word, flags in name if not flags & PARENTHETICAL]
    generations = _generations([word for word, _ in name])
    return Side(words, contact.emails, _doors(streets), contact.title, generations)


def record_side(record: IndexedRecord) -> Side:
    """Return what the record says of its person."""
    words = record.secondary_name or record.primary_name
    doors = _doors([address.street for address in record.addresses])
    return Side(words, record.emails, doors, record.title, _generations(words))


def _generations(words: Sequence[str]) -> frozenset[str]:
    """Return what a name says behind its first word of father and son: junior, senior, ii."""
    found = (normalise.WORDS["generations"].get(word) for word in words[1:])
    return frozenset(generation for generation in found if generation)


def _doors(streets: list[list[str]]) -> list[frozenset[str]]:
    numbers = [frozenset(word for word in street if word[0].isdigit()) for street in streets]
    return [found for found in numbers if found]


def names_a_trade(one: Side, other: Side) -> bool:
    """Return whether one of two names has a word of trade or a number, as firms have."""
    trades = normalise.TRADE_WORDS - {"and"}
    return any(word in trades or word[0].isdigit() for word in (*one.words, *other.words))


def are_two_firms(contact: NormalisedDetails, record: IndexedRecord) -> bool:
    """Return whether one of two names has a word that makes another company of it: Holdings."""
    words = {word for word, _ in contact.primary_name}
    return not _OF_ANOTHER_FIRM.isdisjoint(words.symmetric_difference(record.primary_name))


def are_man_and_woman(one: Side, other: Side) -> bool:
    """Return whether a title says that the two are not one person."""
    return titles.are_man_and_woman(one.title, one.words, other.title, other.words)


def are_father_and_son(one: Side, other: Side) -> bool:
    """Return whether one name says which of two generations it is, and the other does not."""
    return one.generations != other.generations


def have_other_middle_names(one: Side, other: Side) -> bool:
    """Return whether both names have middle names between the same ends, and none begin alike."""
    if [*one.words[:1], *one.words[-1:]] != [*other.words[:1], *other.words[-1:]]:
        return False
    middle, other_middle = ({word[0] for word in side.words[1:-1]} for side in (one, other))
    return bool(middle and other_middle) and middle.isdisjoint(other_middle)


def have_exchanged_forenames(one: Side, other: Side) -> bool:
    """Return whether two names with one surname have their forenames in another order.

    A son is often called William James after James William.
    """
    first, other_first = one.words[:1], other.words[:1]
    if first == other_first or one.words[-1:] != other.words[-1:]:
        return False
    exchanged = {*first, *other_first}
    return exchanged <= {*one.words[:-1]} and exchanged <= {*other.words[:-1]}


def is_of_forenames(side: Side) -> bool:
    """Return whether every word of a name is known as a forename, so that any may be the first."""
    return all(map(is_known, side.words))


def is_same_house_number(one: Side, other: Side) -> bool:
    """Return whether the numbers of two addresses are the same, the flat's among them."""
    return any(door in other.doors for door in one.doors)


def is_same_but_for_spaces(one: Side, other: Side) -> bool:
    """Return whether two whole names have the same letters: AnnMorrison and Ann Morrison.

    Not De Souza and Desouza or Hollo way and Holloway, which are a surname alone.
    """
    short, long = sorted((one.words, other.words), key=len)
    if not _is_whole(long) or min(map(len, long)) < 2:
        return False
    if not _is_whole(short) and not any(map(normalise.is_forename, (long[0], long[-1]))):
        return False
    return any("".join(short) == "".join(words) for words in _orders(long))


def is_in_pieces(one: Side, other: Side) -> bool:
    """Return whether two names begin with one word, and only spaces part the rest.

    Finn Whit e is Finn White.
    """
    rests = _rests_behind_one_word(one, other)
    apart = len(one.words) != len(other.words) and len(one.words[0]) > 1
    return apart and rests is not None and rests[0] == rests[1]


def is_misspelt_surname(one: Side, other: Side) -> bool:
    """Return whether two names have a known forename, and surnames that may be one misspelt.

    Whitwg is White, and Gre ne is Green. The first word may be a surname where it or the rest
    is known otherwise, so that Holloway Jane is not Holloway Joan.
    """
    rests = _rests_behind_one_word(one, other)
    if rests is None or not is_never_a_surname(one.words[0]):
        return False
    if any(map(is_known, (*rests, *one.words[1:], *other.words[1:]))):
        return False
    alike = OSA.normalized_similarity(*rests) >= MIN_SURNAME_SIMILARITY
    return alike and rests[0][0] == rests[1][0]


def _rests_behind_one_word(one: Side, other: Side) -> tuple[str, str] | None:
    """Return what follows the word that both names begin with, without spaces.

    None where they begin otherwise, or both have a middle name.
    """
    if one.words[:1] != other.words[:1] or min(len(one.words), len(other.words)) != 2:
        return None
    rest, other_rest = "".join(one.words[1:]), "".join(other.words[1:])
    return (rest, other_rest) if min(len(rest), len(other_rest)) >= MIN_SHARED else None


def is_own_mailbox(one: Side, other: Side) -> bool:
    """Return whether both names begin with the known forename that a shared mailbox spells.

    Behind it there may be an initial or a surname: harleyk@ is Harley Kaur's, ann@ not Annette's.
    Not a forename that is a surname too, or that brothers share: muhammad45@.
    """
    first = one.words[:1]
    if first != other.words[:1] or not first or not is_never_a_surname(first[0]):
        return False
    behind = [*one.words[1:], *other.words[1:]]
    if any(map(normalise.is_forename, behind)):
        return False
    return any(
        run.startswith(first[0]) and _begins_any(run.removeprefix(first[0]), behind)
        for box in shared_mailboxes(one.emails, other.emails)
        for run in _NO_LETTERS.split(box)
    )


def _begins_any(text: str, words: list[str]) -> bool:
    return not text or any(word.startswith(text) for word in words)


def _is_whole(words: list[str]) -> bool:
    return sum(word not in normalise.SURNAME_PARTICLES for word in words) > 1


def has_another_word_attached(one: Side, other: Side) -> bool:
    """Return whether a name is one word, a word of the other name and a strange one run together.

    HuwHolloway is not Ann Holloway.
    """
    short, long = sorted((one.words, other.words), key=len)
    if len(short) != 1 or len(long) < 2:
        return False
    word, rests = short[0], (("".join(long[1:]), long[0]), ("".join(long[:-1]), long[-1]))
    return any(
        len(attached) >= MIN_ATTACHED and OSA.normalized_similarity(attached, rest) < MIN_SIMILARITY
        for rest, shared in rests
        for attached in (word.removeprefix(shared), word.removesuffix(shared))
        if attached != word and len(shared) >= MIN_SHARED
    )


def is_anothers_mailbox(one: Side, other: Side) -> bool:
    """Return whether all mailboxes that two sides share spell another forename than the names."""
    shared = shared_mailboxes(one.emails, other.emails)
    return bool(shared) and all(spells_another(box, one.words, other.words) for box in shared)


def are_mailed_apart(one: Side, other: Side) -> bool:
    """Return whether an email of each side spells a word of its own name alone.

    Rebecca Barker, rbarker@..., is not Rebecca Baker, rbaker@...: the emails say what the names do.
    """
    if not set(one.emails).isdisjoint(other.emails):
        return False
    return any(
        _spelt(email, pair) == pair[0] and _spelt(other_email, pair) == pair[1]
        for pair in _other_words(one, other)
        for email in one.emails
        for other_email in other.emails
    )


def _other_words(one: Side, other: Side) -> list[tuple[str, str]]:
    """Return each word of one name with each of the other that is no form of it."""
    left = [w for w in one.words if w not in other.words and len(w) >= MIN_SHARED]
    right = [w for w in other.words if w not in one.words and len(w) >= MIN_SHARED]
    return [(word, held) for word in left for held in right if not is_form(word, held)]


def _spelt(email: str, words: tuple[str, str]) -> str:
    """Return the longest of words that an email has in it, empty if it has none."""
    return max((word for word in words if word in email), key=len, default="")


def is_mistyped_mailbox(one: Side, other: Side, same_name: bool) -> bool:
    """Return whether two mailboxes that differ by one letter are one person's.

    Of one name they are unless they have other initials: rebecca.h@, rebecca.b@. Of two, one of
    them must have a slip in a word of its own side's name which the other has as that name has it:
    a slip in both may be another name.
    """
    boxes = _alike_mailboxes(one, other)
    if same_name:
        return not any(have_other_initials(*pair, one.words) for pair in boxes)
    return any(
        (word in held and word not in box and word in one.words)
        or (word in box and word not in held and word in other.words)
        for box, held in boxes
        for word in {*one.words, *other.words}
        if len(word) > MIN_SHARED
    )


def _alike_mailboxes(one: Side, other: Side) -> list[tuple[str, str]]:
    boxes = [[email.partition("@")[0] for email in side.emails] for side in (one, other)]
    return [(b, held) for b in boxes[0] for held in boxes[1] if OSA.distance(b, held) <= 1]


def is_households_mailbox(one: Side, other: Side) -> bool:
    """Return whether a forename is not whole, and all mailboxes that two sides share the family's.

    With theholloways@ M Holloway may be Mark, and Mary Holloway his wife; Mark Holloway may be
    the father of John Mark Holloway.
    """
    shared = shared_mailboxes(one.emails, other.emails)
    initial = any(len(word) == 1 for word in (*one.words, *other.words))
    initial |= min(len(one.words), len(other.words)) > 1 and one.words[0] != other.words[0]
    alone = (is_households(mailbox, one.words, other.words) for mailbox in shared)
    return initial and bool(shared) and all(alone)


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


def _orders(words: list[str]) -> list[list[str]]:
    """Return the words as they are, and with the last or the first moved to the other end."""
    return [words, words[-1:] + words[:-1], words[1:] + words[:1]]
