"""Settlement of a link: what becomes true in the same transaction as its new state."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.linking.audit import record_audit, record_settled
from crmlink.linking.ended_lists import queue_list_ended
from crmlink.linking.parked import unpark_linked
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Link,
    LinkMethod,
    LinkState,
    RowState,
    WorkspaceConnection,
)
from crmlink.store.base import utc_now
from crmlink.store.batches import show_as_filled, show_as_undone
from crmlink.store.hidden_references import hide_settled_link, hide_settled_row

SETTLED_STATES = (RowState.SUCCESSFUL, RowState.FAILED, RowState.UNDONE)
ENDS = {BatchState.FILLING: BatchState.DONE, BatchState.REVERTING: BatchState.UNDONE}


def note_settled(
    session: Session,
    link: Link,
    state: LinkState,
    failure: dict[str, Any] | None,
    seen_by_id: int | None = None,
) -> Link:
    """Record a link's end, after its own row and the mirror's were written; returns its row.

    A linked undo also settles the link it undoes, and its row of a list. ``seen_by_id`` is the
    device that saw the end, if it is not the one that decided.
    """
    record_settled(session, link, state, (failure or {}).get("code"), seen_by_id)
    if state is LinkState.LINKED and link.undoes_id:
        session.execute(
            update(Link)
            .where(Link.id == link.undoes_id, Link.state == LinkState.LINKED)
            .values(state=LinkState.UNDONE)
        )
        show_as_undone(session, link.undoes_id)
    elif link.undoes_id:
        show_as_filled(session, link.undoes_id, RowState.SUCCESSFUL, failure)
    elif state is LinkState.LINKED:
        show_as_filled(session, link.id, RowState.SUCCESSFUL, None)
    else:
        show_as_filled(session, link.id, RowState.FAILED, failure)
    if not link.undoes_id and state is LinkState.LINKED:
        unpark_linked(session, link)
    session.flush()
    if link.method is LinkMethod.PAGES or link.undoes_id:
        _end_lists(session, link)
    return hide_settled_link(session, link.id)


def _end_lists(session: Session, link: Link) -> None:
    """Hide what the link's settled rows must not keep; end lists that waited for the last one."""
    rows = select(BatchRow).where(BatchRow.link_id == (link.undoes_id or link.id))
    for row in session.scalars(rows.where(BatchRow.state.in_(SETTLED_STATES))).all():
        hide_settled_row(session, row.id, link.connection_id)
        batch = session.get_one(Batch, row.batch_id, populate_existing=True)
        end = ENDS.get(batch.state)
        if end is not None and not _has_filling(session, batch.id):
            batch.state, batch.finished_at = end, utc_now()
            connection = session.get_one(WorkspaceConnection, link.connection_id)
            record_audit(session, connection.workspace_id, None, f"batch.{end.value}", batch.id)
            session.flush()
            queue_list_ended(session, connection.workspace_id, batch)


def _has_filling(session: Session, batch_id: str) -> bool:
    query = select(BatchRow.id).filter_by(batch_id=batch_id, state=RowState.FILLING)
    return session.scalar(query.limit(1)) is not None
