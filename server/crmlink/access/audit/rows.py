"""Audit rows read directly from the driver, fast enough for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session

from crmlink.store import AuditEntry
from crmlink.store.audit import entry_hash

CHUNK_SIZE = 5_000


class Row(NamedTuple):
    """An entry's columns as returned by the driver."""

    place: Any
    at: Any
    action: Any
    subject: Any
    person_id: Any
    device_id: Any
    details: Any
    previous_hash: Any
    hash: Any
    key_id: Any
    mac: Any
    id: Any


COLUMNS = (
    AuditEntry.place,
    AuditEntry.at,
    AuditEntry.action,
    AuditEntry.subject,
    AuditEntry.person_id,
    AuditEntry.device_id,
    cast(AuditEntry.details, String),
    AuditEntry.previous_hash,
    AuditEntry.hash,
    AuditEntry.key_id,
    AuditEntry.mac,
    AuditEntry.id,
)


def rows(session: Session, *conditions: ColumnElement[bool]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield entries that meet the conditions, in order: tuples like ``Row``, in chunks.

    Bypasses SQLAlchemy's objects and types, which take ten times as long. Conditions contain only
    whole numbers and names of actions, never typed text: they become part of the query.
    """
    query = select(*COLUMNS).where(*conditions)
    statement = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
    cursor = session.connection().connection.cursor()
    try:
        later = ""
        while True:
            cursor.execute(f"{statement}{later} ORDER BY place, id LIMIT {CHUNK_SIZE}")
            found = list(cursor.fetchall())
            if found:
                yield found
            if len(found) < CHUNK_SIZE or not isinstance(found[-1][0], int):
                return
            place, entry_id = found[-1][0], found[-1][-1]
            later = f" AND (place, id) > ({place:d}, {entry_id:d})"
    finally:
        cursor.close()


def time_of_row(row: Row) -> datetime:
    """Return a row's time; SQLite stores it as text without a zone. Raises ValueError."""
    if isinstance(row.at, datetime):
        return row.at.astimezone(UTC)
    return datetime.fromisoformat(str(row.at)).replace(tzinfo=UTC)


def hash_of_row(row: Row, workspace_id: int) -> str:
    """Return a row's expected hash; "" if its time or details cannot be read."""
    try:
        return entry_hash(
            (
                row.previous_hash,
                workspace_id,
                row.place,
                time_of_row(row).isoformat(),
                row.action,
                row.subject,
                row.person_id,
                row.device_id,
                json.loads(row.details),
            )
        )
    except (ValueError, TypeError):
        return ""
