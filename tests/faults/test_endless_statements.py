"""A statement without an end, or no database: every request is answered, and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation, opening
from crmlink.linking.attempts import recover
from crmlink.logs import LoggingThreads
from crmlink.settings import Settings
from crmlink.store import Database, Link, ProcessRole, time_limits
from crmlink.store.bounded_connection import DatabaseHangs
from crmlink.store.postgresql import WRITERS_LOCK
from crmlink.store.time_limits import OF_REQUESTS, TimeLimits
from crmlink.store.unavailable import Unavailable, unavailable
from crmlink.upkeep.backup import make_backup
from crmlink.worker import Worker
from support.access_factories import connection_of, logged_in, make_person, make_token, with_token
from support.sandbox import FAST_LIMITS, HOLLOWAY, SandboxHandle, new_key

SHORT = TimeLimits(lock=500, statement=5_000, idle=60_000)
LIMITS = text(
    "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),"
    " current_setting('idle_in_transaction_session_timeout')"
)
ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def serving(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A web server's installation, whose patience is short."""
    monkeypatch.setattr(opening, "OF_REQUESTS", SHORT)
    monkeypatch.setattr(time_limits, "HANGS_AFTER_MS", 500)
    assert settings.commusoft
    client = CommusoftClient(settings.commusoft, limits=FAST_LIMITS)
    opened = open_installation(settings, client, ProcessRole.SERVER)
    opened.workspace.sync()
    yield opened
    opened.close()


@pytest.fixture
def app(settings: Settings, serving: Installation) -> Flask:
    return create_app(replace(settings, requests_per_minute=10_000), serving)


@pytest.fixture
def client(app: Flask, serving: Installation) -> FlaskClient:
    return with_token(app, make_token(serving.access))


@contextmanager
def locked(serving: Installation, table: str) -> Iterator[None]:
    """An operator's psql, in a transaction that has locked a table and is not ended."""
    with serving.database.connect_directly() as psql, psql.transaction():
        psql.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def link(client: FlaskClient, connection_id: str, key: str) -> Any:
    body = {
        "package": "xero", "organisation": "!kR4N6", "kind": "customer", "reference": HOLLOWAY,
        "record_id": "customer-1001", "contact_name": "Margaret Holloway",
        "connection_id": connection_id,
    }  # fmt: skip
    return client.post("/api/v1/links", json=body, headers={"Idempotency-Key": key})


def links(database: Database) -> list[Link]:
    with database.reading() as session:
        return session.query(Link).all()


@ONLY_POSTGRESQL
def test_a_link_that_waits_for_a_lock_without_end_is_refused_and_works_afterwards(
    client: FlaskClient, serving: Installation, sandbox: SandboxHandle
) -> None:
    connection_id, key = connection_of(client), new_key()
    with locked(serving, "link"):
        reply = link(client, connection_id, key)
        assert (reply.status_code, reply.get_json()["type"]) == (
            503,
            "urn:crmlink:problem:database-unavailable",
        )
        assert int(reply.headers["Retry-After"]) > 0
        assert "Nothing that was agreed is lost" in reply.get_json()["detail"]
        assert sandbox.reference("customer-1001") is None
    assert link(client, connection_id, key).status_code == 201
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert len(links(serving.database)) == 1


@ONLY_POSTGRESQL
def test_a_lock_that_falls_between_writing_and_noting_leaves_the_link_to_be_finished(
    client: FlaskClient, serving: Installation, sandbox: SandboxHandle
) -> None:
    connection_id, key = connection_of(client), new_key()
    with serving.database.connect_directly() as psql:
        put = serving.workspace.commusoft.write_reference

        def put_and_lock(*words: Any, **more: Any) -> Any:
            written = put(*words, **more)
            psql.execute("BEGIN")
            psql.execute("LOCK TABLE link IN ACCESS EXCLUSIVE MODE")
            return written

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serving.workspace.commusoft, "write_reference", put_and_lock)
            assert link(client, connection_id, key).status_code == 503
        psql.execute("ROLLBACK")
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert [each.state.value for each in links(serving.database)] == ["intended"]
    recover(serving.workspace)
    again = link(client, connection_id, key)
    assert (again.status_code, again.get_json()["state"]) == (201, "linked")
    assert len(links(serving.database)) == 1


@ONLY_POSTGRESQL
def test_a_page_is_answered_while_a_table_that_each_page_needs_is_locked(
    app: Flask, serving: Installation
) -> None:
    clerk = logged_in(app, serving.access, make_person(serving.access))
    with locked(serving, "person"):
        for path in ("/", "/no-such-page"):
            reply = clerk.get(path)
            assert reply.status_code == 503
            assert "database isn&#39;t answering" in reply.get_data(as_text=True)
            assert reply.headers["Retry-After"] == "30"
    assert clerk.get("/").status_code == 200


@ONLY_POSTGRESQL
def test_a_statement_that_computes_for_ever_is_ended(serving: Installation) -> None:
    with (
        serving.database.reading() as session,
        pytest.raises(OperationalError, match="statement timeout"),
    ):
        session.execute(text("SELECT pg_sleep(600)"))


@ONLY_POSTGRESQL
def test_a_request_is_answered_though_postgresql_hangs_in_the_middle_of_a_statement(
    client: FlaskClient, serving: Installation
) -> None:
    stopped: list[int] = []

    def hang(connection: Any, *_: Any) -> None:
        if not stopped:
            stopped.append(connection.connection.driver_connection.info.backend_pid)
            os.kill(stopped[0], signal.SIGSTOP)

    event.listen(serving.database.engine, "before_cursor_execute", hang)
    try:
        reply = client.get("/api/v1/workspace")
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "30")
    event.remove(serving.database.engine, "before_cursor_execute", hang)
    assert client.get("/api/v1/workspace").status_code == 200


@ONLY_POSTGRESQL
def test_a_connection_that_hangs_is_not_used_again(serving: Installation) -> None:
    with serving.database.engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(OperationalError) as hung:
                connection.execute(text("SELECT 1"))
        finally:
            os.kill(pid, signal.SIGCONT)
    assert isinstance(hung.value.orig, DatabaseHangs)
    assert hung.value.connection_invalidated
    assert serving.database.answers()


@ONLY_POSTGRESQL
def test_a_transaction_that_does_nothing_is_ended_and_its_locks_are_free(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "OF_REQUESTS", replace(SHORT, idle=2_000))
    serving = open_installation(settings, role=ProcessRole.SERVER)
    ask = text("SELECT id FROM link")
    with serving.database.reading() as session:
        session.execute(ask)
        with locked(serving, "link"):  # waits until the transaction was ended
            pass
        with pytest.raises(DBAPIError) as ended:
            session.execute(ask)
    assert unavailable(ended.value) is Unavailable.AWAY
    serving.close()


@ONLY_POSTGRESQL
def test_each_kind_of_work_has_its_own_limits_and_a_command_has_none(
    settings: Settings, installation: Installation
) -> None:
    def limits(database: Database) -> tuple[str, ...]:
        with database.reading() as session:
            return tuple(session.execute(LIMITS).one())

    serving = open_installation(settings, role=ProcessRole.SERVER)
    assert limits(installation.database) == ("0", "0", "0")
    assert limits(serving.database) == ("15s", "1min", "2min")
    found: list[tuple[str, ...]] = []
    worker = Worker(serving)

    def look() -> None:
        found.append(limits(serving.database))
        with LoggingThreads(1) as threads:
            found.append(threads.submit(limits, serving.database).result())

    worker._queue.task(name="look")(look)()
    worker.start()
    worker.stop()
    assert found == [("1min", "10min", "10min")] * 2
    serving.close()


@ONLY_POSTGRESQL
def test_a_backup_takes_as_long_as_it_takes(serving: Installation, tmp_path: Path) -> None:
    file = tmp_path / "office.backup"
    with ThreadPoolExecutor(1) as threads:
        with locked(serving, "link"):
            backup = threads.submit(make_backup, serving.settings, serving.database, file)
            wait([backup], timeout=SHORT.lock / 1_000 * 2)
        assert backup.result().revision


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_migrations_take_as_long_as_they_take(empty_database_url: str) -> None:
    limited = Database(empty_database_url, limits=OF_REQUESTS)
    seen: list[Any] = []

    def look(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "alembic_version" in statement and statement.startswith("UPDATE"):
            with connection.connection.cursor() as cursor:
                seen.append(cursor.execute(str(LIMITS)).fetchone())

    event.listen(limited.engine, "before_cursor_execute", look)
    limited.migrate()
    limited.close()
    assert seen
    assert {(each[1], each[2]) for each in seen} == {("0", "0")}


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_migration_waits_for_another_server_for_longer_than_a_request(
    empty_database_url: str,
) -> None:
    limited = Database(empty_database_url, limits=replace(SHORT, statement=500))
    with ThreadPoolExecutor(1) as pool, limited.connect_directly() as other:
        other.execute("SELECT pg_advisory_lock(%s)", (WRITERS_LOCK,))
        starting = pool.submit(limited.migrate)
        wait([starting], timeout=1)  # longer than a statement of a request may take
        other.execute("SELECT pg_advisory_unlock_all()")
        starting.result(60)
    limited.close()


def test_a_request_is_answered_while_the_database_is_away(
    app: Flask, client: FlaskClient, serving: Installation
) -> None:
    if not serving.database.is_shared:
        pytest.skip("SQLite is a file")
    clerk = logged_in(app, serving.access, make_person(serving.access))
    away = create_engine("postgresql+psycopg://none@127.0.0.1:1/nothing")
    serving.database.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving.database.engine, "pool", away.pool)
        assert client.get("/api/v1/workspace").status_code == 503
        assert clerk.get("/").status_code == 503


def test_a_request_is_answered_while_another_process_holds_the_lock_of_sqlite(
    client: FlaskClient, serving: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    if serving.database.is_shared:
        pytest.skip("the other tests are for PostgreSQL")
    with serving.database.reading() as session:
        session.execute(text("PRAGMA busy_timeout = 50"))
    connection_id = connection_of(client)
    with serving.database.engine.connect() as other:
        other.exec_driver_sql("ROLLBACK")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        reply = link(client, connection_id, new_key())
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "30")
