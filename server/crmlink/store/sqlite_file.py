"""Where a SQLite database lies, by its address."""

from __future__ import annotations

from pathlib import Path

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
