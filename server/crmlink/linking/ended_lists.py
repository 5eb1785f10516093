"""An email to the person who started a list that it has ended, queued with its end."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.store import Batch, BatchRow, MailKind, RowState
from crmlink.store.mail import queue_message

TIME_TO_SEE = timedelta(minutes=2)  # who has seen the end by then needs no email
COUNTED = {
    "linked": RowState.SUCCESSFUL,
    "failed": RowState.FAILED,
    "undone": RowState.UNDONE,
}


def queue_list_ended(session: Session, workspace_id: int, batch: Batch) -> None:
    """Queue the email in the transaction that ends a list; a script's list has none."""
    person = batch.started_by.person if batch.started_by else None
    if person is None or batch.finished_at is None or not person.mail_list_ended:
        return
    counts = dict(
        session.execute(
            select(BatchRow.state, func.count())
            .where(BatchRow.batch_id == batch.id)
            .group_by(BatchRow.state)
        ).all()
    )
    queue_message(
        session,
        workspace_id,
        MailKind.LIST_ENDED,
        person,
        event=f"list:{batch.id}:{batch.finished_at.isoformat()}",
        delay=TIME_TO_SEE,
        list=batch.id,
        state=batch.state.value,
        **{name: counts.get(state, 0) for name, state in COUNTED.items()},
    )
