"""/readyz tells a proxy the truth, whatever has happened to the database or to the disk."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import QueuePool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from crmlink.app import create_app
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import ProcessRole, time_limits, unavailable
from crmlink.store.database import MAX_OVERFLOW
from crmlink.store.migrations.contracting import contract
from crmlink.store.revisions import newest_revision
from crmlink.store.time_limits import OF_PROBES
from crmlink.web import health
from crmlink.web.worker_status import worker_status
from crmlink.worker import Worker
from faults.full_disks import mounted
from support.installations import open_app

Look = Callable[[], tuple[int, str]]
ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def serving(settings: Settings) -> Iterator[Installation]:
    opened = open_installation(settings, role=ProcessRole.SERVER)
    yield opened
    opened.close()


@pytest.fixture
def look(settings: Settings, serving: Installation) -> Look:
    client = create_app(settings, serving).test_client()

    def ask() -> tuple[int, str]:
        reply = client.get("/readyz")
        return reply.status_code, reply.get_json()["status"]

    return ask


def set_version(serving: Installation, version: str, oldest: str | None = None) -> None:
    """Let a newer version have migrated; `oldest` still works, or any."""
    with serving.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        if oldest:
            contract(connection, oldest)


@ONLY_POSTGRESQL
def test_newer_tables_are_fine_until_a_migration_takes_away_what_this_version_needs(
    serving: Installation, look: Look
) -> None:
    assert look() == (200, "ok")
    set_version(serving, "9000")
    assert look() == (200, "ok")
    set_version(serving, "9001", oldest=newest_revision())
    assert look() == (200, "ok")
    set_version(serving, "9002", oldest="9001")
    try:
        assert look() == (503, "tables too new for this version")
        status = worker_status(serving.settings, serving.database, Worker(serving))
        assert status.test_client().get("/readyz").get_json()["tables"] == (
            "too new for this version"
        )
    finally:
        set_version(serving, newest_revision())
        with serving.database.engine.begin() as connection:
            connection.execute(text("COMMENT ON TABLE alembic_version IS NULL"))


@ONLY_POSTGRESQL
def test_a_database_that_is_away_and_comes_back(serving: Installation, look: Look) -> None:
    away = create_engine("postgresql+psycopg://none@127.0.0.1:1/nothing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving.database.engine, "pool", away.pool)
        assert look() == (503, "database does not answer")
    assert look() == (200, "ok")


def test_a_database_that_hangs_is_looked_at_once_whatever_asks_meanwhile(
    serving: Installation, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.1)
    looks, goes_on = [], threading.Event()

    def hang() -> bool:
        looks.append(threading.current_thread())
        return goes_on.wait(60)

    with monkeypatch.context() as patch:
        patch.setattr(serving.database, "answers", hang)
        assert [look() for _ in range(3)] == [(503, "database does not answer")] * 3
        assert len(looks) == 1
        goes_on.set()
        looks[0].join()
    monkeypatch.setattr(health, "LOOK_SECONDS", 60.0)
    assert look() == (200, "ok")


def test_a_process_whose_connections_are_all_in_use(serving: Installation, look: Look) -> None:
    pool = serving.database.engine.pool
    assert isinstance(pool, QueuePool)
    with ExitStack() as held:
        while pool.checkedout() < pool.size() + MAX_OVERFLOW:
            held.callback(pool.connect().close)
        assert look() == (503, "database has no free connection")
    assert look() == (200, "ok")


@ONLY_POSTGRESQL
def test_a_locked_database_and_a_connection_that_hangs_which_is_replaced(
    serving: Installation, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "HANGS_AFTER_MS", 0)
    limits = set()

    @event.listens_for(serving.database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "set_config('lock_timeout'" in statement:
            limits.add(values[0])

    with serving.database.connect_directly() as psql, psql.transaction():
        psql.execute("LOCK TABLE workspace IN ACCESS EXCLUSIVE MODE")
        assert look() == (503, "database does not answer")
    assert limits == {str(OF_PROBES.lock)}
    with serving.database.reading() as session:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGSTOP)  # the one connection of the pool
    try:
        assert look() == (200, "ok")
    finally:
        os.kill(pid, signal.SIGCONT)


@ONLY_POSTGRESQL
def test_a_database_without_room_until_a_minute_has_passed_without_a_refusal(
    serving: Installation, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "DO $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    with pytest.raises(DBAPIError), serving.database.writing() as session:
        session.execute(text(full))
    assert look() == (503, "database has no room")
    monkeypatch.setattr(unavailable.FullDisk, "REMEMBERED", 0.0)
    assert look() == (200, "ok")


def test_a_full_disk_of_this_machine_until_there_is_room_again(tmp_path: Path) -> None:
    with mounted(tmp_path, 6) as disk:
        if disk is None:
            pytest.skip("no tmpfs may be mounted here")
        with open_app(tmp_path) as app:
            database = app.extensions["crmlink"].database
            assert app.test_client().get("/readyz").status_code == 200
            disk.fill(database)
            reply = app.test_client().get("/readyz")
            assert (reply.status_code, reply.get_json()["disk"]) == (503, "full or read-only")
            disk.free()
            assert app.test_client().get("/readyz").status_code == 200
