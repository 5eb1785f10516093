"""Half a name and an email: it is the person's only where it spells no other of the household."""

from dataclasses import replace

import pytest

from bench.uk import records
from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails

HELD = ContactDetails(
    person="Cooper",
    address="14 Orchard Close",
    town="Cheltenham",
    postcode="GL50 2TR",
    email="james.cooper@postbox.example",
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    made = Matcher()
    made.update(records(1_500, 51))
    return made


def is_sure(matcher: Matcher, contact: ContactDetails, held: ContactDetails) -> bool:
    matcher.update([("h0", held)])
    first = matcher.suggest(contact).items[0]
    assert first.record_id == "h0"
    return first.sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("name", "half", "mailbox", "sure"),
    [
        ("Imran Cooper", "Cooper", "james.cooper", False),
        ("Imran Cooper", "Cooper", "cooperjames81", False),
        ("Imran Cooper", "Cooper", "jamescooper", False),
        ("Imran Cooper", "Cooper", "j.cooper", False),
        ("Imran Cooper", "Cooper", "jcooper", False),
        ("Imran Cooper", "Cooper", "cooper.j", False),
        ("Imran Cooper", "Cooper", "james81", False),
        ("Imran Cooper", "Cooper", "kiandra.cooper", False),  # a forename that no list has
        ("Imran Cooper", "Cooper", "imrana.cooper", True),  # as likely a slip
        ("Paul Cooper", "Cooper", "paula.cooper", False),
        ("Imran Cooper", "I Cooper", "james.cooper", False),  # Isobel's as well as Imran's
        ("Imran Cooper", "Cooper", "imran.cooper", True),
        ("Imran Cooper", "Cooper", "i.cooper", True),
        ("Imran Cooper", "Cooper", "imran81", True),
        ("Imran Cooper", "Cooper", "imran.james", True),
        ("Imran Cooper", "Cooper", "jamesandimran.cooper", True),
        ("Robert Cooper", "Cooper", "bob.cooper", True),
        ("Robert Cooper", "Cooper", "bcooper", True),
        ("Imran James Cooper", "Cooper", "james.cooper", True),
        ("Imran Cooper", "Cooper", "coopers", True),  # of all of them, as is the record
        ("Imran Cooper", "Cooper", "the.cooper.family", True),
        ("Imran Cooper", "Cooper", "cooper.plumbing", True),
        ("Imran Cooper", "Cooper", "bluesky44", True),
        ("Imran Cooper", "Imran", "james.cooper", True),  # of the household the one so called
        ("John A Cooper", "John Adam Cooper", "jcooper", True),
        ("Cooper Imran", "Cooper", "imran.c81", True),
        ("Cooper Imran", "Cooper", "james.cooper", False),
        ("Imran Cooper", "Imran", "icooper32", True),
        ("Imran May", "Imran", "imay32", True),
        ("Cooper", "Coper", "james.cooper", True),
        ("Cooper", "Cooper", "james.cooper", True),  # neither says who else it may be
        ("Imran Cooper", "Imran Cooper", "james.cooper", True),
    ],
)
def test_an_email_that_spells_another_forename_says_no_more_than_the_house(
    matcher: Matcher, name: str, half: str, mailbox: str, sure: bool, turned: bool
) -> None:
    written, held = (half, name) if turned else (name, half)
    same = replace(HELD, email=f"{mailbox}@postbox.example")
    contact = replace(same, person=written)
    assert is_sure(matcher, contact, replace(same, person=held)) is sure


def test_the_account_number_is_the_persons_own_whatever_the_email_spells(matcher: Matcher) -> None:
    held = replace(HELD, account_number="C0017")
    assert is_sure(matcher, replace(held, person="Imran Cooper"), held) is True


def test_a_second_email_that_both_have_is_their_own_still(matcher: Matcher) -> None:
    held = replace(HELD, other_emails=("imran.cooper@letterbox.example",))
    assert is_sure(matcher, replace(held, person="Imran Cooper"), held) is True


def test_a_slip_in_the_domain_makes_the_email_no_more_the_persons(matcher: Matcher) -> None:
    held = replace(HELD, email="james.cooper@pargeterhall.example")
    contact = replace(held, person="Imran Cooper", email="james.cooper@pargterhall.example")
    assert is_sure(matcher, contact, held) is False
