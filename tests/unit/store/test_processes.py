"""Which processes count as alive: by their beats alone, as another one sees them while it looks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crmlink.store import AuditSigner, Database, Ownership, Process, ProcessRole, base
from crmlink.store.processes import (
    HEARTBEAT_INTERVAL,
    SILENCE_TIMEOUT,
    has_peer_with_other_key,
)

BEATS = int(SILENCE_TIMEOUT / HEARTBEAT_INTERVAL)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


class Peer:
    """A process whose time passes when the test says so."""

    def __init__(self, database: Database, role: ProcessRole = ProcessRole.SERVER) -> None:
        self.seconds = 0.0
        self.ownership = Ownership(database, role, beat_every=None, clock=lambda: self.seconds)
        self._database = database

    def register(self) -> str:
        with self._database.writing() as session:
            return self.ownership.register(session)

    def wait(self, seconds: float = HEARTBEAT_INTERVAL) -> None:
        self.seconds += seconds
        self.ownership.beat()


def alive(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.scalars(select(Process.id)))


def test_a_process_that_says_nothing_is_counted_as_dead_and_one_that_beats_is_not(
    database: Database,
) -> None:
    looker, silent, beating = (Peer(database) for _ in range(3))
    ids = [peer.register() for peer in (looker, silent, beating)]
    looker.wait()
    for _ in range(BEATS - 1):
        beating.wait()
        looker.wait()
    assert alive(database) == set(ids)
    beating.wait()
    looker.wait()
    assert alive(database) == {ids[0], ids[2]}


def test_one_that_was_counted_as_dead_owns_nothing_more_and_goes_on_under_another_id(
    database: Database,
) -> None:
    looker, sleeper = Peer(database), Peer(database)
    looker.register()
    before = sleeper.register()
    for _ in range(BEATS + 1):
        looker.wait()
    sleeper.wait()
    after = sleeper.register()
    assert after != before
    assert before not in alive(database)
    with database.reading() as session:
        sleeper.ownership.working_on.add("an attempt")
        assert not looker.ownership.is_worked_on(session, before, "an attempt")
        assert not sleeper.ownership.is_worked_on(session, before, "an attempt")
        assert sleeper.ownership.is_worked_on(session, after, "an attempt")


def test_a_process_that_slept_itself_counts_no_one_as_dead_for_that(database: Database) -> None:
    looker, other = Peer(database), Peer(database)
    ids = {looker.register(), other.register()}
    looker.wait()
    looker.wait(SILENCE_TIMEOUT * 100)  # both were on one laptop, and this one wakes first
    assert alive(database) == ids


@pytest.mark.parametrize("jump", [timedelta(days=3), timedelta(days=-3)], ids=str)
def test_no_clock_that_can_be_set_says_who_is_alive(
    database: Database, jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            return datetime.now(zone) + jump

    looker, other = Peer(database), Peer(database)
    ids = {looker.register(), other.register()}
    looker.wait()
    monkeypatch.setattr(base, "datetime", Clock)
    for _ in range(2 * BEATS):
        other.wait()
        looker.wait()
    assert alive(database) == ids


def test_a_process_that_ends_is_gone_at_once(database: Database) -> None:
    peer = Peer(database)
    peer.register()
    peer.ownership.close()
    assert alive(database) == set()


def test_the_only_server_counts_earlier_servers_as_dead_but_no_command(database: Database) -> None:
    earlier, command = Peer(database), Peer(database, ProcessRole.COMMAND)
    earlier.register()
    kept = command.register()
    server = Peer(database)
    server.ownership.mark_servers_ended()
    own = server.register()
    assert alive(database) == {kept, own}


def test_a_registration_that_was_not_committed_is_made_again(database: Database) -> None:
    peer = Peer(database)

    def fails() -> None:
        with database.writing() as session:
            peer.ownership.register(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert alive(database) == set()
    own = peer.register()
    assert alive(database) == {own}


def test_what_broke_down_in_a_living_process_is_worked_on_no_more(database: Database) -> None:
    peer, other = Peer(database), Peer(database)
    owner_id = peer.register()
    with database.reading() as session:
        assert not peer.ownership.is_worked_on(session, owner_id, "an attempt")
        assert other.ownership.is_worked_on(session, owner_id, "an attempt")
        assert not other.ownership.is_worked_on(session, None, "an attempt")


def with_key(database_url: str, folder: Path, key: str) -> Database:
    return Database(database_url, signer=AuditSigner.of(key * 40, folder))


def test_a_living_process_with_another_key_is_told_from_a_dead_one(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    one, other = (with_key(database_url, tmp_path, key) for key in "ab")
    peer = Peer(one)
    peer.register()
    assert not has_peer_with_other_key(one, lambda _: pytest.fail("nothing to wait for"))
    assert not has_peer_with_other_key(other, lambda _: None), "it does not beat"
    assert has_peer_with_other_key(other, lambda _: peer.wait())
    for each in (one, other):
        each.close()


def test_threads_that_register_at_once_own_their_work_under_one_id(database: Database) -> None:
    """Firms' writers do not wait for each other, so each has a transaction of its own."""
    peer = Peer(database)

    def register(workspace_id: int) -> str:
        with database.of(workspace_id).writing() as session:
            return peer.ownership.register(session)

    with ThreadPoolExecutor(1) as pool:
        with database.of(1).writing() as session:
            first = peer.ownership.register(session)
            other = pool.submit(register, 2)
            wait([other], timeout=1)  # until it has asked for the row, which is not committed
            assert not other.done()
        assert other.result(60) == first
    assert alive(database) == {first}


def test_an_id_that_is_stored_just_after_another_thread_looked_for_it_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has one writer at a time")
    peer = Peer(database)
    with ExitStack() as turn:
        first = peer.ownership.register(turn.enter_context(database.of(1).writing()))
        with database.of(2).writing() as session:
            look = session.get

            def look_before_it_is_committed(*words: Any) -> Any:
                found = look(*words)
                turn.close()
                return found

            monkeypatch.setattr(session, "get", look_before_it_is_committed)
            assert peer.ownership.register(session) == first
    assert alive(database) == {first}


def test_an_id_whose_transaction_failed_serves_the_next_thread(database: Database) -> None:
    peer = Peer(database)
    with database.writing() as session:
        peer.ownership.register(session)
        session.rollback()
    assert alive(database) == set()
    kept = peer.register()
    assert alive(database) == {kept}
