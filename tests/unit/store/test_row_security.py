"""On PostgreSQL a statement without any condition finds and changes one firm's rows only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import delete, func, make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from crmlink.store import Database, PackageHost, Workspace
from crmlink.store.belonging import belongs_to, tables_of_workspaces
from crmlink.store.migrations import row_security
from crmlink.store.newer_tables import Tables
from support.databases import new_database
from support.postgresql_pool import create_database, new_name
from support.rows_of_every_table import add_rows

OWN, OTHER = 1, 2
WAITING = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
"""


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Two firms with a row each in every table."""
    database = Database(new_database(request, tmp_path))
    assert database.separate_workspaces()
    with database.writing() as session:
        session.add_all([Workspace(id=OWN), Workspace(id=OTHER)])
    for workspace_id in (OWN, OTHER):
        add_rows(database, workspace_id)
    yield database
    database.close()


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables_of_workspaces()
        }


def test_a_query_without_a_condition_finds_one_firms_rows_in_every_table(
    database: Database,
) -> None:
    assert set(counts(database).values()) == {2}
    for workspace_id in (OWN, OTHER):
        own = database.of(workspace_id)
        assert counts(own) == dict.fromkeys(counts(database), 1)
        with own.reading() as session:
            for table in tables_of_workspaces():
                found = select(func.count()).select_from(table)
                assert session.scalar(found.where(belongs_to(table, workspace_id))) == 1, table.name


def test_a_change_without_a_condition_changes_one_firms_rows_in_every_table(
    database: Database,
) -> None:
    for table in tables_of_workspaces():
        if table.name == "audit_entry":
            continue  # no one may change it
        column = next(iter(table.c))
        with database.of(OWN).writing() as session:
            changed = update(table).values({column: column}).returning(column)
            assert len(session.execute(changed).all()) == 1, table.name
    for table in reversed(tables_of_workspaces()):
        if table.name in ("audit_entry", "device", "person", "workspace"):
            continue  # the audit's rows refer to them
        with database.of(OWN).writing() as session:
            session.execute(delete(table))
        with database.reading() as session:
            left = select(func.count()).select_from(table).where(belongs_to(table, OTHER))
            assert session.scalar(left) == 1, table.name


def test_nothing_is_put_into_another_firm(database: Database) -> None:
    host = {"package": "sage-200", "host": "accounts.example"}
    with database.of(OWN).writing() as session:
        session.add(PackageHost(workspace_id=OWN, **host))
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        database.of(OWN).writing() as session,
    ):
        session.add(PackageHost(workspace_id=OTHER, **host))
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        database.of(OWN).writing() as session,
    ):
        session.execute(update(PackageHost).values(workspace_id=OTHER))


def test_connections_are_the_installations_again_afterwards(database: Database) -> None:
    for _ in range(3):
        with database.of(OWN).reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 1
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 2
        with database.of(OWN).of(OTHER).snapshot() as session:
            assert session.scalars(select(Workspace.id)).all() == [OTHER]
        with database.of(OWN).of_installation.writing() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 2


def test_a_role_without_a_workspace_finds_nothing(database: Database) -> None:
    with database.of(OWN).reading() as session:
        session.execute(text("SELECT set_config('crmlink.workspace', '', true)"))
        assert session.scalars(select(Workspace.id)).all() == []


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_the_migration_keeps_no_reader_of_an_older_server_waiting(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, database = threading.Event(), Database(empty_database_url)

    def pause(_: float) -> None:
        tried.set()
        tried.wait(0.01)

    monkeypatch.setattr(row_security, "time", SimpleNamespace(sleep=pause))
    monkeypatch.setattr(row_security, "TRIES", 1_000_000)
    database.migrate("0043")
    with database.connect_directly() as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SET lock_timeout = '5s'")
        with reader.transaction():
            reader.execute("SELECT id FROM record")
            migrating = pool.submit(database.migrate)
            while not tried.wait(0.05) and not reader.execute(WAITING).fetchall():
                assert not migrating.done()
            reader.execute("SELECT id FROM person")
            reader.execute("SELECT id FROM workspace")
        migrating.result(60)
    assert database.tables() is Tables.USABLE
    database.close()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_user_who_may_not_make_a_role_works_as_before_until_there_is_one(
    postgresql: str, kind: str
) -> None:
    user = f"plain_{new_name()}"
    with psycopg.connect(postgresql.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN".encode())
        name = create_database(postgresql)
        connection.execute(f"ALTER DATABASE {name} OWNER TO {user}".encode())
        url = make_url(postgresql.format(name)).set(drivername=f"{kind}+psycopg", username=user)
        database = Database(url.render_as_string(hide_password=False))
        database.migrate()
        with database.writing() as session:
            session.add_all([Workspace(id=OWN), Workspace(id=OTHER)])
        assert not database.separate_workspaces()
        assert not database.can_separate_workspaces()
        with database.of(OWN).reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 2
        role = database.role_name()
        connection.execute(f"CREATE ROLE {role} NOLOGIN".encode())
        assert not database.separate_workspaces()
        connection.execute(f"GRANT {role} TO {user}".encode())
        assert database.separate_workspaces()
        with database.of(OWN).reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 1
    database.close()


def test_every_table_is_bound_or_the_installations(database: Database) -> None:
    bound = text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
    with database.reading() as session:
        assert set(session.scalars(bound)) == {table.name for table in tables_of_workspaces()}
