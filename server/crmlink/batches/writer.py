"""Worker's part of writing and undoing batches: claims rows, executes them, stores outcomes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from crmlink.batches.backoff import Backoff
from crmlink.batches.execute_row import RowOutcome, carry_out, outcome_of
from crmlink.batches.page_table import withdraw_rows
from crmlink.batches.row_claims import QUEUED_STATE, TAKEN, Job, RowClaims
from crmlink.batches.settle import settle_before_undo
from crmlink.batches.state import (
    LeaseLost,
    bump_version,
    keep_lease,
    release_lease,
    take_lease,
)
from crmlink.batches.throughput import Throughput
from crmlink.batches.written_rows import WrittenRows
from crmlink.linking.attempts import recover
from crmlink.linking.audit import note
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.ended_lists import queue_list_ended
from crmlink.linking.list_trust import ListTrust
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkMethod, LinkState, RowState
from crmlink.store.base import utc_now
from crmlink.store.hidden_references import hide_settled_row

log = structlog.get_logger()

HEARTBEAT_INTERVAL = 1.0  # seconds between progress reports
POLL_INTERVAL = 0.5  # seconds between checks of open links
SETTLED_AT_ONCE = 50  # rows noted in a transaction
CREDENTIAL_CODES = {"commusoft-refused"}  # errors that need a person

OPEN_WITH_LINK = (RowState.PROCESSING, RowState.WRITTEN)
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
        with _background_context(ctx, at_once) as own, ThreadPoolExecutor(at_once) as executor:
            claims = RowClaims(own, batch_id, state, lease)
            undos = state is BatchState.UNDOING
            with closing(WrittenRows(own, batch_id, stopping, undos=undos)) as written:
                return BatchWriter(claims, written, executor, at_once, stopping).go()
    except LeaseLost:
        log.warning("batch taken over by another worker", batch=batch_id)
        return False
    finally:
        release_lease(ctx.database, ctx.ownership, batch_id, lease)


@contextmanager
def _background_context(ctx: WorkspaceContext, at_once: int) -> Iterator[WorkspaceContext]:
    """Yield the context with background calls, checks by lists, and threads of its own."""
    attempts = ThreadPoolExecutor(at_once, thread_name_prefix="batch")
    try:
        yield replace(
            ctx,
            commusoft=ctx.commusoft.in_background(),
            attempts=attempts,
            list_trust=ListTrust(),
        )
    finally:
        attempts.shutdown()


class BatchWriter:
    """One worker's run of one batch; its memory may be lost at any time.

    Every change of a row, and every decision stored for one, is conditional on the lease in the
    same transaction: a worker counted as dead cannot overwrite its successor's decisions. It raises
    LeaseLost then.
    """

    def __init__(
        self,
        claims: RowClaims,
        written: WrittenRows,
        executor: ThreadPoolExecutor,
        at_once: int,
        stopping: Callable[[], bool],
    ) -> None:
        self._claims, self._written = claims, written
        self._batch_id, self._state = claims.batch_id, claims.state
        self._workspace = claims.ctx
        # A link of a person is read back at once.
        self._reading_back = replace(claims.ctx, list_trust=None)
        self._executor, self._at_once, self._stopping = executor, at_once, stopping
        self._queue: deque[Job] = deque()
        self._running: dict[Future[RowOutcome], Job] = {}
        self._begun: dict[Future[RowOutcome], float] = {}
        self._last: set[int] = set()  # rows of an undo that wait for all others
        self._backoff = Backoff()
        self._pace = Throughput()
        self._told = time.monotonic()
        with claims.ctx.database.reading() as session:
            batch = session.get_one(Batch, claims.batch_id)
            self._device_id = batch.started_by_id or batch.device_id

    def go(self) -> bool:
        """Run until nothing is left; returns True then."""
        if self._state is BatchState.UNDOING:
            with self._claims.leased() as (session, _):
                settle_before_undo(session, self._workspace, self._batch_id)
            self._last = self._claims.newest_links()
        else:
            self._queue.extend(self._claims.left_behind())
        while True:
            is_wanted = self._tell()
            if not is_wanted or self._stopping():
                self._leave(process_ends=is_wanted)
                return False
            self._hand_out()
            self._look_at_written()
            if self._running:
                done, _ = wait(self._running, timeout=POLL_INTERVAL, return_when=FIRST_COMPLETED)
                self._note([(self._taken_back(each), each.result()) for each in done])
            elif self._backoff.seconds_left > 0:
                recover(self._reading_back)
                time.sleep(min(POLL_INTERVAL, max(0.01, self._backoff.seconds_left)))
            elif not self._settle_open():
                return self._finish()

    def _hand_out(self) -> None:
        while len(self._running) < self._at_once and self._backoff.seconds_left <= 0:
            if not self._queue and not self._take():
                return
            job = self._queue.popleft()
            future = self._executor.submit(
                carry_out,
                self._workspace,
                job.row_id,
                self._state,
                self._device_id,
                self._claims.guard(job),
            )
            self._running[future], self._begun[future] = job, time.monotonic()

    def _take(self) -> bool:
        """Claim the next rows; returns False if none wait."""
        jobs = self._claims.take(4 * self._at_once, self._running.values(), self._last)
        self._queue.extend(jobs)
        return bool(jobs)

    def _leave(self, *, process_ends: bool) -> None:
        """End what is in progress, for a batch that is stopped; a process has no time to check."""
        self._finish_running()
        self._claims.put_back(self._queue)
        self._queue.clear()
        if not process_ends:
            self._written.finish()
        self._settle_ended()

    def _finish_running(self) -> None:
        for future in list(self._running):
            outcome = future.result()
            self._note([(self._taken_back(future), outcome)])

    def _taken_back(self, future: Future[RowOutcome]) -> Job:
        del self._begun[future]
        return self._running.pop(future)

    def _note(self, ended: list[tuple[Job, RowOutcome]]) -> None:
        """Store outcomes of rows in one transaction."""
        if not ended:
            return
        with self._claims.leased() as (session, _):
            for job, outcome in ended:
                values = self._values(job, _as_it_is_now(session, outcome))
                session.execute(
                    update(BatchRow)
                    .where(
                        BatchRow.id == job.row_id,
                        BatchRow.attempt == job.attempt,
                        BatchRow.state.in_((*TAKEN.values(), RowState.WRITTEN)),
                    )
                    .values(**values)
                )
                if values["state"] is RowState.WRITTEN or outcome.awaits_check:
                    self._written.add()
                if values.get("settled_at"):
                    hide_settled_row(session, job.row_id, self._workspace.connection_id)

    def _values(self, job: Job, outcome: RowOutcome) -> dict[str, object]:
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
        if job.counts:
            self._pace.add()
        values: dict[str, object] = {"state": outcome.state, "failure": outcome.failure}
        if outcome.awaits_check:
            return values
        if outcome.link_id:
            values["link_id"] = outcome.link_id
        if outcome.state is RowState.UNDOING:
            values["attempt"] = job.attempt + 1
        elif outcome.state not in (RowState.PROCESSING, RowState.WRITTEN, RowState.FILLING):
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
            self._workspace.database, self._batch_id, self._claims.lease, self._state,
            rate=self._pace.per_second(), updated_at=utc_now(),
            last_error=self._backoff.obstacle(self._begun.values()),
        )  # fmt: skip

    def _meet(self, problem: str) -> None:
        """Record an obstacle; a new one is stored at once."""
        if self._backoff.meet(problem):
            self._told = -math.inf

    def _pause_itself(self, code: str) -> None:
        with self._claims.leased() as (session, batch):
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

    def _look_at_written(self) -> None:
        """Have written rows checked when that is due, and note what came of it."""
        ended, problem = self._written.ended()
        if problem:
            self._meet(problem)
            self._backoff.pause_longer()
        if ended:
            self._settle_ended()
            self._written.recount()
        if self._backoff.seconds_left <= 0:
            self._written.look(resting=False)

    def _settle_open(self) -> bool:
        """Settle rows whose link has ended since; returns True while some have not."""
        if self._written.look(resting=True):
            time.sleep(POLL_INTERVAL)
            return True
        recover(self._reading_back)
        self._settle_ended()
        with self._workspace.database.reading() as session:
            left = session.scalars(self._with_link().where(_is_attempted()).limit(1)).first()
            failure = left.failure if left else None
        if left is not None:
            self._written.recount()
            self._meet((failure or {}).get("code", "commusoft-slow"))
            self._backoff.pause(POLL_INTERVAL)
        return left is not None or self._take() or self._take_last()

    def _take_last(self) -> bool:
        """Claim the rows of an undo that waited for all others, once none of those is left."""
        self._written.recount()
        if self._written.waiting:
            return True
        waited, self._last = bool(self._last), set()
        return waited and self._take()

    def _settle_ended(self) -> None:
        """Note the rows whose link is no longer what their state says."""
        changed = or_(
            ~_is_attempted(),
            and_(BatchRow.state == RowState.PROCESSING, Link.written_at.is_not(None)),
        )
        query = self._with_link().add_columns(BatchRow.id, BatchRow.attempt, BatchRow.state)
        while True:
            with self._workspace.database.reading() as session:
                found = session.execute(query.where(changed).limit(SETTLED_AT_ONCE)).all()
            self._note([
                (Job(row_id, attempt, counts=state is RowState.PROCESSING), self._end_of(link))
                for link, row_id, attempt, state in found
            ])  # fmt: skip
            if len(found) < SETTLED_AT_ONCE:
                return

    def _with_link(self) -> Select[Any]:
        return (
            select(Link)
            .join(BatchRow, BatchRow.link_id == Link.id)
            .where(BatchRow.batch_id == self._batch_id, BatchRow.state.in_(OPEN_WITH_LINK))
        )

    def _end_of(self, link: Link) -> RowOutcome:
        """Return the outcome of a link; one that lands during an undo is to be undone too."""
        outcome = outcome_of(link)
        if self._state is BatchState.UNDOING and outcome.state is RowState.SUCCESSFUL:
            return replace(outcome, state=RowState.UNDOING)
        return outcome

    def _finish(self) -> bool:
        with self._claims.leased() as (session, batch):
            left = session.scalar(
                select(BatchRow.id)
                .where(
                    BatchRow.batch_id == self._batch_id,
                    BatchRow.state.in_((QUEUED_STATE[self._state], *OPEN_WITH_LINK)),
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


def _is_attempted() -> ColumnElement[bool]:
    """Return the condition that a link is still being written, or checked, by the API."""
    return (Link.state == LinkState.INTENDED) & (Link.method == LinkMethod.API)


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
