"""Rows of a batch in progress: handed to threads, their outcomes stored."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.batches.backoff import Backoff
from crmlink.batches.execute_row import RowOutcome, carry_out, outcome_of
from crmlink.batches.row_claims import CLAIMED_STATE, QUEUED_STATE, Job, RowClaims
from crmlink.batches.throughput import Throughput
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.list_trust import ListTrust
from crmlink.logs import RestingThreads
from crmlink.store import Batch, BatchRow, Link, LinkState, RowState
from crmlink.store.base import utc_now
from crmlink.store.hidden_references import hide_settled_row

HEARTBEAT_INTERVAL = 1.0  # seconds between progress reports
POLL_INTERVAL = 0.5  # seconds between checks of open links
CREDENTIAL_CODES = {"commusoft-refused"}  # errors that need a person


@contextmanager
def background_context(ctx: WorkspaceContext, at_once: int) -> Iterator[WorkspaceContext]:
    """Yield the context with background calls, checks by lists, and threads of its own."""
    attempts = RestingThreads(at_once, "batch")
    try:
        yield replace(
            ctx,
            commusoft=ctx.commusoft.in_background(),
            attempts=attempts,
            list_trust=ListTrust(),
        )
    finally:
        attempts.shutdown()


class RowRuns:
    """The rows of a batch that one worker has in progress; its memory may be lost at any time.

    Every change of a row, and every decision stored for one, is conditional on the claim in the
    same transaction: a worker counted as dead cannot overwrite its successor's decisions. It raises
    LeaseLost then.
    """

    def __init__(
        self,
        claims: RowClaims,
        executor: ThreadPoolExecutor,
        at_once: int,
        stopping: Callable[[], bool],
    ) -> None:
        self._claims = claims
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
        with claims.ctx.database.reading() as session:
            batch = session.get_one(Batch, claims.batch_id)
            self._device_id = batch.started_by_id or batch.device_id

    def _note_ended(self) -> None:
        """Wait a moment for a row to end, and store the outcomes of those that did."""
        done, _ = wait(self._running, timeout=POLL_INTERVAL, return_when=FIRST_COMPLETED)
        self._store_outcomes([(self._taken_back(each), each.result()) for each in done])

    def _submit_jobs(self) -> None:
        while len(self._running) < self._at_once and self._backoff.seconds_left <= 0:
            if not self._queue and not self._claim_rows():
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

    def _claim_rows(self) -> bool:
        """Claim the next rows; returns False if none wait."""
        jobs = self._claims.claim(4 * self._at_once, self._running.values(), self._last)
        self._queue.extend(jobs)
        return bool(jobs)

    def _count_written(self) -> None:
        """Count a row that waits to be checked."""

    def _count_settled(self, batch: Batch, count: int) -> None:
        """Count rows that are settled in the session of this batch."""

    def _finish_running(self) -> None:
        for future in list(self._running):
            outcome = future.result()
            self._store_outcomes([(self._taken_back(future), outcome)])

    def _taken_back(self, future: Future[RowOutcome]) -> Job:
        del self._begun[future]
        return self._running.pop(future)

    def _store_outcomes(self, ended: list[tuple[Job, RowOutcome]]) -> None:
        """Store outcomes of rows in one transaction."""
        if not ended:
            return
        settled = self._pace.settled
        with self._claims.leased() as (session, batch):
            links = _links_of(session, [outcome for _, outcome in ended])
            for job, outcome in ended:
                values = self._values(job, _as_it_is_now(links, outcome))
                session.execute(
                    update(BatchRow)
                    .where(
                        BatchRow.id == job.row_id,
                        BatchRow.attempt == job.attempt,
                        BatchRow.state.in_((*CLAIMED_STATE.values(), RowState.WRITTEN)),
                        self._claims.are_own,
                    )
                    .values(**values, writer_id=None)
                    .execution_options(synchronize_session=False)
                )
                if values["state"] is RowState.WRITTEN or outcome.awaits_check:
                    self._count_written()
                if values.get("settled_at"):
                    hide_settled_row(session, job.row_id, self._workspace.connection_id)
            self._count_settled(batch, self._pace.settled - settled)

    def _values(self, job: Job, outcome: RowOutcome) -> dict[str, object]:
        if outcome.stopped:
            return {"state": QUEUED_STATE[self._state]}
        if outcome.problem is None:
            self._backoff.reset()
        else:
            self._record_obstacle(outcome.problem)
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

    def _record_obstacle(self, problem: str) -> None:
        """Record an obstacle."""
        self._backoff.record_obstacle(problem)


def _links_of(session: Session, outcomes: list[RowOutcome]) -> dict[str, Link]:
    """Return the links that may have changed since these outcomes, by id."""
    ids = {
        link_id
        for outcome in outcomes
        for link_id in (outcome.waits_for, _successful_link(outcome))
        if link_id
    }
    if not ids:
        return {}
    return {link.id: link for link in session.scalars(select(Link).where(Link.id.in_(ids)))}


def _successful_link(outcome: RowOutcome) -> str | None:
    return outcome.link_id if outcome.state is RowState.SUCCESSFUL else None


def _as_it_is_now(links: Mapping[str, Link], outcome: RowOutcome) -> RowOutcome:
    """Return the outcome, unless its link was undone, or seen on a page, before it was stored."""
    waiting = links.get(outcome.waits_for or "")
    if waiting is not None and waiting.state is not LinkState.INTENDED:
        return outcome_of(waiting)
    link = links.get(_successful_link(outcome) or "")
    if link is not None and link.state is LinkState.UNDONE:
        return replace(outcome, state=RowState.UNDONE)
    return outcome
