"""Whether a contact has moved: another place, not the same one written in another way."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crmlink.folding import fold
from crmlink.values.addresses import PostalAddress, read_address, street_text

PLACE = ("address", "town", "postcode")
_NUMBER = re.compile(r"\d+")


def has_moved(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Return whether two addresses, with the keys of PLACE, are certainly of two places.

    An address that was added, taken away or completed is no move.
    """
    old, new = _read(before), _read(after)
    if old.postcode and new.postcode:
        if _compact(old.postcode) != _compact(new.postcode):
            return True
        numbers = _numbers(old), _numbers(new)
        return all(numbers) and numbers[0].isdisjoint(numbers[1])
    if old.postcode or new.postcode:
        return False
    written = _compact(street_text(old)), _compact(street_text(new))
    return all(written) and written[0] != written[1]


def place_of(contact: object) -> dict[str, str]:
    """Return the address of whatever has its columns."""
    return {name: getattr(contact, name) for name in PLACE}


def _read(place: Mapping[str, str]) -> PostalAddress:
    return read_address([place["address"]], place["town"], place["postcode"])


def _numbers(address: PostalAddress) -> set[str]:
    return set(_NUMBER.findall(street_text(address)))


def _compact(text: str) -> str:
    return "".join(each for each in fold(text) if each.isalnum())
