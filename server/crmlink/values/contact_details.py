"""A contact's or a record's details, whichever source they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from crmlink.folding import compose
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
    company: str = ""
    person: str = ""
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
DETAIL_COLUMNS = tuple(name for name in _NAMES if name not in ("kind", "retired"))
D = TypeVar("D", bound=ContactDetails)


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


def stored_fields(row: object, **given: Any) -> dict[str, Any]:
    """Return the arguments of `ContactDetails` from a row's columns of the same names.

    Those in ``given`` are not read from the row.
    """
    columns = {name: getattr(row, name) for name in _NAMES if name not in given}
    return details_fields(columns) | given


def composed(details: D) -> D:
    """Return the same details with all texts in NFC, the stored Unicode form."""
    values = {each.name: getattr(details, each.name) for each in fields(details)}
    return replace(details, **{name: _composed(value) for name, value in values.items()})


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return compose(value)
    if isinstance(value, tuple):
        return tuple(_composed(each) for each in value)
    if isinstance(value, Address):
        return Address(*map(_composed, (value.address, value.town, value.postcode)))
    return value
