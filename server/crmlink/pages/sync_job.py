"""Sync started by a page, in the background."""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.mirror import SyncInProgress, SyncResult
from crmlink.linking.context import WorkspaceContext
from crmlink.store.base import utc_now

log = structlog.get_logger()


class SyncJob:
    """A sync requested by a user, in a thread of this process.

    The database knows whether any sync runs; this object has only its own figures.
    """

    def __init__(self, ctx: WorkspaceContext) -> None:
        self.workspace = ctx
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.read = 0  # records read so far
        self.result: SyncResult | None = None
        self.problem: str | None = None  # code of the error
        self.ended: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start, unless it runs already."""
        with self._lock:
            if self.running:
                return
            self.read, self.result, self.problem, self.ended = 0, None, None, None
            self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until it ends, at most so many seconds."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.result = self.workspace.sync(self._count)
            self.workspace.index.matcher()  # update the index now, not at the next search
        except SyncInProgress:
            log.info("sync left out, another one is running")
        except CommusoftError as error:
            self.problem = error.code
        except Exception:
            self.problem = "internal-error"
            log.exception("sync failed")
        finally:
            self.ended = utc_now()

    def _count(self, result: SyncResult) -> None:
        self.read = sum(result.read.values())
