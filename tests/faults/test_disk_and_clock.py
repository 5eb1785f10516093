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
from threading import Event
from typing import Any

import pytest
import requests
from sqlalchemy.exc import OperationalError

from crmlink.access.api_tokens import authenticate_api_token
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import Installation
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.store import Link, LinkState
from crmlink.store import base as models
from crmlink.store.base import utc_now
from faults.full_disks import Disk, SmallDisk, TightDatabase, mounted
from faults.shared_installation import SharedInstallation, open_shared_installation, sandbox_process
from faults.step_recording_client import StepRecordingClient
from support.access_factories import make_token
from support.other_process import count_as_dead, other_process
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key

RUN = 60
MEGABYTES = 6
JUMPS = [timedelta(days=3), timedelta(days=-3)]


@dataclass(frozen=True)
class Wish:
    """One decision under its key."""

    record_id: str
    key: str = field(default_factory=new_key)
    target: str = field(default_factory=lambda: str(uuid.uuid4()))

    def confirm(self, access: SharedInstallation, ctx: WorkspaceContext | None = None) -> Link:
        wish = decision(self.record_id, self.target)
        return confirm(ctx or access.workspace, wish, self.key, access.device_id)


def finish(ctx: WorkspaceContext) -> None:
    for _ in range(10):
        if not recover(ctx):
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
def access(small_disk: SmallDisk, address: str) -> Iterator[SharedInstallation]:
    """An office on a disk of its own."""
    url = f"sqlite:///{small_disk.folder / 'crmlink.sqlite'}"
    with open_shared_installation(url, small_disk.folder, address) as opened:
        yield opened


def test_a_decision_on_a_full_disk_is_refused_before_anything_is_written(
    access: SharedInstallation, small_disk: SmallDisk
) -> None:
    wish = Wish(access.record())
    small_disk.fill(access.installation.database)
    with pytest.raises(OperationalError, match="full"):
        wish.confirm(access)
    assert access.link(wish.key) is None
    assert access.reference(wish.record_id) is None
    small_disk.free()
    assert wish.confirm(access).state is LinkState.LINKED
    assert access.puts()[wish.record_id] == 1


@pytest.mark.parametrize(
    ("moment", "landed"), [("comparing read", 0), ("PUT", 1), ("read-back", 1)]
)
def test_a_disk_that_fills_up_on_the_way_loses_nothing_and_locks_nothing_up(
    access: SharedInstallation, small_disk: SmallDisk, moment: str, landed: int
) -> None:
    def fill(step: str) -> None:
        if step == moment:
            small_disk.fill(access.installation.database)

    wish = Wish(access.record())
    with pytest.raises(OperationalError, match="full"):
        wish.confirm(
            access,
            replace(access.workspace, commusoft=StepRecordingClient.over(access.workspace, fill)),
        )
    assert access.puts()[wish.record_id] == landed
    with pytest.raises(OperationalError, match="full"):
        recover(access.workspace)

    small_disk.free()
    kept = access.link(wish.key)
    assert kept
    assert (kept.state, kept.prior) == (LinkState.INTENDED, None)
    assert [link.state for link in recover(access.workspace)] == [LinkState.LINKED]
    assert wish.confirm(access).id == kept.id
    assert access.reference(wish.record_id) == wish.target
    assert access.puts()[wish.record_id] == 1


@pytest.fixture(params=["tmpfs", "max_page_count"])
def filling(
    request: pytest.FixtureRequest, tmp_path: Path, address: str
) -> Iterator[tuple[SharedInstallation, Disk]]:
    """An office on a disk that can be filled, by each of two ways."""
    if request.param == "tmpfs":
        yield request.getfixturevalue("access"), request.getfixturevalue("small_disk")
        return
    with open_shared_installation(
        f"sqlite:///{tmp_path / 'crmlink.sqlite'}", tmp_path, address
    ) as opened:
        disk = TightDatabase(tmp_path)
        disk.watch(opened.installation.database)
        yield opened, disk


def run(
    access: SharedInstallation, disk: Disk, wishes: list[Wish], work: Callable[[Wish], Any]
) -> list[Wish]:
    """Work through a list while the disk fills and empties; returns what there was no room for."""
    failed: list[Wish] = []
    is_full = Event()

    def one(number: int) -> None:
        if number == RUN // 4:
            disk.fill(access.installation.database)
            is_full.set()
        if number > RUN // 4:
            assert is_full.wait(60)
        if number == RUN * 3 // 4:
            disk.free()
        try:
            work(wishes[number])
        except OperationalError:
            failed.append(wishes[number])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(RUN)))
    disk.free()
    finish(access.workspace)
    return failed


def unaccounted(access: SharedInstallation, wishes: list[Wish]) -> list[str]:
    """The records where Commusoft and the rows tell different stories."""
    wrong = []
    for wish in wishes:
        link, held = access.link(wish.key), access.reference(wish.record_id)
        linked = link is not None and (link.state, link.prior) == (LinkState.LINKED, None)
        if linked != (held == wish.target) or (link is not None and not linked):
            wrong.append(wish.record_id)
    return wrong


def test_a_long_run_over_a_disk_that_fills_and_empties_ends_as_if_nothing_had_been(
    filling: tuple[SharedInstallation, Disk],
) -> None:
    access, disk = filling
    wishes = [Wish(access.record()) for _ in range(RUN)]
    before = access.puts()
    failed = run(access, disk, wishes, lambda wish: wish.confirm(access))
    assert failed
    assert unaccounted(access, wishes) == []
    assert all(access.link(wish.key) for wish in wishes if wish not in failed)
    for wish in failed:
        assert wish.confirm(access).state is LinkState.LINKED
    assert access.puts() - before == Counter(wish.record_id for wish in wishes)
    with closing(sqlite3.connect(disk.folder / "crmlink.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_same_disk_catches_a_path_that_notes_after_it_has_written(
    filling: tuple[SharedInstallation, Disk],
) -> None:
    access, disk = filling
    wishes = [Wish(access.record()) for _ in range(RUN)]

    def note_too_late(wish: Wish) -> None:
        commusoft = access.workspace.commusoft
        record = commusoft.record("customer", wish.record_id.removeprefix("customer-"))
        commusoft.write_reference(record, wish.target)
        wish.confirm(access)

    run(access, disk, wishes, note_too_late)
    assert unaccounted(access, wishes)


class Clock:
    """The server's clock, which someone may set."""

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


def stopping(ctx: WorkspaceContext, moment: str, error: BaseException) -> WorkspaceContext:
    """A desk whose next link comes to an end after that step."""

    def stop(step: str) -> None:
        if step == moment:
            raise error

    return replace(ctx, commusoft=StepRecordingClient.over(ctx, stop))


def link_of(ctx: WorkspaceContext) -> Link:
    with ctx.database.reading() as session:
        return session.query(Link).one()


def puts(sandbox: SandboxHandle) -> int:
    return len(requests.get(f"{sandbox.address}/sandbox/writes", timeout=30).json()["writes"])


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "PUT", "read-back"])
def test_a_clock_that_jumps_in_the_middle_lets_no_other_process_in(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    clock: Clock,
    jump: timedelta,
    moment: str,
) -> None:
    others: list[Link] = []
    other = other_process(ctx)

    def jump_and_let_in(step: str) -> None:
        if step == moment:
            clock.off = jump
            other.ownership.beat()
            others.extend(recover(other))

    disturbed = replace(ctx, commusoft=StepRecordingClient.over(ctx, jump_and_let_in))
    link = confirm(disturbed, decision(), new_key(), device_id)
    assert others == []
    assert (link.state, link.prior, link.writes) == (LinkState.LINKED, None, 1)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert puts(sandbox) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "read-back"])
def test_a_link_left_open_before_the_clock_jumped_is_finished_after_it(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    clock: Clock,
    jump: timedelta,
    moment: str,
) -> None:
    away = stopping(ctx, moment, Unanswering())
    assert confirm(away, decision(), new_key(), device_id).state is LinkState.INTENDED
    clock.off = jump
    assert [link.state for link in recover(ctx)] == [LinkState.LINKED]
    assert link_of(ctx).prior is None
    assert puts(sandbox) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("moment", ["comparing read", "PUT"])
def test_an_attempt_begun_under_a_wrong_clock_ends_with_its_process_and_not_before(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    clock: Clock,
    jump: timedelta,
    moment: str,
) -> None:
    clock.off = jump
    with pytest.raises(ProcessKilled):
        confirm(stopping(ctx, moment, ProcessKilled()), decision(), new_key(), device_id)
    other = other_process(ctx)
    assert recover(other) == []
    clock.off = timedelta()
    assert recover(other) == []
    count_as_dead(ctx)
    assert [link.state for link in recover(other)] == [LinkState.LINKED]
    assert puts(sandbox) == 1


def test_a_clock_set_back_does_not_let_one_stuck_link_keep_the_others_waiting(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, clock: Clock
) -> None:
    clock.off = timedelta(days=3)
    for wish in (decision(), decision("customer-1002", OTHER)):
        away = stopping(ctx, "comparing read", Unanswering())
        assert confirm(away, wish, new_key(), device_id).state is LinkState.INTENDED
        clock.off = timedelta()
    real = ctx.commusoft

    class Stuck:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def record(self, kind: Any, number: str, uuid: str | None) -> Any:
            if number == "1002":
                raise Unanswering
            return real.record(kind, number, uuid)

    stuck = replace(ctx, commusoft=Stuck())  # type: ignore[arg-type] # asked for no more
    states = [link.state for _ in range(2) for link in recover(stuck)]
    assert LinkState.LINKED in states
    assert sandbox.reference("customer-1001") == HOLLOWAY


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_token_works_through_a_jump_and_its_last_use_is_told_right_afterwards(
    installation: Installation, clock: Clock, jump: timedelta
) -> None:
    token = make_token(installation.access)

    def use() -> datetime:
        installation.usage.note(authenticate_api_token(installation.access, token, "127.0.0.1"))
        used = authenticate_api_token(installation.access, token, "127.0.0.1").device.last_used_at
        assert used
        return used

    use()
    clock.off = jump
    assert abs(use() - utc_now()) < timedelta(minutes=2)
    clock.off = timedelta()
    assert abs(use() - utc_now()) < timedelta(minutes=2)
