"""A worker's help with a batch that another worker writes: it takes rows, and writes them.

All else is the other's: checks by lists, rows whose link is still open, the end of the batch. If
the other one dies, this one stops helping and takes the batch over as any worker does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy import or_, select

from crmlink.batches import row_runs
from crmlink.batches.row_claims import RowClaims
from crmlink.batches.row_runs import CREDENTIAL_CODES, RowRuns, background_context
from crmlink.batches.state import LeaseLost, has_pending_work
from crmlink.linking.context import WorkspaceContext
from crmlink.logs import LoggingThreads
from crmlink.store import Batch, BatchRow, BatchState, RowState

log = structlog.get_logger()


def help_to_write(ctx: WorkspaceContext, batch_id: str, stopping: Callable[[], bool]) -> int:
    """Write rows of a batch that another process writes, until none waits; returns how many.

    Only one thread of a process may do so for a batch.
    """
    if stopping() or not _needs_help(ctx, batch_id):
        return 0
    with ctx.database.writing() as session:
        process_id = ctx.ownership.register(session)
    at_once = max(1, ctx.commusoft.max_concurrent - 1)
    with background_context(ctx, at_once) as own, LoggingThreads(at_once) as executor:
        claims = RowClaims(own, batch_id, BatchState.WRITING, helper=process_id)
        helper = Helper(claims, executor, at_once, stopping)
        try:
            helper.go()
        except LeaseLost:
            log.warning("no longer helps with a batch", batch=batch_id)
    return helper.settled


def _needs_help(ctx: WorkspaceContext, batch_id: str) -> bool:
    """Return whether rows wait in a batch that a living process writes.

    Or whether this process has rows of it, which a run that failed has left.
    """
    own = BatchRow.writer_id == (ctx.ownership.process_id or "")
    waiting = (
        select(BatchRow.id)
        .where(BatchRow.batch_id == batch_id, or_(BatchRow.state == RowState.WAITING, own))
        .limit(1)
    )
    with ctx.database.reading() as session:
        batch = session.get(Batch, batch_id)
        if batch is None or batch.state is not BatchState.WRITING:
            return False
        is_led = ctx.ownership.is_worked_on(session, batch.lease_owner_id, batch.lease)
        return is_led and session.scalar(waiting) is not None


class Helper(RowRuns):
    """One worker's help with one batch."""

    _looked = 0.0  # when it last looked whether to go on, seconds of the monotonic clock

    @property
    def settled(self) -> int:
        """Rows whose outcome it stored."""
        return self._pace.settled

    def go(self) -> None:
        """Write rows until none waits, or it is needed elsewhere. Raises LeaseLost."""
        self._claims.requeue(())
        self._looked = time.monotonic()
        try:
            while self._is_wanted():
                self._submit_jobs()
                if self._running:
                    self._note_ended()
                elif self._backoff.seconds_left > 0:
                    time.sleep(min(row_runs.POLL_INTERVAL, max(0.01, self._backoff.seconds_left)))
                else:
                    return
        finally:
            self._finish_running()
            self._claims.requeue(self._queue)

    def _is_wanted(self) -> bool:
        """Return whether to go on: not if a batch waits for a worker of its own."""
        if self._stopping() or self._backoff.problem in CREDENTIAL_CODES:
            return False
        if time.monotonic() - self._looked < row_runs.HEARTBEAT_INTERVAL:
            return True
        self._looked = time.monotonic()
        with self._workspace.database.reading() as session:
            state = session.scalar(select(Batch.state).filter_by(id=self._batch_id))
        working = (BatchState.WRITING, BatchState.UNDOING)
        return state is self._state and not has_pending_work(self._workspace, *working)

    def _count_settled(self, batch: Batch, count: int) -> None:
        batch.helped = (batch.helped or 0) + count
