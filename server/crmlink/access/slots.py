"""Work that strangers can ask for and that takes long: few threads do it, and few wait for it.

The web server has a fixed number of threads. Whatever holds one for long must leave some of them
free, or nobody else is answered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from crmlink.access.errors import AccessFailure


class Slots:
    """At most so many threads at work, and so many that wait for them, for some seconds."""

    def __init__(self, working: int, waiting: int, seconds: float) -> None:
        self._entered = threading.BoundedSemaphore(working + waiting)
        self._working = threading.BoundedSemaphore(working)
        self._seconds = seconds

    @contextmanager
    def one(self, failure: AccessFailure) -> Iterator[None]:
        """Work in here. Raises the failure when there are too many others, or they take long."""
        if not self._entered.acquire(blocking=False):
            raise failure
        try:
            if not self._working.acquire(timeout=self._seconds):
                raise failure
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._entered.release()
