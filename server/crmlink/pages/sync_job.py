"""Work that a page starts and that takes longer than a page may: reading all records again."""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.mirror import SyncResult, SyncRunning
from crmlink.linking.context import Desk
from crmlink.store.models import now

log = structlog.get_logger()


class SyncErrand:
    """A sync that a person asked for, in a thread of this process.

    Whether one runs anywhere stands in the database; this only knows the figures of its own.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.read = 0  # records until now
        self.result: SyncResult | None = None
        self.problem: str | None = None  # the code of what went wrong
        self.ended: datetime | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, unless it runs already."""
        with self._lock:
            if self.running:
                return
            self.read, self.result, self.problem, self.ended = 0, None, None, None
            self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until it is over, but no longer than that."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.result = self.desk.sync(self._count)
            self.desk.index.matcher()  # so that the next search need not wait for it
        except SyncRunning:
            log.info("sync left out, another one is running")
        except CommusoftError as error:
            self.problem = error.code
        except Exception:
            self.problem = "internal-error"
            log.exception("sync failed")
        finally:
            self.ended = now()

    def _count(self, result: SyncResult) -> None:
        self.read = sum(result.read.values())
