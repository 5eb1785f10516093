"""Worker's part of writing and undoing batches: claims rows, executes them, stores outcomes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.batches.backoff import Backoff
from crmlink.batches.execute_row import BatchStopped, RowOutcome, carry_out, outcome_of
from crmlink.batches.page_table import withdraw_rows
from crmlink.batches.settle import put_back, settle_before_undo
from crmlink.batches.state import (
    LeaseLost,
    bump_version,
    check_lease,
    keep_lease,
    leased,
    release_lease,
    take_lease,
)
from crmlink.batches.throughput import Throughput
from crmlink.linking.attempts import recover
from crmlink.linking.audit import note
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.ended_lists import queue_list_ended
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkMethod, LinkState, RowState
from crmlink.store.base import utc_now
from crmlink.store.connections import is_in_use
from crmlink.store.hidden_references import hide_settled_row

log = structlog.get_logger()

HEARTBEAT_INTERVAL = 1.0  # seconds between progress reports
POLL_INTERVAL = 0.5  # seconds between checks of open links
CREDENTIAL_CODES = {"commusoft-refused"}  # errors that need a person

QUEUED_STATE = {BatchState.WRITING: RowState.WAITING, BatchState.UNDOING: RowState.UNDOING}
TAKEN = {BatchState.WRITING: RowState.PROCESSING, BatchState.UNDOING: RowState.UNDOING}
ON_PAGE_STATE = {
    BatchState.WRITING: BatchState.FILLING,
    BatchState.UNDOING: BatchState.REVERTING,
}
FINAL_STATE = {BatchState.WRITING: BatchState.DONE, BatchState.UNDOING: BatchState.UNDONE}


def write_waiting(ctx: WorkspaceContext, stopping: Callable[[], bool] = lambda: False) -> int:
    """Process every batch to be written or undone; returns how many ended."""
    with ctx.database.reading() as session:
        found = session.execute(
            select(Batch.id, Batch.state)
            .where(Batch.connection_id == ctx.connection_id, Batch.state.in_(QUEUED_STATE))
            .order_by(Batch.updated_at)
        ).all()
    return sum(
        work_on(ctx, batch_id, state, stopping) for batch_id, state in found if not stopping()
    )


def work_on(
    ctx: WorkspaceContext,
    batch_id: str,
    state: BatchState,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Process a batch as far as possible; returns False if stopped or leased elsewhere."""
    lease = take_lease(ctx.database, ctx.ownership, batch_id, state)
    if lease is None:
        return False
    at_once = max(1, ctx.commusoft.max_concurrent - 1)
    try:
        with _background_context(ctx, at_once) as own, ThreadPoolExecutor(at_once) as hands:
            return BatchWriter(own, batch_id, state, lease, hands, at_once, stopping).go()
    except LeaseLost:
        log.warning("batch taken over by another worker", batch=batch_id)
        return False
    finally:
        release_lease(ctx.database, ctx.ownership, batch_id, lease)


@contextmanager
def _background_context(ctx: WorkspaceContext, at_once: int) -> Iterator[WorkspaceContext]:
    """Yield the context with background calls, and threads of its own."""
    attempts = ThreadPoolExecutor(at_once, thread_name_prefix="batch")
    try:
        yield replace(ctx, commusoft=ctx.commusoft.in_background(), attempts=attempts)
    finally:
        attempts.shutdown()


@dataclass(frozen=True, slots=True)
class _Job:
    """One row being executed."""

    row_id: int
    attempt: int


class BatchWriter:
    """One worker's run of one batch; its memory may be lost at any time.

    Every change of a row, and every decision stored for one, is conditional on the lease in the
    same transaction: a worker counted as dead cannot overwrite its successor's decisions. It raises
    LeaseLost then.
    """

    def __init__(
        self,
        ctx: WorkspaceContext,
        batch_id: str,
        state: BatchState,
        lease: str,
        hands: ThreadPoolExecutor,
        at_once: int,
        stopping: Callable[[], bool],
    ) -> None:
        self._workspace, self._batch_id, self._state, self._lease = ctx, batch_id, state, lease
        self._hands, self._at_once, self._stopping = hands, at_once, stopping
        self._queue: deque[_Job] = deque()
        self._running: dict[Future[RowOutcome], _Job] = {}
        self._begun: dict[Future[RowOutcome], float] = {}
        self._backoff = Backoff()
        self._pace = Throughput()
        self._told = time.monotonic()
        with ctx.database.reading() as session:
            batch = session.get_one(Batch, batch_id)
            self._device_id = batch.started_by_id or batch.device_id

    def go(self) -> bool:
        """Run until nothing is left; returns True then."""
        if self._state is BatchState.UNDOING:
            with self._leased() as (session, _):
                settle_before_undo(session, self._workspace, self._batch_id)
        else:
            self._queue.extend(self._left_behind())
        while True:
            going = self._tell() and not self._stopping()
            if not going:
                self._finish_running()
                self._put_back()
                return False
            self._hand_out()
            if self._running:
                done, _ = wait(self._running, timeout=POLL_INTERVAL, return_when=FIRST_COMPLETED)
                self._note([(self._taken_back(each), each.result()) for each in done])
            elif self._backoff.seconds_left > 0:
                recover(self._workspace)
                time.sleep(min(POLL_INTERVAL, max(0.01, self._backoff.seconds_left)))
            elif not self._settle_open():
                return self._finish()

    @contextmanager
    def _leased(self) -> Iterator[tuple[Session, Batch]]:
        with leased(self._workspace.database, self._batch_id, self._lease) as found:
            yield found

    def _guard(self, job: _Job) -> Callable[[Session], None]:
        """Return a check, for the transaction that stores a decision, that it is still wanted."""

        def check(session: Session) -> None:
            batch = check_lease(session, self._batch_id, self._lease)
            row = session.get(BatchRow, job.row_id)
            if row is None or (row.state, row.attempt) != (TAKEN[self._state], job.attempt):
                raise LeaseLost
            in_use = is_in_use(session, self._workspace.connection_id)
            if batch.state is not self._state or not in_use:
                raise BatchStopped

        return check

    def _left_behind(self) -> list[_Job]:
        """Return rows claimed by an earlier worker, without a link in progress."""
        taken = (
            select(BatchRow.id, BatchRow.attempt)
            .where(BatchRow.batch_id == self._batch_id, BatchRow.state == RowState.PROCESSING)
            .where(BatchRow.link_id.is_(None))
            .order_by(BatchRow.position)
        )
        with self._workspace.database.reading() as session:
            return [_Job(*found) for found in session.execute(taken)]

    def _hand_out(self) -> None:
        while len(self._running) < self._at_once and self._backoff.seconds_left <= 0:
            if not self._queue and not self._take():
                return
            job = self._queue.popleft()
            future = self._hands.submit(
                carry_out,
                self._workspace,
                job.row_id,
                self._state,
                self._device_id,
                self._guard(job),
            )
            self._running[future], self._begun[future] = job, time.monotonic()

    def _take(self) -> bool:
        """Claim the next rows; returns False if none wait. Rows of an undo keep their state."""
        wanted = (
            select(BatchRow.id, BatchRow.attempt)
            .where(
                BatchRow.batch_id == self._batch_id,
                BatchRow.state == QUEUED_STATE[self._state],
                BatchRow.id.not_in([job.row_id for job in self._running.values()]),
            )
            .order_by(BatchRow.position)
            .limit(4 * self._at_once)
        )
        with self._leased() as (session, batch):
            if batch.state is not self._state:
                return False
            jobs = [_Job(*found) for found in session.execute(wanted)]
            if jobs and self._state is BatchState.WRITING:
                session.execute(
                    update(BatchRow)
                    .where(BatchRow.id.in_([job.row_id for job in jobs]))
                    .values(state=RowState.PROCESSING)
                )
        self._queue.extend(jobs)
        return bool(jobs)

    def _put_back(self) -> None:
        """Requeue claimed rows that were not begun, if the batch still waits for them.

        Rows of an earlier worker may have links, see ``_left_behind``.
        """
        ids = [job.row_id for job in self._queue]
        self._queue.clear()
        if self._state is not BatchState.WRITING:
            return
        with self._leased() as (session, batch):
            mine = BatchRow.id.in_(ids) & (BatchRow.state == RowState.PROCESSING)
            back = RowState.WAITING
            if batch.state not in (BatchState.WRITING, BatchState.PAUSED):
                mine |= BatchRow.state == RowState.WAITING  # Commusoft gave no response
                back = RowState.IDLE
            put_back(session, self._workspace, (BatchRow.batch_id == self._batch_id) & mine, back)
            bump_version(batch)

    def _finish_running(self) -> None:
        for future in list(self._running):
            outcome = future.result()
            self._note([(self._taken_back(future), outcome)])

    def _taken_back(self, future: Future[RowOutcome]) -> _Job:
        del self._begun[future]
        return self._running.pop(future)

    def _note(self, ended: list[tuple[_Job, RowOutcome]]) -> None:
        """Store outcomes of rows in one transaction."""
        if not ended:
            return
        with self._leased() as (session, _):
            for job, outcome in ended:
                values = self._values(job, _as_it_is_now(session, outcome))
                session.execute(
                    update(BatchRow)
                    .where(
                        BatchRow.id == job.row_id,
                        BatchRow.attempt == job.attempt,
                        BatchRow.state.in_(TAKEN.values()),
                    )
                    .values(**values)
                )
                if values.get("settled_at"):
                    self._pace.add()
                    hide_settled_row(session, job.row_id, self._workspace.connection_id)

    def _values(self, job: _Job, outcome: RowOutcome) -> dict[str, object]:
        if outcome.stopped:
            return {"state": QUEUED_STATE[self._state]}
        if outcome.problem is None:
            self._backoff.reset()
        else:
            self._meet(outcome.problem)
            self._backoff.count_try(job.row_id)
            end, others = outcome.gives_up, self._pace.settled > 0
            if end is None or not self._backoff.gives_up(job.row_id, outcome.problem, others):
                return {"state": QUEUED_STATE[self._state]}
            outcome = replace(outcome, state=end, failure={"code": outcome.problem}, problem=None)
        self._backoff.forget(job.row_id)
        values: dict[str, object] = {"state": outcome.state, "failure": outcome.failure}
        if outcome.link_id:
            values["link_id"] = outcome.link_id
        if outcome.state is RowState.UNDOING:
            values["attempt"] = job.attempt + 1
        elif outcome.state not in (RowState.PROCESSING, RowState.FILLING):
            values["settled_at"] = utc_now()
        return values

    def _tell(self) -> bool:
        """Renew the lease and store progress; returns False if paused, cancelled or taken over."""
        if time.monotonic() - self._told < HEARTBEAT_INTERVAL:
            return True
        self._told = time.monotonic()
        problem = self._backoff.problem
        if problem in CREDENTIAL_CODES and self._state is BatchState.WRITING:
            self._pause_itself(problem or "")
            return False
        return keep_lease(
            self._workspace.database, self._batch_id, self._lease, self._state,
            rate=self._pace.per_second(), updated_at=utc_now(),
            last_error=self._backoff.obstacle(self._begun.values()),
        )  # fmt: skip

    def _meet(self, problem: str) -> None:
        """Record an obstacle; a new one is stored at once."""
        if self._backoff.meet(problem):
            self._told = -math.inf

    def _pause_itself(self, code: str) -> None:
        with self._leased() as (session, batch):
            if batch.state is BatchState.WRITING:
                batch.state, batch.last_error, batch.rate = BatchState.PAUSED, {"code": code}, None
                bump_version(batch)
                note(
                    session,
                    self._workspace.workspace_id,
                    None,
                    "batch.paused",
                    batch.id,
                    problem=code,
                )

    def _settle_open(self) -> bool:
        """Settle rows whose link has ended since; returns True while some have not."""
        recover(self._workspace)
        waiting = (
            select(BatchRow.id, BatchRow.attempt, Link)
            .join(Link, Link.id == BatchRow.link_id)
            .where(BatchRow.batch_id == self._batch_id, BatchRow.state == RowState.PROCESSING)
        )
        with self._workspace.database.reading() as session:
            found = [(_Job(row_id, attempt), link)
                     for row_id, attempt, link in session.execute(waiting)]  # fmt: skip
        ended = [(job, self._end_of(link)) for job, link in found
                 if not _is_attempted(link)]  # fmt: skip
        self._note(ended)
        for _, link in found:
            if _is_attempted(link):
                self._meet((link.failure or {}).get("code", "commusoft-slow"))
                self._backoff.pause(POLL_INTERVAL)
        return len(ended) < len(found) or self._take()

    def _end_of(self, link: Link) -> RowOutcome:
        """Return the outcome of a link; one that lands during an undo is to be undone too."""
        outcome = outcome_of(link)
        if self._state is BatchState.UNDOING and outcome.state is RowState.SUCCESSFUL:
            return replace(outcome, state=RowState.UNDOING)
        return outcome

    def _finish(self) -> bool:
        with self._leased() as (session, batch):
            left = session.scalar(
                select(BatchRow.id)
                .where(
                    BatchRow.batch_id == self._batch_id,
                    BatchRow.state.in_((QUEUED_STATE[self._state], RowState.PROCESSING)),
                )
                .limit(1)
            )
            if left is not None or batch.state is not self._state:
                return False
            if self._state is BatchState.UNDOING:  # links that came to wait on a page meanwhile
                withdraw_rows(session, batch.id, self._device_id, undos_too=False)
            end = self._end_state(session)
            batch.state, batch.rate, batch.last_error = end, None, None
            batch.finished_at = utc_now() if end is FINAL_STATE[self._state] else None
            bump_version(batch)
            note(session, self._workspace.workspace_id, None, f"batch.{end.value}", batch.id)
            queue_list_ended(session, self._workspace.workspace_id, batch)
        log.info("batch finished", batch=self._batch_id, state=end.value)
        return True

    def _end_state(self, session: Session) -> BatchState:
        """Return the batch's state after the worker: it may wait to be saved on pages."""
        filling = select(BatchRow.id).filter_by(batch_id=self._batch_id, state=RowState.FILLING)
        waits = session.scalar(filling.limit(1)) is not None
        return (ON_PAGE_STATE if waits else FINAL_STATE)[self._state]


def _is_attempted(link: Link) -> bool:
    """Return whether a link is still being written by the API."""
    return link.state is LinkState.INTENDED and link.method is LinkMethod.API


def _as_it_is_now(session: Session, outcome: RowOutcome) -> RowOutcome:
    """Return the outcome, unless its link was undone, or seen on a page, before it was stored."""
    if outcome.waits_for:
        waiting = session.get(Link, outcome.waits_for)
        if waiting is not None and waiting.state is not LinkState.INTENDED:
            return outcome_of(waiting)
    if outcome.state is RowState.SUCCESSFUL and outcome.link_id:
        link = session.get(Link, outcome.link_id)
        if link is not None and link.state is LinkState.UNDONE:
            return replace(outcome, state=RowState.UNDONE)
    return outcome
