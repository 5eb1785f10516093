"""The undo of a list, broken off or crossed: each row says of its link what is so."""

from __future__ import annotations

import csv
import io

import pytest

from crmlink.batches.control import pause, start_undo, start_writing
from crmlink.batches.progress import overview, summary, write_results
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import LeaseLost, leased, take_lease
from crmlink.batches.writer import work_on, write_waiting
from crmlink.commusoft.errors import CommusoftTimeout, CommusoftUnreachable
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, undo
from crmlink.linking.errors import NothingToLink
from crmlink.store import BatchState, RowState
from crmlink.web.problems import problem_from_stored
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.other_process import count_as_dead, other_process
from support.sandbox import SandboxHandle, new_key
from unit.batches.written_lists import after, behind, died_after, states
from unit.linking.test_attempts import fails, fails_from_call


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


def written(ctx: WorkspaceContext, device_id: int, contacts: int) -> str:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, contacts))
    write_waiting(ctx)
    assert states(ctx) == {RowState.SUCCESSFUL: contacts}
    return batch_id


def test_a_row_whose_link_was_undone_by_itself_says_so_and_is_not_linked_again_unasked(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = written(ctx, device_id, 2)
    row = rows_of(ctx, batch_id)[0].row
    before = overview(ctx, batch_id).batch.version
    undo(ctx, UndoDecision(row.link_id or ""), new_key(), device_id)
    assert states(ctx) == {RowState.UNDONE: 1, RowState.SUCCESSFUL: 1}
    assert overview(ctx, batch_id).batch.version > before
    table = io.StringIO()
    write_results(ctx, batch_id, table, lambda failure: problem_from_stored(failure).detail)
    outcomes = [line["outcome"] for line in csv.DictReader(io.StringIO(table.getvalue()))]
    assert outcomes == ["undone", "successful"]
    assert summary(ctx, batch_id).to_link == 0
    with pytest.raises(NothingToLink):
        start_writing(ctx, device_id, batch_id, 0)
    assert start_undo(ctx, device_id, batch_id) == 1


@pytest.mark.slow
def test_an_undo_that_commusoft_answered_late_leaves_no_row_behind(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = written(ctx, device_id, 1)
    record = rows_of(ctx, batch_id)[0].chosen
    assert record
    start_undo(ctx, device_id, batch_id)
    lost = behind(
        ctx, write_reference=fails(CommusoftTimeout(), first=True),
        record=fails_from_call(2, CommusoftUnreachable()),
    )  # fmt: skip
    assert not work_on(lost, batch_id, BatchState.UNDOING, after(60))
    assert states(ctx) == {RowState.UNDOING: 1}  # never given up while its undo is on its way
    recover(ctx)
    assert states(ctx) == {RowState.UNDONE: 1}
    write_waiting(ctx)
    assert overview(ctx, batch_id).batch.state is BatchState.UNDONE
    assert sandbox.reference(record.public_id) is None


def test_a_paused_list_whose_only_link_was_not_noted_can_be_undone(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    died_after(ctx, device_id, batch_id)
    record = rows_of(ctx, batch_id)[0].chosen
    assert record
    pause(ctx, device_id, batch_id)
    assert start_undo(ctx, device_id, batch_id) == 1
    write_waiting(ctx)
    assert states(ctx) == {RowState.UNDONE: 1, RowState.IDLE: 1}
    assert sandbox.reference(record.public_id) is None


def test_a_paused_list_whose_worker_died_does_not_say_processing_for_ever(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    died_after(ctx, device_id, batch_id)
    pause(ctx, device_id, batch_id)
    assert settle_stopped(ctx) == 2
    assert states(ctx) == {RowState.SUCCESSFUL: 1, RowState.WAITING: 1}


def test_a_worker_that_was_counted_as_dead_writes_nothing_over_its_successors_rows(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    other = other_process(ctx)
    lease = take_lease(ctx.database, other.ownership, batch_id, BatchState.WRITING)
    assert lease
    count_as_dead(other)
    assert write_waiting(ctx) == 1
    with pytest.raises(LeaseLost), leased(ctx.database, batch_id, lease):
        pytest.fail("the lease is another's")
    assert states(ctx) == {RowState.SUCCESSFUL: 1}
