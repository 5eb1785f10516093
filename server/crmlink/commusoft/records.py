"""Commusoft records: one customer or supplier."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmlink.kinds import Kind
from crmlink.values import Address
from crmlink.values.contact_details import ContactDetails


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read from Commusoft.

    `name` is the person without a title, `address` the lines joined with a comma; missing text is
    "". Of several emails and addresses (for invoices, for work) the record's own ones come first.
    `reference` is the Third-Party Reference, None if empty. `reference_shown` is False if the
    response had no field for it: then the current reference is unknown. `raw` is the object as
    received, needed for the write; it is never stored, logged or compared.
    """

    kind: Kind
    number: str
    uuid: str | None
    name: str
    company: str
    email: str
    phones: tuple[str, ...]
    address: str
    town: str
    postcode: str
    account_number: str
    reference: str | None
    deleted: bool
    raw: Mapping[str, Any] = field(compare=False)
    reference_shown: bool = True
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()

    @property
    def id(self) -> str:
        """The record's id outside this room, such as `customer-1001`."""
        return f"{self.kind}-{self.number}"

    def __repr__(self) -> str:
        return f"Record({self.id})"


def listed_record(
    kind: Kind, number: str, details: ContactDetails, reference: str | None, *, shown: bool
) -> Record:
    """Return a record as a report or a list page has it; ``shown``: with its reference, if any."""
    name, company = record_names(kind, details.name, details.company, details.person)
    return Record(
        kind=kind,
        number=number,
        uuid=None,
        name=name,
        company=company,
        email=details.email,
        phones=details.phones,
        address=details.address,
        town=details.town,
        postcode=details.postcode,
        account_number=details.account_number,
        reference=reference or None,
        deleted=False,
        raw={},
        reference_shown=shown,
        other_emails=details.other_emails,
        other_addresses=details.other_addresses,
    )


def record_names(kind: Kind, name: str, company: str, person: str) -> tuple[str, str]:
    """Return the person and the company of a record of which a list shows only what it calls it.

    A name without either is the company of a supplier, and the person of a customer.
    """
    if not (company or person):
        return ("", name) if kind == "supplier" else (name, "")
    other = name if name not in (company, person) else ""
    return (person or other, company) if company else (person, other)
