"""Background worker in the server's process: recovers links, syncs the mirror, runs batches.

The queue only sends wake-ups; pending work is stored in the database, so a lost wake-up loses
nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from huey import crontab
from huey.consumer import Consumer

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.upkeep import flush_anchors
from crmlink.access.dpop import forget_old_proofs
from crmlink.access.personal_data.subject import apply_retention
from crmlink.access.refresh_tokens import delete_expired_refresh_tokens
from crmlink.batches.file_import import delete_unfinished_imports
from crmlink.batches.match_job import match_waiting
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import has_pending_work
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.mirror import SyncInProgress, full_sync_is_due
from crmlink.installation import Installation
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased, newest_erasure
from crmlink.pages.lists.uploads import delete_expired_uploads
from crmlink.reports.duplicates import search_duplicates
from crmlink.reports.unlinked import take_snapshot
from crmlink.store import BatchState
from crmlink.store.folded import refresh_keys
from crmlink.upkeep.schedule import back_up_if_due, delete_left_copies
from crmlink.wakeup import WAKEABLE_TASKS, open_queue, register_task

log = structlog.get_logger()

MAX_POLL_SECONDS = 1.0  # maximum delay of a wake-up signal
SHUTDOWN_TIMEOUT = 20.0  # seconds; longer attempts are recovered at the next start


class EmbeddedConsumer(Consumer):  # type: ignore[misc] # huey ships no types
    """huey's consumer without its signal handlers, for use inside another process."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """Runs an installation's periodic work in threads of this process."""

    def __init__(self, installation: Installation) -> None:
        queue = open_queue(installation.settings.data_dir)
        self._consumer = EmbeddedConsumer(
            queue, workers=4, check_worker_health=False, max_delay=MAX_POLL_SECONDS
        )
        self._installation = installation
        self._stopping = threading.Event()
        batches = (
            _NonOverlappingJob(self._match_batches, self._stopping.is_set),
            _NonOverlappingJob(self._write_batches, self._stopping.is_set),
        )
        self._checked_erasure = 0  # the newest erasure that uploads were checked for
        self._synced_context: WorkspaceContext | None = None  # context of the last sync
        self._batches = batches
        self._startup_jobs = [
            queue.task(name="recover_links_now")(self._recover_links),
            queue.task(name="sync_now")(self._sync),
            *(
                register_task(queue, name, work)
                for name, work in zip(WAKEABLE_TASKS, batches, strict=True)
            ),
        ]
        for name, work in zip(WAKEABLE_TASKS, batches, strict=True):
            queue.periodic_task(crontab(), name=f"{name}_periodic")(work)
        queue.periodic_task(crontab(), name="recover_links")(self._recover_links)
        queue.periodic_task(crontab(), name="follow_connection")(self._follow_connection)
        queue.periodic_task(crontab(), name="flush_usage")(installation.usage.flush)
        queue.periodic_task(crontab(), name="flush_anchors")(self._flush_anchors)
        queue.periodic_task(crontab(hour="3", minute="25"), name="check_audit")(self._check_audit)
        queue.periodic_task(crontab(minute="55"), name="snapshot_shares")(self._snapshot_shares)
        queue.periodic_task(crontab(minute="*/5"), name="purge")(self._purge)
        queue.periodic_task(crontab(), name="check_uploads")(self._check_uploads)
        queue.periodic_task(crontab(minute="50"), name="refresh_keys")(self._refresh_keys)
        queue.periodic_task(crontab(minute="20"), name="back_up")(self._back_up)
        queue.periodic_task(crontab(hour="3", minute="40"), name="search_duplicates")(
            self._search_duplicates
        )
        queue.periodic_task(crontab(hour="3", minute="10"), name="delete_expired")(
            self._delete_expired
        )
        queue.periodic_task(crontab(minute=f"*/{installation.settings.sync_minutes}"), name="sync")(
            self._sync
        )

    def start(self) -> None:
        """Start the worker, first with work left by dead processes."""
        self._installation.workspace.ownership.start()
        self._consumer.start()
        for task in self._startup_jobs:
            task()

    def stop(self) -> None:
        """Stop starting work, and wait briefly for running batches."""
        self._stopping.set()
        self._consumer.stop()
        for work in self._batches:
            work.wait(SHUTDOWN_TIMEOUT)

    def _stop_condition(self, ctx: WorkspaceContext) -> Callable[[], bool]:
        """Return a function that tells whether work must stop.

        It must when the process ends or another connection is in use.
        """
        return lambda: self._stopping.is_set() or self._installation.has_replaced(ctx)

    def _follow_connection(self) -> None:
        """Sync an account that was connected since the last sync, by any process."""
        if self._installation.workspace is not self._synced_context:
            self._sync()

    def _match_batches(self) -> bool:
        ctx = self._installation.workspace
        match_waiting(ctx, self._stop_condition(ctx))
        return has_pending_work(ctx, BatchState.MATCHING)

    def _write_batches(self) -> bool:
        ctx = self._installation.workspace
        settle_stopped(ctx)
        write_waiting(ctx, self._stop_condition(ctx))
        return has_pending_work(ctx, BatchState.WRITING, BatchState.UNDOING)

    def _recover_links(self) -> None:
        for link in recover(self._installation.workspace):
            problem = (link.failure or {}).get("code")  # other parameters may name a person
            log.info("link finished", link=link.id, state=link.state.value, problem=problem)

    def _flush_anchors(self) -> None:
        flush_anchors(self._installation.database)

    def _check_audit(self) -> None:
        status = verify_audit(self._installation.database, self._installation.access.workspace_id)
        codes = sorted({finding.code for finding in status.findings})
        write_log = log.info if status.sound else log.error
        write_log("audit checked", sound=status.sound, entries=status.count, findings=codes)

    def _snapshot_shares(self) -> None:
        take_snapshot(self._installation.workspace)

    def _check_uploads(self) -> None:
        """Delete uploads on this machine that hold a person who was erased on any machine."""
        ctx = self._installation.workspace
        if (newest := newest_erasure(ctx)) != self._checked_erasure:
            delete_uploads_of_erased(self._installation.settings.data_dir, ctx)
            self._checked_erasure = newest

    def _purge(self) -> None:
        self._installation.database.purge()

    def _refresh_keys(self) -> None:
        """Correct comparison keys that an older server did not write during a rolling restart."""
        with self._installation.database.writing() as session:
            if corrected := refresh_keys(session):
                log.info("keys corrected", rows=corrected)

    def _back_up(self) -> None:
        delete_left_copies(self._installation.settings)
        back_up_if_due(self._installation.settings, self._installation.database)

    def _search_duplicates(self) -> None:
        search_duplicates(self._installation.workspace)

    def _delete_expired(self) -> None:
        """Delete what has reached the end of its retention."""
        delete_expired_refresh_tokens(self._installation.access)
        forget_old_proofs(self._installation.access)
        delete_unfinished_imports(self._installation.workspace)
        delete_expired_uploads(self._installation.settings.data_dir)
        erased = apply_retention(self._installation.access)
        log.info("kept long enough", links=erased.links, drafts=erased.drafts)

    def _sync(self) -> None:
        ctx = self._synced_context = self._installation.workspace
        ctx.index.matcher()  # build the index first: it works even while Commusoft is unreachable
        ctx.index.save()
        if not ctx.has_api:
            return
        try:
            result = ctx.sync(full=full_sync_is_due(ctx.database, ctx.connection_id))
        except SyncInProgress:
            log.info("sync left out, another one is running")
        except CommusoftError as error:
            log.warning("sync failed", problem=error.code, cause=error.cause)
        else:
            log.info(
                "synced",
                customers=result.read["customer"],
                suppliers=result.read["supplier"],
                added=result.added,
                changed=result.changed,
                gone=result.gone,
            )
            ctx.index.matcher()
            ctx.index.save()


class _NonOverlappingJob:
    """Job that never runs twice at once; repeats while its work returns True."""

    def __init__(self, work: Callable[[], bool], stopping: Callable[[], bool]) -> None:
        self._work, self._stopping = work, stopping
        self._running = threading.Lock()
        self.__module__ = __name__  # huey identifies a task by these
        self.__name__ = work.__name__

    def __call__(self) -> None:
        if not self._running.acquire(blocking=False):
            return
        try:
            while not self._stopping() and self._work():
                pass
        finally:
            self._running.release()

    def wait(self, seconds: float) -> None:
        """Wait until it is not running, at most so many seconds."""
        if self._running.acquire(timeout=seconds):
            self._running.release()
