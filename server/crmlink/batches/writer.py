"""Worker's part of writing and undoing batches: claims rows, executes them, stores outcomes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from crmlink.batches import row_runs
from crmlink.batches.execute_row import RowOutcome, outcome_of
from crmlink.batches.helper import help_to_write
from crmlink.batches.page_table import withdraw_rows
from crmlink.batches.row_claims import QUEUED_STATE, Job, RowClaims
from crmlink.batches.row_runs import CREDENTIAL_CODES, RowRuns, background_context
from crmlink.batches.settle import settle_before_undo
from crmlink.batches.state import (
    LeaseLost,
    bump_version,
    keep_lease,
    release_lease,
    take_lease,
)
from crmlink.batches.written_rows import WrittenRows
from crmlink.linking.attempts import recover
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.ended_lists import queue_list_ended
from crmlink.logs import LoggingThreads
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkMethod, LinkState, RowState
from crmlink.store.base import utc_now

log = structlog.get_logger()

CHUNK_SIZE = 50  # rows noted in a transaction

OPEN_WITH_LINK = (RowState.PROCESSING, RowState.WRITTEN)
ON_PAGE_STATE = {
    BatchState.WRITING: BatchState.FILLING,
    BatchState.UNDOING: BatchState.REVERTING,
}
FINAL_STATE = {BatchState.WRITING: BatchState.DONE, BatchState.UNDOING: BatchState.UNDONE}


def write_waiting(ctx: WorkspaceContext, stopping: Callable[[], bool] = lambda: False) -> int:
    """Process every batch to be written or undone, or help with it; returns how many ended."""
    with ctx.database.reading() as session:
        found = session.execute(
            select(Batch.id, Batch.state)
            .where(Batch.connection_id == ctx.connection_id, Batch.state.in_(QUEUED_STATE))
            .order_by(Batch.updated_at)
        ).all()
    ended = sum(
        work_on(ctx, batch_id, state, stopping) for batch_id, state in found if not stopping()
    )
    if ctx.database.is_shared:  # elsewhere calls of two processes would not be counted together
        for batch_id, _ in found:
            help_to_write(ctx, batch_id, stopping)
    return ended


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
        with background_context(ctx, at_once) as own, LoggingThreads(at_once) as executor:
            claims = RowClaims(own, batch_id, state, lease)
            undos = state is BatchState.UNDOING
            with closing(WrittenRows(own, batch_id, stopping, undos=undos)) as written:
                return BatchWriter(claims, written, executor, at_once, stopping).go()
    except LeaseLost:
        log.warning("batch taken over by another worker", batch=batch_id)
        return False
    finally:
        release_lease(ctx.database, ctx.ownership, batch_id, lease)


class BatchWriter(RowRuns):
    """The run of one batch by the worker that has its lease.

    Others may help it to write rows; checks, and what follows for the batch, are its own.
    """

    def __init__(
        self,
        claims: RowClaims,
        written: WrittenRows,
        executor: ThreadPoolExecutor,
        at_once: int,
        stopping: Callable[[], bool],
    ) -> None:
        super().__init__(claims, executor, at_once, stopping)
        self._written = written
        self._told = time.monotonic()
        self._helped = self._read_helped()

    def go(self) -> bool:
        """Run until nothing is left; returns True then."""
        if self._state is BatchState.UNDOING:
            with self._claims.leased() as (session, _):
                settle_before_undo(session, self._workspace, self._batch_id)
            self._last = self._claims.newest_links()
        else:
            self._queue.extend(self._claims.orphaned())
        while True:
            is_wanted = self._heartbeat()
            if not is_wanted or self._stopping():
                self._stop(process_ends=is_wanted)
                return False
            self._submit_jobs()
            self._check_written()
            if self._running:
                self._note_ended()
            elif self._backoff.seconds_left > 0:
                recover(self._reading_back)
                time.sleep(min(row_runs.POLL_INTERVAL, max(0.01, self._backoff.seconds_left)))
            elif not self._settle_open_links():
                return self._finish()

    def _stop(self, *, process_ends: bool) -> None:
        """End what is in progress, for a batch that is stopped; a process has no time to check."""
        self._finish_running()
        self._claims.requeue(self._queue)
        self._queue.clear()
        if not process_ends:
            self._written.finish()
        self._settle_ended()

    def _heartbeat(self) -> bool:
        """Renew the lease and store progress; returns False if paused, cancelled or taken over."""
        if time.monotonic() - self._told < row_runs.HEARTBEAT_INTERVAL:
            return True
        self._told = time.monotonic()
        self._count_helped()
        problem = self._backoff.problem
        if problem in CREDENTIAL_CODES and self._state is BatchState.WRITING:
            self._auto_pause(problem or "")
            return False
        return keep_lease(
            self._workspace.database, self._batch_id, self._claims.lease, self._state,
            rate=self._pace.per_second(), updated_at=utc_now(),
            last_error=self._backoff.obstacle(self._begun.values()),
        )  # fmt: skip

    def _claim_rows(self) -> bool:
        """Claim the next rows, also those that dead helpers left; returns False if none wait."""
        if super()._claim_rows():
            return True
        left = self._claims.of_dead_helpers()
        self._queue.extend(left)
        return bool(left)

    def _count_written(self) -> None:
        self._written.add()

    def _read_helped(self) -> int:
        with self._workspace.database.reading() as session:
            query = select(Batch.helped).filter_by(id=self._batch_id)
            return session.scalar(query) or 0

    def _count_helped(self) -> None:
        """Let the rate be that of all workers."""
        before, self._helped = self._helped, self._read_helped()
        for _ in range(self._helped - before):
            self._pace.add()

    def _record_obstacle(self, problem: str) -> None:
        """Record an obstacle; a new one is stored at once."""
        if self._backoff.record_obstacle(problem):
            self._told = -math.inf

    def _auto_pause(self, code: str) -> None:
        with self._claims.leased() as (session, batch):
            if batch.state is BatchState.WRITING:
                batch.state, batch.last_error, batch.rate = BatchState.PAUSED, {"code": code}, None
                bump_version(batch)
                record_audit(
                    session,
                    self._workspace.workspace_id,
                    None,
                    "batch.paused",
                    batch.id,
                    problem=code,
                )

    def _check_written(self) -> None:
        """Have written rows checked when that is due, and note what came of it."""
        ended, problem = self._written.ended()
        if problem:
            self._record_obstacle(problem)
            self._backoff.pause_longer()
        if ended:
            self._settle_ended()
            self._written.recount()
        if self._backoff.seconds_left <= 0:
            self._written.check_if_due(resting=False)

    def _settle_open_links(self) -> bool:
        """Settle rows whose link has ended since; returns True while some have not."""
        if self._written.check_if_due(resting=True):
            time.sleep(row_runs.POLL_INTERVAL)
            return True
        recover(self._reading_back)
        self._settle_ended()
        with self._workspace.database.reading() as session:
            left = session.scalars(self._with_link().where(_is_attempted()).limit(1)).first()
            failure = left.failure if left else None
        if left is not None:
            self._written.recount()
            self._record_obstacle((failure or {}).get("code", "commusoft-slow"))
            self._backoff.pause(row_runs.POLL_INTERVAL)
        if left is not None or self._claim_rows():
            return True
        if is_with_helpers := self._claims.are_with_helpers():
            time.sleep(row_runs.POLL_INTERVAL)
        return is_with_helpers or self._take_last()

    def _take_last(self) -> bool:
        """Claim the rows of an undo that waited for all others, once none of those is left."""
        self._written.recount()
        if self._written.waiting:
            return True
        waited, self._last = bool(self._last), set()
        return waited and self._claim_rows()

    def _settle_ended(self) -> None:
        """Note the rows whose link is no longer what their state says."""
        changed = or_(
            ~_is_attempted(),
            and_(BatchRow.state == RowState.PROCESSING, Link.written_at.is_not(None)),
        )
        query = self._with_link().add_columns(BatchRow.id, BatchRow.attempt, BatchRow.state)
        while True:
            with self._workspace.database.reading() as session:
                found = session.execute(query.where(changed).limit(CHUNK_SIZE)).all()
            self._store_outcomes([
                (Job(row_id, attempt, counts=state is RowState.PROCESSING), self._end_of(link))
                for link, row_id, attempt, state in found
            ])  # fmt: skip
            if len(found) < CHUNK_SIZE:
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
            record_audit(
                session, self._workspace.workspace_id, None, f"batch.{end.value}", batch.id
            )
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
