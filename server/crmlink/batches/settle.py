"""Rows that a stopped batch left behind: what became of them is looked up in the links."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crmlink.batches.execute_row import Outcome, key_of, outcome_of
from crmlink.batches.state import touch
from crmlink.linking.context import Desk
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RowState
from crmlink.store.models import now

STOPPED = (BatchState.CANCELLED, BatchState.DONE, BatchState.UNDONE)
AT_A_TIME = 200


def settle_stopped(desk: Desk) -> int:
    """Bring rows of cancelled batches out of *processing*, where no worker does; returns how many.

    A link that was made is never lost: it is found by the row's own key.
    """
    left = (
        select(BatchRow)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.connection_id == desk.connection_id,
            Batch.state.in_(STOPPED),
            or_(Batch.lease == "", Batch.lease_until < now()),
            BatchRow.state == RowState.PROCESSING,
        )
        .limit(AT_A_TIME)
    )
    settled = 0
    with desk.database.writing() as session:
        for row in session.scalars(left):
            if _settle(session, desk, row).state is not RowState.PROCESSING:
                touch(session.get_one(Batch, row.batch_id))
                settled += 1
    return settled


def settle_before_undo(desk: Desk, batch_id: str) -> None:
    """For who begins to undo a batch: links that were made just before it was paused, or that
    their worker did not live to note, are to be undone too."""
    with desk.database.writing() as session:
        rows = session.scalars(
            select(BatchRow).where(
                BatchRow.batch_id == batch_id,
                BatchRow.state.in_((RowState.PROCESSING, RowState.SUCCESSFUL)),
            )
        )
        for row in rows:
            if row.state is RowState.PROCESSING:
                _settle(session, desk, row)
            if row.state is RowState.SUCCESSFUL and row.failure is None:
                row.state, row.attempt = RowState.UNDOING, row.attempt + 1


def _settle(session: Session, desk: Desk, row: BatchRow) -> Outcome:
    """What became of a row that a worker took, by its own key; *processing* while that is open."""
    link = session.scalar(
        select(Link).filter_by(connection_id=desk.connection_id, idempotency_key=key_of(row))
    )
    outcome = outcome_of(link) if link else Outcome(RowState.IDLE)
    row.state, row.failure = outcome.state, outcome.failure
    if link:
        row.link_id = link.id
        row.settled_at = None if link.state is LinkState.INTENDED else now()
    return outcome
