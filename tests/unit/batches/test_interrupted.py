"""Lists whose work was broken off: nothing that was written is lost, nothing is claimed."""

from typing import Any

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.batches.control import pause, start_undo
from crmlink.batches.progress import overview
from crmlink.batches.writer import work_on, write_waiting
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, RowState
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.sandbox import SandboxHandle
from unit.batches.written_lists import after, behind, died_after, states
from unit.linking.test_attempts import fails, fails_from_call


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


def test_the_undo_of_a_paused_list_undoes_the_link_that_its_dead_worker_made_and_claims_no_other(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    died_after(ctx, device_id, batch_id)
    pause(ctx, device_id, batch_id)
    undo_though_nothing_is_noted(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 1
    assert [found.row.state for found in rows_of(ctx, batch_id)] == [
        RowState.UNDONE, RowState.IDLE, RowState.IDLE,
    ]  # fmt: skip
    first = rows_of(ctx, batch_id)[0].chosen
    assert first
    assert sandbox.reference(first.public_id) is None


def test_a_link_that_ends_while_its_list_is_undone_is_undone_too(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    lost = behind(ctx, write_reference=fails(CommusoftUnreachable(), first=True),
                  record=fails_from_call(2, CommusoftUnreachable()))  # fmt: skip
    assert not work_on(lost, batch_id, BatchState.WRITING, after(6))
    assert states(ctx) == {RowState.PROCESSING: 1}
    pause(ctx, device_id, batch_id)
    undo_though_nothing_is_noted(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 1
    row = rows_of(ctx, batch_id)[0]
    assert row.row.state is RowState.UNDONE
    assert row.chosen
    assert sandbox.reference(row.chosen.public_id) is None


def test_what_a_worker_notes_after_its_list_is_to_be_undone_is_undone_too(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    write_waiting(ctx)
    start_undo(ctx, device_id, batch_id)
    with ctx.database.writing() as session:
        late = session.query(BatchRow).filter_by(position=1).one()
        late.state, late.attempt = RowState.SUCCESSFUL, late.attempt - 1
    assert write_waiting(ctx) == 1
    assert states(ctx) == {RowState.UNDONE: 2}


def test_rows_that_a_worker_puts_back_into_a_list_that_is_undone_do_not_wait_for_ever(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 12))

    def undone_meanwhile() -> bool:
        written = states(ctx)[RowState.SUCCESSFUL] + states(ctx)[RowState.WRITTEN]
        if written and overview(ctx, batch_id).batch.state is BatchState.WRITING:
            pause(ctx, device_id, batch_id)
            start_undo(ctx, device_id, batch_id)
        return False

    one_by_one = behind(ctx)
    commusoft: Any = one_by_one.commusoft
    commusoft.at_once = 2
    assert not work_on(one_by_one, batch_id, BatchState.WRITING, undone_meanwhile)
    assert not states(ctx)[RowState.WAITING]


def test_a_contact_that_is_erased_while_it_is_linked_is_not_told_to_have_failed(
    installation: Installation, ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    died_after(ctx, device_id, batch_id)
    record = rows_of(ctx, batch_id)[0].chosen
    assert record
    erase(installation.access, command_line_actor(installation.access), record.public_id)
    assert write_waiting(ctx) == 1
    row = rows_of(ctx, batch_id)[0].row
    assert (row.state, row.failure, bool(row.link_id)) == (RowState.SUCCESSFUL, None, True)


def undo_though_nothing_is_noted(ctx: WorkspaceContext, device_id: int, batch_id: str) -> None:
    """As where another row of the list is linked and noted: there is something to undo."""
    with ctx.database.writing() as session:
        batch = session.get_one(Batch, batch_id)
        batch.state, batch.started_by_id = BatchState.UNDOING, device_id
        for row in session.query(BatchRow).filter_by(batch_id=batch_id, state=RowState.WAITING):
            row.state = RowState.IDLE
