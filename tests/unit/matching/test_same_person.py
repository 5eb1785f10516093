"""Names that are not whole: one person's where no other of the household can be meant."""

from dataclasses import replace

import pytest

from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails
from support.alike_names import HELD, filled_matcher, is_sure, two

AT_HOME = replace(HELD, phones=())


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return filled_matcher()


@pytest.mark.parametrize(
    ("written", "held", "sure"),
    [
        ("Rebecca", "Rebecca Holloway", True),
        ("Rebecca Holloway", "Rebecca", True),
        ("Holloway", "Rebecca Holloway", False),  # any of the household
        ("Rebecca", "Holloway Rebecca", False),  # not the first word, so perhaps the surname
        ("Thomas", "Thomas Rebecca", False),  # either may be the surname
        ("Pargeter", "Pargeter Kiarna", False),  # no known forename
        ("Rebecca", "Rebecca", False),  # of neither is the surname known
        ("R", "Rebecca Holloway", False),
        ("Rebeca", "Rebecca Holloway", False),
    ],
)
def test_a_forename_alone_is_sure_at_the_same_door_where_the_other_name_begins_with_it(
    matcher: Matcher, written: str, held: str, sure: bool
) -> None:
    contact = replace(AT_HOME, person=written)
    assert is_sure(matcher, contact, replace(AT_HOME, person=held)) is sure


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "Flat 5, 14 Orchard Close"},
        {"address": "14 Orchard Close"},
        {"address": "Orchard Close"},
        {"address": "", "town": ""},
    ],
)
def test_a_forename_alone_is_never_sure_at_another_flat_or_at_the_postcode_alone(
    matcher: Matcher, changes: dict[str, str]
) -> None:
    contact = replace(AT_HOME, person="Rebecca", **changes)  # type: ignore[arg-type]  # texts by name
    assert is_sure(matcher, contact, HELD) is False


@pytest.mark.parametrize(
    ("written", "email", "sure"),
    [
        ("R Holloway", "rebecca.holloway@postbox.example", True),
        ("R Holloway", "hollowayrebecca81@postbox.example", True),
        ("R Holloway", "rebeccaholloways@postbox.example", False),
        ("R Holloway", "rachel.holloway@postbox.example", False),
        ("R Holloway", "r.holloway@postbox.example", False),
        ("Holloway", "rebecca.holloway@postbox.example", False),  # the mailbox of the couple
        ("Peter Holloway", "rebecca.holloway@postbox.example", False),
    ],
)
def test_an_initial_is_a_whole_forename_where_the_own_email_spells_it_out(
    matcher: Matcher, written: str, email: str, sure: bool
) -> None:
    contact = replace(AT_HOME, person=written, email=email)
    assert is_sure(matcher, contact, HELD) is sure


def test_an_initial_of_the_record_is_spelt_out_by_its_own_email_too(
    matcher: Matcher,
) -> None:
    held = replace(HELD, person="R Holloway", email="rebecca.holloway@postbox.example")
    assert is_sure(matcher, AT_HOME, held) is True
    assert is_sure(matcher, replace(AT_HOME, person="Ruth Holloway"), held) is False


@pytest.mark.parametrize(
    ("written", "held", "sure"),
    [
        ("RebeccaHolloway", "Rebecca Holloway", True),
        ("Rebecca Hollo way", "Rebecca Holloway", True),
        ("HollowayRebecca", "Rebecca Holloway", True),
        ("RebecaHolloway", "Rebecca Holloway", False),
        ("JoanHolloway", "John Holloway", False),
        ("Desouza", "De Souza", False),  # a surname alone
        ("Holloway", "Holloway", False),
        ("Hollo way", "Holloway", False),
        ("Hollo way", "Rebecca Holloway", False),
        ("Rebec ca Holloway", "Rebecca Holloway", True),
    ],
)
def test_words_run_together_or_apart_are_the_same_name(
    matcher: Matcher, written: str, held: str, sure: bool
) -> None:
    contact = replace(AT_HOME, person=written)
    assert is_sure(matcher, contact, replace(AT_HOME, person=held)) is sure


@pytest.mark.parametrize(
    ("written", "email", "sure"),
    [
        ("Rebecca", "r.h@pargterhall.example", True),
        ("Holloway", "r.h@pargeterhll.example", True),
        ("Holloway", "p.h@pargterhall.example", False),  # another of the household
        ("Holloway", "r.h1@pargterhall.example", False),
        ("Holloway", "r.h@pargeterball.example", False),  # another's domain
        ("Peter Holloway", "r.h@pargterhall.example", False),
    ],
)
def test_the_same_mailbox_in_spite_of_a_slip_in_its_domain_is_as_good_as_the_same_email(
    matcher: Matcher, written: str, email: str, sure: bool
) -> None:
    held = replace(HELD, email="r.h@pargeterhall.example")
    other = ContactDetails(person="Peter Ashdown", email="peter@pargeterball.example")
    contact = ContactDetails(person=written, town=HELD.town, postcode=HELD.postcode, email=email)
    assert is_sure(matcher, contact, held, other) is sure


@pytest.mark.parametrize(
    ("written", "email", "sure"),
    [
        ("Rebecca", "rebecca.h7@pargeterhall.example", True),
        ("Rebecca", "rebeca.h7@pargeterhall.example", False),
        ("Rebecca", "rebecca.b7@pargeterhall.example", False),  # a colleague's
        ("Rachel", "rebeca.h7@pargeterhall.example", False),
        ("Holloway", "rebeca.h7@pargeterhall.example", False),
    ],
)
def test_a_forename_alone_is_the_owners_of_that_very_mailbox_alone(
    matcher: Matcher, written: str, email: str, sure: bool
) -> None:
    held = ContactDetails(
        person=HELD.person, town=HELD.town, email="rebecca.h7@pargeterhall.example"
    )
    other = ContactDetails(person="Peter Ashdown", email="peter@pargeterball.example")
    contact = replace(held, person=written, email=email)
    assert is_sure(matcher, contact, held, other) is sure


def test_a_slip_in_a_short_domain_is_another_domain(
    matcher: Matcher,
) -> None:
    held = replace(HELD, email="r.h@abcd.example")
    contact = replace(AT_HOME, person="Holloway", email="r.h@abce.example")
    assert is_sure(matcher, contact, held) is False


def test_a_phone_of_the_household_vouches_for_a_full_name_alone(
    matcher: Matcher,
) -> None:
    household = [replace(HELD, person=f"{name} Holloway") for name in ("Peter", "Ruth")]
    contact = ContactDetails(person=HELD.person, phones=HELD.phones)
    assert is_sure(matcher, contact, HELD, *household) is True
    slipped = replace(contact, person="Rebeca Holloway")
    assert is_sure(matcher, slipped, HELD, *household) is False


def test_a_phone_that_many_share_vouches_for_no_one(
    matcher: Matcher,
) -> None:
    tenants = [ContactDetails(person=f"Tenant {n}", phones=HELD.phones) for n in range(8)]
    contact = ContactDetails(person=HELD.person, phones=HELD.phones)
    assert is_sure(matcher, contact, HELD, *tenants) is False


@pytest.mark.parametrize(
    ("written", "sure"),
    [
        ("PeterHolloway", False),
        ("HuwHolloway", False),
        ("HollowayHuw", False),
        ("Hollowayson", False),
        ("RebeccaHolloway", True),
        ("Hollowayx", True),
        ("Holloway", True),
        ("Rebecca", True),
    ],
)
def test_another_forename_run_together_with_the_surname_is_seen_in_spite_of_the_same_email(
    matcher: Matcher, written: str, sure: bool
) -> None:
    held = replace(HELD, email="holloways@postbox.example")
    assert is_sure(matcher, replace(held, person=written), held) is sure
    assert is_sure(matcher, held, replace(held, person=written)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "email", "other", "sure"),
    [
        ("Mrs R Holloway", "robert.holloway@postbox.example", "Robert Holloway", False),
        ("Mr R Holloway", "rebecca.holloway@postbox.example", "Rebecca Holloway", False),
        ("Holloway, Mrs R", "robert.holloway@postbox.example", "Robert Holloway", False),
        ("Miss Holloway", "robert.holloway@postbox.example", "Robert Holloway", False),
        ("Mrs Robert Holloway", "", "Robert Holloway", False),  # his wife, or his widow
        ("Mr Sam Holloway", "", "Mrs Sam Holloway", False),
        ("Mr Robin Holloway", "", "Miss Robin Holloway", False),
        ("Mrs R Holloway", "rebecca.holloway@postbox.example", "Rebecca Holloway", True),
        ("Mr R Holloway", "robert.holloway@postbox.example", "Robert Holloway", True),
        ("Mrs R Holloway", "robin.holloway@postbox.example", "Robin Holloway", True),
        ("Dr R Holloway", "robert.holloway@postbox.example", "Robert Holloway", True),
        ("Miss Rebecca Holloway", "", "Mrs Rebecca Holloway", True),
        ("Mr & Mrs Robert Holloway", "", "Robert Holloway", True),  # the two of them
        ("Mr Rebecca Holloway", "", "Mr Rebecca Holloway", True),  # a title that all were given
        ("Mrs Keira Thomas", "", "Keira Thomas", True),  # here a surname
    ],
)
def test_a_mans_title_is_no_womans_nor_a_womans_a_mans(
    matcher: Matcher, one: str, email: str, other: str, sure: bool, turned: bool
) -> None:
    at_home = replace(AT_HOME, phones=HELD.phones, email=email)
    contact, held = replace(at_home, person=one), replace(AT_HOME, person=other, email=email)
    if turned:
        contact, held = held, contact
    assert is_sure(matcher, contact, held) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Kiandra Holloway", "Kiarna Holloway", False),
        ("Holloway Kiandra", "Kiarna Holloway", False),
        ("Mary Kiandra Holloway", "Mary Kiarna Holloway", False),
        ("Pargeter Kiandra", "Pargeter Kiarna", False),  # the surname may be the first word
        ("Pargetr Kiandra", "Pargeter Kiarna", False),
        ("Wojcik Zbigniew", "Wojcik Zbygnev", False),
        ("Taneesha Holloway", "Tanishka Holloway", False),
        ("Rebecca Holloway", "Rebekiah Holloway", False),
        ("Kiandra Holloway", "Kiadnra Holloway", True),  # one slip
        ("Kiandra Holloway", "Kiandr Holloway", False),  # man and wife, as Amir and Amira
        ("Kiandra Holloway", "Kianda Holloway", True),
        ("Rebecca Holloway", "Rebeka Holloway", True),  # of a known name a second one
        ("Jonathan Holloway", "Ntahojan Holloway", True),
        ("Kiandra Bennett", "Kiandra Benitt", True),  # of a surname that others have any
        ("Kiandra Holloway", "Kiandra Holowey", False),  # none has: either word may be it
        ("Rebecca Holloway", "Rebecca Hlolwyoa", True),
    ],
)
def test_forenames_that_no_list_knows_are_one_only_where_a_slip_parts_them(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    assert is_sure(matcher, *two(HELD, one, other, turned)) is sure


@pytest.mark.parametrize(
    ("written", "held", "sure"),
    [
        ("Hlolwyoa Rebecca", "Rebecca Holloway", True),
        ("Hlolwyoa Kiandra", "Kiandra Holloway", False),  # either may be the forename
        ("Rebecca Thomas", "Thomas Rebekiah", False),
    ],
)
def test_a_surname_before_the_records_forename_may_be_misspelt_as_behind_it(
    matcher: Matcher, written: str, held: str, sure: bool
) -> None:
    assert is_sure(matcher, replace(HELD, person=written), replace(HELD, person=held)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Kiandra Hollowa y", "Kiandra Holloway", True),
        ("Rebecca Hol lo way", "Rebecca Holloway", True),
        ("Rebecca Holowa y", "Rebecca Holloway", True),
        ("Rebecca Whitwg", "Rebecca White", True),
        ("Rebecca Hughes", "Rebecca Holloway", False),  # the next tenant
        ("Rebecca Keith", "Rebecca White", False),
        ("Kiandra Whitwg", "Kiandra White", False),  # Kiandra may be the surname
        ("Holloway Jane", "Holloway Joan", False),
        ("Holloway J ane", "Holloway June", False),
        ("Holloway Kia ra", "Holloway Kiarnda", False),
        ("Thomas Jane", "Thomas Janet", False),
        ("Thomas Ja ne", "Thomas June", False),
        ("Rebecca Jane Holloway", "Rebecca Joan Holloway", False),
        ("Rebecca Kiandra Holloway", "Rebecca Kiarna Holloway", False),
        ("John P Smith", "John R Smith", False),
        ("Mr Robin Whitwg", "Mrs Robin White", False),
        ("Rebecca H", "Rebecca Holloway", False),
    ],
)
def test_a_surname_in_pieces_or_hardly_read_is_one_behind_a_known_forename_at_one_door(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    assert is_sure(matcher, *two(AT_HOME, one, other, turned)) is sure


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "Flat 5, 14 Orchard Close"},
        {"address": "Orchard Close"},
        {"address": ""},
    ],
)
def test_a_surname_that_is_hardly_read_is_never_sure_at_another_door(
    matcher: Matcher, changes: dict[str, str]
) -> None:
    held = replace(HELD, person="Rebecca White")
    contact = replace(AT_HOME, person="Rebecca Whitwg", **changes)  # type: ignore[arg-type]  # texts by name
    assert is_sure(matcher, contact, held) is False


@pytest.mark.parametrize(
    ("written", "email", "sure"),
    [
        ("Rebecca Kaur", "rebeccak@postbox.example", True),
        ("Rebecca Kaur", "rebecca.47@postbox.example", True),
        ("Rebecca Kaur", "rebeccaholloway@postbox.example", True),
        ("Rebecca Kaur", "r.k@postbox.example", False),
        ("Rebecca Kaur", "rebeccapargeter@postbox.example", False),
        ("Rebecca Kaur", "kaur.holloway@postbox.example", False),
        ("Ruth Kaur", "rebeccak@postbox.example", False),
    ],
)
def test_a_mailbox_with_the_forename_of_both_is_one_persons_after_a_marriage(
    matcher: Matcher, written: str, email: str, sure: bool
) -> None:
    held = replace(AT_HOME, email=email)
    assert is_sure(matcher, replace(held, person=written), held) is sure


@pytest.mark.parametrize("written", ["Holloway Gethin", "Thomas Rebecca"])
def test_a_mailbox_with_the_surname_of_both_is_the_households(
    matcher: Matcher, written: str
) -> None:
    first = written.split()[0]
    email = f"{first.lower()}@postbox.example"
    held = replace(AT_HOME, person=f"{first} Sarah", email=email)
    assert is_sure(matcher, replace(held, person=written), held) is False


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Muhammad Hanif", "Muhammad Latif", False),  # the name that all brothers have
        ("Mohammed Aqib Khan", "Mohammed Asim Khan", False),
        ("Francis Heino", "Francis Gino", False),  # Francis may be the surname
        ("Harley Kaur", "Harley Kra", True),
    ],
)
def test_a_mailbox_with_a_forename_that_may_be_the_familys_is_no_ones(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    email = f"{one.split()[0].lower()}45@postbox.example"
    both = replace(AT_HOME, email=email)
    assert is_sure(matcher, *two(both, one, other, turned)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Damien E Holloway", "Damien M Holloway", False),
        ("Damien Edward Holloway", "Damien M Holloway", False),
        ("Damien Edward Holloway", "Damien E Holloway", True),
        ("Damien E M Holloway", "Damien M Holloway", True),
        ("Damien Edward Holloway", "Damien Holloway", True),
    ],
)
def test_other_middle_names_are_another_persons_even_with_one_mailbox(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    both = replace(HELD, email="damien.holloway@postbox.example")
    assert is_sure(matcher, *two(both, one, other, turned)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("William James Holloway", "James William Holloway", False),
        ("Rosie Caroline Holloway", "Caroline Rosie Holloway", False),
        ("William James John Holloway", "James William Holloway", False),
        ("Holloway William James", "William James Holloway", True),
        ("William James Holloway", "William John James Holloway", True),
    ],
)
def test_forenames_in_another_order_before_one_surname_are_a_fathers_and_a_sons(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    assert is_sure(matcher, *two(HELD, one, other, turned)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("mailbox", "sure"),
    [("theholloways", False), ("holloway.family", False), ("edgar.holloway", True)],
)
def test_a_name_without_its_first_forename_needs_a_mailbox_that_is_not_the_familys(
    matcher: Matcher, mailbox: str, sure: bool, turned: bool
) -> None:
    both = replace(AT_HOME, email=f"{mailbox}@postbox.example")
    contact, held = two(both, "Edgar Holloway", "Gareth Edgar Holloway", turned)
    assert is_sure(matcher, contact, held) is sure
