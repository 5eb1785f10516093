"""Reasons name what agrees and what differs, in words for a clerk."""

import pytest

from crmlink.matching import Details, Matcher, reason_text

HELD = Details(
    kind="customer",
    name="Jonathan Pryce-Davies",
    address="27 Cathedral Road",
    town="Cardiff",
    postcode="CF11 9HA",
    email="jon.prycedavies@acme.example",
    phones=("029 2018 0231",),
    account_number="PRY001",
)


def said(contact: Details, *records: Details) -> dict[str, bool | None]:
    matcher = Matcher()
    matcher.update((f"r{place}", details) for place, details in enumerate(records or (HELD,)))
    reasons = matcher.suggest(contact).items[0].reasons
    return {reason_text(reason): reason.agrees for reason in reasons}


@pytest.mark.parametrize(
    ("contact", "sentence", "agrees"),
    [
        (Details(name="Pryce-Davies, Jonathan"), "same name", True),
        (
            Details(name="Jonathon Pryce-Davies"),
            "name differs by one letter: Jonathon / Jonathan",
            True,
        ),
        (Details(name="Jon Pryce Davies"), "short form of the name: Jon / Jonathan", True),
        (Details(name="J Pryce-Davies"), "initial matches: J / Jonathan", True),
        (Details(name="Mary Pryce-Davies"), "extra word in the contact: Mary", False),
        (Details(name="Mary Pryce-Davies"), "part of the name matches: Pryce Davies", True),
        (Details(email="JON.prycedavies@acme.example"), "same email", True),
        (
            Details(email="jon.prycedavis@acme.example"),
            "email almost the same: jon.prycedavis@acme.example / jon.prycedavies@acme.example",
            True,
        ),
        (Details(name="Pryce", email="post@acme.example"), "same email domain acme.example", True),
        (Details(name="Pryce", email="x@y.example"), "email differs", False),
        (Details(phones=("+44 29 2018 0231",)), "same phone", True),
        (Details(name="Pryce", phones=("029 2018 0237",)), "phone differs by one digit", True),
        (Details(name="Pryce", phones=("01632 960999",)), "phone differs", False),
        (Details(postcode="cf119ha"), "same postcode", True),
        (
            Details(name="Pryce", postcode="CF11 9HB"),
            "postcode almost the same: CF11 9HB / CF11 9HA",
            True,
        ),
        (Details(name="Pryce", postcode="CF11 4XX"), "same postcode area CF11", True),
        (
            Details(name="Pryce", postcode="YO1 7HH"),
            "postcode differs: YO1 7HH / CF11 9HA",
            False,
        ),
        (Details(address="27 Cathedral Rd"), "same address", True),
        (Details(address="72 Cathedral Rd"), "house number differs: 72 / 27", False),
        (Details(name="Pryce", town="Truro"), "town differs: Truro / Cardiff", False),
        (Details(name="Pryce", account_number="pry 001"), "same account number", True),
        (Details(name="Pryce", account_number="X9"), "account number differs", False),
        (Details(kind="supplier", name="Pryce"), "is a customer, not a supplier", False),
    ],
)
def test_a_reason_is_said(contact: Details, sentence: str, agrees: bool) -> None:
    found = said(contact)
    assert sentence in found
    assert found[sentence] is agrees


def test_what_many_records_share_is_said_to_be_shared() -> None:
    others = [Details(name=f"Person {n}", email=HELD.email, phones=HELD.phones) for n in range(3)]
    found = said(Details(name=HELD.name, email=HELD.email, phones=HELD.phones), HELD, *others)
    assert "same email, but 4 customers or suppliers have it" in found
    assert "same phone, but 4 customers or suppliers have it" in found


def test_a_namesake_is_mentioned() -> None:
    other = Details(kind="customer", name=HELD.name, postcode="TR1 1AA")
    found = said(Details(name=HELD.name, postcode=HELD.postcode), HELD, other)
    assert found["another customer has almost the same name"] is None  # a note, no difference


def test_fields_that_one_side_lacks_are_not_mentioned() -> None:
    bare = Details(name=HELD.name)
    assert set(said(bare)) == {"same name"}
    assert set(said(HELD, bare)) == {"same name"}
