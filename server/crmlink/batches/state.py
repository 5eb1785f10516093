"""What may be done with a batch depends on its state; every change goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from crmlink.linking.context import Desk
from crmlink.linking.errors import BatchUnknown, BatchWrongState
from crmlink.store import Batch, BatchState, Database
from crmlink.store.models import new_id, now

LEASE = timedelta(seconds=60)  # then another process may go on with the work
OPEN = (BatchState.DRAFT, BatchState.REVIEW)
DECIDABLE = (BatchState.REVIEW, BatchState.WRITING, BatchState.PAUSED, BatchState.DONE)
WORKING = (BatchState.MATCHING, BatchState.WRITING, BatchState.UNDOING)


def batch_in(session: Session, desk: Desk, batch_id: str, *states: BatchState) -> Batch:
    """A batch of this workspace, in one of the states if any are given.

    Raises BatchUnknown or BatchWrongState.
    """
    batch = session.get(Batch, batch_id)
    if batch is None or batch.connection_id != desk.connection_id:
        raise BatchUnknown
    if states and batch.state not in states:
        raise BatchWrongState(state=batch.state.value)
    return batch


@contextmanager
def changing(desk: Desk, batch_id: str, *states: BatchState) -> Iterator[tuple[Session, Batch]]:
    """A writing session with the batch in one of the states; its version grows at the end."""
    with desk.database.writing() as session:
        batch = batch_in(session, desk, batch_id, *states)
        yield session, batch
        touch(batch)


def touch(batch: Batch) -> None:
    """Tell screens that something changed."""
    batch.version += 1
    batch.changed_at = now()


def find_batch(desk: Desk, batch_id: str) -> Batch:
    """One batch of this workspace; raises BatchUnknown."""
    with desk.database.reading() as session:
        return batch_in(session, desk, batch_id)


def take_lease(database: Database, batch_id: str, state: BatchState) -> str | None:
    """Become the only one who works on a batch; None when another does, or its state is another."""
    moment, ours = now(), new_id()
    with database.writing() as session:
        taken = session.scalar(
            update(Batch)
            .where(
                Batch.id == batch_id,
                Batch.state == state,
                or_(
                    Batch.lease == "",
                    Batch.lease_until < moment,
                    Batch.lease_until > moment + 2 * LEASE,  # a clock was set back
                ),
            )
            .values(lease=ours, lease_until=moment + LEASE)
            .returning(Batch.id)
        )
    return ours if taken else None


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


def drop_lease(database: Database, batch_id: str, lease: str) -> None:
    """Work on a batch no more."""
    with database.writing() as session:
        session.execute(
            update(Batch)
            .where(Batch.id == batch_id, Batch.lease == lease)
            .values(lease="", lease_until=None)
        )


def release_leases(desk: Desk) -> None:
    """Free what an earlier process worked on: for the start of the only process that works."""
    with desk.database.writing() as session:
        session.execute(
            update(Batch)
            .where(Batch.connection_id == desk.connection_id, Batch.lease != "")
            .values(lease="", lease_until=None)
        )


def work_is_waiting(desk: Desk, *states: BatchState) -> bool:
    """Whether a batch is to be worked on in one of these states, and nobody does."""
    free = select(Batch.id).where(
        Batch.connection_id == desk.connection_id,
        Batch.state.in_(states),
        or_(Batch.lease == "", Batch.lease_until < now()),
    )
    with desk.database.reading() as session:
        return session.scalar(free.limit(1)) is not None


def ago(**span: float) -> datetime:
    return now() - timedelta(**span)
