"""SQLite databases that cost little: nothing in a test's is to be kept.

They do not wait for the disk at each commit: what a killed process wrote is there all the same, and
only a power cut could lose it. Servers and workers that run as processes of their own wait as
crmlink does.

The first database without tables is migrated, which takes half a second of a core; others get the
tables that this made. What tests migrations takes `empty_database_url`, which migrates each.
"""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from crmlink.store import Database, database

SHIPPED = database._set_up_sqlite  # what crmlink uses outside of tests
_migrate = Database.migrate


def commit_quickly() -> None:
    """Let databases that are opened from now on in this process leave writing to the system."""
    database._set_up_sqlite = _set_up_sqlite


def migrate_quickly() -> None:
    """Let databases without tables get them without migrations from now on in this process."""
    Database.migrate = _migrate_or_copy  # type: ignore[method-assign, assignment]


@contextmanager
def migrating_each() -> Iterator[None]:
    """Run the migrations in each database without tables."""
    before, Database.migrate = Database.migrate, _migrate  # type: ignore[method-assign]
    try:
        yield
    finally:
        Database.migrate = before  # type: ignore[method-assign]


def _set_up_sqlite(engine: Engine) -> None:
    SHIPPED(engine)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")


def _migrate_or_copy(database: Database, to: str = "head") -> None:
    if to == "head" and not database.is_shared and database._version() is None:
        with suppress(DBAPIError):  # migrating says what is wrong
            _copy_tables(database)
    _migrate(database, to)


def _copy_tables(database: Database) -> None:
    with database._writer.connect() as connection, connection.begin():
        if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
            for statement in _tables():
                connection.exec_driver_sql(statement)


@functools.cache
def _tables() -> tuple[str, ...]:
    """Return the statements that make today's tables, as the migrations left them."""
    with tempfile.TemporaryDirectory(prefix="crmlink-") as folder:
        file = Path(folder) / "crmlink.sqlite"
        with closing(Database(f"sqlite:///{file}")) as database:
            _migrate(database)
        with closing(sqlite3.connect(file)) as migrated:
            return tuple(migrated.iterdump())[1:-1]  # without BEGIN and COMMIT
