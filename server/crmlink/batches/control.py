"""Writing of a batch: each accepted row by the same safe path as a single link.

The rows are the state. A requested row waits; the worker takes it, confirms it under a key derived
from row and attempt, and stores the outcome. After a crash it continues from the rows: a key that
already made a link returns that link.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from crmlink.access.errors import NotLinkOwner
from crmlink.batches.page_table import withdraw_rows
from crmlink.batches.rows import get_row
from crmlink.batches.settle import count_on_their_way, put_back
from crmlink.batches.state import DECIDABLE, editing_batch, find_batch
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    CountChanged,
    InvalidBatchState,
    NothingToLink,
    PackageRequired,
    RowInProgress,
)
from crmlink.store import Batch, BatchRow, BatchState, Choice, Device, Link, RowState
from crmlink.store.base import utc_now

WAITING, PAUSED, WRITING = RowState.WAITING, BatchState.PAUSED, BatchState.WRITING
ON_PAGES = (BatchState.FILLING, BatchState.REVERTING)


def start_writing(ctx: WorkspaceContext, device_id: int, batch_id: str, contacts: int) -> Batch:
    """Link every accepted row that is not linked yet, ``contacts`` of them by the summary.

    Raises CountChanged if the number differs by now, NothingToLink, PackageRequired, BatchNotFound,
    InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        if not batch.package:
            raise PackageRequired
        ready = session.scalar(select(func.count()).where(*rows_ready_to_write(batch_id))) or 0
        if ready != contacts:
            raise CountChanged(contacts=ready)
        if not ready:
            raise NothingToLink
        session.execute(
            update(BatchRow)
            .where(*rows_ready_to_write(batch_id))
            .values(state=WAITING, attempt=BatchRow.attempt + 1, failure=None, link_id=None)
        )
        batch.started_by_id = device_id
        _mark_started(batch)
        record_audit(
            session, ctx.workspace_id, device_id, "batch.writing", batch_id, contacts=ready
        )
    ctx.wake()
    return find_batch(ctx, batch_id)


def retry_failed(
    ctx: WorkspaceContext, device_id: int, batch_id: str, position: int | None = None
) -> int:
    """Write failed rows again, one or all; returns how many.

    Raises BatchNotFound, InvalidBatchState, NothingToLink; RowInProgress for a row that has not
    failed.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        failed = [
            BatchRow.batch_id == batch_id,
            BatchRow.state == RowState.FAILED,
            BatchRow.choice == Choice.RECORD,
        ]
        if position is not None:
            row = get_row(session, ctx, batch_id, position)
            if row.state is not RowState.FAILED:
                raise RowInProgress(state=row.state.value)
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
        _mark_started(batch)
        record_audit(
            session, ctx.workspace_id, device_id, "batch.again", batch_id, contacts=len(again)
        )
    ctx.wake()
    return len(again)


def pause(ctx: WorkspaceContext, device_id: int, batch_id: str) -> Batch:
    """Start no further link; those in progress finish.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, WRITING) as (session, batch):
        batch.state, batch.rate = PAUSED, None
        record_audit(session, ctx.workspace_id, device_id, "batch.paused", batch_id)
    return batch


def resume(ctx: WorkspaceContext, device_id: int, batch_id: str) -> Batch:
    """Continue a paused batch. Raises BatchNotFound, InvalidBatchState."""
    with editing_batch(ctx, batch_id, PAUSED) as (session, batch):
        _mark_started(batch)
        record_audit(session, ctx.workspace_id, device_id, "batch.resumed", batch_id)
    ctx.wake()
    return batch


def cancel(ctx: WorkspaceContext, device_id: int, batch_id: str) -> Batch:
    """Link nothing further of this batch; links made stay and can be undone.

    What waits to be saved on Commusoft's page is withdrawn. Raises BatchNotFound, or
    InvalidBatchState if it has ended.
    """
    states = (BatchState.DRAFT, BatchState.REVIEW, WRITING, PAUSED, BatchState.DONE, *ON_PAGES)
    with editing_batch(ctx, batch_id, *states) as (session, batch):
        if batch.state is BatchState.DONE and not _any(session, batch_id, RowState.FAILED):
            raise InvalidBatchState(state=batch.state.value)
        put_back(session, ctx, _waiting(batch_id), RowState.IDLE)
        batch.state, batch.finished_at, batch.rate = BatchState.CANCELLED, utc_now(), None
        withdraw_rows(session, batch_id, device_id)
        batch.last_error = None
        record_audit(session, ctx.workspace_id, device_id, "batch.cancelled", batch_id)
    return batch


def reopen_cancelled(ctx: WorkspaceContext, device_id: int, batch_id: str) -> Batch:
    """Reopen a cancelled batch; its decisions stay and nothing is linked.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, BatchState.CANCELLED) as (session, batch):
        begun = (
            RowState.PROCESSING,
            RowState.WRITTEN,
            RowState.SUCCESSFUL,
            RowState.FAILED,
            RowState.UNDONE,
            RowState.FILLING,
        )
        if any(_any(session, batch_id, state) for state in begun):
            batch.state = BatchState.DONE
        else:
            batch.state = BatchState.REVIEW if batch.matched_at else BatchState.DRAFT
            batch.finished_at = None
        record_audit(session, ctx.workspace_id, device_id, "batch.reopened", batch_id)
    return batch


def start_undo(
    ctx: WorkspaceContext, device_id: int, batch_id: str, *, own_only: bool = False
) -> int:
    """Undo every link of the batch that is in effect or in progress; returns how many.

    Links that wait to be saved on Commusoft's page are withdrawn.
    ``own_only``: the device may undo only its own links. Raises NothingToLink without any,
    NotLinkOwner, BatchNotFound, InvalidBatchState.
    """
    states = (PAUSED, BatchState.DONE, BatchState.CANCELLED, BatchState.UNDONE, BatchState.FILLING)
    with editing_batch(ctx, batch_id, *states) as (session, batch):
        put_back(session, ctx, _waiting(batch_id), RowState.IDLE)
        if own_only:
            _refuse_links_of_others(session, batch, device_id)
        batch.state = BatchState.UNDOING  # so that the last withdrawal does not end the batch
        withdrawn = withdraw_rows(session, batch_id, device_id)
        undone = session.scalars(
            update(BatchRow)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == RowState.SUCCESSFUL)
            .values(state=RowState.UNDOING, attempt=BatchRow.attempt + 1, failure=None)
            .returning(BatchRow.id)
            .execution_options(synchronize_session=False)
        ).all()
        on_their_way = count_on_their_way(session, ctx, batch_id)
        if not undone and not on_their_way and not withdrawn:
            raise NothingToLink
        links = len(undone) + on_their_way + withdrawn
        batch.started_by_id = device_id
        batch.rate = batch.last_error = batch.finished_at = None
        record_audit(session, ctx.workspace_id, device_id, "batch.undoing", batch_id, links=links)
    ctx.wake()
    return links


def rows_ready_to_write(batch_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions for rows to link: accepted, with a reference, not in progress.

    A row whose link was undone is not linked again unless it is decided again.
    """
    return [
        BatchRow.batch_id == batch_id,
        BatchRow.choice == Choice.RECORD,
        BatchRow.reference != "",
        BatchRow.state == RowState.IDLE,
    ]


def _waiting(batch_id: str) -> ColumnElement[bool]:
    return (BatchRow.batch_id == batch_id) & (BatchRow.state == WAITING)


def _refuse_links_of_others(session: Session, batch: Batch, device_id: int) -> None:
    """Raise NotLinkOwner if another device linked, or is linking, a row of this batch."""
    other = session.scalar(
        select(Device)
        .join(Link, Link.device_id == Device.id)
        .join(BatchRow, BatchRow.link_id == Link.id)
        .where(
            BatchRow.batch_id == batch.id,
            BatchRow.state.in_((RowState.SUCCESSFUL, RowState.FILLING, RowState.WRITTEN)),
            Link.device_id != device_id,
        )
        .limit(1)
    )
    if other is None and batch.started_by_id != device_id:
        other = batch.started_by if _any(session, batch.id, RowState.PROCESSING) else None
    if other:
        raise NotLinkOwner(by=other.actor_name)


def _mark_started(batch: Batch) -> None:
    if batch.state is not WRITING:
        batch.started_at = utc_now()
    batch.state, batch.finished_at, batch.rate, batch.last_error = WRITING, None, None, None


def _any(session: Session, batch_id: str, state: RowState) -> bool:
    return bool(
        session.scalar(
            select(BatchRow.id)
            .where(BatchRow.batch_id == batch_id, BatchRow.state == state)
            .limit(1)
        )
    )
