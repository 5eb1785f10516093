"""One household's record, and whether a contact is surely its person; for tests of alike names."""

from __future__ import annotations

from dataclasses import replace

from bench.uk import records
from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails

HELD = ContactDetails(
    person="Rebecca Holloway",
    address="Flat 2, 14 Orchard Close",
    town="Cheltenham",
    postcode="GL50 2TR",
    phones=("01632 960114",),
)


def filled_matcher() -> Matcher:
    """Return a matcher with 1,500 other records."""
    made = Matcher()
    made.update(records(1_500, 51))
    return made


def two(
    both: ContactDetails, one: str, other: str, turned: bool
) -> tuple[ContactDetails, ContactDetails]:
    """Return a contact and a record that differ in their names; turned, the other way round."""
    contact, held = replace(both, person=one), replace(both, person=other)
    return (held, contact) if turned else (contact, held)


def is_sure(matcher: Matcher, contact: ContactDetails, *held: ContactDetails) -> bool:
    """Return whether the first of records that are held only for this question is sure."""
    ids = [f"h{place}" for place in range(len(held))]
    matcher.update(zip(ids, held, strict=True))
    first = matcher.suggest(contact).items[0]
    matcher.discard(ids)
    assert first.record_id == "h0"
    return first.sure
