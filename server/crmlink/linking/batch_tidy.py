"""Rows that a stopped batch left behind: what became of them is looked up in the links."""

from __future__ import annotations

from sqlalchemy import or_, select

from crmlink.linking.batch_outcome import key_of, outcome_of
from crmlink.linking.batch_state import touch
from crmlink.linking.desk import Desk
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
            Batch.workspace_id == desk.workspace_id,
            Batch.state.in_(STOPPED),
            or_(Batch.lease == "", Batch.lease_until < now()),
            BatchRow.state == RowState.PROCESSING,
        )
        .limit(AT_A_TIME)
    )
    settled = 0
    with desk.database.writing() as session:
        for row in session.scalars(left):
            link = session.scalar(
                select(Link).filter_by(workspace_id=desk.workspace_id, idempotency_key=key_of(row))
            )
            if link is not None and link.state is LinkState.INTENDED:
                continue  # recover comes first
            if link is None:
                row.state = RowState.IDLE
            else:
                outcome = outcome_of(link)
                row.state, row.failure, row.link_id = outcome.state, outcome.failure, link.id
                row.settled_at = now()
            touch(session.get_one(Batch, row.batch_id))
            settled += 1
    return settled
