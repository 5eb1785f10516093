"""Several workers write one list: each row once, and nothing waits for a dead one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from crmlink.batches.control import cancel, pause, start_undo
from crmlink.batches.execute_row import BatchStopped
from crmlink.batches.helper import help_to_write
from crmlink.batches.row_claims import RowClaims
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import LeaseLost, release_lease, take_lease
from crmlink.batches.writer import work_on, write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, Link, RowState
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.other_process import count_as_dead, other_process
from support.sandbox import SandboxHandle
from unit.batches.written_lists import after, state, states

LIST = 12


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers look at once."""
    wait_for_nothing(monkeypatch)


def helping(ctx: WorkspaceContext, batch_id: str) -> tuple[WorkspaceContext, RowClaims]:
    """Another process that helps with a list."""
    other = other_process(ctx)
    with ctx.database.writing() as session:
        process_id = other.ownership.register(session)
    return other, RowClaims(other, batch_id, BatchState.WRITING, helper=process_id)


def writers(ctx: WorkspaceContext) -> Counter[str | None]:
    with ctx.database.reading() as session:
        return Counter(row.writer_id for row in session.query(BatchRow))


def write_rows(ctx: WorkspaceContext, batch_id: str, count: int) -> None:
    """Work on a list until so many rows are linked; the others are left as they are."""
    too_long = after(5_000)

    def are_written() -> bool:
        return too_long() or states(ctx)[RowState.SUCCESSFUL] == count

    assert not work_on(ctx, batch_id, BatchState.WRITING, are_written)


def assert_written_once(ctx: WorkspaceContext, sandbox: SandboxHandle, batch_id: str) -> None:
    assert state(ctx, batch_id) is BatchState.DONE
    assert states(ctx) == {RowState.SUCCESSFUL: LIST}
    assert writers(ctx) == {None: LIST}
    with ctx.database.reading() as session:
        assert session.query(Link).count() == LIST
    for row in rows_of(ctx, batch_id):
        assert row.chosen
        assert sandbox.reference(row.chosen.public_id) == row.row.reference


def test_two_workers_write_one_list_together(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    other = other_process(ctx)
    lease = take_lease(ctx.database, ctx.ownership, batch_id, BatchState.WRITING)
    assert lease
    assert help_to_write(other, batch_id, after(3)) > 0  # told to stop half-way
    written = LIST - states(ctx)[RowState.WAITING]
    assert written > 0
    release_lease(ctx.database, ctx.ownership, batch_id, lease)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(write_waiting, each) for each in (ctx, other)]
        assert sum(each.result() for each in both) == 1
    assert_written_once(ctx, sandbox, batch_id)


def test_a_helper_writes_nothing_without_a_worker_that_leads(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    assert help_to_write(other_process(ctx), batch_id, lambda: False) == 0
    assert states(ctx) == {RowState.WAITING: LIST}


def test_rows_of_a_helper_are_left_alone_while_it_lives_and_written_once_it_is_dead(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    other, claims = helping(ctx, batch_id)
    jobs = claims.claim(3, ())
    assert len(jobs) == 3
    write_rows(ctx, batch_id, LIST - 3)
    assert states(ctx) == {RowState.SUCCESSFUL: LIST - 3, RowState.PROCESSING: 3}
    count_as_dead(other)
    assert work_on(ctx, batch_id, BatchState.WRITING)
    assert_written_once(ctx, sandbox, batch_id)
    for job in jobs:  # the other one was only suspended, and goes on
        with ctx.database.writing() as session, pytest.raises(LeaseLost):
            claims.guard(job)(session)


def test_a_claim_that_was_taken_over_stores_no_decision(
    ctx: WorkspaceContext, device_id: int
) -> None:
    """A suspended helper's row has the state that it had, and is another's."""
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    other, claims = helping(ctx, batch_id)
    [job] = claims.claim(1, ())
    with ctx.database.writing() as session:
        claims.guard(job)(session)
    count_as_dead(other)
    lease = take_lease(ctx.database, ctx.ownership, batch_id, BatchState.WRITING)
    assert lease
    leading = RowClaims(ctx, batch_id, BatchState.WRITING, lease)
    assert leading.of_dead_helpers() == [job]
    with ctx.database.writing() as session, pytest.raises(LeaseLost):
        claims.guard(job)(session)
    with ctx.database.writing() as session:
        leading.guard(job)(session)


def test_a_helper_goes_when_the_worker_that_leads_has_died_and_leads_then(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    other = other_process(ctx)
    lease = take_lease(ctx.database, other.ownership, batch_id, BatchState.WRITING)
    assert lease
    looks = iter(range(1_000_000))

    def dies() -> bool:
        if next(looks) == 1:
            count_as_dead(other)
        return False

    assert help_to_write(ctx, batch_id, dies) < LIST
    assert write_waiting(ctx) == 1
    assert_written_once(ctx, sandbox, batch_id)


@pytest.mark.parametrize("stop", [pause, cancel], ids=["paused", "cancelled"])
def test_a_stopped_list_keeps_a_helpers_rows_until_it_puts_them_back(
    ctx: WorkspaceContext, device_id: int, stop: object
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    _, claims = helping(ctx, batch_id)
    [job, *_] = claims.claim(3, ())
    assert callable(stop)
    stop(ctx, device_id, batch_id)
    settle_stopped(ctx)
    assert states(ctx)[RowState.PROCESSING] == 3
    with ctx.database.writing() as session, pytest.raises(BatchStopped):
        claims.guard(job)(session)  # nothing new is decided
    claims.requeue(())
    back = RowState.WAITING if stop is pause else RowState.IDLE
    assert states(ctx) == {back: LIST}
    assert writers(ctx) == {None: LIST}


def test_an_undo_meanwhile_lets_a_helper_decide_nothing_more(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    _, claims = helping(ctx, batch_id)
    jobs = claims.claim(3, ())
    write_rows(ctx, batch_id, LIST - 3)
    pause(ctx, device_id, batch_id)
    start_undo(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 1
    for job in jobs:
        with ctx.database.writing() as session, pytest.raises(LeaseLost):
            claims.guard(job)(session)
    claims.requeue(())
    assert states(ctx) == {RowState.UNDONE: LIST - 3, RowState.IDLE: 3}
    for row in rows_of(ctx, batch_id):
        assert row.chosen
        assert sandbox.reference(row.chosen.public_id) is None


def test_what_a_failed_run_of_this_process_left_is_put_back(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    """Its process lives, so no one else would take the rows."""
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    other, claims = helping(ctx, batch_id)
    assert len(claims.claim(LIST, ())) == LIST
    lease = take_lease(ctx.database, ctx.ownership, batch_id, BatchState.WRITING)
    assert lease
    assert help_to_write(other, batch_id, lambda: False) == LIST
    release_lease(ctx.database, ctx.ownership, batch_id, lease)
    assert write_waiting(ctx) == 1
    assert_written_once(ctx, sandbox, batch_id)


def left_by_this_process(ctx: WorkspaceContext, batch_id: str) -> None:
    """A helping run of this process failed, and could not put back what it had."""
    with ctx.database.writing() as session:
        process_id = ctx.ownership.register(session)
    RowClaims(ctx, batch_id, BatchState.WRITING, helper=process_id).claim(3, ())


def test_a_worker_waits_for_no_rows_of_its_own_process(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    left_by_this_process(ctx, batch_id)
    assert work_on(ctx, batch_id, BatchState.WRITING, after(5_000))
    assert_written_once(ctx, sandbox, batch_id)


def test_a_paused_list_waits_for_no_rows_of_the_same_process(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    left_by_this_process(ctx, batch_id)
    pause(ctx, device_id, batch_id)
    settle_stopped(ctx)
    assert states(ctx) == {RowState.WAITING: LIST}
    assert writers(ctx) == {None: LIST}


def test_the_rate_is_that_of_all_workers(ctx: WorkspaceContext, device_id: int) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, LIST))
    other, claims = helping(ctx, batch_id)
    claims.claim(2, ())  # so that the list does not end
    rates = []

    def look() -> bool:
        with ctx.database.writing() as session:
            session.execute(update(Batch).values(helped=5_000))
        with ctx.database.reading() as session:
            rates.append(session.get_one(Batch, batch_id).rate)
        return len(rates) > 20

    work_on(ctx, batch_id, BatchState.WRITING, look)
    assert max(rate or 0 for rate in rates) > 50
    count_as_dead(other)
