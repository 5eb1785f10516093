"""A worker and the firms of its installation: those with something due, five of them at once."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.batches.firms import firms_to_match, firms_to_write
from crmlink.batches.match_job import start_matching
from crmlink.batches.state import find_batch
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, OpenWorkspace, open_installation
from crmlink.installation.each_firm import AT_ONCE, EachFirm
from crmlink.linking.attempts import firms_to_recover
from crmlink.linking.connections import save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.settings import Settings
from crmlink.store import Batch, BatchRow, BatchState, RowState
from crmlink.store.workspaces import find_workspace, list_workspaces
from crmlink.worker import Worker
from support.batch_factories import BOUND, asked_for, imported, lines_of
from support.sandbox import SandboxHandle, connection_to

ROWS = 3  # of each firm's list
PATIENCE = 60.0  # seconds, after which a test that would wait for ever fails


@pytest.fixture
def firms(settings: Settings, sandbox: SandboxHandle) -> Iterator[Installation]:
    """Five firms with the records of one account each."""
    opened = open_installation(replace(settings, max_calls_per_second=1_000))
    first = list_workspaces(opened.database)[0]
    rename_workspace(opened.sign_in, first, "Firm 1")
    account = connection_to(sandbox.address)
    for number in range(2, AT_ONCE + 1):
        made, _ = make_workspace(opened.sign_in, f"Firm {number}")
        save_connection(opened.database, made.id, account, vault=opened.first.vault())
    for workspace_id in opened.active_workspaces():
        with opened.workspaces.use(workspace_id) as workspace:
            workspace.context.sync()
    yield opened
    opened.close()


def lists_to_write(firms: Installation) -> list[tuple[WorkspaceContext, str]]:
    """A list of each firm, of other records than the others'."""
    found = []
    for place, workspace_id in enumerate(firms.active_workspaces()):
        with firms.workspaces.use(workspace_id) as workspace:
            ctx = workspace.context
            lines = lines_of(ctx, ROWS * AT_ONCE)[place * ROWS : (place + 1) * ROWS]
            device_id = command_line_actor(workspace.access).device.id
            found.append((ctx, asked_for(ctx, device_id, lines)))
    return found


def only_postgresql(firms: Installation) -> None:
    if not firms.database.is_shared:
        pytest.skip("SQLite has one writer, so its firms take turns")


def meet_at_the_first_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no firm write before all five do, each in threads of its own."""
    together, met, lock = threading.Barrier(AT_ONCE), set[int](), threading.Lock()
    real = CommusoftClient.write_reference

    def write(client: CommusoftClient, *args: Any, **named: Any) -> None:
        account = id(client._account)
        with lock:
            is_first = account not in met
            met.add(account)
        if is_first:
            together.wait(PATIENCE)
        real(client, *args, **named)

    monkeypatch.setattr(CommusoftClient, "write_reference", write)


def test_five_firms_lists_make_progress_together(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_postgresql(firms)
    lists = lists_to_write(firms)
    meet_at_the_first_write(monkeypatch)
    Worker(firms)._write_batches()
    assert [find_batch(*each).state for each in lists] == [BatchState.DONE] * AT_ONCE
    for ctx, batch_id in lists:
        with ctx.database.reading() as session:
            rows = session.query(BatchRow).filter_by(batch_id=batch_id).all()
        assert {row.state for row in rows} == {RowState.SUCCESSFUL}
        assert len(rows) == ROWS


def test_one_firms_failure_stops_no_other_firms_list(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = lists_to_write(firms)
    broken, *others = lists
    real = write_waiting

    def write(ctx: WorkspaceContext, stopping: Callable[[], bool]) -> int:
        if ctx.workspace_id == broken[0].workspace_id:
            raise RuntimeError("of the first firm")
        return real(ctx, stopping)

    monkeypatch.setattr("crmlink.worker.write_waiting", write)
    with pytest.raises(RuntimeError, match="of the first firm"):
        Worker(firms)._write_batches()
    assert find_batch(*broken).state is BatchState.WRITING
    assert [find_batch(*each).state for each in others] == [BatchState.DONE] * len(others)


def test_no_thread_waits_for_a_connection_while_it_holds_one(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that some thread can always go on, however few connections there are for all."""
    only_postgresql(firms)
    lists = lists_to_write(firms)
    meet_at_the_first_write(monkeypatch)
    held: Counter[int] = Counter()
    most: defaultdict[int, int] = defaultdict(int)
    owners: dict[int, int] = {}

    def taken(connection: Any, *_: Any) -> None:
        thread = owners[id(connection)] = threading.get_ident()
        held[thread] += 1
        most[thread] = max(most[thread], held[thread])

    def given_back(connection: Any, *_: Any) -> None:
        held[owners.pop(id(connection))] -= 1

    pool = firms.database.engine.pool
    event.listen(pool, "checkout", taken)
    event.listen(pool, "checkin", given_back)
    Worker(firms)._write_batches()
    assert [find_batch(*each).state for each in lists] == [BatchState.DONE] * AT_ONCE
    assert len(most) > 3 * AT_ONCE, "so many threads asked the database"
    assert max(most.values()) == 1


def test_on_sqlite_firms_take_turns_in_the_workers_own_thread(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    if firms.database.is_shared:
        pytest.skip("of SQLite")
    lists_to_write(firms)
    threads = []
    real = write_waiting

    def write(*args: Any) -> int:
        threads.append(threading.current_thread())
        return real(*args)

    monkeypatch.setattr("crmlink.worker.write_waiting", write)
    Worker(firms)._write_batches()
    assert threads == [threading.current_thread()] * AT_ONCE


def test_more_firms_than_a_worker_works_for_at_once_all_have_their_turn(
    firms: Installation,
) -> None:
    busy, most, lock, worked = 0, 0, threading.Lock(), []

    def work(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
            worked.append(workspace.id)
        with firms.database.reading() as session:
            session.connection()
        with lock:
            busy -= 1

    EachFirm(firms, lambda: False).do(work, at_once=2)
    assert sorted(worked) == firms.active_workspaces()
    assert most <= 2


def test_only_firms_with_something_due_are_opened(firms: Installation) -> None:
    database = firms.database
    ids = firms.active_workspaces()
    assert [firms_to_match(database), firms_to_write(database), firms_to_recover(database)] == [
        [],
        [],
        [],
    ]
    lists = lists_to_write(firms)
    assert firms_to_write(database) == ids
    ctx, _ = lists[1]
    with firms.workspaces.use(ids[1]) as workspace:
        device_id = command_line_actor(workspace.access).device.id
        batch_id = imported(ctx, device_id, lines_of(ctx, 2)).batch.id
        start_matching(ctx, device_id, batch_id, BOUND)
    assert firms_to_match(database) == [ids[1]]
    suspend_workspace(firms.sign_in, find_workspace(database, ids[2]), suspended=True)
    assert firms_to_write(database) == [each for each in ids if each != ids[2]]


def test_rows_that_a_stopped_list_left_are_due_and_a_paused_lists_waiting_ones_are_not(
    firms: Installation,
) -> None:
    database, ids = firms.database, firms.active_workspaces()
    lists = lists_to_write(firms)
    left: list[tuple[BatchState, RowState, bool]] = [
        (BatchState.PAUSED, RowState.WAITING, False),
        (BatchState.PAUSED, RowState.WRITTEN, True),
        (BatchState.CANCELLED, RowState.WAITING, True),
        (BatchState.DONE, RowState.PROCESSING, True),
        (BatchState.DONE, RowState.SUCCESSFUL, False),
    ]
    with database.writing() as session:
        for (_, batch_id), (state, row_state, _) in zip(lists, left, strict=True):
            find = session.query(BatchRow).filter_by(batch_id=batch_id)
            for row in find:
                row.state = row_state
            session.get_one(Batch, batch_id).state = state
    due = [each for each, (_, _, is_due) in zip(ids, left, strict=True) if is_due]
    assert firms_to_write(database) == due
