"""State of a batch, which decides what may be done with it; and its leases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, lazyload

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchNotFound, InvalidBatchState
from crmlink.store import Batch, BatchState, Database, Ownership
from crmlink.store.base import new_id, utc_now

LEASE = timedelta(seconds=60)  # time after which versions without owners take over
OPEN_STATES = (BatchState.DRAFT, BatchState.REVIEW)
DECIDABLE = (
    BatchState.REVIEW,
    BatchState.WRITING,
    BatchState.PAUSED,
    BatchState.DONE,
    BatchState.FILLING,
)
WORKING = (BatchState.MATCHING, BatchState.WRITING, BatchState.UNDOING)


def get_batch(session: Session, ctx: WorkspaceContext, batch_id: str, *states: BatchState) -> Batch:
    """Return a batch of this workspace, in one of the states if any are given.

    Raises BatchNotFound or InvalidBatchState.
    """
    batch = session.get(Batch, batch_id)
    if batch is None or batch.connection_id != ctx.connection_id:
        raise BatchNotFound
    if states and batch.state not in states:
        raise InvalidBatchState(state=batch.state.value)
    return batch


@contextmanager
def editing_batch(
    ctx: WorkspaceContext, batch_id: str, *states: BatchState
) -> Iterator[tuple[Session, Batch]]:
    """Yield a writing session and the batch in one of the states; its version grows after."""
    with ctx.database.writing() as session:
        batch = get_batch(session, ctx, batch_id, *states)
        yield session, batch
        bump_version(batch)


def bump_version(batch: Batch) -> None:
    """Increment the version that pages compare."""
    batch.version += 1
    batch.updated_at = utc_now()


def find_batch(ctx: WorkspaceContext, batch_id: str) -> Batch:
    """Return one batch of this workspace; raises BatchNotFound."""
    with ctx.database.reading() as session:
        return get_batch(session, ctx, batch_id)


class LeaseLost(Exception):
    """Another worker has the batch, or its work was stopped: nothing more may be written."""


def take_lease(
    database: Database, ownership: Ownership, batch_id: str, state: BatchState
) -> str | None:
    """Acquire the lease of a batch; returns None if another has it or the state differs."""
    ours, taken = new_id(), False
    ownership.working_on.add(ours)
    try:
        with database.writing() as session:
            owner_id = ownership.register(session)
            batch = session.get(Batch, batch_id)
            if batch and batch.state is state and is_free(session, ownership, batch):
                batch.lease, batch.lease_owner_id = ours, owner_id
                batch.lease_until = utc_now() + LEASE
                taken = True
    finally:
        if not taken:
            ownership.working_on.discard(ours)
    return ours if taken else None


@contextmanager
def leased(database: Database, batch_id: str, lease: str) -> Iterator[tuple[Session, Batch]]:
    """Yield a writing session and the batch, if the lease is held. Raises LeaseLost."""
    with database.writing() as session:
        yield session, check_lease(session, batch_id, lease)


def check_lease(session: Session, batch_id: str, lease: str) -> Batch:
    """Return the batch with this lease. Raises LeaseLost."""
    # Every row checks the lease; few callers ask whose list it is.
    lazily = (lazyload(Batch.device), lazyload(Batch.started_by))
    batch = session.get(Batch, batch_id, options=lazily)
    if batch is None or batch.lease != lease:
        raise LeaseLost
    return batch


def keep_lease(
    database: Database, batch_id: str, lease: str, state: BatchState, /, **more: object
) -> bool:
    """Renew the lease and store progress; returns False if stopped or taken over."""
    with database.writing() as session:
        kept = session.scalar(
            update(Batch)
            .where(Batch.id == batch_id, Batch.lease == lease, Batch.state == state)
            .values(lease_until=utc_now() + LEASE, version=Batch.version + 1, **more)
            .returning(Batch.id)
        )
    return kept is not None


def release_lease(database: Database, ownership: Ownership, batch_id: str, lease: str) -> None:
    """Release the lease."""
    ownership.working_on.discard(lease)
    with database.writing() as session:
        session.execute(
            update(Batch)
            .where(Batch.id == batch_id, Batch.lease == lease)
            .values(lease="", lease_owner_id=None, lease_until=None)
        )


def is_free(session: Session, ownership: Ownership, batch: Batch) -> bool:
    """Return whether no live process works on a batch."""
    if not batch.lease:
        return True
    if batch.lease_owner_id is None:  # of a version without owners, by its own clock
        until = batch.lease_until
        return until is None or not utc_now() <= until <= utc_now() + 2 * LEASE
    return not ownership.is_worked_on(session, batch.lease_owner_id, batch.lease)


def has_pending_work(ctx: WorkspaceContext, *states: BatchState) -> bool:
    """Return whether a batch in one of these states waits for a worker."""
    waiting = select(Batch).where(Batch.connection_id == ctx.connection_id, Batch.state.in_(states))
    with ctx.database.reading() as session:
        return any(is_free(session, ctx.ownership, batch) for batch in session.scalars(waiting))


def ago(**span: float) -> datetime:
    """Return the earliest time of a lease of a version without owners that is still valid."""
    return utc_now() - timedelta(**span)
