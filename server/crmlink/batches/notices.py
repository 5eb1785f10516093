"""Notices to the person who started a batch that it has ended, until they have seen it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crmlink.batches.state import get_batch
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchState, Device
from crmlink.store.base import utc_now

ENDED_STATES = (BatchState.DONE, BatchState.UNDONE)
WRITING_STATES = (BatchState.WRITING, BatchState.UNDOING)


@dataclass(frozen=True, slots=True)
class OwnBatches:
    """Batches of a person whose end they have not seen, and whether others are in progress.

    ``ended`` includes those that stopped and wait for the person.
    """

    ended: tuple[Batch, ...]
    under_way: bool


def own_batches(ctx: WorkspaceContext, person_id: int) -> OwnBatches:
    """Return the batches a person started and has not seen the end of, newest first."""
    states = (*ENDED_STATES, *WRITING_STATES, BatchState.PAUSED)
    query = (
        select(Batch)
        .where(Batch.connection_id == ctx.connection_id, Batch.state.in_(states))
        .where(_started_by(person_id))
        .order_by(Batch.updated_at.desc())
    )
    with ctx.database.reading() as session:
        found = list(session.scalars(query))
    ended = tuple(batch for batch in found if _is_news(batch))
    return OwnBatches(ended, any(batch.state in WRITING_STATES for batch in found))


def note_seen(ctx: WorkspaceContext, person_id: int, batch_id: str) -> None:
    """Record that a person sees a batch now; ignored for anyone but who started it.

    Raises BatchNotFound.
    """
    with ctx.database.reading() as session:
        if not _is_seen_first(session, ctx, person_id, batch_id):
            return
    with ctx.database.writing() as session:
        if _is_seen_first(session, ctx, person_id, batch_id):
            get_batch(session, ctx, batch_id).seen_at = utc_now()


def _is_seen_first(session: Session, ctx: WorkspaceContext, person_id: int, batch_id: str) -> bool:
    batch = get_batch(session, ctx, batch_id)
    return bool(batch.started_by and batch.started_by.person_id == person_id) and _is_news(batch)


def _is_news(batch: Batch) -> bool:
    match batch.state:
        case BatchState.DONE | BatchState.UNDONE:
            moment = batch.finished_at
        case BatchState.PAUSED if batch.last_error:  # it stopped by itself
            moment = batch.updated_at
        case _:
            return False
    return moment is not None and (batch.seen_at is None or batch.seen_at < moment)


def _started_by(person_id: int) -> ColumnElement[bool]:
    return Batch.started_by_id.in_(select(Device.id).where(Device.person_id == person_id))
