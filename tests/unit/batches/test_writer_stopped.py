"""Lists that are paused or cancelled, and workers and Commusoft that go away meanwhile."""

from collections import Counter
from collections.abc import Callable

import pytest

from crmlink.batches import backoff
from crmlink.batches.control import (
    cancel,
    pause,
    resume,
)
from crmlink.batches.progress import overview
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import take_lease
from crmlink.batches.writer import work_on, write_waiting
from crmlink.commusoft.errors import CommusoftAuthError, CommusoftUnreachable
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    InvalidBatchState,
)
from crmlink.store import BatchState, Link, RowState
from support.batch_factories import (
    asked_for,
    lines_of,
    rows_of,
    wait_for_nothing,
)
from support.other_process import count_as_dead, other_process
from support.sandbox import SandboxHandle
from unit.batches.written_lists import after, behind, died_after, states
from unit.linking.test_attempts import fails


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


def test_a_paused_batch_begins_nothing_and_goes_on_where_it_was(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 12))
    asked = states(ctx)[RowState.WAITING]
    assert not work_on(ctx, batch_id, BatchState.WRITING, after(3))
    pause(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 0
    half = states(ctx)
    assert half[RowState.PROCESSING] == 0
    written = half[RowState.WRITTEN] + half[RowState.SUCCESSFUL]
    assert half[RowState.WAITING] + written == asked
    resume(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 1
    assert states(ctx)[RowState.SUCCESSFUL] == asked


def test_a_batch_that_is_cancelled_keeps_what_is_linked_and_links_nothing_more(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 12))
    work_on(ctx, batch_id, BatchState.WRITING, after(3))
    before = states(ctx)[RowState.SUCCESSFUL]
    cancel(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 0
    assert states(ctx)[RowState.SUCCESSFUL] == before
    assert states(ctx)[RowState.WAITING] == 0
    with pytest.raises(InvalidBatchState):
        resume(ctx, device_id, batch_id)


def test_a_link_made_just_before_its_worker_died_is_found_by_its_key_and_not_made_twice(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    died_after(ctx, device_id, batch_id)
    other = other_process(ctx)
    lease = take_lease(ctx.database, other.ownership, batch_id, BatchState.WRITING)
    assert lease
    assert write_waiting(ctx) == 0  # it might live yet
    count_as_dead(other)
    assert write_waiting(ctx) == 1
    with ctx.database.reading() as session:
        links = session.query(Link).all()
    assert Counter(link.record_number for link in links).most_common(1)[0][1] == 1
    assert states(ctx)[RowState.PROCESSING] == 0


def test_a_cancelled_batch_whose_worker_died_tells_what_became_of_its_rows(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    died_after(ctx, device_id, batch_id)
    cancel(ctx, device_id, batch_id)
    assert settle_stopped(ctx) == 2
    assert [row.row.state for row in rows_of(ctx, batch_id)] == [
        RowState.SUCCESSFUL, RowState.IDLE, RowState.IDLE,
    ]  # fmt: skip


def test_a_row_that_commusoft_gives_no_answer_for_does_not_wait_in_a_cancelled_batch(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 4))
    away = behind(ctx, record=fails(CommusoftUnreachable()))
    looks = iter((False, True))

    def cancelled_meanwhile() -> bool:
        if stopped := next(looks):
            cancel(ctx, device_id, batch_id)
        return stopped

    assert not work_on(away, batch_id, BatchState.WRITING, cancelled_meanwhile)
    assert set(states(ctx)) == {RowState.IDLE}


def told_or_late(ctx: WorkspaceContext, batch_id: str) -> Callable[[], bool]:
    """Whether the list says what is in its way, or never will."""
    too_long = after(5_000)
    return lambda: too_long() or bool(overview(ctx, batch_id).progress.problem)


def test_a_commusoft_that_is_away_is_waited_for_and_named(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "MAX_BACKOFF", 30.0)
    monkeypatch.setattr(backoff, "INITIAL_BACKOFF", 30.0)  # so long that the next try is shown
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    away = behind(ctx, record=fails(CommusoftUnreachable()))
    assert not work_on(away, batch_id, BatchState.WRITING, told_or_late(ctx, batch_id))
    found = overview(ctx, batch_id)
    assert found.progress.problem == "commusoft-unreachable"
    assert found.progress.next_try is not None
    assert states(ctx)[RowState.FAILED] == 0
    assert write_waiting(ctx) == 1
    assert overview(ctx, batch_id).progress.problem is None


def test_credentials_that_are_refused_pause_the_batch(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    away = behind(ctx, record=fails(CommusoftAuthError()))
    assert not work_on(away, batch_id, BatchState.WRITING, after(5_000))
    found = overview(ctx, batch_id)
    assert (found.batch.state, found.progress.problem) == (
        BatchState.PAUSED, "commusoft-refused",
    )  # fmt: skip


def test_a_link_whose_end_is_open_is_finished_before_the_batch_is_done(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    lost = behind(ctx, write_reference=fails(CommusoftUnreachable()))
    assert not work_on(lost, batch_id, BatchState.WRITING, told_or_late(ctx, batch_id))
    row = rows_of(ctx, batch_id)[0]
    assert (row.row.state, bool(row.row.link_id)) == (RowState.PROCESSING, True)
    assert overview(ctx, batch_id).progress.problem
    assert write_waiting(ctx) == 1
    assert row.chosen
    assert sandbox.reference(row.chosen.public_id) == row.row.reference
