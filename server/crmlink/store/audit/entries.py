"""Audit entries: who did what to which record, in a signed hash chain.

Each entry's hash covers its fields and the previous hash, and is signed with a key outside the
database. Entries name people, devices and records by id only, so erasing a person's name leaves the
chain intact. The database rejects changes and deletions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.store.audit.signing import AuditSigner
from crmlink.store.base import Base, utc_now

log = structlog.get_logger()
START = "0" * 64  # previous hash of the first entry
MAX_POSITION = 2**31 - 1  # what PostgreSQL takes for a number; SQLite sorts text behind any
SIGNER, COMMITTED = "audit_signer", "audit_committed"  # key in a session's info
_encode = json.JSONEncoder(sort_keys=True).encode


class AuditUnsigned(RuntimeError):
    """The database was opened without a signer, so nothing can be added to the audit."""


class AuditEntry(Base):
    """One entry of the audit; ``details`` holds codes, ids and references, never names."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("workspace_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    position: Mapped[int] = mapped_column("place")
    at: Mapped[datetime] = mapped_column(default=utc_now)
    action: Mapped[str]
    subject: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    key_id: Mapped[str | None]  # id of the signing key; none before signing was introduced
    mac: Mapped[str | None]  # signature of the hash


class AuditSeal(Base):
    """A signed fact about an audit.

    ``verified``: the entries up to a sequence number were intact, with their last hash. The id of
    an anchor file: its contents when last flushed to disk.
    """

    __tablename__ = "audit_seal"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    digest: Mapped[str]
    mac: Mapped[str]


def append_entry(
    session: Session,
    workspace_id: int,
    action: str,
    subject: str,
    *,
    device_id: int | None = None,
    person_id: int | None = None,
    **details: Any,
) -> AuditEntry:
    """Add an entry in a writing session, in the transaction of the change it records.

    Raises AuditUnsigned.
    """
    signer = signer_of(session)
    last_position, last_hash = _end_of_chain(session, workspace_id)
    entry = AuditEntry(
        workspace_id=workspace_id,
        position=last_position + 1,
        at=utc_now(),
        action=action,
        subject=subject,
        person_id=person_id,
        device_id=device_id,
        details=details,
        previous_hash=last_hash,
        key_id=signer.key_id,
    )
    entry.hash = _expected_hash(entry)
    entry.mac = signer.sign("entry", entry.hash)
    session.add(entry)
    session.flush()
    session.info.setdefault(COMMITTED, {})[workspace_id] = entry
    log.info("audit", place=entry.position, action=action, subject=subject, hash=entry.hash)
    return entry


def _end_of_chain(session: Session, workspace_id: int) -> tuple[int, str]:
    """Return the last sequence number and its hash, even if its columns are invalid.

    A check tells what is wrong with it.
    """
    query = (
        select(AuditEntry.position)
        .where(AuditEntry.workspace_id == workspace_id, AuditEntry.position < MAX_POSITION)
        .order_by(AuditEntry.position.desc())
        .limit(1)
    )
    try:
        last = session.execute(query.add_columns(AuditEntry.hash)).first()
    except DBAPIError:  # its text is none
        position = session.scalar(query)
        return int(position or 0), START
    return (int(last.position), str(last.hash)) if last else (0, START)


def signer_of(session: Session) -> AuditSigner:
    """Return the session's signer. Raises AuditUnsigned."""
    signer = session.info.get(SIGNER)
    if not isinstance(signer, AuditSigner):
        raise AuditUnsigned
    return signer


def anchor_committed(session: Session) -> None:
    """Write an anchor for the last entry of each workspace that a session has committed."""
    for workspace_id, entry in session.info.pop(COMMITTED, {}).items():
        signer_of(session).anchor(workspace_id, entry.position, entry.hash, entry.at)


def _expected_hash(entry: AuditEntry) -> str:
    """Return the expected hash of an entry from its fields and the previous hash."""
    return entry_hash(
        (
            entry.previous_hash,
            entry.workspace_id,
            entry.position,
            entry.at.astimezone(UTC).isoformat(),
            entry.action,
            entry.subject,
            entry.person_id,
            entry.device_id,
            entry.details,
        )
    )


def entry_hash(fields: Sequence[Any]) -> str:
    """Return the hash of an entry's fields in order, times in ISO 8601 and UTC.

    Raises TypeError for a value that JSON cannot represent.
    """
    return hashlib.sha256(_encode(fields).encode()).hexdigest()
