"""Mailboxes of one rare domain that differ by a letter: a slip, or a colleague or relative."""

from dataclasses import replace

import pytest

from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails
from support.alike_names import HELD, filled_matcher, is_sure, two

DOMAIN = "pargeterhall.example"
TWO_PEOPLE = [
    ("Rebecca Barker", "rbarker", "Rebecca Baker", "rbaker"),
    ("Rebecca Clark", "rebecca.clark", "Rebecca Clarke", "rebecca.clarke"),
    ("Rebecca Hart", "rebecca.h", "Rebecca Hurt", "rebecca.b"),
    ("Rebecca Hart", "rebecca.hart", "Rebecca Hurt", "rebecca.hurt"),
    ("Rebecca Reid", "reid", "Rebecca Read", "read"),
    ("Susan Thomson", "thomsons", "Susan Thompson", "thompsons"),
    ("David Brown", "dbrown", "David Browne", "dbrowne"),
    ("David Martin", "david_martin7", "David Marten", "david_marten7"),
    ("David Stevens", "dstevens", "David Stephens", "dstephens"),
    ("Rebecca Harris", "harris.rebecca", "Rebecca Harries", "harries.rebecca"),
    ("Rebecca Matthews", "rm", "Rebecca Mathews", "ram"),
    ("Kiandra Bennett", "kbennett", "Kiandra Bennet", "kbennet"),
    ("Ann Holloway", "ann", "Anna Holloway", "anna"),
    ("Kiandra Holloway", "kiandra", "Kianda Holloway", "kianda"),
    ("Rebecca Holloway", "rebecca.holloway1", "Rebecca Holloway", "rebecca.holloway2"),
    ("John Smith", "ja.smith", "John Smith", "jb.smith"),
    ("John Smith", "johnasmith", "John Smith", "johnbsmith"),
    ("John Smith", "john.a", "John Smith", "john.b"),
    ("Rebecca Holloway", "accounts", "Rebecca Holloway", "acounts"),
    ("Rebecca Holloway", "rholloway", "Rebecca Hlloway", "rhollowy"),  # a slip in both
]
ONE_PERSON = [
    ("Rebecca Barker", "rbarker", "Rebecca Barker", "rbaker"),
    ("Rebecca Barker", "rebecca.barker", "Rebecca Barker", "rebeca.barker"),
    ("Rebecca Barker", "rebeccabarker", "Rebecca Barker", "rebecca.barker"),
    ("Rebecca Holloway", "rebeccab", "Rebecca Holloway", "rebecab"),
    ("Rebeca Holloway", "rebecca.h", "Rebecca Holloway", "rebeca.h"),  # crossed
    ("Pamla Holloway", "p.holloway", "Pamela Holloway", "p.hollowya"),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return filled_matcher()


def mailed(name: str, mailbox: str, **changes: object) -> ContactDetails:
    plain = ContactDetails(person=name, email=f"{mailbox}@{DOMAIN}")
    return replace(plain, **changes)  # type: ignore[arg-type]  # texts by name


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("one", "box", "other", "other_box"), TWO_PEOPLE)
def test_mailboxes_that_differ_as_the_names_or_their_initials_do_vouch_for_no_one(
    matcher: Matcher, one: str, box: str, other: str, other_box: str, turned: bool
) -> None:
    sides = mailed(one, box), mailed(other, other_box)
    assert is_sure(matcher, *(reversed(sides) if turned else sides)) is False


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("one", "box", "other", "other_box"), ONE_PERSON)
def test_a_mailbox_with_a_slip_that_no_name_explains_is_the_same_persons(
    matcher: Matcher, one: str, box: str, other: str, other_box: str, turned: bool
) -> None:
    sides = mailed(one, box), mailed(other, other_box)
    assert is_sure(matcher, *(reversed(sides) if turned else sides)) is True


@pytest.mark.parametrize(
    ("box", "other_box", "sure"),
    [
        ("rbarker@postbox.example", "rbaker@letterbox.example", False),
        ("rbarker@postbox.example", "rbaker@postbox.example", False),
        ("rebecca@barkerfamily.example", "rebecca@bakerfamily.example", False),
        ("rbarker@postbox.example", "r.b@letterbox.example", True),  # spells no name
        ("rbarker@postbox.example", "rbarker@letterbox.example", True),
        ("rbarker@postbox.example", "rbarker@postbox.example", True),
        ("rbarker@postbox.example", "", True),
    ],
)
def test_emails_that_spell_two_surnames_make_two_people_of_one_address_and_phone(
    matcher: Matcher, box: str, other_box: str, sure: bool
) -> None:
    contact, held = two(HELD, "Rebecca Barker", "Rebecca Baker", False)
    contact, held = replace(contact, email=box), replace(held, email=other_box)
    assert is_sure(matcher, contact, held) is sure
    assert is_sure(matcher, held, contact) is sure


def test_short_forms_of_one_forename_are_no_two_people_whatever_the_emails_spell(
    matcher: Matcher,
) -> None:
    contact, held = two(HELD, "Robert Holloway", "Bob Holloway", False)
    contact = replace(contact, email="robert@postbox.example")
    assert is_sure(matcher, contact, replace(held, email="bob@postbox.example")) is True


def test_an_account_number_outweighs_emails_that_spell_two_surnames(matcher: Matcher) -> None:
    contact = mailed("Rebecca Barker", "rbarker", account_number="C0017")
    assert is_sure(matcher, contact, mailed("Rebecca Baker", "rbaker", account_number="C0017"))
