"""Redaction of what older versions' audit entries hold in clear of a person, after erasure.

Such an entry is overwritten: a reference with its keyed hash, and what a page of Commusoft said
without the person's names. Its own hash stays, so that the
chain and the anchors hold, and a signed entry records both versions, each as a digest of all
fields: any other change is detected like that of any entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from crmlink.access.audit.rows import Row, details_of_row, hash_of_row, rows
from crmlink.access.audit.vouching import SUBJECT
from crmlink.store import AuditEntry, AuditSigner
from crmlink.store.audit import append_entry
from crmlink.store.audit.entries import signer_of
from crmlink.store.audit.unguarded import unguarded

REDACTED = "audit.redacted"
REFERENCES = ("prior", "new", "reference", "current_reference")  # details that may be references
PAGE_TEXTS = ("label",)  # details that were taken from a page of Commusoft
CHUNK_SIZE = 500  # entries covered by one redaction entry


class Redacted(NamedTuple):
    """Hash of an entry by its fields, before and after it was overwritten."""

    was: str
    now: str


def redact_references(
    session: Session,
    workspace_id: int,
    hide: Callable[[str], str | None],
    without: Callable[[str], str],
) -> int:
    """Overwrite what ``hide`` changes in references, and ``without`` in texts; returns how many.

    In a writing session. Raises AuditUnsigned.
    """
    session.flush()
    earlier = read_redactions(session, signer_of(session), workspace_id, until=2**63)
    done: list[tuple[int, str, str]] = []
    changes: dict[int, dict[str, Any]] = {}
    for chunk in rows(session, AuditEntry.workspace_id == workspace_id):
        for row in map(Row._make, chunk):
            details = _details(row)
            hidden = _hidden(details, hide, without)
            if hidden != details:
                known = earlier.get(row.position)
                was = known.was if known else hash_of_row(row, workspace_id)
                changed = row._replace(details=json.dumps(hidden))
                done.append((row.position, was, hash_of_row(changed, workspace_id)))
                changes[row.id] = hidden
    if changes:
        with unguarded(session, "update"):
            for entry_id, hidden in changes.items():
                line = update(AuditEntry).where(AuditEntry.id == entry_id)
                session.execute(line.values(details=hidden))
    for start in range(0, len(done), CHUNK_SIZE):
        lines = [list(line) for line in done[start : start + CHUNK_SIZE]]
        append_entry(session, workspace_id, REDACTED, SUBJECT, lines=lines)
    return len(done)


def read_redactions(
    session: Session, signer: AuditSigner, workspace_id: int, until: int
) -> dict[int, Redacted]:
    """Return the overwritten entries, by sequence number.

    A redaction counts if it is signed with the present key, or precedes ``until``, the sequence
    number of a vouching entry.
    """
    found: dict[int, Redacted] = {}
    conditions = (AuditEntry.workspace_id == workspace_id, AuditEntry.action == REDACTED)
    for chunk in rows(session, *conditions):
        for row in map(Row._make, chunk):
            if not isinstance(row.position, int) or row.hash != hash_of_row(row, workspace_id):
                continue
            signed = row.key_id == signer.key_id and row.mac == signer.sign("entry", row.hash)
            if signed or row.position < until:
                found.update(_redacted_lines(_details(row)))
    return found


def _redacted_lines(details: Mapping[str, Any]) -> dict[int, Redacted]:
    try:
        return {
            position: Redacted(was, is_now) for position, was, is_now in details.get("lines", ())
        }
    except (ValueError, TypeError):  # an unsigned entry may hold anything
        return {}


def _details(row: Row) -> dict[str, Any]:
    try:
        return details_of_row(row)
    except ValueError:
        return {}


def _hidden(
    details: Mapping[str, Any],
    hide: Callable[[str], str | None],
    without: Callable[[str], str],
) -> dict[str, Any]:
    changes = dict.fromkeys(REFERENCES, hide) | dict.fromkeys(PAGE_TEXTS, without)
    return {
        name: changes[name](value) if name in changes and isinstance(value, str) else value
        for name, value in details.items()
    }
