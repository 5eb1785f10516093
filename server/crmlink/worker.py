"""Background worker, in the server's process or its own: recovers links, syncs, runs batches.

It asks the database which active workspaces have something due, and works in those. Where there are
several, each has a turn at its lists, so that a long one keeps no other firm waiting.

The queue only sends wake-ups; pending work is stored in the database, so a lost wake-up loses
nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial, wraps
from typing import Any

import structlog
from huey import crontab
from huey.consumer import Consumer

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.dpop import forget_old_proofs
from crmlink.access.personal_data.subject import apply_retention
from crmlink.access.refresh_tokens import delete_expired_refresh_tokens
from crmlink.batches.file_import import delete_unfinished_imports
from crmlink.batches.firms import firms_to_match, firms_to_write
from crmlink.batches.match_job import match_waiting
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import has_pending_work
from crmlink.batches.writer import write_waiting
from crmlink.batches.written_rows import check_stopped
from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.mirror import SyncInProgress, full_sync_is_due
from crmlink.installation import Installation, OpenWorkspace
from crmlink.installation.each_firm import AT_ONCE, EachFirm
from crmlink.installation.sync_times import SyncTimes
from crmlink.linking.attempts import firms_to_recover, recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.index_maker import IndexMaker
from crmlink.mail.sender import MailSender, delete_old_messages, firms_with_emails
from crmlink.mail.weekly import firms_with_due_summaries, queue_weekly
from crmlink.non_overlapping_job import NonOverlappingJob
from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased, newest_erasures
from crmlink.pages.lists.uploads import UploadPlace, delete_expired_uploads
from crmlink.process_memory import return_freed_memory
from crmlink.reports.duplicates import search_duplicates
from crmlink.reports.unlinked import take_snapshot
from crmlink.sources.errors import SourceNotFound, SourceSyncInProgress
from crmlink.sources.schedule import due_sources, firms_with_due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import BatchState
from crmlink.store.base import utc_now
from crmlink.store.counts import forget_old_counts
from crmlink.store.folded import refresh_keys
from crmlink.store.notifications import Listener
from crmlink.store.time_limits import OF_BACKGROUND_WORK, use_time_limits
from crmlink.upkeep.newer_version import newer_version
from crmlink.upkeep.schedule import back_up_if_due, delete_left_copies
from crmlink.wakeup import WAKEABLE_TASKS, open_queue, own_queue, register_task

log = structlog.get_logger()

MAX_POLL_SECONDS = 1.0  # maximum delay of a wake-up signal
SHUTDOWN_TIMEOUT = 20.0  # seconds; longer attempts are recovered at the next start
INDEXES_TIMEOUT = 5.0  # seconds


class EmbeddedConsumer(Consumer):  # type: ignore[misc] # huey ships no types
    """huey's consumer without its signal handlers, for use inside another process."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """Runs an installation's periodic work in threads of this process.

    Unless ``whole``, only what every process and every machine needs for itself: for the web
    processes of an installation whose workers are others.
    """

    def __init__(self, installation: Installation, *, whole: bool = True) -> None:
        self._installation = installation
        self._stopping = threading.Event()
        self._firms = EachFirm(installation, self._stopping.is_set)
        self._checked_erasures: dict[int, int] = {}  # by workspace, the newest
        interval = timedelta(minutes=installation.settings.sync_minutes)
        self._sync_times = SyncTimes(installation.database, interval)
        self._batches: list[NonOverlappingJob] = []
        self._indexes: NonOverlappingJob | None = None
        self._startup_jobs: list[Any] = []
        self._listener: Listener | None = None
        shared = installation.database.is_shared
        self._queue = own_queue() if shared else open_queue(installation.settings.data_dir)
        self._consumer = EmbeddedConsumer(
            self._queue, workers=5 if whole else 2, check_worker_health=False,
            max_delay=MAX_POLL_SECONDS,
        )  # fmt: skip
        self._queue.on_startup(name="time_limits")(partial(use_time_limits, OF_BACKGROUND_WORK))
        self._register_own_upkeep()
        if whole:
            wakeable = self._register_wakeable()
            self._register_common_work()
            if shared:
                self._listener = Listener(installation.database, lambda: _enqueue(wakeable))

    @property
    def runs(self) -> bool:
        """Whether its threads and this process's heartbeat do, and it is not to stop."""
        threads = [self._consumer.scheduler, *(each for _, each in self._consumer.worker_threads)]
        is_alive = all(thread.is_alive() for thread in threads)
        return is_alive and not self._stopping.is_set() and self._installation.ownership.is_beating

    def start(self) -> None:
        """Start the worker, first with work left by dead processes."""
        self._installation.ownership.start()
        self._consumer.start()
        _enqueue(self._startup_jobs)
        if self._listener:
            self._listener.start()

    def stop(self) -> None:
        """Stop starting work, wait briefly for running batches, and leave them to other workers."""
        self._stopping.set()
        if self._listener:
            self._listener.stop()
        self._consumer.stop()
        if self._indexes:  # its process ends at once; Python would wait for it without a limit
            self._indexes.wait(INDEXES_TIMEOUT)
        end = time.monotonic() + SHUTDOWN_TIMEOUT
        for work in self._batches:
            work.wait(max(0.0, end - time.monotonic()))
        if self._batches and self._installation.database.is_shared:
            self._installation.wake_workers()

    def _register_own_upkeep(self) -> None:
        """Register what each process has in memory, and each machine in its data folder."""
        self._schedule(crontab(), "flush_usage", self._installation.usage.flush)
        self._schedule(crontab(), "flush_anchors", self._flush_anchors)
        self._schedule(crontab(), "check_uploads", self._check_uploads)
        self._schedule(crontab(minute="15"), "delete_uploads", self._delete_uploads)
        self._schedule(crontab(), "stop_sandboxes", self._installation.stop_sandboxes)
        self._schedule(crontab(minute="35"), "delete_unfinished", self._delete_unfinished)
        self._schedule(crontab(hour="8", minute="5"), "look_for_update", self._check_for_update)
        self._startup_jobs.append(
            self._queue.task(name="look_for_update_now")(self._check_for_update)
        )
        if self._installation.database.is_shared:  # or else this server syncs, and has the files
            maker = IndexMaker(self._installation.database, self._stopping.is_set)
            self._indexes = NonOverlappingJob(maker.make_files, self._stopping.is_set)
            self._schedule(crontab(minute="*/10"), "make_indexes", self._indexes)
            self._startup_jobs.append(self._queue.task(name="make_indexes_now")(self._indexes))

    def _register_wakeable(self) -> list[Any]:
        """Register work on lists and live sources, which a signal wakes; returns its tasks."""
        tasks = []
        for name, work in zip(
            WAKEABLE_TASKS,
            (self._match_batches, self._write_batches, self._read_sources, self._send_emails),
            strict=True,
        ):
            job = NonOverlappingJob(work, self._stopping.is_set)
            self._batches.append(job)
            tasks.append(register_task(self._queue, name, job))
            self._schedule(crontab(), f"{name}_periodic", job)
        self._startup_jobs += tasks
        return tasks

    def _register_common_work(self) -> None:
        """Register what any one worker does for all."""
        self._startup_jobs += [
            self._queue.task(name="recover_links_now")(self._recover_links),
            self._queue.task(name="sync_now")(self._sync_first),
        ]
        sync = NonOverlappingJob(self._sync_due, self._stopping.is_set)
        self._schedule(crontab(), "sync", sync)
        self._schedule(crontab(), "recover_links", self._recover_links)
        self._schedule(crontab(minute="*/5"), "purge", self._purge)
        if self._installation.database.is_shared:
            self._schedule(crontab(minute="*/5"), "forget_counts", self._forget_counts)
        for when, name, work in (
            (crontab(hour="3", minute="25"), "check_audit", self._check_audit),
            (crontab(minute="55"), "snapshot_shares", self._snapshot_shares),
            (crontab(minute="50"), "refresh_keys", self._refresh_keys),
            (crontab(minute="20"), "back_up", self._back_up),
            (crontab(hour="3", minute="40"), "search_duplicates", self._search_duplicates),
            (crontab(hour="3", minute="10"), "delete_expired", self._delete_expired),
        ):
            self._schedule(when, name, self._unless_done_elsewhere(name, work))

    def _schedule(self, when: Any, name: str, work: Callable[[], None]) -> None:
        self._queue.periodic_task(when, name=name)(work)

    def _unless_done_elsewhere(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Return work that is left out while another worker does it."""

        @wraps(work)
        def run() -> None:
            with self._installation.database.alone(name) as free:
                if free:
                    work()

        return run

    def _match_batches(self) -> bool:
        def match(workspace: OpenWorkspace, must_stop: Callable[[], bool]) -> bool:
            ctx = workspace.context
            match_waiting(ctx, _or_left(workspace, ctx, must_stop))
            return has_pending_work(ctx, BatchState.MATCHING)

        return self._firms.do(match, firms_to_match(self._installation.database))

    def _write_batches(self) -> bool:
        def write(workspace: OpenWorkspace, must_stop: Callable[[], bool]) -> bool:
            ctx = workspace.context
            stop = _or_left(workspace, ctx, must_stop)
            check_stopped(ctx, stop)
            settle_stopped(ctx)
            write_waiting(ctx, stop)
            return has_pending_work(ctx, BatchState.WRITING, BatchState.UNDOING)

        database = self._installation.database
        # SQLite has one writer, so that several firms at once would only wait for each other.
        at_once = AT_ONCE if database.is_shared else 1
        return self._firms.do(write, firms_to_write(database), at_once=at_once)

    def _send_emails(self) -> bool:
        def send(workspace: OpenWorkspace, must_stop: Callable[[], bool]) -> bool:
            mail = workspace.mail
            MailSender(mail, self._installation.ownership, must_stop).send_due()
            if mail.sends:
                time_ = mail.weekly_time()
                return queue_weekly(workspace.access, workspace.context, time_, utc_now()) > 0
            return False

        database = self._installation.database
        summaries = firms_with_due_summaries(database, utc_now())
        return self._firms.do(send, sorted({*firms_with_emails(database), *summaries}))

    def _read_sources(self) -> bool:
        """Read the sources that are due, each until its package's limit of the moment."""
        minutes = self._installation.settings.sync_minutes

        def read(workspace: OpenWorkspace, must_stop: Callable[[], bool]) -> None:
            for source_id in due_sources(workspace.sources, minutes):
                try:
                    result = sync_source(workspace.sources, source_id, must_stop)
                except (SourceSyncInProgress, SourceNotFound):
                    continue  # another process reads it, or it was disconnected
                log.info(
                    "source read",
                    source=source_id,
                    contacts=result.read,
                    complete=result.complete,
                    problem=result.problem,
                )

        self._firms.do(read, firms_with_due_sources(self._installation.database, minutes))
        return False

    def _recover_links(self) -> None:
        def finish(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
            for link in recover(workspace.context):
                problem = (link.failure or {}).get("code")  # other parameters may name a person
                log.info("link finished", link=link.id, state=link.state.value, problem=problem)

        self._firms.do(finish, firms_to_recover(self._installation.database))

    def _flush_anchors(self) -> None:
        flush_anchors(self._installation.database)

    def _check_audit(self) -> None:
        def check(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
            status = verify_audit(self._installation.database, workspace.id)
            codes = sorted({finding.code for finding in status.findings})
            write_log = log.info if status.sound else log.error
            write_log("audit checked", sound=status.sound, entries=status.count, findings=codes)

        self._firms.do(check)

    def _snapshot_shares(self) -> None:
        self._firms.do(lambda workspace, _: take_snapshot(workspace.context))

    def _check_uploads(self) -> None:
        """Delete what this machine's files hold of a person who was erased on any machine."""
        checked, newest = self._checked_erasures, newest_erasures(self._installation.database)

        def check(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
            ctx = workspace.context
            delete_uploads_of_erased(workspace.folder, ctx)
            ctx.index.follow_erasures()
            checked[workspace.id] = newest[workspace.id]

        self._firms.do(check, [each for each in newest if newest[each] != checked.get(each)])

    def _purge(self) -> None:
        self._installation.database.purge()

    def _forget_counts(self) -> None:
        forget_old_counts(self._installation.database)
        forget_old_proofs(self._installation.sign_in)

    def _refresh_keys(self) -> None:
        """Correct comparison keys that an older server did not write during a rolling restart."""
        with self._installation.database.writing() as session:
            if corrected := refresh_keys(session):
                log.info("keys corrected", rows=corrected)

    def _back_up(self) -> None:
        delete_left_copies(self._installation.settings)
        back_up_if_due(self._installation.settings, self._installation.database)

    def _check_for_update(self) -> None:
        """Find out whether there is a newer version, if a place to ask is set."""
        if place := self._installation.settings.updates:
            self._installation.newer_version = newer_version(place)

    def _search_duplicates(self) -> None:
        self._firms.do(lambda workspace, _: search_duplicates(workspace.context))

    def _delete_uploads(self) -> None:
        self._firms.do(lambda workspace, _: delete_expired_uploads(_uploads(workspace)))

    def _delete_unfinished(self) -> None:
        if files := self._installation.database.index_files:
            files.delete_unfinished()

    def _delete_expired(self) -> None:
        """Delete what has reached the end of its retention."""

        def expire(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
            access = workspace.access
            delete_expired_refresh_tokens(access)
            delete_old_messages(access)
            delete_unfinished_imports(workspace.context)
            delete_expired_uploads(_uploads(workspace))
            erased = apply_retention(access)
            log.info("kept long enough", links=erased.links, drafts=erased.drafts)

        forget_old_proofs(self._installation.sign_in)
        self._firms.do(expire)

    def _sync_first(self) -> None:
        """Sync the only workspace at once; where there are several, each at its own time."""
        if self._installation.has_several:
            _ = self._installation.first.context  # opens an account that the environment names
        else:
            self._firms.do(lambda workspace, _: self._sync_one(workspace))

    def _sync_due(self) -> bool:
        """Sync the workspaces whose time it is, and accounts connected by any process."""
        self._firms.do(lambda workspace, _: self._sync_one(workspace), self._sync_times.due())
        return False

    def _sync_one(self, workspace: OpenWorkspace) -> None:
        ctx = workspace.context
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
            return_freed_memory()


def _uploads(workspace: OpenWorkspace) -> UploadPlace:
    return UploadPlace.of(workspace.folder, workspace.access.database, workspace.id)


def _or_left(
    workspace: OpenWorkspace, ctx: WorkspaceContext, must_stop: Callable[[], bool]
) -> Callable[[], bool]:
    """Return a function that also tells when the connection or the workspace is out of use."""
    return lambda: must_stop() or workspace.has_left(ctx)


def _enqueue(tasks: Iterable[Any]) -> None:
    for task in tasks:
        task()
