"""Search as you type, for when no suggestion fits."""

import pytest

from bench.uk import records
from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails

RECORDS = [
    (
        "a",
        ContactDetails(
            kind="customer",
            person="Margaret Holloway",
            address="14 Orchard Close",
            town="Bath",
            postcode="GL50 2TR",
        ),
    ),
    (
        "b",
        ContactDetails(
            kind="customer",
            company="Holloway Road Garage Ltd",
            address="2 Mill Lane",
            town="London",
            postcode="N7 8DD",
        ),
    ),
    (
        "c",
        ContactDetails(
            kind="supplier",
            person="Karen Whitlock",
            company="Northgate Plumbing Supplies Ltd",
            address="Unit 9, Foundry Way",
            town="Darlington",
            postcode="DL1 2PB",
            email="sales@northgate.example",
            phones=("01632 960801",),
            account_number="NOR-77",
        ),
    ),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    matcher = Matcher()
    matcher.update([*records(3_000, 61), *RECORDS])
    return matcher


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("plumbing northg", "c"),
        ("plumbing northgate whit", "c"),
        ("Unit 9 Foundry", "c"),
        ("foundry way", "c"),
        ("01632 9608", "c"),
        ("+44 1632 960801", "c"),
        ("sales@northg", "c"),
        ("nor-77", "c"),
        ("DL1 2PB", "c"),
        ("dl12p", "c"),
        ("marg holloway gl50", "a"),
        ("Holloway Garage", "b"),
    ],
)
def test_a_record_is_found_by_beginnings_of_words_of_any_field(
    matcher: Matcher, typed: str, found: str
) -> None:
    assert found in matcher.search(typed, limit=5)


def test_a_name_comes_before_a_street_of_that_name(matcher: Matcher) -> None:
    found = matcher.search("holloway", limit=50)
    assert set(found[:2]) == {"a", "b"}


def test_only_the_kind_asked_for_is_found_and_no_more_than_asked_for(matcher: Matcher) -> None:
    found = matcher.search("s", "supplier", 7)
    assert found
    assert all(record == "c" or record.startswith("supplier") for record in found)
    assert len(matcher.search("s", limit=7)) == 7


@pytest.mark.parametrize("typed", ["", "   ", "!", "zzzzzzzz", "\x00", "x" * 5_000, "£€"])
def test_what_nothing_has_finds_nothing(matcher: Matcher, typed: str) -> None:
    assert matcher.search(typed) == []


def test_every_record_is_found_by_its_own_name(matcher: Matcher) -> None:
    for record_id, details in records(3_000, 61)[:60]:
        text = f"{details.company or details.person} {details.postcode}"
        assert record_id in matcher.search(text, limit=20)


def test_words_that_came_one_by_one_are_found_as_those_that_came_at_once() -> None:
    held = records(60, 62)
    at_once, one_by_one = Matcher(), Matcher()
    at_once.update(held)
    for record in held:
        one_by_one.update([record])
        one_by_one.search("a")
    typed = [details.person[:end] for _, details in held for end in (1, 2, 4) if details.person]
    assert [one_by_one.search(text) for text in typed] == [at_once.search(text) for text in typed]
