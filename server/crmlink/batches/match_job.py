"""Matching of a whole batch as a job that can be stopped at any time.

A short list is matched in this process. A long one gets a process of its own with its own index:
interactive requests are not delayed, nothing shared is modified, and the memory is freed
afterwards.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

import structlog
from sqlalchemy import func, select

from crmlink.batches.match_rows import MatchJob, match_in_process, match_rows
from crmlink.batches.state import (
    OPEN_STATES,
    editing_batch,
    find_batch,
    keep_lease,
    release_lease,
    take_lease,
)
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, BatchState, Choice, RowState

log = structlog.get_logger()

MIN_PROCESS_ROWS = 1_000  # rows
POLL_INTERVAL = 1.0  # seconds between checks of the process


def start_matching(
    ctx: WorkspaceContext, device_id: int, batch_id: str, sure_bound: float
) -> Batch:
    """Request matching of a batch, also again; decisions stay.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *OPEN_STATES) as (session, batch):
        undecided = select(func.count()).where(
            BatchRow.batch_id == batch_id,
            BatchRow.choice == Choice.OPEN,
            BatchRow.state == RowState.IDLE,
        )
        batch.state, batch.sure_bound = BatchState.MATCHING, sure_bound
        batch.progress, batch.progress_of = 0, session.scalar(undecided) or 0
        batch.sample = batch.last_error = None
        record_audit(
            session, ctx.workspace_id, device_id, "batch.matching", batch_id,
            sure_bound=sure_bound, contacts=batch.progress_of,
        )  # fmt: skip
    ctx.wake()
    return batch


def stop_matching(ctx: WorkspaceContext, device_id: int, batch_id: str) -> Batch:
    """Stop matching; the batch returns to its previous state.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, BatchState.MATCHING) as (session, batch):
        batch.state = BatchState.REVIEW if batch.matched_at else BatchState.DRAFT
        batch.lease, batch.lease_owner_id, batch.lease_until = "", None, None
        record_audit(session, ctx.workspace_id, device_id, "batch.matching_stopped", batch_id)
    return batch


def match_waiting(ctx: WorkspaceContext, stopping: Callable[[], bool] = lambda: False) -> int:
    """Match every batch that is waiting; returns how many were finished here."""
    with ctx.database.reading() as session:
        waiting = list(
            session.scalars(
                select(Batch.id)
                .filter_by(connection_id=ctx.connection_id, state=BatchState.MATCHING)
                .order_by(Batch.updated_at)
            )
        )
    return sum(match_batch(ctx, batch_id, stopping) for batch_id in waiting if not stopping())


def match_batch(
    ctx: WorkspaceContext, batch_id: str, stopping: Callable[[], bool] = lambda: False
) -> bool:
    """Match one batch; returns False if another process does, or it was stopped or failed."""
    lease = take_lease(ctx.database, ctx.ownership, batch_id, BatchState.MATCHING)
    if lease is None:
        return False
    files = ctx.database.index_files
    job = MatchJob(ctx.workspace_id, ctx.connection_id, batch_id, lease, files)
    batch = find_batch(ctx, batch_id)
    try:
        rows = batch.progress_of
        if rows < MIN_PROCESS_ROWS:
            match_rows(ctx.database, job, ctx.index.matcher(), stopping)
        else:
            _in_a_process(ctx, job, stopping)
    except Exception:
        keep_lease(
            ctx.database, batch_id, lease, BatchState.MATCHING,
            state=BatchState.REVIEW if batch.matched_at else BatchState.DRAFT,
            last_error={"code": "internal-error"},
        )  # fmt: skip
        raise
    finally:
        release_lease(ctx.database, ctx.ownership, batch_id, lease)
    done = find_batch(ctx, batch_id).state is BatchState.REVIEW
    log.info("batch matched" if done else "batch not matched", batch=batch_id, rows=rows)
    return done


def _in_a_process(ctx: WorkspaceContext, job: MatchJob, stopping: Callable[[], bool]) -> None:
    """Match in a process of its own. Raises RuntimeError if that fails."""
    address = ctx.database.engine.url.render_as_string(hide_password=False)
    process = multiprocessing.get_context("spawn").Process(
        target=match_in_process, args=(address, job), name="crmlink-match"
    )
    process.start()
    try:
        while process.is_alive() and not stopping():
            process.join(POLL_INTERVAL)
            if process.is_alive() and not _goes_on(ctx, job):
                return
        if not stopping() and process.exitcode:
            raise RuntimeError(f"the matching process ended with {process.exitcode}")
    finally:
        if process.is_alive():
            process.terminate()
        process.join()


def _goes_on(ctx: WorkspaceContext, job: MatchJob) -> bool:
    """Return whether the process may continue: False once it is done or was stopped.

    Renews its lease, because it reports nothing while it builds the index and classifies.
    """
    if keep_lease(ctx.database, job.batch_id, job.lease, BatchState.MATCHING):
        return True
    with ctx.database.reading() as session:
        batch = session.get(Batch, job.batch_id)
        if batch is None or batch.lease != job.lease:
            return False
        return batch.state is BatchState.REVIEW
