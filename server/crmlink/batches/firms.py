"""Which firms have lists that wait for a worker: asked of the database once for all of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from crmlink.batches.row_claims import QUEUED_STATE
from crmlink.batches.settle import STARTED_STATES, STOPPED_STATES, UNFINISHED_STATES
from crmlink.store import Batch, BatchRow, BatchState, Database, RowState, WorkspaceConnection
from crmlink.store.workspaces import active_workspaces


def firms_to_match(database: Database) -> list[int]:
    """Return the ids of active workspaces with a list to be matched."""
    return active_workspaces(database, _with_lists(Batch.state == BatchState.MATCHING))


def firms_to_write(database: Database) -> list[int]:
    """Return the ids of active workspaces with a list to be written or undone.

    Or with rows that a stopped list has left in progress.
    """
    left = or_(
        and_(Batch.state == BatchState.PAUSED, _has_rows(*STARTED_STATES)),
        and_(
            Batch.state.in_(STOPPED_STATES),
            Batch.state != BatchState.PAUSED,
            _has_rows(*UNFINISHED_STATES),
        ),
    )
    return active_workspaces(database, _with_lists(or_(Batch.state.in_(QUEUED_STATE), left)))


def _with_lists(those: ColumnElement[bool]) -> Select[int]:
    return (
        select(WorkspaceConnection.workspace_id)
        .join(Batch, Batch.connection_id == WorkspaceConnection.id)
        .where(WorkspaceConnection.ended_at.is_(None), those)
    )


def _has_rows(*states: RowState) -> ColumnElement[bool]:
    return exists().where(BatchRow.batch_id == Batch.id, BatchRow.state.in_(states))
