"""Notifications between processes of a PostgreSQL database, and work that one of them does."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from crmlink.store import Database
from crmlink.store.notifications import CHANNEL, Listener, notify_workers

LIMIT = 20.0  # seconds


@pytest.fixture
def databases(database_url: str) -> Iterator[tuple[Database, Database]]:
    """The same database, as two processes open it."""
    pair = Database(database_url), Database(database_url)
    yield pair
    for database in pair:
        database.close()


@pytest.fixture
def shared(databases: tuple[Database, Database]) -> tuple[Database, Database]:
    if not databases[0].is_shared:
        pytest.skip("SQLite has one server, which needs no notification")
    return databases


@pytest.fixture
def heard(shared: tuple[Database, Database]) -> Iterator[queue.Queue[None]]:
    """What a listener of the second database heard; its own first look is taken out."""
    found: queue.Queue[None] = queue.Queue()
    listener = Listener(shared[1], lambda: found.put(None))
    listener.start()
    found.get(timeout=LIMIT)
    yield found
    listener.stop()


def test_a_notification_of_one_process_is_heard_by_another(
    shared: tuple[Database, Database], heard: queue.Queue[None]
) -> None:
    notify_workers(shared[0])
    heard.get(timeout=LIMIT)


def test_a_listener_whose_connection_was_lost_looks_once_and_listens_again(
    shared: tuple[Database, Database], heard: queue.Queue[None]
) -> None:
    end = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query = :query"
    )
    with shared[0].engine.begin() as connection:
        assert connection.execute(end, {"query": f"LISTEN {CHANNEL}"}).all()
    heard.get(timeout=LIMIT)
    notify_workers(shared[0])
    heard.get(timeout=LIMIT)


def test_work_that_one_process_does_is_refused_to_others_until_it_has_ended(
    shared: tuple[Database, Database],
) -> None:
    one, other = shared
    with one.alone("back_up") as first, other.alone("back_up") as second:
        assert (first, second) == (True, False)
        with other.alone("check_audit") as third:
            assert third
    with other.alone("back_up") as fourth:
        assert fourth


def test_a_database_that_was_restarted_answers_the_next_question(
    databases: tuple[Database, Database],
) -> None:
    one, other = databases
    for database in databases:
        assert database.answers()
    if one.is_shared:
        with other.engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    assert one.answers()
