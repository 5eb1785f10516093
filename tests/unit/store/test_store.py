"""The database: durable settings, migrations that match the models, times that keep their zone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crmlink.store import ConnectionKind, Database, Device, Workspace, WorkspaceConnection
from crmlink.store import database as database_module
from crmlink.store.base import Base
from crmlink.store.revisions import MIGRATIONS, newest_revision
from support.quick_databases import SHIPPED


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    database.migrate()
    yield database
    database.close()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_the_migrations_make_exactly_the_tables_that_the_models_describe(
    database: Database,
) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    database.migrate()


def test_sqlite_is_set_up_to_survive_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_set_up_sqlite", SHIPPED)
    with Database(f"sqlite:///{tmp_path / 'durable.sqlite'}").reading() as session:
        pragma = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }


def counted_up(database: Database, times: int) -> int:
    """How far eight writers come that add one each time to what they read."""

    def count_up(_: int) -> None:
        with database.writing() as session:
            connection = session.query(WorkspaceConnection).one()
            connection.mirror_version += 1

    with database.writing() as session:
        session.add(Workspace(id=1))
        session.flush()
        session.add(WorkspaceConnection(workspace_id=1, kind=ConnectionKind.SANDBOX))
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(count_up, range(times)))
    with database.reading() as session:
        return session.query(WorkspaceConnection).one().mirror_version


@pytest.mark.slow
def test_writers_take_turns_from_their_start(database: Database) -> None:
    assert counted_up(database, 100) == 100


def test_a_postgresql_that_shows_each_transaction_its_beginning_makes_no_writer_see_less(
    database: Database,
) -> None:
    if database.engine.dialect.name == "postgresql":
        name = database.engine.url.database
        with database.engine.connect() as connection:
            setting = f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
            connection.execute(text(setting))
            connection.commit()
        database.engine.dispose()
    assert counted_up(database, 40) == 40


def test_what_is_written_in_a_session_that_fails_is_not_kept(database: Database) -> None:
    def fails_half_way() -> None:
        with database.writing() as session:
            session.add(Workspace())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_half_way()
    with database.reading() as session:
        assert session.query(Workspace).count() == 0


def test_times_come_back_aware(database: Database) -> None:
    with database.writing() as session:
        session.add(Workspace())
    with database.reading() as session:
        assert session.query(Workspace).one().created_at.utcoffset() is not None


def test_values_of_people_do_not_show_in_database_errors(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.reading() as session:
        session.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "Mrs Marked"})
    assert "Mrs Marked" not in str(caught.value)


def test_an_older_database_with_rows_is_brought_up_to_date(empty_database_url: str) -> None:
    older = Database(empty_database_url)
    older.migrate("0001")
    with older.writing() as session:
        for statement in (
            "INSERT INTO workspace (id, account, name, mirror_version, created_at) "
            "VALUES (1, 'a', 'A', 0, '2026-01-01')",
            "INSERT INTO device (id, workspace_id, name, prefix, token_hash, scopes, created_at, "
            "expires_at) VALUES (1, 1, 'Till', 'crm_AAAAAAAA', 'h', '[]', '2026-01-01', "
            "'2027-01-01')",
            "INSERT INTO device (id, workspace_id, name, prefix, token_hash, scopes, created_at, "
            "expires_at) VALUES (2, 1, 'Command line', 'command line 1', 'c', '[]', "
            "'2026-01-01', '2026-01-01')",
        ):
            session.execute(text(statement))
    older.migrate()
    with older.reading() as session:
        till, command_line = session.query(Device).order_by(Device.id)
    assert (till.sort, command_line.sort) == ("script", "command_line")
    assert len({till.public_id, command_line.public_id}) == 2
    assert len(till.public_id) == 32
    older.close()


def test_browsers_without_a_key_end_and_tokens_learn_which_token_made_them(
    empty_database_url: str,
) -> None:
    older = Database(empty_database_url)
    older.migrate("0004")
    device = (
        "INSERT INTO device (id, public_id, workspace_id, sort, name, prefix, token_hash, scopes, "
        "created_at, expires_at, use_count) VALUES ({0}, 'device {0}', 1, '{1}', 'Name', "
        "'prefix {0}', 'hash {0}', '[]', '2026-01-01', '2027-01-01', 0)"
    )
    made = (
        "INSERT INTO audit_entry (workspace_id, place, at, action, subject, device_id, details, "
        "previous_hash, hash) VALUES (1, {0}, '2026-01-01', 'token.created', 'device {1}', {2}, "
        "'{{}}', 'a', 'b')"
    )
    sorts = ("browser", "script", "script", "script", "pages")
    with older.writing() as session:
        session.execute(
            text(
                "INSERT INTO workspace (id, account, name, mirror_version, created_at) "
                "VALUES (1, 'a', 'A', 0, '2026-01-01')"
            )
        )
        for number, sort in enumerate(sorts, 1):
            session.execute(text(device.format(number, sort)))
        session.execute(text("UPDATE device SET revoked_at = '2026-02-02' WHERE id = 4"))
        # The page made the second, the second made the third, and the third the fourth.
        for place, (child, maker) in enumerate(((2, 5), (3, 2), (4, 3)), 1):
            session.execute(text(made.format(place, child, maker)))
    older.migrate()
    older.migrate()
    with older.reading() as session:
        rows = session.query(Device).order_by(Device.id).all()
    assert [row.made_by_id for row in rows] == [None, None, 2, 3, None]
    assert [row.revoked_because for row in rows] == ["no-key", None, None, None, None]
    assert [row.revoked_at is None for row in rows] == [False, True, True, False, True]
    older.close()


def test_the_newest_version_is_the_one_that_none_follows_whatever_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name, follows in (("0001", "None"), ("0032", '"0001"'), ("0028", '"0032"')):
        text = f'revision = "{name}"\ndown_revision = {follows}\n'
        (versions / f"{name}_a.py").write_text(text)
    monkeypatch.setattr("crmlink.store.revisions.MIGRATIONS", tmp_path)
    assert newest_revision.__wrapped__() == "0028"  # not the one that was found before


def test_the_newest_version_is_alembics(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()
