"""A move is another place, not the same one written in another way."""

from __future__ import annotations

import pytest

from crmlink.sources.context import SourceContext
from crmlink.sources.moved_contacts import has_moved
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Device
from crmlink.store.base import utc_now
from support.accounting_apis.xero import FakeXero, ms_date
from support.source_factories import contacts_of

Place = tuple[str, str, str]


def moved(before: Place, after: Place) -> bool:
    names = ("address", "town", "postcode")
    first, second = (dict(zip(names, each, strict=True)) for each in (before, after))
    assert has_moved(first, second) == has_moved(second, first)
    return has_moved(first, second)


HOME = ("12 Mill Lane", "Otley", "LS21 1AB")


@pytest.mark.parametrize(
    "after",
    [
        ("12, Mill Ln.", "OTLEY", "ls211ab"),
        ("Flat 2\n12 Mill Lane", "Otley", "LS21 1AB"),
        ("12 Mill Lane, Otley, LS21 1AB", "", ""),
        ("Mill Lane", "Otley", "LS21 1AB"),
        ("12 Mill Lane", "Otley", ""),
        ("", "", ""),
        ("12 Mill Lane", "Otley", "LS21 1AB, UK"),
    ],
)
def test_the_same_place_in_other_words_is_no_move(after: Place) -> None:
    assert not moved(HOME, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HOME, ("12 Mill Lane", "Otley", "LS21 1AC")),
        (HOME, ("14 Mill Lane", "Otley", "LS21 1AB")),
        (HOME, ("3 Quay Street", "Whitby", "YO21 1AA")),
        (("Tigh na Mara", "Kilkee", ""), ("Bayview", "Kilkee", "")),
    ],
)
def test_another_place_is_a_move(before: Place, after: Place) -> None:
    assert moved(before, after)


def street(number: int, postcode: str = "LS21 1AB") -> list[dict[str, str]]:
    return [
        {"AddressType": "STREET", "AddressLine1": f"{number} Mill Lane", "City": "Otley",
         "PostalCode": postcode}
    ]  # fmt: skip


def test_a_reading_notes_the_first_place_until_it_is_there_again(
    sources: SourceContext, source: ContactSource, device: Device, xero: FakeXero
) -> None:
    entry = xero.add("Holloway", Addresses=street(12))

    def read() -> tuple[bool, str]:
        entry["UpdatedDateUTC"] = ms_date(utc_now())
        sync_source(sources, source.id)
        [contact] = contacts_of(sources, source).values()
        return contact.moved_at is not None, (contact.moved_from or {}).get("address", "")

    assert read() == (False, "")
    entry["Addresses"] = street(14)
    assert read() == (True, "12 Mill Lane")
    entry["Addresses"] = street(16)
    assert read() == (True, "12 Mill Lane")
    entry["Name"] = "Holloway & Sons"
    assert read() == (True, "12 Mill Lane")
    entry["Addresses"] = street(12, "ls21 1ab")
    assert read() == (False, "")
