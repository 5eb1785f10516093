"""A contact's or a record's details, whichever source they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from crmlink.kinds import Kind
from crmlink.values.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDetails:
    """Details of a contact or a record; empty text where unknown.

    `person` and `company` are names known to be one or the other; `name` is a source's display
    name, which may be either. Values are as entered, possibly several in one text. `retired` marks
    one that is kept but no longer used (hidden, archived, deleted).
    """

    kind: Kind | None = None
    name: str = ""
    person: str = ""
    company: str = ""
    address: str = ""
    town: str = ""
    postcode: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()
    account_number: str = ""
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()
    retired: bool = False

    @property
    def person_or_name(self) -> str:
        """The person's name; without one the display name, which may be a person's."""
        return self.person or self.name

    @property
    def company_or_name(self) -> str:
        """The company's name; without one the display name, which may be a company's."""
        return self.company or self.name

    @property
    def names(self) -> frozenset[str]:
        """Every name, for lookups; may contain an empty text."""
        return frozenset((self.name, self.company, self.person))


_NAMES = tuple(each.name for each in fields(ContactDetails))


def plain_details(details: ContactDetails) -> dict[str, Any]:
    """Return the fields of `ContactDetails` as values of JSON and of table columns."""
    plain = {name: getattr(details, name) for name in _NAMES}
    return plain | {
        "phones": list(details.phones),
        "other_emails": list(details.other_emails),
        "other_addresses": [asdict(address) for address in details.other_addresses],
    }


def details_fields(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `ContactDetails` from plain values; other names are left out."""
    values = {name: plain[name] for name in _NAMES if name in plain}
    for name in ("phones", "other_emails"):
        values[name] = tuple(values.get(name, ()))
    addresses = values.get("other_addresses", ())
    return values | {"other_addresses": tuple(Address(**address) for address in addresses)}
