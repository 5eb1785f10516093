"""Whether a title or forename is a man's or a woman's: Mrs J Smith is not John Smith."""

from enum import IntEnum

from crmlink.matching import normalise

_MEN, _WOMEN = (
    frozenset(normalise.WORDS["mens_titles"]),
    frozenset(normalise.WORDS["womens_titles"]),
)
_BEHIND = frozenset(("mr", "mrs", "miss", "ms"))  # titles that are no surname behind a name
_FORENAMES_OF_MEN = frozenset(normalise.WORDS["mens_forenames"])
_FORENAMES_OF_WOMEN = frozenset(normalise.WORDS["womens_forenames"])


class Gender(IntEnum):
    """What a title or forename says; UNKNOWN also for a couple's and for names of both."""

    UNKNOWN = 0
    MAN = 1
    WOMAN = 2


def gender_of_titles(name: str) -> Gender:
    """Return whose the titles in a name are, as it was written."""
    words = normalise.fold(name).split()
    titles = set(words[:1]) | (set(words) & _BEHIND)
    return _only(bool(titles & _MEN), bool(titles & _WOMEN))


def gender_of_forename(word: str) -> Gender:
    """Return whose a forename is."""
    return _only(word in _FORENAMES_OF_MEN, word in _FORENAMES_OF_WOMEN)


def _only(man: bool, woman: bool) -> Gender:
    if man == woman:
        return Gender.UNKNOWN
    return Gender.MAN if man else Gender.WOMAN


def are_man_and_woman(
    title: Gender, words: list[str], other_title: Gender, other_words: list[str]
) -> bool:
    """Return whether one name is a man's and the other a woman's, at least one by its title.

    Without a title a forename says it, the first of several words.
    """
    if not title and not other_title:
        return False
    one = title or _gender_of_name(words)
    other = other_title or _gender_of_name(other_words)
    return bool(one and other and one is not other)


def _gender_of_name(words: list[str]) -> Gender:
    return gender_of_forename(words[0]) if len(words) > 1 else Gender.UNKNOWN
