"""Whose a mailbox is: what the part of an email before the @ spells beside the names.

An email that spells another forename than the name's is another's of the household, so that it
says who lives together and not who it is.
"""

import re
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

from crmlink.matching import normalise

MIN_LETTERS = 3  # letters of a word from which it is seen in an email
MAX_INITIALS = 2  # letters up to which a word is initials, the first of which counts
MIN_SIMILARITY = 0.6  # below this a word is no misspelling of another
_LETTERS = re.compile(r"[a-z]+")
_OF_NO_ONE = (
    normalise.GENERIC_MAILBOXES
    | normalise.TRADE_WORDS
    | normalise.TITLES
    | frozenset(normalise.WORDS["household_mailboxes"])
)


def shared_mailboxes(emails: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the parts before the @ of emails that two sides share.

    Without such an email, the parts that are equal before different domains.
    """
    return [email.partition("@")[0] for email in emails if email in others] or [
        local for local in map(_local, emails) if local in set(map(_local, others))
    ]


def _local(email: str) -> str:
    return email.partition("@")[0]


def have_other_initials(mailbox: str, other: str, words: Sequence[str]) -> bool:
    """Return whether two mailboxes have other initials beside the words of a name.

    For John Smith, ja.smith@ and jb.smith@ are two, and so are john.s@ and john.b@.
    """
    initials, others = (
        {word for word in _beside_surnames(box, words)[1] if len(word) <= MAX_INITIALS}
        for box in (mailbox, other)
    )
    return bool(initials and others) and initials != others


def spells_another(mailbox: str, one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a mailbox is that of another person than a name says.

    `one` and `other` are the words of two names. Of two names that say the same, neither is the
    mailbox's more than the other.
    """
    short, long = sorted((one, other), key=len)
    if set(short) == set(long) or len(long) < 2:
        return False
    surnames = _surnames(short, long)
    forenames = {*short, *long} - surnames
    family, strange = _beside_surnames(mailbox, surnames)
    if any(_may_be(word, forenames) for word in strange):
        return False
    return any(family or normalise.is_forename(word) for word in strange)


def is_households(mailbox: str, one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a mailbox spells the surname and no one: thecoopers@, cooper.family2@."""
    family, strange = _beside_surnames(mailbox, _surnames(*sorted((one, other), key=len)))
    return family and not strange


def _beside_surnames(mailbox: str, surnames: Iterable[str]) -> tuple[bool, list[str]]:
    """Return whether a mailbox has a surname in it, and the words beside it that may be a name."""
    spelt = [word for word in surnames if len(word) >= MIN_LETTERS]
    spelt.sort(key=lambda word: (-len(word), word))
    rest = re.sub("|".join(spelt), "-", mailbox) if spelt else mailbox
    family = rest != mailbox
    rest = re.sub(r"-s(?![a-z])", "-", rest)  # the Coopers
    return family, [word for word in _LETTERS.findall(rest) if word not in _OF_NO_ONE]


def _surnames(short: Sequence[str], long: Sequence[str]) -> set[str]:
    """Return which words of two names are surnames: the last ones, or that of *Cooper Imran*."""
    if len(short) > 1:
        return {short[-1], long[-1]}
    first = long[0] if short == long[:1] and not normalise.is_forename(long[0]) else ""
    return {first if first and normalise.is_forename(long[-1]) else long[-1]}


def _may_be(word: str, forenames: Iterable[str]) -> bool:
    """Return whether a word is, or has in it, a forename, its initial or a form of it."""
    return any(
        _is_form(word, form)
        for forename in forenames
        if not normalise.are_other_forenames(word, forename)
        for form in (forename, *normalise.NICKNAMES.get(forename, ()))
    )


def _is_form(word: str, form: str) -> bool:
    if len(word) <= MAX_INITIALS or len(form) < MIN_LETTERS:
        return form.startswith(word[0]) and len(word) <= MAX_INITIALS
    likeness = OSA.normalized_similarity(word, form)
    return form in word or form.startswith(word) or likeness >= MIN_SIMILARITY
