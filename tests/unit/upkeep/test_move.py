"""A SQLite database is moved into PostgreSQL whole, and from then on only one of them is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from crmlink.access.audit.check import verify_audit
from crmlink.cli import main
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import open_database, open_installation
from crmlink.settings import Settings
from crmlink.settings.errors import DatabaseMoved
from crmlink.store import Database, SourceAccount, Workspace
from crmlink.store.base import Base
from crmlink.store.belonging import belongs_to, tables_of_workspaces
from crmlink.store.place import RESTORED, place_of
from crmlink.upkeep import move_database as moves
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.move_database import NOT_MOVED, cancel_move, move_database
from support.databases import empty_database, sqlite_database
from support.rows_of_every_table import add_rows
from support.sample_data import populate
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to


@pytest.fixture
def filled(sandbox: SandboxHandle, tmp_path: Path) -> Settings:
    """The settings of an office with SQLite that has been worked in, and whose server stopped."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=sqlite_database(tmp_path),
        secret_key="k" * 20 + "0123456789abcdefghijklmnopqrs",
        commusoft=connection_to(sandbox.address),
    )
    commusoft = CommusoftClient(connection_to(sandbox.address), limits=FAST_LIMITS)
    installation = open_installation(settings, commusoft)
    installation.workspace.sync()
    populate(installation, sandbox)
    installation.close()
    return settings


@pytest.fixture(params=["postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    database = Database(empty_database(request, tmp_path))
    yield database
    database.close()


def move(filled: Settings, target: Database) -> int:
    file = filled.data_dir / "crmlink.sqlite"
    return move_database(filled.data_dir, file, target, lambda _table, _rows: None)


def test_the_sign_ins_go_on_where_the_database_was_moved_to(
    filled: Settings, target: Database
) -> None:
    source = Database(filled.database_url)
    with source.writing() as session:
        workspace_id = session.scalars(select(Workspace.id)).first()
        for used_by in (place_of(source), RESTORED):
            session.add(
                SourceAccount(
                    workspace_id=workspace_id, package="xero", credentials="-", used_by=used_by
                )
            )
    source.close()
    move(filled, target)
    with target.reading() as session:
        found = set(session.scalars(select(SourceAccount.used_by).filter_by(credentials="-")))
    assert found == {place_of(target), RESTORED}


def rows_in(database: Database) -> dict[str, list[object]]:
    """Every table's rows, in the order of their keys."""
    found: dict[str, list[object]] = {}
    with database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in NOT_MOVED:
                rows = [tuple(row) for row in connection.execute(select(table))]
                found[table.name] = sorted(rows, key=repr)
    return found


def opened(filled: Settings, target: Database) -> Settings:
    url = target.engine.url.render_as_string(hide_password=False)
    return replace(filled, database_url=url)


def test_every_row_is_moved_and_the_audit_still_holds(filled: Settings, target: Database) -> None:
    source = Database(filled.database_url)
    before = rows_in(source)
    source.close()
    moved = move(filled, target)
    assert rows_in(target) == before
    assert moved == sum(map(len, before.values()))
    database = open_database(opened(filled, target))
    assert verify_audit(database, 1).sound
    with database.writing() as session:  # numbers go on after those that were moved
        highest = session.scalar(select(func.max(Base.metadata.tables["device"].c.id)))
        next_number = session.scalar(
            select(func.nextval(func.pg_get_serial_sequence("device", "id")))
        )
    assert next_number > highest
    database.close()


def test_every_table_of_two_firms_is_moved_and_bound_to_its_firm(
    filled: Settings, target: Database
) -> None:
    source = Database(filled.database_url)
    with source.writing() as session:
        session.add_all([Workspace(id=2), Workspace(id=3)])
    for workspace_id in (2, 3):
        add_rows(source, workspace_id)
    before = rows_in(source)
    source.close()
    tables = [table for table in tables_of_workspaces() if table.name not in NOT_MOVED]
    assert all(before[table.name] for table in tables)
    move(filled, target)
    assert rows_in(target) == before
    assert target.separate_workspaces()
    for workspace_id in (2, 3):
        with target.of(workspace_id).reading() as own, target.reading() as all_:
            for table in tables:
                count = select(func.count()).select_from(table)
                of_firm = all_.scalar(count.where(belongs_to(table, workspace_id)))
                assert own.scalar(count) == of_firm != 0, table.name


def test_what_was_moved_is_used_by_no_server_again(filled: Settings, target: Database) -> None:
    move(filled, target)
    with pytest.raises(DatabaseMoved, match="was moved into PostgreSQL"):
        open_database(filled)
    with pytest.raises(UpkeepFailure, match="moved"):
        move(filled, target)
    with pytest.raises(UpkeepFailure, match="moved"):
        cancel_move(filled.data_dir, filled.data_dir / "crmlink.sqlite", target)


@pytest.mark.parametrize("dies_at", ["device", "link", "audit_entry"])
def test_a_move_that_was_interrupted_goes_on(
    filled: Settings, target: Database, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    monkeypatch.setattr(moves, "CHUNK", 2)
    parts = moves._parts

    def dying(rows: object) -> Iterator[list[object]]:
        """The table's first part arrives, and nothing after it."""
        for part in parts(rows):
            yield part
            if dying_now:
                raise KeyboardInterrupt

    dying_now: list[str] = []
    copy = moves._copy_missing

    def copy_until_death(rows: object, into: Database, table: object) -> None:
        if getattr(table, "name", "") == dies_at:
            dying_now.append(dies_at)
        copy(rows, into, table)  # type: ignore[arg-type] # passed on

    with monkeypatch.context() as patched:
        patched.setattr(moves, "_parts", dying)
        patched.setattr(moves, "_copy_missing", copy_until_death)
        with pytest.raises(KeyboardInterrupt):
            move(filled, target)
    for settings in (filled, opened(filled, target)):
        with pytest.raises(DatabaseMoved):
            open_database(settings)
    move(filled, target)
    source = Database(filled.database_url)
    assert rows_in(target) == rows_in(source)
    source.close()


def test_a_move_that_lost_a_row_is_not_finished(
    filled: Settings, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = moves._copy_missing

    def lose(rows: object, into: Database, table: object) -> None:
        copy(rows, into, table)  # type: ignore[arg-type] # passed on
        if getattr(table, "name", "") == "parked_contact":
            with into.engine.begin() as connection:
                connection.exec_driver_sql("DELETE FROM parked_contact")

    with monkeypatch.context() as patched:
        patched.setattr(moves, "_copy_missing", lose)
        with pytest.raises(UpkeepFailure, match="counts-differ"):
            move(filled, target)
    with pytest.raises(DatabaseMoved, match="not finished"):
        open_database(opened(filled, target))
    cancel_move(filled.data_dir, filled.data_dir / "crmlink.sqlite", target)
    open_database(filled).close()


def test_a_database_that_is_in_use_is_no_place_to_move_to(
    filled: Settings, target: Database
) -> None:
    used = open_installation(opened(filled, target))
    used.workspace.sync()
    used.close()
    with pytest.raises(UpkeepFailure, match="target-in-use"):
        move(filled, target)
    open_database(filled).close()


@pytest.mark.parametrize("command", [["db", "move"], ["db", "move", "--cancel"]])
def test_a_file_that_is_not_there_is_not_made(
    target: Database, tmp_path: Path, command: list[str]
) -> None:
    url = target.engine.url.render_as_string(hide_password=False)
    environment = {"CRMLINK_DATA_DIR": str(tmp_path), "CRMLINK_DATABASE_URL": url}
    refused = CliRunner(env=environment).invoke(main, command)
    assert refused.exit_code == 1
    assert refused.stderr == f"Error: There is no file {tmp_path / 'crmlink.sqlite'}.\n"
    assert not (tmp_path / "crmlink.sqlite").exists()


def test_the_command_says_what_to_do_next(filled: Settings, target: Database) -> None:
    url = target.engine.url.render_as_string(hide_password=False)
    environment = {"CRMLINK_DATA_DIR": str(filled.data_dir), "CRMLINK_DATABASE_URL": url}
    done = CliRunner(env=environment).invoke(main, ["db", "move"])
    assert done.exit_code == 0, done.output
    assert "the same number in every table" in done.stdout
    again = CliRunner(env=environment).invoke(main, ["db", "move"])
    assert "was moved there already" in again.stderr
    environment.pop("CRMLINK_DATABASE_URL")
    refused = CliRunner(env=environment).invoke(main, ["db", "move"])
    assert "Set CRMLINK_DATABASE_URL" in refused.stderr
