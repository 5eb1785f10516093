"""What may be done with a batch depends on its state; every change goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchUnknown, InvalidBatchState
from crmlink.store import Batch, BatchState, Database, Ownership
from crmlink.store.base import new_id, now

LEASE = timedelta(seconds=60)  # what versions that know no owners wait before they take over
OPEN = (BatchState.DRAFT, BatchState.REVIEW)
DECIDABLE = (BatchState.REVIEW, BatchState.WRITING, BatchState.PAUSED, BatchState.DONE)
WORKING = (BatchState.MATCHING, BatchState.WRITING, BatchState.UNDOING)


def get_batch(session: Session, ctx: WorkspaceContext, batch_id: str, *states: BatchState) -> Batch:
    """A batch of this workspace, in one of the states if any are given.

    Raises BatchUnknown or InvalidBatchState.
    """
    batch = session.get(Batch, batch_id)
    if batch is None or batch.connection_id != ctx.connection_id:
        raise BatchUnknown
    if states and batch.state not in states:
        raise InvalidBatchState(state=batch.state.value)
    return batch


@contextmanager
def editing_batch(
    ctx: WorkspaceContext, batch_id: str, *states: BatchState
) -> Iterator[tuple[Session, Batch]]:
    """A writing session with the batch in one of the states; its version grows at the end."""
    with ctx.database.writing() as session:
        batch = get_batch(session, ctx, batch_id, *states)
        yield session, batch
        bump_version(batch)


def bump_version(batch: Batch) -> None:
    """Tell screens that something changed."""
    batch.version += 1
    batch.changed_at = now()


def find_batch(ctx: WorkspaceContext, batch_id: str) -> Batch:
    """One batch of this workspace; raises BatchUnknown."""
    with ctx.database.reading() as session:
        return get_batch(session, ctx, batch_id)


class LeaseLost(Exception):
    """Another worker has the batch now, or its work was stopped: nothing more is to be written."""


def take_lease(
    database: Database, ownership: Ownership, batch_id: str, state: BatchState
) -> str | None:
    """Become the only one who works on a batch; None when another does, or its state is another."""
    ours, taken = new_id(), False
    ownership.working_on.add(ours)
    try:
        with database.writing() as session:
            owner_id = ownership.register(session)
            batch = session.get(Batch, batch_id)
            if batch and batch.state is state and is_free(session, ownership, batch):
                batch.lease, batch.lease_owner_id = ours, owner_id
                batch.lease_until = now() + LEASE
                taken = True
    finally:
        if not taken:
            ownership.working_on.discard(ours)
    return ours if taken else None


@contextmanager
def leased(database: Database, batch_id: str, lease: str) -> Iterator[tuple[Session, Batch]]:
    """A writing session for the one who has the batch's lease. Raises LeaseLost."""
    with database.writing() as session:
        yield session, check_lease(session, batch_id, lease)


def check_lease(session: Session, batch_id: str, lease: str) -> Batch:
    """Return the batch, whose lease this is. Raises LeaseLost."""
    batch = session.get(Batch, batch_id)
    if batch is None or batch.lease != lease:
        raise LeaseLost
    return batch


def keep_lease(
    database: Database, batch_id: str, lease: str, state: BatchState, /, **more: object
) -> bool:
    """Go on working, and note how far it is; False when the batch was stopped or taken over."""
    with database.writing() as session:
        kept = session.scalar(
            update(Batch)
            .where(Batch.id == batch_id, Batch.lease == lease, Batch.state == state)
            .values(lease_until=now() + LEASE, version=Batch.version + 1, **more)
            .returning(Batch.id)
        )
    return kept is not None


def release_lease(database: Database, ownership: Ownership, batch_id: str, lease: str) -> None:
    """Work on a batch no more."""
    ownership.working_on.discard(lease)
    with database.writing() as session:
        session.execute(
            update(Batch)
            .where(Batch.id == batch_id, Batch.lease == lease)
            .values(lease="", lease_owner_id=None, lease_until=None)
        )


def is_free(session: Session, ownership: Ownership, batch: Batch) -> bool:
    """Whether no living process works on a batch."""
    if not batch.lease:
        return True
    if batch.lease_owner_id is None:  # of a version that knows no owners: by its own clock
        until = batch.lease_until
        return until is None or not now() <= until <= now() + 2 * LEASE
    return not ownership.is_worked_on(session, batch.lease_owner_id, batch.lease)


def has_pending_work(ctx: WorkspaceContext, *states: BatchState) -> bool:
    """Whether a batch is to be worked on in one of these states, and nobody does."""
    waiting = select(Batch).where(Batch.connection_id == ctx.connection_id, Batch.state.in_(states))
    with ctx.database.reading() as session:
        return any(is_free(session, ctx.ownership, batch) for batch in session.scalars(waiting))


def ago(**span: float) -> datetime:
    return now() - timedelta(**span)
