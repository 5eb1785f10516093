"""Firms are synced spread over the interval, also after a restart: by a simulated clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from crmlink.installation.sync_times import SyncTimes, last_time
from crmlink.store import ConnectionKind, Database, Workspace, WorkspaceConnection
from crmlink.store.base import new_id

FIRMS = 1_000
INTERVAL, MINUTE = timedelta(minutes=30), timedelta(minutes=1)
BEGIN = datetime(2026, 11, 30, 9, 0, 20, tzinfo=UTC)
MAX_A_MINUTE = 60  # in a minute; 33 are a fair share


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


class SimulatedClock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


def add_firms(database: Database, count: int, synced_at: datetime | None = BEGIN) -> list[int]:
    connected = BEGIN - timedelta(days=9)
    with database.writing() as session:
        first = 1 + (session.scalar(select(Workspace.id).order_by(Workspace.id.desc())) or 0)
        ids = list(range(first, first + count))
        session.execute(
            insert(Workspace),
            [{"id": each, "public_id": new_id(), "writes": "API"} for each in ids],
        )
        session.execute(
            insert(WorkspaceConnection),
            [
                {
                    "public_id": new_id(),
                    "workspace_id": each,
                    "kind": ConnectionKind.API,
                    "client_id": str(each),
                    "connected_at": connected,
                    "synced_at": synced_at,
                }
                for each in ids
            ],
        )
    return ids


def sync(database: Database, ids: list[int], at: datetime) -> None:
    with database.writing() as session:
        session.execute(
            update(WorkspaceConnection)
            .where(WorkspaceConnection.workspace_id.in_(ids))
            .values(synced_at=at)
        )


def run(
    database: Database, times: SyncTimes, clock: SimulatedClock, minutes: int
) -> tuple[Counter[int], list[int]]:
    """Return how often each firm was synced, and how many there were in each minute."""
    often: Counter[int] = Counter()
    each_minute = []
    for _ in range(minutes):
        clock.now += MINUTE
        due = times.due()
        sync(database, due, clock.now)
        often.update(due)
        each_minute.append(len(due))
    return often, each_minute


def test_a_thousand_firms_are_spread_over_the_interval_and_each_has_its_turn(
    database: Database,
) -> None:
    ids, clock = add_firms(database, FIRMS), SimulatedClock()
    times = SyncTimes(database, INTERVAL, clock)
    often, each_minute = run(database, times, clock, 60)
    assert set(often) == set(ids)
    assert set(often.values()) == {2}
    assert max(each_minute) <= MAX_A_MINUTE
    assert min(each_minute) >= 10


def test_a_restart_after_an_outage_reads_not_all_at_once(database: Database) -> None:
    ids, clock = add_firms(database, FIRMS), SimulatedClock()
    clock.now += timedelta(hours=5)
    often, each_minute = run(database, SyncTimes(database, INTERVAL, clock), clock, 30)
    assert set(often) == set(ids)
    assert max(each_minute) <= MAX_A_MINUTE


def test_two_workers_have_the_same_times_and_the_second_finds_it_done(database: Database) -> None:
    add_firms(database, 200)
    clock = SimulatedClock()
    first, other = (SyncTimes(database, INTERVAL, clock) for _ in range(2))
    done = 0
    for _ in range(30):
        clock.now += MINUTE
        due = first.due()
        sync(database, due, clock.now)
        assert other.due() == []
        done += len(due)
    assert done == 200


def test_a_time_is_the_connections_own_and_comes_every_interval() -> None:
    public_id = new_id()
    found = last_time(public_id, BEGIN, INTERVAL)
    assert BEGIN - INTERVAL < found <= BEGIN
    for later in (found, found + INTERVAL - timedelta(microseconds=1)):
        assert last_time(public_id, later, INTERVAL) == found
    assert last_time(public_id, found + INTERVAL, INTERVAL) == found + INTERVAL


def test_what_was_never_read_is_read_at_once_and_after_a_failure_at_its_time(
    database: Database,
) -> None:
    [firm], clock = add_firms(database, 1, synced_at=None), SimulatedClock()
    times = SyncTimes(database, INTERVAL, clock)
    assert times.due() == [firm]
    tries = 0
    for _ in range(60):
        clock.now += MINUTE
        tries += len(times.due())
    assert tries == 2


def test_a_sync_noted_by_a_clock_that_was_ahead_keeps_no_firm_from_its_turn(
    database: Database,
) -> None:
    ids, clock = add_firms(database, 3), SimulatedClock()
    times = SyncTimes(database, INTERVAL, clock)
    sync(database, ids, BEGIN + timedelta(days=3_650))
    often, _ = run(database, times, clock, 60)
    assert often == dict.fromkeys(ids, 2)


@pytest.mark.parametrize("change", [{"credentials": "others"}, {"connected_at": BEGIN}])
def test_a_changed_connection_is_read_at_once(
    database: Database, change: dict[str, object]
) -> None:
    [firm], clock = add_firms(database, 1), SimulatedClock()
    times = SyncTimes(database, INTERVAL, clock)
    assert times.due() == []
    with database.writing() as session:
        session.execute(update(WorkspaceConnection).values(**change))
    assert times.due() == [firm]
    assert times.due() == []


def test_suspended_firms_are_not_read(database: Database) -> None:
    add_firms(database, 20)
    with database.writing() as session:
        session.execute(update(Workspace).values(suspended_at=BEGIN))
    clock = SimulatedClock()
    often, _ = run(database, SyncTimes(database, INTERVAL, clock), clock, 31)
    assert not often
