"""Serializer of a list's contact, shared by responses about rows and about records."""

from __future__ import annotations

from typing import Any

from crmlink.store import BatchRow

_COLUMNS = (
    "reference", "name", "company", "person", "email", "phones", "address", "town", "postcode",
    "other_emails", "other_addresses", "retired",
)  # fmt: skip


def serialize_contact(row: BatchRow) -> dict[str, Any]:
    """Return a row's contact as JSON."""
    columns = {name: getattr(row, name) for name in _COLUMNS}
    return columns | {"kind": row.kind or None, "label": row.label}
