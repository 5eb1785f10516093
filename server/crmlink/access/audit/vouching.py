"""Entries that vouch for what lies before them.

crmlink adds one when it signs for the first time, when its key has changed, and when it had to
begin a new anchor file; a person adds one by accepting what was found. Lines before such an entry
are checked by their hashes, which its own hash covers; lines after it also by their signatures.
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
    """What was done, as the entry's action says it."""

    SIGNED = "audit.signed"
    KEY_CHANGED = "audit.key_changed"
    ANCHORS_BEGUN = "audit.anchors_begun"
    ACCEPTED = "audit.accepted"


@dataclass(frozen=True, slots=True)
class Vouched:
    """What all vouching entries of an audit say together."""

    until: int = 0  # the place of the last one that is signed with the present key
    wrong: str = ""  # a digest of what was wrong before it
    noted: tuple[Noted, ...] = ()  # since somebody last accepted
    accepted: tuple[Noted, ...] = ()


def read_vouching(session: Session, signer: AuditSigner, workspace_id: int) -> Vouched:
    """Read the vouching entries of an audit.

    What somebody made unreadable, or added without the key, is passed over or believed here: the
    walk finds it out.
    """
    until, wrong = 0, ""
    noted, accepted = list[Noted](), list[Noted]()
    for row in _vouching_rows(session, workspace_id):
        try:
            details = details_of_row(row)
            told = _told(row, details)
        except (ValueError, TypeError, OverflowError):
            continue
        is_whole = row.hash == hash_of_row(row, workspace_id)
        if is_whole and row.key_id == signer.key_id and row.mac == signer.sign("entry", row.hash):
            until, wrong = row.place, str(details.get("wrong", ""))
        if row.action == Action.ACCEPTED:
            accepted += [*noted, told]
            noted = []
        elif told.codes:
            noted.append(told)
    return Vouched(until, wrong, tuple(noted), tuple(accepted))


def _vouching_rows(session: Session, workspace_id: int) -> list[Row]:
    conditions = (AuditEntry.workspace_id == workspace_id, AuditEntry.action.in_(list(Action)))
    return [Row._make(row) for chunk in rows(session, *conditions) for row in chunk]


def _told(row: Row, details: dict[str, Any]) -> Noted:
    codes = details.get("findings", ())
    if not isinstance(row.place, int):
        raise TypeError
    known = tuple(code for code in Code if code in codes)
    return Noted(row.action, row.place, time_of_row(row), known)
