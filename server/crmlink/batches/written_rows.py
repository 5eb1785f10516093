"""Rows that are written and wait to be checked: when Commusoft's list is read for them.

The rows are the state, so a worker that dies loses nothing: its successor counts them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace

from sqlalchemy import ColumnElement, exists, func, select

from crmlink.batches.execute_row import idempotency_key_column
from crmlink.batches.row_claims import awaits_check
from crmlink.batches.settle import STOPPED_STATES
from crmlink.batches.state import is_free
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.list_checks import ListChecker
from crmlink.logs import LoggingThreads
from crmlink.store import Batch, BatchRow, Link, LinkState, RowState

CHECK_AFTER = 500  # rows that wait, and a share of the list, for which it is read at once
SHARE_OF_LIST = 0.05
CHECK_INTERVAL = 120.0  # seconds that a row waits at most while others are written
TIMES_AS_LONG = 10  # as the last check took, before the next one
CHUNK_SIZE = 10_000  # rows of one check


def check_stopped(ctx: WorkspaceContext, stopping: Callable[[], bool]) -> None:
    """Check written rows of stopped batches that no worker processes."""
    stopped = (
        select(Batch)
        .where(Batch.connection_id == ctx.connection_id, Batch.state.in_(STOPPED_STATES))
        .where(exists().where(BatchRow.batch_id == Batch.id, BatchRow.state == RowState.WRITTEN))
    )
    with ctx.database.reading() as session:
        batches = session.scalars(stopped).all()
        free = [batch.id for batch in batches if is_free(session, ctx.ownership, batch)]
    if free:
        ctx = replace(ctx, commusoft=ctx.commusoft.in_background())
        ListChecker(ctx, stopping).check(_written_links(ctx, free))


def _written_links(ctx: WorkspaceContext, batch_ids: list[str]) -> Sequence[Link]:
    """Return links of written rows that no read has shown yet, those written first first."""
    return _waiting_links(ctx, batch_ids, RowState.WRITTEN, BatchRow.link_id == Link.id)


def _written_undos(ctx: WorkspaceContext, batch_ids: list[str]) -> Sequence[Link]:
    """Return the same of rows whose undo is written; those are not marked themselves."""
    own = Link.idempotency_key == idempotency_key_column()
    return _waiting_links(ctx, batch_ids, RowState.UNDOING, own)


def _waiting_links(
    ctx: WorkspaceContext, batch_ids: list[str], state: RowState, own: ColumnElement[bool]
) -> Sequence[Link]:
    query = (
        select(Link)
        .join(BatchRow, own)
        .where(BatchRow.batch_id.in_(batch_ids), BatchRow.state == state)
        .where(Link.connection_id == ctx.connection_id, Link.state == LinkState.INTENDED)
        .where(Link.written_at.is_not(None))
        .order_by(Link.written_at)
        .limit(CHUNK_SIZE)
    )
    with ctx.database.reading() as session:
        return session.scalars(query).all()


class WrittenRows:
    """Checks of one batch's written rows, in a thread of its own beside the writing."""

    def __init__(
        self,
        ctx: WorkspaceContext,
        batch_id: str,
        stopping: Callable[[], bool],
        *,
        undos: bool = False,
    ) -> None:
        self._ctx, self._batch_id, self._undos = ctx, batch_id, undos
        self._checker = ListChecker(ctx, self._is_stopped)
        self._hand = LoggingThreads(1, thread_name_prefix="check")
        self._running: Future[str | None] | None = None
        self._stopping, self._told_to_stop = stopping, False
        self._waiting, self._since, self._pause = self._count(), time.monotonic(), CHECK_INTERVAL

    def add(self) -> None:
        """Count a row that was written just now."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += 1

    @property
    def waiting(self) -> int:
        """How many rows wait to be checked."""
        return self._waiting

    def check_if_due(self, *, resting: bool) -> bool:
        """Begin a check if one is due; return whether one is in progress.

        ``resting``: nothing else is left to do, so there is nothing to wait for.
        """
        if self._running is None and self._waiting and (resting or self._is_due()):
            self._running = self._hand.submit(self._check)
        return self._running is not None

    def ended(self) -> tuple[bool, str | None]:
        """Return whether a check has ended, and the code of what kept it from ending well."""
        if self._running is None or not self._running.done():
            return False, None
        problem, self._running = self._running.result(), None
        return True, problem

    def recount(self) -> None:
        """Count again what waits, after the rows that were checked were stored."""
        self._waiting, self._since = self._count(), time.monotonic()

    def finish(self) -> None:
        """Check what waits, for a batch that is paused; end at once if the process is."""
        if self.check_if_due(resting=True) and self._running is not None:
            wait([self._running])
            self.ended()

    def close(self) -> None:
        """Stop a check between two calls, and wait for that."""
        self._told_to_stop = True
        self._hand.shutdown()

    def _is_stopped(self) -> bool:
        return self._told_to_stop or self._stopping()

    def _is_due(self) -> bool:
        enough = max(CHECK_AFTER, SHARE_OF_LIST * self._checker.listed())
        return self._waiting >= enough or time.monotonic() - self._since >= self._pause

    def _check(self) -> str | None:
        began = time.monotonic()
        links = [*_written_links(self._ctx, [self._batch_id])]
        if self._undos:
            links += _written_undos(self._ctx, [self._batch_id])
        problem = self._checker.check(links)
        self._pause = max(CHECK_INTERVAL, TIMES_AS_LONG * (time.monotonic() - began))
        return problem

    def _count(self) -> int:
        rows = select(func.count()).select_from(BatchRow).filter_by(batch_id=self._batch_id)
        written = rows.where(BatchRow.state == RowState.WRITTEN)
        undos = rows.where(BatchRow.state == RowState.UNDOING, awaits_check(self._ctx).exists())
        with self._ctx.database.reading() as session:
            count = session.scalar(written) or 0
            return count + (session.scalar(undos) or 0) if self._undos else count
