"""The file of a SQLite database: where it lies, and its old pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

IN_MEMORY = ("", ":memory:")
URI = "file:"  # SQLite's own addresses, which may name any file and how it is opened


class UnclearDatabase(ValueError):
    """A SQLite address that does not plainly name a file."""


def sqlite_file(database_url: str) -> Path | None:
    """Return the file of a SQLite database as its address names it; None for other databases.

    Raises UnclearDatabase for a database in memory, for SQLite's ``file:`` addresses, and for what
    is no address.
    """
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise UnclearDatabase from None
    if url.get_backend_name() != "sqlite":
        return None
    database = url.database or ""
    if database in IN_MEMORY or database.lower().startswith(URI) or "uri" in url.query:
        raise UnclearDatabase
    return Path(database).absolute()


def purge_file(cursor: Any) -> bool:
    """Vacuum and empty the write-ahead log where that is due; False while the log is read."""
    due = _purge_due(cursor)
    if not due:
        return True
    cursor.execute("VACUUM").fetchall()
    busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        return False
    cursor.execute("BEGIN IMMEDIATE")
    if _purge_due(cursor) == due:  # nothing was deleted in the meantime
        cursor.execute("PRAGMA user_version = 0")
    cursor.execute("COMMIT")
    return True


def _purge_due(cursor: Any) -> int:
    """Return the mark of the last deletion that no purge has followed; 0 where one has."""
    (due,) = cursor.execute("PRAGMA user_version").fetchone()
    return int(due)
