"""Reasons name what agrees and what differs, in words for a clerk."""

import pytest

from crmlink.matching import Matcher, reason_text
from crmlink.values.contact_details import ContactDetails

HELD = ContactDetails(
    kind="customer",
    person="Jonathan Pryce-Davies",
    address="27 Cathedral Road",
    town="Cardiff",
    postcode="CF11 9HA",
    email="jon.prycedavies@acme.example",
    phones=("029 2018 0231",),
    account_number="PRY001",
)


def said(contact: ContactDetails, *records: ContactDetails) -> dict[str, bool | None]:
    matcher = Matcher()
    matcher.update((f"r{place}", details) for place, details in enumerate(records or (HELD,)))
    reasons = matcher.suggest(contact).items[0].reasons
    return {reason_text(reason): reason.agrees for reason in reasons}


@pytest.mark.parametrize("address", ["Cardiff", "Cardiff, Wales", "cardiff"])
def test_a_town_in_the_address_is_no_other_street(address: str) -> None:
    reasons = said(ContactDetails(person="Jonathan Pryce-Davies", address=address))
    assert reasons["same town"] is True
    assert "address differs" not in reasons


@pytest.mark.parametrize(
    ("contact", "sentence", "agrees"),
    [
        (ContactDetails(person="Pryce-Davies, Jonathan"), "same name", True),
        (
            ContactDetails(person="Jonathon Pryce-Davies"),
            "name differs by one letter: Jonathon / Jonathan",
            True,
        ),
        (ContactDetails(person="Jon Pryce Davies"), "short form of the name: Jon / Jonathan", True),
        (ContactDetails(person="J Pryce-Davies"), "initial matches: J / Jonathan", True),
        (ContactDetails(person="Mary Pryce-Davies"), "extra word in the contact: Mary", False),
        (ContactDetails(person="Joanna Pryce-Davies"), "extra word in the contact: Joanna", False),
        (
            ContactDetails(person="Ntahojan Pryce-Davies"),
            "name spelt differently: Ntahojan / Jonathan",
            True,
        ),
        (
            ContactDetails(person="Mary Pryce-Davies"),
            "part of the name matches: Pryce Davies",
            True,
        ),
        (ContactDetails(email="JON.prycedavies@acme.example"), "same email", True),
        (
            ContactDetails(email="jon.prycedavis@acme.example"),
            "email almost the same: jon.prycedavis@acme.example / jon.prycedavies@acme.example",
            True,
        ),
        (
            ContactDetails(person="Pryce", email="post@acme.example"),
            "same email domain acme.example",
            True,
        ),
        (ContactDetails(person="Pryce", email="x@y.example"), "email differs", False),
        (ContactDetails(phones=("+44 29 2018 0231",)), "same phone", True),
        (
            ContactDetails(person="Pryce", phones=("029 2018 0237",)),
            "phone differs by one digit",
            True,
        ),
        (ContactDetails(person="Pryce", phones=("01632 960999",)), "phone differs", False),
        (ContactDetails(postcode="cf119ha"), "same postcode", True),
        (
            ContactDetails(person="Pryce", postcode="CF11 9HB"),
            "postcode almost the same: CF11 9HB / CF11 9HA",
            True,
        ),
        (ContactDetails(person="Pryce", postcode="CF11 4XX"), "same postcode area CF11", True),
        (
            ContactDetails(person="Pryce", postcode="YO1 7HH"),
            "postcode differs: YO1 7HH / CF11 9HA",
            False,
        ),
        (ContactDetails(address="27 Cathedral Rd"), "same address", True),
        (ContactDetails(address="72 Cathedral Rd"), "house number differs: 72 / 27", False),
        (ContactDetails(person="Pryce", town="Truro"), "town differs: Truro / Cardiff", False),
        (ContactDetails(person="Pryce", account_number="pry 001"), "same account number", True),
        (ContactDetails(person="Pryce", account_number="X9"), "account number differs", False),
        (ContactDetails(kind="supplier", person="Pryce"), "is a customer, not a supplier", False),
    ],
)
def test_a_reason_is_said(contact: ContactDetails, sentence: str, agrees: bool) -> None:
    found = said(contact)
    assert sentence in found
    assert found[sentence] is agrees


def test_what_many_records_share_is_said_to_be_shared() -> None:
    others = [
        ContactDetails(person=f"Person {n}", email=HELD.email, phones=HELD.phones) for n in range(3)
    ]
    found = said(
        ContactDetails(person=HELD.person, email=HELD.email, phones=HELD.phones), HELD, *others
    )
    assert "same email, but 4 customers or suppliers have it" in found
    assert "same phone, but 4 customers or suppliers have it" in found


def test_a_namesake_is_mentioned() -> None:
    other = ContactDetails(kind="customer", person=HELD.person, postcode="TR1 1AA")
    found = said(ContactDetails(person=HELD.person, postcode=HELD.postcode), HELD, other)
    assert found["another customer has almost the same name"] is None  # a note, no difference


def test_fields_that_one_side_lacks_are_not_mentioned() -> None:
    bare = ContactDetails(person=HELD.person)
    assert set(said(bare)) == {"same name"}
    assert set(said(HELD, bare)) == {"same name"}


@pytest.mark.parametrize("name", ["Mrs J Pryce-Davies", "Mrs Jonathan Pryce-Davies"])
def test_a_womans_title_beside_a_mans_forename_is_said(name: str) -> None:
    sentence = "title or forename differs: a man's and a woman's"
    assert said(ContactDetails(person=name))[sentence] is False
    assert sentence not in said(ContactDetails(person=name.replace("Mrs", "Mr")))
