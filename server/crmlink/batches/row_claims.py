"""Claims of a batch's rows by its worker: taken from the queue, guarded, put back.

The worker with the batch's lease may be helped by others, which take rows to write and nothing
else. Their rows name their process: they are free again once it counts as dead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, bindparam, select, update
from sqlalchemy.orm import Session

from crmlink.batches.execute_row import BatchStopped, idempotency_key_column
from crmlink.batches.settle import is_without_writer, put_back
from crmlink.batches.state import LeaseLost, bump_version, check_lease, leased
from crmlink.kinds import KINDS
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RowState
from crmlink.store.connections import is_in_use

QUEUED_STATE = {BatchState.WRITING: RowState.WAITING, BatchState.UNDOING: RowState.UNDOING}
CLAIMED_STATE = {BatchState.WRITING: RowState.PROCESSING, BatchState.UNDOING: RowState.UNDOING}

_CLAIM = (
    select(Batch.state, Batch.lease, BatchRow.state, BatchRow.attempt, BatchRow.writer_id)
    .join(BatchRow, BatchRow.batch_id == Batch.id)
    .where(Batch.id == bindparam("batch_id"), BatchRow.id == bindparam("row_id"))
)  # built once: every row asks it


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
    """The rows of a batch for one worker, which holds its lease for as long as it is in a state.

    A ``helper`` is another worker's process, without the lease.
    """

    ctx: WorkspaceContext
    batch_id: str
    state: BatchState
    lease: str = ""
    helper: str | None = None

    @contextmanager
    def leased(self) -> Iterator[tuple[Session, Batch]]:
        """Yield a writing session and the batch. Raises LeaseLost."""
        if self.helper is None:
            with leased(self.ctx.database, self.batch_id, self.lease) as found:
                yield found
            return
        with self.ctx.database.writing() as session:
            yield session, self._batch(session)

    def _batch(self, session: Session) -> Batch:
        if self.helper is None:
            return check_lease(session, self.batch_id, self.lease)
        batch = session.get(Batch, self.batch_id)
        if batch is None:
            raise LeaseLost
        return batch

    @property
    def are_own(self) -> ColumnElement[bool]:
        """The condition that rows in progress are this worker's."""
        return BatchRow.writer_id.is_not_distinct_from(self.helper)

    def guard(self, job: Job) -> Callable[[Session], None]:
        """Return a check, for the transaction that stores a decision, that it is still wanted."""

        def check(session: Session) -> None:
            asked = {"batch_id": self.batch_id, "row_id": job.row_id}
            found = session.execute(_CLAIM, asked).first()
            taken = (CLAIMED_STATE[self.state], job.attempt, self.helper)
            if found is None or tuple(found)[2:] != taken:
                raise LeaseLost
            state, lease, *_ = found
            if self.helper is None and lease != self.lease:
                raise LeaseLost
            if state is not self.state or not is_in_use(session, self.ctx.connection_id):
                raise BatchStopped

        return check

    def orphaned(self) -> list[Job]:
        """Return rows claimed by an earlier worker, without a link in progress."""
        taken = (
            select(BatchRow.id, BatchRow.attempt)
            .where(BatchRow.batch_id == self.batch_id, BatchRow.state == RowState.PROCESSING)
            .where(BatchRow.link_id.is_(None), BatchRow.writer_id.is_(None))
            .order_by(BatchRow.position)
        )
        with self.ctx.database.reading() as session:
            return [Job(*found) for found in session.execute(taken)]

    def of_dead_helpers(self) -> list[Job]:
        """Take over rows of helpers that count as dead."""
        theirs = and_(
            BatchRow.batch_id == self.batch_id,
            BatchRow.writer_id.is_not(None),
            is_without_writer(self.ctx),
        )
        with self.ctx.database.reading() as session:
            if session.scalar(select(BatchRow.id).where(theirs).limit(1)) is None:
                return []
        with self.leased() as (session, _):
            taken = session.execute(
                update(BatchRow)
                .where(theirs)
                .values(writer_id=None)
                .returning(BatchRow.id, BatchRow.attempt)
                .execution_options(synchronize_session=False)
            )
            return [Job(*found) for found in taken]

    def are_with_helpers(self) -> bool:
        """Return whether helpers have rows."""
        theirs = select(BatchRow.id).where(
            BatchRow.batch_id == self.batch_id, BatchRow.writer_id.is_not(None)
        )
        with self.ctx.database.reading() as session:
            return session.scalar(theirs.limit(1)) is not None

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

    def claim(self, most: int, running: Collection[Job], but: Collection[int] = ()) -> list[Job]:
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
            .with_for_update(skip_locked=True)
        )
        with self.leased() as (session, batch):
            if batch.state is not self.state:
                return []
            jobs = [Job(*found) for found in session.execute(wanted)]
            if jobs and self.state is BatchState.WRITING:
                session.execute(
                    update(BatchRow)
                    .where(BatchRow.id.in_([job.row_id for job in jobs]))
                    .values(state=RowState.PROCESSING, writer_id=self.helper)
                )
        return jobs

    def requeue(self, jobs: Collection[Job]) -> None:
        """Requeue claimed rows that were not begun, if the batch still waits for them.

        A helper requeues all that it has. Rows of an earlier worker may have links, see
        ``orphaned``.
        """
        if self.state is not BatchState.WRITING:
            return
        with self.leased() as (session, batch):
            mine = self.are_own & (BatchRow.state == RowState.PROCESSING)
            if self.helper is None:  # of a helper all are its own
                mine &= BatchRow.id.in_([job.row_id for job in jobs])
            back = RowState.WAITING
            if batch.state not in (BatchState.WRITING, BatchState.PAUSED):
                mine |= BatchRow.state == RowState.WAITING  # Commusoft gave no response
                back = RowState.IDLE
            put_back(session, self.ctx, (BatchRow.batch_id == self.batch_id) & mine, back)
            bump_version(batch)
