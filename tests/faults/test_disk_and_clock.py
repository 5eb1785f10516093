"""A disk without room and a clock that jumps: nothing accepted is lost, work goes on by itself."""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.exc import OperationalError

from crmlink.access.api_tokens import script_actor
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import House
from crmlink.linking.attempts import recover
from crmlink.linking.context import Desk
from crmlink.linking.decisions import confirm
from crmlink.store import Link, LinkState, models
from faults.full_disks import Disk, SmallDisk, TightDatabase, mounted
from faults.shared_installation import Office, opened_office, sandbox_process
from faults.step_recording_client import Watched
from support.access_factories import make_token
from support.other_process import count_as_dead, other_process
from support.sandbox import HOLLOWAY, OTHER, Playing, decision, new_key

RUN = 60
MEGABYTES = 6
JUMPS = [timedelta(days=3), timedelta(days=-3)]


@dataclass(frozen=True)
class Wish:
    """One decision under its key."""

    record_id: str
    key: str = field(default_factory=new_key)
    target: str = field(default_factory=lambda: str(uuid.uuid4()))

    def confirm(self, office: Office, desk: Desk | None = None) -> Link:
        wish = decision(self.record_id, self.target)
        return confirm(desk or office.desk, wish, self.key, office.device_id)


def finish(desk: Desk) -> None:
    for _ in range(10):
        if not recover(desk):
            return
    pytest.fail("there is always something left to recover")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with sandbox_process(300) as address:
        yield address


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path, MEGABYTES) as disk:
        if disk is None:
            pytest.skip("no tmpfs may be mounted here: only the database's own limit is tried")
        yield disk


@pytest.fixture
def office(small_disk: SmallDisk, address: str) -> Iterator[Office]:
    """An office on a disk of its own."""
    url = f"sqlite:///{small_disk.folder / 'crmlink.sqlite'}"
    with opened_office(url, small_disk.folder, address) as opened:
        yield opened


def test_a_decision_on_a_full_disk_is_refused_before_anything_is_written(
    office: Office, small_disk: SmallDisk
) -> None:
    wish = Wish(office.record())
    small_disk.fill(office.house.database)
    with pytest.raises(OperationalError, match="full"):
        wish.confirm(office)
    assert office.link(wish.key) is None
    assert office.reference(wish.record_id) is None
    small_disk.free()
    assert wish.confirm(office).state is LinkState.LINKED
    assert office.puts()[wish.record_id] == 1


@pytest.mark.parametrize(
    ("moment", "landed"), [("comparing read", 0), ("PUT", 1), ("read-back", 1)]
)
def test_a_disk_that_fills_up_on_the_way_loses_nothing_and_locks_nothing_up(
    office: Office, small_disk: SmallDisk, moment: str, landed: int
) -> None:
    def fill(step: str) -> None:
        if step == moment:
            small_disk.fill(office.house.database)

    wish = Wish(office.record())
    with pytest.raises(OperationalError, match="full"):
        wish.confirm(office, replace(office.desk, commusoft=Watched.over(office.desk, fill)))
    assert office.puts()[wish.record_id] == landed
    with pytest.raises(OperationalError, match="full"):
        recover(office.desk)

    small_disk.free()
    kept = office.link(wish.key)
    assert kept
    assert (kept.state, kept.prior) == (LinkState.INTENDED, None)
    assert [link.state for link in recover(office.desk)] == [LinkState.LINKED]
    assert wish.confirm(office).id == kept.id
    assert office.reference(wish.record_id) == wish.target
    assert office.puts()[wish.record_id] == 1


@pytest.fixture(params=["tmpfs", "max_page_count"])
def filling(
    request: pytest.FixtureRequest, tmp_path: Path, address: str
) -> Iterator[tuple[Office, Disk]]:
    """An office on a disk that can be filled, by each of two ways."""
    if request.param == "tmpfs":
        yield request.getfixturevalue("office"), request.getfixturevalue("small_disk")
        return
    with opened_office(f"sqlite:///{tmp_path / 'crmlink.sqlite'}", tmp_path, address) as opened:
        disk = TightDatabase(tmp_path)
        disk.watch(opened.house.database)
        yield opened, disk


def run(office: Office, disk: Disk, wishes: list[Wish], work: Callable[[Wish], Any]) -> list[Wish]:
    """Work through a list while the disk fills and empties; returns what there was no room for."""
    failed: list[Wish] = []

    def one(number: int) -> None:
        if number == RUN // 4:
            disk.fill(office.house.database)
        if number == RUN * 3 // 4:
            disk.free()
        try:
            work(wishes[number])
        except OperationalError:
            failed.append(wishes[number])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(RUN)))
    disk.free()
    finish(office.desk)
    return failed


def unaccounted(office: Office, wishes: list[Wish]) -> list[str]:
    """The records where Commusoft and the rows tell different stories."""
    wrong = []
    for wish in wishes:
        link, held = office.link(wish.key), office.reference(wish.record_id)
        linked = link is not None and (link.state, link.prior) == (LinkState.LINKED, None)
        if linked != (held == wish.target) or (link is not None and not linked):
            wrong.append(wish.record_id)
    return wrong


def test_a_long_run_over_a_disk_that_fills_and_empties_ends_as_if_nothing_had_been(
    filling: tuple[Office, Disk],
) -> None:
    office, disk = filling
    wishes = [Wish(office.record()) for _ in range(RUN)]
    before = office.puts()
    failed = run(office, disk, wishes, lambda wish: wish.confirm(office))
    assert failed
    assert unaccounted(office, wishes) == []
    assert all(office.link(wish.key) for wish in wishes if wish not in failed)
    for wish in failed:
        assert wish.confirm(office).state is LinkState.LINKED
    assert office.puts() - before == Counter(wish.record_id for wish in wishes)
    with closing(sqlite3.connect(disk.folder / "crmlink.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_same_disk_catches_a_path_that_notes_after_it_has_written(
    filling: tuple[Office, Disk],
) -> None:
    office, disk = filling
    wishes = [Wish(office.record()) for _ in range(RUN)]

    def note_too_late(wish: Wish) -> None:
        commusoft = office.desk.commusoft
        record = commusoft.record("customer", wish.record_id.removeprefix("customer-"))
        commusoft.write_reference(record, wish.target)
        wish.confirm(office)

    run(office, disk, wishes, note_too_late)
    assert unaccounted(office, wishes)


class Clock:
    """The server's clock, which somebody may set."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.off


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(models, "datetime", clock)
    return clock


class Unanswering(CommusoftError):
    """What stands in for a Commusoft that is away."""


class ProcessKilled(BaseException):
    """Stands for the process ending: nothing after it runs."""


def stopping(desk: Desk, moment: str, error: BaseException) -> Desk:
    """A desk whose next link comes to an end after that step."""

    def stop(step: str) -> None:
        if step == moment:
            raise error

    return replace(desk, commusoft=Watched.over(desk, stop))


def link_of(desk: Desk) -> Link:
    with desk.database.reading() as session:
        return session.query(Link).one()


def puts(sandbox: Playing) -> int:
    return len(requests.get(f"{sandbox.address}/sandbox/writes", timeout=5).json()["writes"])


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "PUT", "read-back"])
def test_a_clock_that_jumps_in_the_middle_lets_no_other_process_in(
    desk: Desk, sandbox: Playing, device_id: int, clock: Clock, jump: timedelta, moment: str
) -> None:
    others: list[Link] = []
    other = other_process(desk)

    def jump_and_let_in(step: str) -> None:
        if step == moment:
            clock.off = jump
            other.ownership.beat()
            others.extend(recover(other))

    disturbed = replace(desk, commusoft=Watched.over(desk, jump_and_let_in))
    link = confirm(disturbed, decision(), new_key(), device_id)
    assert others == []
    assert (link.state, link.prior, link.writes) == (LinkState.LINKED, None, 1)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert puts(sandbox) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "read-back"])
def test_a_link_left_open_before_the_clock_jumped_is_finished_after_it(
    desk: Desk, sandbox: Playing, device_id: int, clock: Clock, jump: timedelta, moment: str
) -> None:
    away = stopping(desk, moment, Unanswering())
    assert confirm(away, decision(), new_key(), device_id).state is LinkState.INTENDED
    clock.off = jump
    assert [link.state for link in recover(desk)] == [LinkState.LINKED]
    assert link_of(desk).prior is None
    assert puts(sandbox) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "PUT"])
def test_an_attempt_begun_under_a_wrong_clock_ends_with_its_process_and_not_before(
    desk: Desk, sandbox: Playing, device_id: int, clock: Clock, jump: timedelta, moment: str
) -> None:
    clock.off = jump
    with pytest.raises(ProcessKilled):
        confirm(stopping(desk, moment, ProcessKilled()), decision(), new_key(), device_id)
    other = other_process(desk)
    assert recover(other) == []
    clock.off = timedelta()
    assert recover(other) == []
    count_as_dead(desk)
    assert [link.state for link in recover(other)] == [LinkState.LINKED]
    assert puts(sandbox) == 1


def test_a_clock_set_back_does_not_let_one_stuck_link_keep_the_others_waiting(
    desk: Desk, sandbox: Playing, device_id: int, clock: Clock
) -> None:
    clock.off = timedelta(days=3)
    for wish in (decision(), decision("customer-1002", OTHER)):
        away = stopping(desk, "comparing read", Unanswering())
        assert confirm(away, wish, new_key(), device_id).state is LinkState.INTENDED
        clock.off = timedelta()
    real = desk.commusoft

    class Stuck:
        write_reference = real.write_reference
        late_after = real.late_after

        def record(self, kind: Any, number: str, uuid: str | None) -> Any:
            if number == "1002":
                raise Unanswering
            return real.record(kind, number, uuid)

    stuck = replace(desk, commusoft=Stuck())  # type: ignore[arg-type] # asked for no more
    states = [link.state for _ in range(2) for link in recover(stuck)]
    assert LinkState.LINKED in states
    assert sandbox.reference("customer-1001") == HOLLOWAY


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_token_works_through_a_jump_and_its_last_use_is_told_right_afterwards(
    house: House, clock: Clock, jump: timedelta
) -> None:
    token = make_token(house.office)

    def use() -> datetime:
        house.uses.note(script_actor(house.office, token, "127.0.0.1"))
        used = script_actor(house.office, token, "127.0.0.1").device.last_used_at
        assert used
        return used

    use()
    clock.off = jump
    assert abs(use() - models.now()) < timedelta(minutes=2)
    clock.off = timedelta()
    assert abs(use() - models.now()) < timedelta(minutes=2)
