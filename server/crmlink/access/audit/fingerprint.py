"""Fingerprint of verified audit rows: a digest of all columns, which tells any later change.

The database only renders each row, without loss: as a JSON array in SQLite, as a line of COPY in
PostgreSQL. No Python object is made of a column, which would take twice as long. The digest is
computed here, never by the database, and signed with what else is remembered (see ``seals``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, extract, func, select, true
from sqlalchemy.orm import Session

from crmlink.store import AuditEntry

CHUNK_SIZE = 5_000
_COLUMNS = tuple(AuditEntry.__table__.columns)


class Fingerprint:
    """Digest of an audit's rows in order, extended as more are verified."""

    def __init__(self, session: Session, workspace_id: int) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._digest = hashlib.sha256()

    @property
    def hexdigest(self) -> str:
        """The digest of the rows added so far."""
        return self._digest.hexdigest()

    def add(self, after: int | None, until: int) -> bool:
        """Add the rows after a sequence number, None for all, until another one.

        Returns whether all could be read: crmlink writes no row that cannot be.
        """
        entries = select(*_COLUMNS).where(
            AuditEntry.workspace_id == self._workspace_id,
            AuditEntry.position <= until,
            true() if after is None else AuditEntry.position > after,
        )
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        read = _read_sqlite if is_sqlite else _read_postgresql
        try:
            for part in read(self._session, entries.order_by(AuditEntry.position, AuditEntry.id)):
                self._digest.update(part)
        except self._session.get_bind().dialect.loaded_dbapi.Error:
            return False
        return True


def _read_sqlite(session: Session, entries: Select[Any]) -> Iterator[bytes]:
    """Yield the rows as JSON arrays, as bytes: any text is read. Raises an error for a BLOB."""
    rendered = entries.with_only_columns(func.json_array(*_COLUMNS))
    connection = session.connection().connection
    driver: Any = connection.driver_connection
    before, driver.text_factory = driver.text_factory, bytes
    cursor = connection.cursor()
    try:
        cursor.execute(_text(session, rendered))
        while found := cursor.fetchmany(CHUNK_SIZE):
            yield b"\n".join([row for (row,) in found]) + b"\n"
    finally:
        cursor.close()
        driver.text_factory = before


def _read_postgresql(session: Session, entries: Select[Any]) -> Iterator[bytes]:
    """Yield the rows as COPY sends them. A time is in seconds: its text varies by time zone."""
    seconds = extract("epoch", AuditEntry.at)
    columns = (seconds if column.name == "at" else column for column in _COLUMNS)
    query = _text(session, entries.with_only_columns(*columns))
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        for part in copy:
            yield bytes(part)


def _text(session: Session, query: Select[Any]) -> str:
    """Return a query with its values, which are whole numbers alone."""
    return str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
