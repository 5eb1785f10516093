"""Consistent copies of a running installation's database, always as one SQLite file.

SQLite is copied by its own backup API, PostgreSQL row by row within one snapshot into new tables
of the same version. So a backup of either can be restored into either.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text, update

from crmlink.store import Database
from crmlink.store.base import Base
from crmlink.store.revisions import newest_revision
from crmlink.upkeep.errors import UpkeepFailure

CHUNK = 1_000  # rows
NOT_COPIED = {"upload", "upload_part"}  # files that wait for a day at most
_WAIT = 15.0  # seconds, for a writer


def copy_to_file(database: Database, file: Path) -> None:
    """Write a consistent copy into a new SQLite file, and check it. Raises UpkeepFailure."""
    if database.engine.dialect.name == "sqlite":
        _copy_sqlite(Path(str(database.engine.url.database)), file)
    else:
        _copy_rows_out(database, file)
    require_sound(file)


def require_sound(file: Path) -> None:
    """Raise UpkeepFailure unless SQLite finds a file whole and its references right."""
    try:
        with closing(sqlite3.connect(f"file:{_quoted(file)}?mode=ro", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError:
        raise UpkeepFailure("damaged") from None
    if found != ("ok",) or broken:
        raise UpkeepFailure("damaged")


def make_single_file(file: Path) -> None:
    """Leave no write-ahead log beside a database that nothing else uses."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def revision_of(file: Path) -> str:
    """Return the version of a file's tables. Raises UpkeepFailure if it has none."""
    try:
        with closing(sqlite3.connect(f"file:{_quoted(file)}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.DatabaseError:
        raise UpkeepFailure("damaged") from None
    if len(found) != 1:
        raise UpkeepFailure("damaged")
    return str(found[0][0])


def copy_into(file: Path, target: Database) -> None:
    """Copy a file's rows into an empty database, in one transaction. Raises UpkeepFailure.

    The file has the newest tables; ``target`` gets them.
    """
    target.migrate()
    source = Database(f"sqlite:///{file}")
    try:
        with source.engine.connect() as rows, target.engine.begin() as connection:
            if not is_empty(connection):
                raise UpkeepFailure("database-in-use")
            for table in reversed(Base.metadata.sorted_tables):
                if table.name != "audit_entry":  # empty, and only ever added to
                    connection.execute(delete(table))
            for table in Base.metadata.sorted_tables:
                _copy_table(rows, connection, table)
    finally:
        source.close()


def is_empty(connection: Connection) -> bool:
    """Return whether a database holds nothing that a person or a browser made."""
    names = ("person", "link", "batch", "device", "audit_entry")
    tables = [Base.metadata.tables[name] for name in names]
    return not any(connection.scalar(select(func.count()).select_from(table)) for table in tables)


def _copy_sqlite(source: Path, file: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True, timeout=_WAIT)) as old,
        closing(sqlite3.connect(file)) as new,
    ):
        old.backup(new)  # in one step: a snapshot, while others read and write
        new.execute("PRAGMA journal_mode = DELETE")


def _copy_rows_out(database: Database, file: Path) -> None:
    copy = Database(f"sqlite:///{file}")
    try:
        copy.migrate()
        with database.snapshot() as session, copy.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")  # checked at the end
            version = session.scalar(text("SELECT version_num FROM alembic_version"))
            if version != newest_revision():
                raise UpkeepFailure("older-tables")
            with connection.begin():
                for table in Base.metadata.sorted_tables:
                    if table.name not in NOT_COPIED:
                        _copy_table(session.connection(), connection, table)
    finally:
        copy.close()
    make_single_file(file)


def _copy_table(source: Connection, target: Connection, table: Table) -> None:
    """Copy a table; its references to itself follow once all its rows are there."""
    own = [column.name for column in table.columns if _refers_to(column, table)]
    key = next(iter(table.primary_key.columns))
    later: list[tuple[Any, dict[str, Any]]] = []
    for part in source.execute(select(table)).mappings().partitions(CHUNK):
        target.execute(insert(table), [dict(row) | dict.fromkeys(own) for row in part])
        later += [(row[key.name], {name: row[name] for name in own}) for row in part if own]
    for identity, values in later:
        if any(value is not None for value in values.values()):
            target.execute(update(table).where(key == identity).values(values))
    set_sequence(target, table)


def set_sequence(target: Connection, table: Table) -> None:
    """Let PostgreSQL number a table's next row after those that were copied."""
    key = next(iter(table.primary_key.columns))
    if target.engine.dialect.name == "postgresql" and key.type.python_type is int:
        highest = select(func.coalesce(func.max(key), 1)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(sequence, highest)))


def _refers_to(column: Any, table: Table) -> bool:
    return any(key.column.table is table for key in column.foreign_keys)


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
