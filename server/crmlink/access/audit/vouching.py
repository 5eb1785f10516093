"""Vouching entries: they attest to the entries before them.

crmlink adds one when it first signs, when its key has changed, and when it had to start a new
anchor file; a person adds one by accepting findings. Earlier entries are verified by their hashes,
which the vouching entry's hash covers; later ones also by their signatures.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crmlink.access.audit.findings import Code, Noted
from crmlink.access.audit.rows import Row, details_of_row, hash_of_row, rows, time_of_row
from crmlink.store import AuditEntry, AuditSigner

SUBJECT = "audit"


class Action(enum.StrEnum):
    """Kind of vouching entry, by its audit action."""

    SIGNED = "audit.signed"
    KEY_CHANGED = "audit.key_changed"
    ANCHORS_BEGUN = "audit.anchors_begun"
    ACCEPTED = "audit.accepted"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Combined contents of all vouching entries of an audit."""

    until: int = 0  # sequence number of the last one signed with the present key
    wrong: str = ""  # digest of the faults before it
    noted: tuple[Noted, ...] = ()  # since the last acceptance
    accepted: tuple[Noted, ...] = ()


def read_vouching(session: Session, signer: AuditSigner, workspace_id: int) -> Vouched:
    """Return the vouching entries of an audit.

    Unreadable or forged ones are skipped or trusted here: the walk detects them.
    """
    until, wrong = 0, ""
    noted, accepted = list[Noted](), list[Noted]()
    for row in _vouching_rows(session, workspace_id):
        try:
            details = details_of_row(row)
            fault = _fault_of(row, details)
        except (ValueError, TypeError, OverflowError):
            continue
        is_whole = row.hash == hash_of_row(row, workspace_id)
        if is_whole and row.key_id == signer.key_id and row.mac == signer.sign("entry", row.hash):
            until, wrong = row.position, str(details.get("wrong", ""))
        if row.action == Action.ACCEPTED:
            accepted += [*noted, fault]
            noted = []
        elif fault.codes:
            noted.append(fault)
    return Vouched(until, wrong, tuple(noted), tuple(accepted))


def _vouching_rows(session: Session, workspace_id: int) -> list[Row]:
    conditions = (AuditEntry.workspace_id == workspace_id, AuditEntry.action.in_(list(Action)))
    return [Row._make(row) for chunk in rows(session, *conditions) for row in chunk]


def _fault_of(row: Row, details: dict[str, Any]) -> Noted:
    codes = details.get("findings", ())
    if not isinstance(row.position, int):
        raise TypeError
    known = tuple(code for code in Code if code in codes)
    return Noted(row.action, row.position, time_of_row(row), known)
