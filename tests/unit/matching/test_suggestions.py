"""What a clerk may rely on when looking at suggestions."""

import pytest

from crmlink.matching import Matcher, reason_text
from crmlink.values.contact_details import ContactDetails

HOLLOWAY = ContactDetails(
    kind="customer",
    person="Mrs Margaret Holloway",
    address="14 Orchard Close",
    town="Cheltenham",
    postcode="GL50 2TR",
    email="margaret.holloway@postbox.example",
    phones=("01632 960114", "07700 900114"),
)
RECORDS = [
    ("customer-1001", HOLLOWAY),
    (
        "customer-1004",
        ContactDetails(
            kind="customer",
            person="Mr John Smith",
            address="8 Mill Lane",
            town="Ripon",
            postcode="HG4 1AB",
            phones=("01632 960501",),
        ),
    ),
    (
        "customer-1005",
        ContactDetails(
            kind="customer",
            person="Mr John Smith",
            address="52 Station Road",
            town="York",
            postcode="YO24 1AA",
            email="john.smith@letterbox.example",
        ),
    ),
    (
        "customer-1007",
        ContactDetails(
            kind="customer",
            person="Aisha Khan",
            company="Greenfield Lettings Limited",
            address="101 High Street",
            town="Solihull",
            postcode="B91 3SX",
            email="office@greenfieldlettings.example",
        ),
    ),
    (
        "supplier-501",
        ContactDetails(
            kind="supplier",
            person="Karen Whitlock",
            company="Northgate Plumbing Supplies Ltd",
            address="Unit 9, Foundry Way",
            town="Darlington",
            postcode="DL1 2PB",
            email="sales@northgateplumbing.example",
            phones=("01632 960801",),
        ),
    ),
]


@pytest.fixture
def matcher() -> Matcher:
    matcher = Matcher()
    matcher.update(RECORDS)
    return matcher


@pytest.mark.parametrize(
    "contact",
    [
        ContactDetails(person="Margaret Holloway", email="Margaret.Holloway@postbox.example"),
        ContactDetails(person="Holloway, Margaret", postcode="gl50 2tr"),
        ContactDetails(person="M Holloway", phones=("+44 7700 900114",)),
        ContactDetails(company="Margaret Holloway", postcode="GL5O 2TR"),
    ],
)
def test_a_name_with_one_more_detail_puts_the_right_record_first(
    matcher: Matcher, contact: ContactDetails
) -> None:
    first = matcher.suggest(contact).items[0]
    assert first.record_id == "customer-1001"
    assert any(reason.agrees for reason in first.reasons)
    assert all(reason_text(reason) for reason in first.reasons)


def test_a_name_alone_is_never_sure(matcher: Matcher) -> None:
    first = matcher.suggest(ContactDetails(person="Margaret Holloway")).items[0]
    assert first.record_id == "customer-1001"
    assert not first.sure


def test_namesakes_are_both_shown_and_neither_is_sure(matcher: Matcher) -> None:
    items = matcher.suggest(ContactDetails(person="John Smith")).items
    assert {item.record_id for item in items[:2]} == {"customer-1004", "customer-1005"}
    assert not any(item.sure for item in items)
    assert any(reason.code == "near_tie" for reason in items[0].reasons)


def test_probabilities_of_all_outcomes_add_up_to_at_most_one(matcher: Matcher) -> None:
    suggestions = matcher.suggest(HOLLOWAY)
    assert suggestions.none + sum(item.probability for item in suggestions.items) <= 1.000001


def test_the_fewer_contacts_have_a_record_the_less_likely_is_each(matcher: Matcher) -> None:
    contact = ContactDetails(person="John Smith")
    few, many = (matcher.with_match_rate(rate).suggest(contact) for rate in (0.1, 0.9))
    assert few.none > many.none
    assert matcher.match_rate == Matcher().match_rate


def test_a_discarded_record_is_not_offered(matcher: Matcher) -> None:
    matcher.discard(["customer-1001", "customer-unknown"])
    assert len(matcher) == 4
    items = matcher.suggest(HOLLOWAY).items
    assert "customer-1001" not in [item.record_id for item in items]


def test_an_updated_record_is_found_by_its_new_details_only(matcher: Matcher) -> None:
    moved = ContactDetails(
        kind="customer",
        person="Margaret Holloway",
        postcode="BS1 4DJ",
        email="meg@letterbox.example",
    )
    matcher.update([("customer-1001", moved)])
    assert len(matcher) == 5
    items = matcher.suggest(ContactDetails(email="meg@letterbox.example")).items
    assert items[0].record_id == "customer-1001"
    reasons = {reason.code for reason in matcher.suggest(HOLLOWAY).items[0].reasons}
    assert "same_email" not in reasons


def test_an_empty_contact_and_an_empty_index_give_nothing(matcher: Matcher) -> None:
    assert matcher.suggest(ContactDetails()).items == ()
    assert matcher.suggest(ContactDetails()).none == pytest.approx(1.0)
    assert Matcher().suggest(HOLLOWAY).items == ()


def test_search_finds_by_the_beginnings_of_words_in_any_field(matcher: Matcher) -> None:
    assert matcher.search("holl") == ["customer-1001"]
    assert matcher.search("greenf solih") == ["customer-1007"]
    assert matcher.search("smith", kind="supplier") == []
    assert matcher.search("01632 960801") == ["supplier-501"]


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        (
            ContactDetails(company="Good Will Glazing"),
            ContactDetails(company="Goodwill Glazing Ltd"),
        ),
        (ContactDetails(person="Mary Anne Smith"), ContactDetails(person="Maryanne Smith")),
        (
            ContactDetails(person="Owen", email="poppy.owen@postbox.example"),
            ContactDetails(person="Poppy", email="p0ppy.owen@postbox.example"),
        ),
        (
            ContactDetails(person="Thomas Stevens", postcode="AB13 3LZ"),
            ContactDetails(person="Thomas Stevens", postcode="AAB13 3LZ"),
        ),
    ],
)
def test_one_record_is_known_though_it_is_written_differently(
    held: ContactDetails, asked: ContactDetails
) -> None:
    """Beside many others that have one of its words."""
    made = Matcher()
    others = [
        ContactDetails(person=f"{first} Smith") for first in ("Mary", "Anne", "Poppy", "Will")
    ]
    others += [ContactDetails(person="Poppy Lane"), ContactDetails(company="Good Roofing")]
    others += [ContactDetails(person="Thomas Stevens", postcode=f"LS{n} 4AA") for n in range(1, 90)]
    made.update((f"other-{place}", details) for place, details in enumerate(others))
    made.update([("right", held)])
    assert made.suggest(asked).items[0].record_id == "right"


def test_a_branch_in_brackets_is_a_difference_though_the_names_before_it_are_one() -> None:
    held = [
        ("plain", ContactDetails(company="Great Northern Mall")),
        ("x", ContactDetails(company="Palm")),
    ]
    made = Matcher()
    made.update([*held, *((str(n), ContactDetails(company=f"Firm {n}")) for n in range(300))])
    alike, other = (
        made.suggest(ContactDetails(company=name)).items[0].probability
        for name in ("Great Northern Mall", "Great Northern Mall (Ohio)")
    )
    assert other < alike
