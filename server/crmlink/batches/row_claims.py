"""Claims of a batch's rows by its worker: taken from the queue, guarded, put back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from crmlink.batches.execute_row import BatchStopped, idempotency_key_column
from crmlink.batches.settle import put_back
from crmlink.batches.state import LeaseLost, bump_version, check_lease, leased
from crmlink.kinds import KINDS
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RowState
from crmlink.store.connections import is_in_use

QUEUED_STATE = {BatchState.WRITING: RowState.WAITING, BatchState.UNDOING: RowState.UNDOING}
TAKEN = {BatchState.WRITING: RowState.PROCESSING, BatchState.UNDOING: RowState.UNDOING}


def awaits_check(ctx: WorkspaceContext) -> Select[str]:
    """Return the query for the link of a row's present attempt that is written, not yet seen."""
    return select(Link.id).where(
        Link.connection_id == ctx.connection_id,
        Link.idempotency_key == idempotency_key_column(),
        Link.state == LinkState.INTENDED,
        Link.written_at.is_not(None),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """One row being executed; ``counts``: its end counts for the rate."""

    row_id: int
    attempt: int
    counts: bool = True


@dataclass(frozen=True, slots=True)
class RowClaims:
    """The rows of a batch for one worker, which holds its lease for as long as it is in a state."""

    ctx: WorkspaceContext
    batch_id: str
    state: BatchState
    lease: str

    @contextmanager
    def leased(self) -> Iterator[tuple[Session, Batch]]:
        """Yield a writing session and the batch. Raises LeaseLost."""
        with leased(self.ctx.database, self.batch_id, self.lease) as found:
            yield found

    def guard(self, job: Job) -> Callable[[Session], None]:
        """Return a check, for the transaction that stores a decision, that it is still wanted."""

        def check(session: Session) -> None:
            batch = check_lease(session, self.batch_id, self.lease)
            row = session.get(BatchRow, job.row_id)
            if row is None or (row.state, row.attempt) != (TAKEN[self.state], job.attempt):
                raise LeaseLost
            in_use = is_in_use(session, self.ctx.connection_id)
            if batch.state is not self.state or not in_use:
                raise BatchStopped

        return check

    def left_behind(self) -> list[Job]:
        """Return rows claimed by an earlier worker, without a link in progress."""
        taken = (
            select(BatchRow.id, BatchRow.attempt)
            .where(BatchRow.batch_id == self.batch_id, BatchRow.state == RowState.PROCESSING)
            .where(BatchRow.link_id.is_(None))
            .order_by(BatchRow.position)
        )
        with self.ctx.database.reading() as session:
            return [Job(*found) for found in session.execute(taken)]

    def newest_links(self) -> set[int]:
        """Return the row of an undo whose link is the newest, of each kind.

        Undone last, they tell by their value that a list is newer than the other links.
        """
        found: dict[str, int] = {}
        if self.state is not BatchState.UNDOING:
            return set()
        with self.ctx.database.reading() as session:
            for kind in KINDS:
                row_id = session.scalar(
                    select(BatchRow.id)
                    .join(Link, BatchRow.link_id == Link.id)
                    .where(BatchRow.batch_id == self.batch_id, BatchRow.state == RowState.UNDOING)
                    .where(Link.kind == kind)
                    .order_by(Link.created_at.desc())
                    .limit(1)
                )
                if row_id is not None:
                    found[kind] = row_id
        return set(found.values())

    def take(self, most: int, running: Collection[Job], but: Collection[int] = ()) -> list[Job]:
        """Claim the next rows, none if none wait; not those of ``but``.

        Rows of an undo keep their state; those that are written wait for their check.
        """
        wanted = (
            select(BatchRow.id, BatchRow.attempt)
            .where(
                BatchRow.batch_id == self.batch_id,
                BatchRow.state == QUEUED_STATE[self.state],
                BatchRow.id.not_in([*(job.row_id for job in running), *but]),
                ~awaits_check(self.ctx).exists(),
            )
            .order_by(BatchRow.position)
            .limit(most)
        )
        with self.leased() as (session, batch):
            if batch.state is not self.state:
                return []
            jobs = [Job(*found) for found in session.execute(wanted)]
            if jobs and self.state is BatchState.WRITING:
                session.execute(
                    update(BatchRow)
                    .where(BatchRow.id.in_([job.row_id for job in jobs]))
                    .values(state=RowState.PROCESSING)
                )
        return jobs

    def put_back(self, jobs: Collection[Job]) -> None:
        """Requeue claimed rows that were not begun, if the batch still waits for them.

        Rows of an earlier worker may have links, see ``left_behind``.
        """
        if self.state is not BatchState.WRITING:
            return
        with self.leased() as (session, batch):
            ids = BatchRow.id.in_([job.row_id for job in jobs])
            mine = ids & (BatchRow.state == RowState.PROCESSING)
            back = RowState.WAITING
            if batch.state not in (BatchState.WRITING, BatchState.PAUSED):
                mine |= BatchRow.state == RowState.WAITING  # Commusoft gave no response
                back = RowState.IDLE
            put_back(session, self.ctx, (BatchRow.batch_id == self.batch_id) & mine, back)
            bump_version(batch)
