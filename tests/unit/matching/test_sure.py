"""*Sure* is a promise: high probability, no rival, something beside the name, no veto."""

from dataclasses import replace
from typing import Any

import pytest

from bench.uk import records
from crmlink.matching import Matcher, Suggestion
from crmlink.values.contact_details import ContactDetails

HELD = ContactDetails(
    kind="customer",
    person="Margaret Holloway",
    address="14 Orchard Close",
    town="Cheltenham",
    postcode="GL50 2TR",
    email="margaret.holloway@postbox.example",
    phones=("01632 960114",),
    account_number="H0001",
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    made = Matcher()
    made.update(records(1_500, 51))
    return made


def suggested(
    matcher: Matcher, contact: ContactDetails, *held: ContactDetails
) -> tuple[Suggestion, ...]:
    ids = [f"h{place}" for place in range(len(held))]
    matcher.update(zip(ids, held, strict=True))
    items = matcher.suggest(contact).items
    matcher.discard(ids)
    return items


def first_is_sure(
    matcher: Matcher, contact: ContactDetails, *held: ContactDetails
) -> tuple[str, bool]:
    first = suggested(matcher, contact, *(held or (HELD,)))[0]
    return first.record_id, first.sure


@pytest.mark.parametrize(
    "contact",
    [
        replace(HELD, kind=None),
        ContactDetails(person=HELD.person, postcode=HELD.postcode, email=HELD.email),
        ContactDetails(person="Mrs M Holloway", email=HELD.email, phones=HELD.phones),
        ContactDetails(person=HELD.person, address=HELD.address, town=HELD.town),
        replace(HELD, postcode="TR1 2AB"),
        replace(HELD, email="someone.else@letterbox.example"),
        replace(HELD, phones=("01632 111222",)),
        replace(HELD, address="41 Station Road"),
    ],
)
def test_strong_evidence_beside_the_name_outweighs_one_difference(
    matcher: Matcher, contact: ContactDetails
) -> None:
    assert first_is_sure(matcher, contact) == ("h0", True)


@pytest.mark.parametrize(
    "contact",
    [
        ContactDetails(person=HELD.person),
        ContactDetails(email=HELD.email),
        replace(HELD, person="Peter Holloway"),
        replace(HELD, kind="supplier"),
        replace(HELD, account_number="H0002"),
        replace(HELD, person="M Holloway", email="", account_number=""),
        ContactDetails(person=HELD.person, email="m.holloway@letterbox.example"),
        ContactDetails(person=HELD.person, postcode="TR1 2AB", phones=("01632 111222",)),
    ],
)
def test_a_name_alone_and_a_veto_are_never_sure(matcher: Matcher, contact: ContactDetails) -> None:
    assert first_is_sure(matcher, contact)[1] is False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mary Holloway", "Mark Holloway"),
        ("Paul Holloway", "Paula Holloway"),
        ("Joan Holloway", "John Holloway"),
        ("Francis Holloway", "Frances Holloway"),
        ("Daniel Holloway", "Danielle Holloway"),
        ("Holly Smith", "Molly Smith"),
        ("George Holloway", "Georgia Holloway"),
        ("Billy Holloway", "Milly Holloway"),
        ("Jayden Holloway", "Hayden Holloway"),
        ("Rhian Holloway", "Rhia Holloway"),
        ("Emily Holloway", "Emilia Holloway"),
        ("J Holloway", "J Holloway"),
        ("Mr J Holloway", "Mrs J Holloway"),
        ("Holloway", "Holloway"),
        ("Pargeter", "John Pargeter"),
    ],
)
@pytest.mark.parametrize("phones", [HELD.phones, ()])
@pytest.mark.parametrize("field", ["person", "name", "company"])
def test_another_of_the_household_is_never_sure_however_alike_the_names(
    matcher: Matcher, one: str, other: str, phones: tuple[str, ...], field: str
) -> None:
    household = replace(HELD, email="", account_number="", person="")
    contact = replace(household, phones=phones, **{field: other})  # type: ignore[arg-type]  # a text
    assert first_is_sure(matcher, contact, replace(household, person=one)) == ("h0", False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Stephen Holloway", "Steven Holloway"),
        ("Ian Holloway", "Iain Holloway"),
        ("Claire Holloway", "Clare Holloway"),
        ("Jon Holloway", "John Holloway"),
        ("Norah Holloway", "Nora Holloway"),
        ("Margaret Holloway", "Margraet Holloway"),
        ("Margaret Holloway", "Margaret Hlolwyoa"),
        ("Margaret Anne Holloway", "Margaret Holloway"),
        ("Holloway Margaret", "Margaret Anne Holloway"),
    ],
)
def test_a_forename_in_another_spelling_and_a_middle_name_are_the_same_persons(
    matcher: Matcher, one: str, other: str
) -> None:
    household = replace(HELD, email="", account_number="")
    contact = replace(household, person=other)
    assert first_is_sure(matcher, contact, replace(household, person=one)) == ("h0", True)


@pytest.mark.parametrize(
    ("written", "held", "sure"),
    [
        ("Holloway Ltd", "Rebecca Holloway", False),
        ("Rebecca Holloway Ltd", "Rebecca Holloway", True),
        ("Rebecca Holloway Plumbing", "Rebecca Holloway", True),
        ("Rebecca Holloway", "Rebecca Holloway", True),
        ("Mrs R Holloway", "Mr R Holloway", False),
        ("R Holloway", "Rebecca Holloway", False),
    ],
)
@pytest.mark.parametrize("field", ["name", "company"])
def test_a_name_that_may_be_a_persons_is_read_as_one_beside_a_persons(
    matcher: Matcher, field: str, written: str, held: str, sure: bool
) -> None:
    household = replace(HELD, email="", account_number="", person="")
    contact = replace(household, **{field: written})  # type: ignore[arg-type]  # a text by name
    record = replace(household, person=held)
    assert first_is_sure(matcher, contact, record) == ("h0", sure)
    assert first_is_sure(matcher, record, contact) == ("h0", sure)


MAILED = ContactDetails(person="Philomena Quartermaine", email="p.quarter7@pargeterhall.example")


@pytest.mark.parametrize(
    ("contact", "sure"),
    [
        (replace(MAILED, email="p.quarter7@pargterhall.example"), True),
        (replace(MAILED, email="p.quartr7@pargeterhall.example"), True),
        (replace(MAILED, person="Quartermaine", email="n.quarter7@pargeterhall.example"), False),
        (replace(MAILED, email="p.quarter8@pargeterhall.example"), False),
        (replace(MAILED, email="p.quarter7@pargeterball.example"), False),  # another's
        (replace(MAILED, email="p.quarter7@postbox.example"), False),
    ],
)
def test_an_email_vouches_in_spite_of_a_slip_only_in_a_domain_that_no_one_else_has(
    matcher: Matcher, contact: ContactDetails, sure: bool
) -> None:
    other = ContactDetails(person="Peter Ashdown", email="peter@pargeterball.example")
    assert first_is_sure(matcher, contact, MAILED, other) == ("h0", sure)


def test_a_slip_in_a_mailbox_of_a_provider_or_an_office_vouches_for_no_one(
    matcher: Matcher,
) -> None:
    for held, written in (
        ("p.quartermaine@gmail.com", "p.quartermane@gmail.com"),
        ("office@pargeterhall.example", "office@pargterhall.example"),
    ):
        contact = replace(MAILED, email=written)
        assert first_is_sure(matcher, contact, replace(MAILED, email=held)) == ("h0", False)


def test_a_rare_name_and_its_town_are_sure_in_spite_of_a_slip_in_the_town(
    matcher: Matcher,
) -> None:
    held = ContactDetails(person="Philomena Quartermaine", town="Knaresborough")
    for town, sure in (("Knaresbrough", True), ("Cheltenham", False), ("", False)):
        assert first_is_sure(matcher, replace(held, town=town), held) == ("h0", sure)


def test_a_firms_branch_in_a_town_that_is_spelt_alike_is_never_sure(
    matcher: Matcher,
) -> None:
    held = ContactDetails(
        company="St Albans Plumbing", town="Chester", email="accounts@stalbansplumbing.example"
    )
    contact = replace(held, town="Colchester", email="info@stalbansplumbing.example")
    assert first_is_sure(matcher, contact, held) == ("h0", False)


def test_two_records_of_one_person_are_both_offered_and_neither_is_sure(
    matcher: Matcher,
) -> None:
    items = suggested(matcher, HELD, HELD, HELD)
    assert [item.record_id for item in items[:2]] == ["h0", "h1"]
    assert not any(item.sure for item in items)
    assert all("near_tie" in [r.code for r in item.reasons] for item in items[:2])


FIRM = ContactDetails(
    company="Pargeter Heating Ltd",
    address="Unit 4, Foundry Way",
    town="Darlington",
    postcode="DL1 4QT",
    email="office@pargeterheating.example",
)


@pytest.mark.parametrize(
    ("contact", "sure"),
    [
        (replace(FIRM, email=""), True),
        (replace(FIRM, address="Unit 9, Foundry Way", email=""), False),
        (replace(FIRM, address="2 Mill Lane", postcode="DL1 4QT"), False),
        (replace(FIRM, company="Pargeter Heating 2 Ltd", email=""), True),
        (replace(FIRM, company="Pargeter Heating Holdings Ltd"), False),
        (replace(FIRM, company="Pargeter Heating Properties"), False),
        (replace(FIRM, company="Pargeter Heating Services"), True),
    ],
)
def test_another_site_of_a_firm_and_its_holding_are_never_sure(
    matcher: Matcher, contact: ContactDetails, sure: bool
) -> None:
    assert first_is_sure(matcher, contact, FIRM) == ("h0", sure)


def test_an_email_that_many_share_vouches_for_no_one(
    matcher: Matcher,
) -> None:
    shared = ContactDetails(person="Margaret Holloway", email="info@managing.example")
    others = [ContactDetails(person=f"Tenant {n}", email="info@managing.example") for n in range(5)]
    assert first_is_sure(matcher, shared, shared, *others) == ("h0", False)


def test_a_record_of_the_other_kind_stands_lower_than_one_of_the_own(
    matcher: Matcher,
) -> None:
    contact = replace(HELD, kind="supplier", email="", phones=())
    same = replace(HELD, kind="supplier")
    assert first_is_sure(matcher, contact, HELD, same)[0] == "h1"
    assert first_is_sure(matcher, contact, HELD)[0] == "h0"


@pytest.mark.parametrize(
    ("changes", "least", "most"),
    [
        ({"email": ""}, 0.0, 0.9),
        ({}, 0.0, 0.998),
        ({"phones": ("01632 960777",)}, 0.99, 1.0),
        ({"email": "info@pargeterelectrical.example"}, 0.99, 1.0),
        ({"town": ""}, 0.99, 1.0),
        ({"town": "Lincoln"}, 0.99, 1.0),
    ],
)
def test_a_firm_in_another_town_is_less_likely_for_it_may_be_a_branch(
    matcher: Matcher, changes: dict[str, Any], least: float, most: float
) -> None:
    site = ContactDetails(
        company="Pargeter Electrical Ltd",
        town="Lincoln",
        email="info@pargeterelectrical.example",
        phones=("01632 960777",),
    )
    branch = replace(site, town="Wolverhampton", email="access@pargeterelectrical.example")
    contact = replace(branch, **({"phones": ()} | changes))
    first = suggested(matcher, contact, site)[0]
    assert first.record_id == "h0"
    assert least <= first.probability <= most
