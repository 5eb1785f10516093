"""A batch row's details for matching, and the encoding of its suggestions.

A stored suggestion is [record id, probability, sure, [[reason code, agrees, args], ...]].
"""

from __future__ import annotations

from typing import Any

from crmlink.kinds import KINDS, Kind
from crmlink.matching import Address, Reason, Suggestion
from crmlink.matching.details import Suggestions
from crmlink.store import BatchRow
from crmlink.values.contact_details import ContactDetails

DIGITS = 6  # of a probability


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


def dump_suggestions(suggestions: Suggestions, least: float) -> list[Any]:
    """Return suggestions in their stored form, without those less likely than ``least``."""
    return [
        [
            item.record_id,
            round(item.probability, DIGITS),
            item.sure,
            [_packed(reason) for reason in item.reasons],
        ]
        for item in suggestions.items
        if item.probability >= least
    ]


def load_suggestions(packed: list[Any]) -> tuple[Suggestion, ...]:
    """Return suggestions from their stored form, best first."""
    return tuple(
        Suggestion(record_id, probability, sure, tuple(map(_unpacked, reasons)))
        for record_id, probability, sure, reasons in packed
    )


def _packed(reason: Reason) -> list[Any]:
    bare = [reason.code, reason.agrees]
    return [*bare, dict(reason.args)] if reason.args else bare


def _unpacked(packed: list[Any]) -> Reason:
    return Reason(packed[0], packed[2] if len(packed) > 2 else {}, packed[1])
