"""Writing a batch: each accepted row by the same safe path as a single link.

The rows are the truth. A row that is asked for waits; the worker takes it, confirms it under a key
that is the same for the same row and attempt, and notes what became of it. Killed at any moment, it
goes on where the rows say: a key that made a link already gives that link.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from crmlink.access.errors import NotYours
from crmlink.batches.rows import row_at
from crmlink.batches.settle import count_on_their_way
from crmlink.batches.state import DECIDABLE, changing, find_batch
from crmlink.linking.audit import note
from crmlink.linking.context import Desk
from crmlink.linking.errors import (
    BatchWrongState,
    CountChanged,
    NothingToLink,
    PackageNeeded,
    RowUnderWay,
)
from crmlink.store import Batch, BatchRow, BatchState, Choice, Device, Link, RowState
from crmlink.store.models import now

WAITING, PAUSED, WRITING = RowState.WAITING, BatchState.PAUSED, BatchState.WRITING


def start_writing(desk: Desk, device_id: int, batch_id: str, contacts: int) -> Batch:
    """Link every accepted row that is not linked yet, ``contacts`` of them as the summary said.

    Raises CountChanged when it is another number by now, NothingToLink, PackageNeeded,
    BatchUnknown, BatchWrongState.
    """
    with changing(desk, batch_id, *DECIDABLE) as (session, batch):
        if not batch.package:
            raise PackageNeeded
        ready = session.scalar(select(func.count()).where(*ready_rows(batch_id))) or 0
        if ready != contacts:
            raise CountChanged(contacts=ready)
        if not ready:
            raise NothingToLink
        session.execute(
            update(BatchRow)
            .where(*ready_rows(batch_id))
            .values(state=WAITING, attempt=BatchRow.attempt + 1, failure=None, link_id=None)
        )
        batch.started_by_id = device_id
        _set_going(batch)
        note(session, desk.workspace_id, device_id, "batch.writing", batch_id, contacts=ready)
    desk.wake()
    return find_batch(desk, batch_id)


def try_again(desk: Desk, device_id: int, batch_id: str, position: int | None = None) -> int:
    """Write failed rows once more, one or all; returns how many.

    Raises BatchUnknown, BatchWrongState, NothingToLink; RowUnderWay for a row that has not failed.
    """
    with changing(desk, batch_id, *DECIDABLE) as (session, batch):
        failed = [
            BatchRow.batch_id == batch_id,
            BatchRow.state == RowState.FAILED,
            BatchRow.choice == Choice.RECORD,
        ]
        if position is not None:
            row = row_at(session, desk, batch_id, position)
            if row.state is not RowState.FAILED:
                raise RowUnderWay(state=row.state.value)
            failed.append(BatchRow.position == position)
        again = session.scalars(
            update(BatchRow)
            .where(*failed)
            .values(state=WAITING, attempt=BatchRow.attempt + 1, failure=None, link_id=None,
                    settled_at=None)
            .returning(BatchRow.id)
            .execution_options(synchronize_session=False)
        ).all()  # fmt: skip
        if not again:
            raise NothingToLink
        batch.started_by_id = device_id
        _set_going(batch)
        note(session, desk.workspace_id, device_id, "batch.again", batch_id, contacts=len(again))
    desk.wake()
    return len(again)


def pause(desk: Desk, device_id: int, batch_id: str) -> Batch:
    """Start no further link; those on their way come to their end. Raises as above."""
    with changing(desk, batch_id, WRITING) as (session, batch):
        batch.state, batch.rate = PAUSED, None
        note(session, desk.workspace_id, device_id, "batch.paused", batch_id)
    return batch


def resume(desk: Desk, device_id: int, batch_id: str) -> Batch:
    """Go on where it was paused. Raises as above."""
    with changing(desk, batch_id, PAUSED) as (session, batch):
        _set_going(batch)
        note(session, desk.workspace_id, device_id, "batch.resumed", batch_id)
    desk.wake()
    return batch


def cancel(desk: Desk, device_id: int, batch_id: str) -> Batch:
    """Link nothing further of this batch; what is linked stays, and can be undone.

    Raises BatchUnknown, or BatchWrongState when it is over already.
    """
    states = (BatchState.DRAFT, BatchState.REVIEW, WRITING, PAUSED, BatchState.DONE)
    with changing(desk, batch_id, *states) as (session, batch):
        if batch.state is BatchState.DONE and not _any(session, batch_id, RowState.FAILED):
            raise BatchWrongState(state=batch.state.value)
        session.execute(
            update(BatchRow)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == WAITING)
            .values(state=RowState.IDLE)
        )
        batch.state, batch.finished_at, batch.rate = BatchState.CANCELLED, now(), None
        batch.trouble = None
        note(session, desk.workspace_id, device_id, "batch.cancelled", batch_id)
    return batch


def start_undo(desk: Desk, device_id: int, batch_id: str, *, own_only: bool = False) -> int:
    """Undo every link of the batch that stands or is on its way; returns how many there are.

    ``own_only``: the device may undo only what it linked itself. Raises NothingToLink when there is
    none, NotYours, BatchUnknown, BatchWrongState.
    """
    states = (PAUSED, BatchState.DONE, BatchState.CANCELLED, BatchState.UNDONE)
    with changing(desk, batch_id, *states) as (session, batch):
        if own_only:
            _refuse_links_of_others(session, batch, device_id)
        session.execute(
            update(BatchRow)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == WAITING)
            .values(state=RowState.IDLE)
        )
        undone = session.scalars(
            update(BatchRow)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == RowState.SUCCESSFUL)
            .values(state=RowState.UNDOING, attempt=BatchRow.attempt + 1, failure=None)
            .returning(BatchRow.id)
            .execution_options(synchronize_session=False)
        ).all()
        on_their_way = count_on_their_way(session, desk, batch_id)
        if not undone and not on_their_way:
            raise NothingToLink
        links = len(undone) + on_their_way
        batch.state, batch.started_by_id = BatchState.UNDOING, device_id
        batch.rate = batch.trouble = batch.finished_at = None
        note(session, desk.workspace_id, device_id, "batch.undoing", batch_id, links=links)
    desk.wake()
    return links


def ready_rows(batch_id: str) -> list[ColumnElement[bool]]:
    """Rows that *Link N contacts* would link: accepted, with a reference, not under way.

    One whose link was undone is not linked again unless it is decided anew.
    """
    return [
        BatchRow.batch_id == batch_id,
        BatchRow.choice == Choice.RECORD,
        BatchRow.reference != "",
        BatchRow.state == RowState.IDLE,
    ]


def _refuse_links_of_others(session: Session, batch: Batch, device_id: int) -> None:
    """Raise NotYours where another device linked a row, or is linking one, of this batch."""
    other = session.scalar(
        select(Device)
        .join(Link, Link.device_id == Device.id)
        .join(BatchRow, BatchRow.link_id == Link.id)
        .where(
            BatchRow.batch_id == batch.id,
            BatchRow.state == RowState.SUCCESSFUL,
            Link.device_id != device_id,
        )
        .limit(1)
    )
    if other is None and batch.started_by_id != device_id:
        other = batch.started_by if _any(session, batch.id, RowState.PROCESSING) else None
    if other:
        raise NotYours(by=other.who)


def _set_going(batch: Batch) -> None:
    if batch.state is not WRITING:
        batch.started_at = now()
    batch.state, batch.finished_at, batch.rate, batch.trouble = WRITING, None, None, None


def _any(session: Session, batch_id: str, state: RowState) -> bool:
    return bool(
        session.scalar(
            select(BatchRow.id)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == state)
            .limit(1)
        )
    )
