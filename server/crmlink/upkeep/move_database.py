"""Moving a SQLite database into PostgreSQL: in parts, so that an interrupted move goes on.

Both databases note the move. From its start no server uses the SQLite database again, and none the
PostgreSQL database before every table is there with as many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update

from crmlink.store import Database
from crmlink.store.base import Base, utc_now
from crmlink.store.moves import DatabaseMove, MoveDirection, move_of
from crmlink.store.only_server import only_server
from crmlink.store.place import note_move
from crmlink.upkeep.copy_database import CHUNK, is_empty, require_sound, set_sequence
from crmlink.upkeep.errors import UpkeepFailure

NOT_MOVED = {  # what concerns only the processes of one database
    "commusoft_pace", "counted_attempt", "database_move", "process", "request_count", "upload",
    "upload_part",
}  # fmt: skip

Progress = Callable[[str, int], None]  # a table that is there wholly, and its rows


def move_database(data_dir: Path, file: Path, target: Database, progress: Progress) -> int:
    """Move a SQLite file into PostgreSQL, or go on with it; returns the number of rows.

    Raises UpkeepFailure; the move can be started again. Raises ServerRunning.
    """
    with _stopped(data_dir, file) as address:
        require_sound(file)
        source = Database(address)
        try:
            return _move(source, target, progress)
        finally:
            source.close()


def cancel_move(data_dir: Path, file: Path, target: Database) -> None:
    """Allow servers to use a SQLite database again whose move is not finished.

    Raises UpkeepFailure and ServerRunning.
    """
    with _stopped(data_dir, file) as address:
        target.migrate()
        with target.reading() as session:
            there = move_of(session, MoveDirection.IN)
            if there and there.finished_at:
                raise UpkeepFailure("moved")
        source = Database(address)
        with source.writing() as session:
            session.execute(delete(DatabaseMove))
        source.close()


@contextmanager
def _stopped(data_dir: Path, file: Path) -> Iterator[str]:
    """Yield the address of a SQLite file that no server uses, and keep servers from it."""
    if not file.is_file():
        raise UpkeepFailure("no-file", file=str(file))
    address = f"sqlite:///{file}"
    with only_server(data_dir, address):
        yield address


def _move(source: Database, target: Database, progress: Progress) -> int:
    source.migrate()
    target.migrate()
    _begin(source, target)
    moved = 0
    with source.engine.connect() as rows:
        for table in _moved_tables():
            _copy_missing(rows, target, table)
            count = _count(rows, table)
            progress(table.name, count)
            moved += count
        _require_equal(rows, target)
    note_move(source, target)
    for database, direction in ((target, MoveDirection.IN), (source, MoveDirection.OUT)):
        with database.writing() as session:
            session.get_one(DatabaseMove, direction).finished_at = utc_now()
    return moved


def _begin(source: Database, target: Database) -> None:
    """Note the move in both databases, first where it goes. Raises UpkeepFailure."""
    with target.writing() as session:
        there = move_of(session, MoveDirection.IN)
        if there and there.finished_at:
            raise UpkeepFailure("moved")
        if there is None:
            connection = session.connection()
            if not is_empty(connection):
                raise UpkeepFailure("target-in-use")
            for table in reversed(Base.metadata.sorted_tables):
                if table.name != "audit_entry":  # empty, and only ever added to
                    connection.execute(delete(table))
            session.add(DatabaseMove(direction=MoveDirection.IN))
    with source.writing() as session:
        if move_of(session, MoveDirection.OUT) is None:
            if there:  # it was begun with another database, or was cancelled
                raise UpkeepFailure("other-move")
            session.add(DatabaseMove(direction=MoveDirection.OUT))


def _copy_missing(rows: Connection, target: Database, table: Table) -> None:
    """Copy rows that are not there yet; their references to their own table follow."""
    own = [
        column.name
        for column in table.columns
        if any(key.column.table is table for key in column.foreign_keys)
    ]
    keys = list(table.primary_key.columns)
    with target.engine.connect() as connection:
        there = {tuple(row) for row in connection.execute(select(*keys))}
    found = rows.execute(select(table)).mappings()
    missing = (
        dict(row) | dict.fromkeys(own)
        for row in found
        if tuple(row[key.name] for key in keys) not in there
    )
    for part in _parts(missing):
        with target.engine.begin() as connection:
            connection.execute(insert(table), part)
    if own:
        _fill_own_references(rows, target, table, own)
    with target.engine.begin() as connection:
        set_sequence(connection, table)


def _fill_own_references(rows: Connection, target: Database, table: Table, own: list[str]) -> None:
    keys = list(table.primary_key.columns)
    columns = [table.c[name] for name in own]
    query = select(*keys, *columns).where(or_(*(column.is_not(None) for column in columns)))
    for part in _parts(rows.execute(query)):
        with target.engine.begin() as connection:
            for row in part:
                key, values = row[: len(keys)], dict(zip(own, row[len(keys) :], strict=True))
                here = (column == value for column, value in zip(keys, key, strict=True))
                connection.execute(update(table).where(*here).values(values))


def _require_equal(rows: Connection, target: Database) -> None:
    """Raise UpkeepFailure unless every table has as many rows."""
    with target.engine.connect() as connection:
        for table in _moved_tables():
            if _count(rows, table) != _count(connection, table):
                raise UpkeepFailure("counts-differ", table=table.name)


def _moved_tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in NOT_MOVED]


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _parts(rows: Any) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while part := list(islice(iterator, CHUNK)):
        yield part
