"""Titles and forenames that are a man's or a woman's."""

import pytest

from crmlink.matching import normalise
from crmlink.matching.titles import Gender, gender_of_forename, gender_of_titles


@pytest.mark.parametrize(
    ("name", "gender"),
    [
        ("Mr J Smith", Gender.MAN),
        ("Smith, Mrs J", Gender.WOMAN),
        ("J Smith (Miss)", Gender.WOMAN),
        ("Sir John Smith", Gender.MAN),
        ("Jane Lord", Gender.UNKNOWN),
        ("Dr J Smith", Gender.UNKNOWN),
        ("Mr & Mrs J Smith", Gender.UNKNOWN),
        ("", Gender.UNKNOWN),
    ],
)
def test_titles_say_man_or_woman_and_a_couples_neither(name: str, gender: Gender) -> None:
    assert gender_of_titles(name) is gender


def test_every_forename_of_the_lists_is_known_and_only_of_one_gender() -> None:
    men, women = normalise.WORDS["mens_forenames"], normalise.WORDS["womens_forenames"]
    assert all(map(normalise.is_forename, (*men, *women)))
    assert not set(men) & set(women)
    assert gender_of_forename("robin") is gender_of_forename("sam") is Gender.UNKNOWN
