"""Audit rows read directly from the driver, fast enough for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session

from crmlink.store import AuditEntry
from crmlink.store.audit import entry_hash
from crmlink.store.audit.entries import MAX_POSITION

CHUNK_SIZE = 5_000


class Row(NamedTuple):
    """An entry's columns as returned by the driver."""

    position: Any
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
    AuditEntry.position,
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
AS_TEXT = tuple(cast(AuditEntry.at, String) if column is AuditEntry.at else column
                for column in COLUMNS)  # fmt: skip
IS_POSITIONED = AuditEntry.position < MAX_POSITION


def rows(session: Session, *conditions: ColumnElement[bool]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield entries that meet the conditions, in order: tuples like ``Row``, in chunks.

    Bypasses SQLAlchemy's objects and types, which take ten times as long and fail on invalid
    values. Conditions contain only whole numbers and names of actions, never typed text: they
    become part of the query.
    """
    later = ""
    while True:
        found = _fetch(session, conditions, later)
        if found:
            yield found
        if len(found) < CHUNK_SIZE or not isinstance(found[-1][0], int):
            return
        position, entry_id = found[-1][0], found[-1][-1]
        later = f" AND (place, id) > ({position:d}, {entry_id:d})"


def last_row(session: Session, workspace_id: int) -> Row | None:
    """Return the last entry of an audit that has a sequence number."""
    mine = AuditEntry.workspace_id == workspace_id
    position = session.scalar(select(func.max(AuditEntry.position)).where(mine, IS_POSITIONED))
    if position is None:
        return None
    for chunk in rows(session, mine, AuditEntry.position == int(position)):
        return Row._make(chunk[-1])
    return None


def _fetch(
    session: Session, conditions: tuple[ColumnElement[bool], ...], later: str
) -> list[tuple[Any, ...]]:
    """Return a chunk of rows, read as text if the driver cannot read their types."""
    connection = session.connection().connection
    order = f"{later} ORDER BY place, id LIMIT {CHUNK_SIZE}"
    cursor = connection.cursor()
    try:
        cursor.execute(_statement(session, COLUMNS, conditions) + order)
        return list(cursor.fetchall())
    except (session.get_bind().dialect.loaded_dbapi.Error, ValueError, OverflowError):
        with any_text(connection.driver_connection):
            cursor.execute(_statement(session, AS_TEXT, conditions) + order)
            return list(cursor.fetchall())
    finally:
        cursor.close()


def _statement(
    session: Session, columns: tuple[Any, ...], conditions: tuple[ColumnElement[bool], ...]
) -> str:
    query = select(*columns).where(*conditions)
    return str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))


@contextmanager
def any_text(driver: Any) -> Iterator[None]:
    """Make SQLite's driver accept invalid text."""
    if not hasattr(driver, "text_factory"):
        yield
        return
    before, driver.text_factory = driver.text_factory, _readable
    try:
        yield
    finally:
        driver.text_factory = before


def _readable(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def time_of_row(row: Row) -> datetime:
    """Return a row's time; SQLite stores it as text. Raises ValueError, OverflowError."""
    if isinstance(row.at, datetime):
        return row.at.astimezone(UTC)
    at = datetime.fromisoformat(str(row.at))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def details_of_row(row: Row) -> dict[str, Any]:
    """Return a row's details. Raises ValueError if they are invalid or nested too deeply."""
    try:
        details = json.loads(row.details)
        json.dumps(details)
    except (TypeError, RecursionError):
        raise ValueError from None
    if not isinstance(details, dict):
        raise ValueError
    return details


def hash_of_row(row: Row, workspace_id: int) -> str:
    """Return a row's expected hash; "" if its time or details cannot be read."""
    try:
        return entry_hash(
            (
                row.previous_hash,
                workspace_id,
                row.position,
                time_of_row(row).isoformat(),
                row.action,
                row.subject,
                row.person_id,
                row.device_id,
                json.loads(row.details),
            )
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return ""
