"""On PostgreSQL a firm's writer waits for its own firm and the installation, for no other firm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from crmlink.store import Database, Workspace
from support.databases import new_database

OWN, OTHER = 1, 2


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    database = Database(new_database(request, tmp_path))
    with database.writing() as session:
        session.add_all([Workspace(id=OWN), Workspace(id=OTHER)])
    # In this database a writer that has to wait is refused at once.
    alter = f"ALTER DATABASE {database.engine.url.database}"
    with database.connect_directly() as connection:
        connection.execute(f"{alter} SET lock_timeout = 200")
    database.engine.dispose()
    yield database
    with database.connect_directly() as connection:  # the next test borrows it
        connection.execute(f"{alter} RESET lock_timeout")
    database.close()


def must_wait(database: Database) -> bool:
    try:
        with database.writing() as session:
            session.execute(text("SELECT 1"))
    except OperationalError as refused:
        return "lock timeout" in str(refused)
    return False


def test_writers_wait_for_their_own_firm_only(database: Database) -> None:
    with database.of(OWN).writing():
        assert must_wait(database.of(OWN))
        assert not must_wait(database.of(OTHER))


def test_the_installations_writers_and_those_of_firms_wait_for_each_other(
    database: Database,
) -> None:
    with database.writing():
        assert must_wait(database.of(OWN))
    with database.of(OWN).writing():
        assert must_wait(database)
    assert not must_wait(database)
