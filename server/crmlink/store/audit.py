"""The audit: who did what to which record, in a chain that shows when a line was taken out.

Each entry's hash covers its own fields and the hash before it. It names people, devices and
records by id only, so that erasing a person's name leaves the chain whole. The database refuses
to change or delete an entry, and the log carries each hash, so that a cut-off end shows as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.store.models import Base, now

log = structlog.get_logger()
START = "0" * 64


class AuditEntry(Base):
    """One line of the audit. ``details`` holds codes, ids and references, never names."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("workspace_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    place: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)
    action: Mapped[str]
    subject: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]


def append(
    session: Session,
    workspace_id: int,
    action: str,
    subject: str,
    *,
    device_id: int | None = None,
    person_id: int | None = None,
    **details: Any,
) -> AuditEntry:
    """Add an entry in a writing session, so that it stands or falls with what it tells of."""
    last = session.scalar(
        select(AuditEntry)
        .filter_by(workspace_id=workspace_id)
        .order_by(AuditEntry.place.desc())
        .limit(1)
    )
    entry = AuditEntry(
        workspace_id=workspace_id,
        place=last.place + 1 if last else 1,
        at=now(),
        action=action,
        subject=subject,
        person_id=person_id,
        device_id=device_id,
        details=details,
        previous_hash=last.hash if last else START,
    )
    entry.hash = hash_of(entry)
    session.add(entry)
    session.flush()
    log.info("audit", place=entry.place, action=action, subject=subject, hash=entry.hash)
    return entry


def hash_of(entry: AuditEntry) -> str:
    """What an entry's hash must be, by its fields and the hash before it."""
    fields = [
        entry.previous_hash,
        entry.workspace_id,
        entry.place,
        entry.at.astimezone(UTC).isoformat(),
        entry.action,
        entry.subject,
        entry.person_id,
        entry.device_id,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def first_break(entries: Iterable[AuditEntry]) -> int | None:
    """The place at which a chain, given in its order, does not hold; None when all is well."""
    previous = START
    for place, entry in enumerate(entries, 1):
        sound = entry.place == place and entry.previous_hash == previous
        if not sound or entry.hash != hash_of(entry):
            return place
        previous = entry.hash
    return None
