"""Rows that a worker had taken and that are put back: those with a link are never called idle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crmlink.batches.control import cancel, pause, start_undo
from crmlink.batches.settle import settle_stopped
from crmlink.batches.writer import BatchWriter, work_on, write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import NothingToLink
from crmlink.linking.list_trust import ListTrust
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RowState
from support.batch_factories import asked_for, lines_of, wait_for_nothing
from unit.batches.written_lists import after, states

Stop = Callable[[WorkspaceContext, int, str], Batch]


class WorkerKilled(BaseException):
    """The end of a worker whose links landed, before its rows say so."""


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


@pytest.fixture
def batch_id(ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """A list of which links were made that no row tells of; its worker is gone."""
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 20))

    def die(*_: object) -> None:
        raise WorkerKilled

    with monkeypatch.context() as patched:
        patched.setattr(BatchWriter, "_store_outcomes", die)
        patched.setattr(ListTrust, "trusts", lambda *_: False)  # so that links end at once
        with pytest.raises(WorkerKilled):
            work_on(ctx, batch_id, BatchState.WRITING)
    assert links_left(ctx) > 0
    return batch_id


def links_left(ctx: WorkspaceContext) -> int:
    with ctx.database.reading() as session:
        left = session.query(Link).filter_by(undoes_id=None, state=LinkState.LINKED)
        return left.count()


def undo_all(ctx: WorkspaceContext, device_id: int, batch_id: str) -> None:
    start_undo(ctx, device_id, batch_id)
    while not work_on(ctx, batch_id, BatchState.UNDOING):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("stop", [cancel, pause])
def test_a_list_is_undone_though_its_next_worker_was_stopped_at_once(
    ctx: WorkspaceContext, device_id: int, batch_id: str, stop: Stop
) -> None:
    write_waiting(ctx, after(1))  # the first look is write_waiting's own
    stop(ctx, device_id, batch_id)
    settle_stopped(ctx)
    undo_all(ctx, device_id, batch_id)
    assert links_left(ctx) == 0


def test_rows_that_are_put_back_say_what_became_of_them(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    before = states(ctx)
    write_waiting(ctx, after(1))
    found = states(ctx)
    assert found[RowState.SUCCESSFUL] == links_left(ctx)
    assert (found[RowState.PROCESSING], found[RowState.IDLE]) == (0, before[RowState.IDLE])


@pytest.mark.slow
@pytest.mark.parametrize("stop", [cancel, pause])
def test_rows_that_an_earlier_version_put_back_with_their_links_are_undone_too(
    ctx: WorkspaceContext, device_id: int, batch_id: str, stop: Stop
) -> None:
    with ctx.database.writing() as session:
        taken = session.query(BatchRow).filter_by(batch_id=batch_id, state=RowState.PROCESSING)
        assert taken.update({BatchRow.state: RowState.WAITING}) > 0
    stop(ctx, device_id, batch_id)
    undo_all(ctx, device_id, batch_id)
    assert links_left(ctx) == 0


def test_a_list_of_which_nothing_was_written_has_nothing_to_undo(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 5))
    cancel(ctx, device_id, batch_id)
    assert set(states(ctx)) == {RowState.IDLE}
    with pytest.raises(NothingToLink):
        start_undo(ctx, device_id, batch_id)
