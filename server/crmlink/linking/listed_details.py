"""A list's contact as details for matching."""

from __future__ import annotations

from crmlink.kinds import KINDS, Kind
from crmlink.store import BatchRow
from crmlink.values.addresses import Address
from crmlink.values.contact_details import ContactDetails


def row_details(row: BatchRow) -> ContactDetails:
    """Return a row's details."""
    return ContactDetails(
        kind=kind_of(row),
        name=row.name,
        person=row.person,
        company=row.company,
        address=row.address,
        town=row.town,
        postcode=row.postcode,
        email=row.email,
        phones=tuple(row.phones),
        account_number=row.account_number,
        other_emails=tuple(row.other_emails),
        other_addresses=tuple(Address(**address) for address in row.other_addresses),
        retired=row.retired,
    )


def kind_of(row: BatchRow) -> Kind | None:
    """Return the contact's kind, if its list gives it."""
    return next((kind for kind in KINDS if kind == row.kind), None)


def label(row: BatchRow) -> str:
    """Return the contact's display name."""
    return row.name or row.company or row.person or row.email or row.reference
