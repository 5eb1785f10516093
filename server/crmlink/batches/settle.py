"""Settlement of rows that a stopped batch left in progress, by their links."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from crmlink.batches.execute_row import (
    RowOutcome,
    idempotency_key,
    idempotency_key_column,
    outcome_of,
)
from crmlink.batches.state import bump_version, is_free
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RowState
from crmlink.store.base import utc_now
from crmlink.store.hidden_references import hide_settled_row
from crmlink.store.processes import is_alive

STOPPED_STATES = (BatchState.PAUSED, BatchState.CANCELLED, BatchState.DONE, BatchState.UNDONE)
STARTED_STATES = (RowState.PROCESSING, RowState.WRITTEN)
UNFINISHED_STATES = (RowState.WAITING, *STARTED_STATES)
CHUNK_SIZE = 200


def settle_stopped(ctx: WorkspaceContext) -> int:
    """Settle rows of stopped batches that no worker processes; returns how many.

    A link that was made is never lost: it is found by the row's key. What was requested in a paused
    batch waits again.
    """
    stopped = (
        select(Batch)
        .where(Batch.connection_id == ctx.connection_id, Batch.state.in_(STOPPED_STATES))
        .where(exists().where(BatchRow.batch_id == Batch.id, BatchRow.state.in_(UNFINISHED_STATES)))
    )
    settled = 0
    with ctx.database.writing() as session:
        for batch in session.scalars(stopped).all():
            if is_free(session, ctx.ownership, batch):
                settled += _settle_rows(session, ctx, batch)
    return settled


def is_without_writer(ctx: WorkspaceContext) -> ColumnElement[bool]:
    """Return the condition that no other living process writes a row for its batch's worker.

    What this process has is left from a run of it that failed: one thread of it works on a firm's
    lists at a time.
    """
    own = ctx.ownership.process_id
    return or_(~is_alive(BatchRow.writer_id), BatchRow.writer_id == own)


def settle_before_undo(session: Session, ctx: WorkspaceContext, batch_id: str) -> None:
    """Settle rows before an undo, so that links made but not recorded are undone too."""
    rows = session.scalars(
        select(BatchRow).where(
            BatchRow.batch_id == batch_id,
            BatchRow.state.in_((*UNFINISHED_STATES, RowState.SUCCESSFUL)),
        )
    )
    for row in rows:
        if row.state in UNFINISHED_STATES:
            _settle(session, ctx, row)
        if row.state is RowState.SUCCESSFUL and row.failure is None:
            row.state, row.attempt = RowState.UNDOING, row.attempt + 1


def put_back(
    session: Session, ctx: WorkspaceContext, rows: ColumnElement[bool], back: RowState
) -> None:
    """Reset rows that are not to be written to ``back``, unless they have a link.

    A worker may have died after their links landed: those rows get the link's outcome.
    """
    made = select(Link.id).where(
        Link.connection_id == ctx.connection_id, Link.idempotency_key == idempotency_key_column()
    )
    for row in session.scalars(select(BatchRow).where(rows, made.exists())).all():
        _settle(session, ctx, row)
    session.flush()
    session.execute(
        update(BatchRow)
        .where(rows, ~made.exists())
        .values(state=back, writer_id=None)
        .execution_options(synchronize_session=False)
    )


def count_on_their_way(session: Session, ctx: WorkspaceContext, batch_id: str) -> int:
    """Return how many rows taken by a worker have a link, recorded or not."""
    rows = session.scalars(
        select(BatchRow).where(BatchRow.batch_id == batch_id, BatchRow.state.in_(STARTED_STATES))
    )
    return sum(_made(session, ctx, row) is not None for row in rows)


def _settle_rows(session: Session, ctx: WorkspaceContext, batch: Batch) -> int:
    left = select(BatchRow).where(BatchRow.batch_id == batch.id, is_without_writer(ctx))
    if batch.state is BatchState.PAUSED:
        left = left.where(BatchRow.state.in_(STARTED_STATES))
    else:
        left = left.where(BatchRow.state.in_(UNFINISHED_STATES))
    settled = 0
    for row in session.scalars(left.limit(CHUNK_SIZE)).all():
        before = row.state
        _settle(session, ctx, row)
        if batch.state is BatchState.PAUSED and row.state is RowState.IDLE:
            row.state = RowState.WAITING
        settled += row.state is not before
    if settled:
        bump_version(batch)
    return settled


def _settle(session: Session, ctx: WorkspaceContext, row: BatchRow) -> None:
    """Settle a row taken by a worker, by its key; it stays *processing* while that is open."""
    link = _made(session, ctx, row)
    outcome = outcome_of(link) if link else RowOutcome(RowState.IDLE)
    row.state, row.failure, row.writer_id = outcome.state, outcome.failure, None
    if link:
        row.link_id = link.id
        row.settled_at = None if link.state is LinkState.INTENDED else utc_now()
        if row.settled_at:
            session.flush()
            hide_settled_row(session, row.id, ctx.connection_id)


def _made(session: Session, ctx: WorkspaceContext, row: BatchRow) -> Link | None:
    """Return the link made by the row's present attempt."""
    return session.scalar(
        select(Link).filter_by(
            connection_id=ctx.connection_id, idempotency_key=idempotency_key(row)
        )
    )
