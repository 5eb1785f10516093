"""A list's contact as details for matching."""

from __future__ import annotations

from crmlink.kinds import Kind, kind_named
from crmlink.store import BatchRow
from crmlink.values.contact_details import ContactDetails, stored_fields


def row_details(row: BatchRow) -> ContactDetails:
    """Return a row's details."""
    return ContactDetails(**stored_fields(row, kind=kind_of(row)))


def kind_of(row: BatchRow) -> Kind | None:
    """Return the contact's kind, if its list gives it."""
    return kind_named(row.kind)
