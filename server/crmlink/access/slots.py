"""Slots for slow work that anonymous users can trigger: few threads run it, few wait.

The web server has a fixed number of threads. Slow work must leave some of them free.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from crmlink.access.errors import AccessError


class Slots:
    """Limits of threads working and of threads waiting for them, for some seconds."""

    def __init__(self, working: int, waiting: int, seconds: float) -> None:
        self._entered = threading.BoundedSemaphore(working + waiting)
        self._working = threading.BoundedSemaphore(working)
        self._seconds = seconds

    @contextmanager
    def one(self, failure: AccessError) -> Iterator[None]:
        """Run the block in a slot. Raises the failure if too many wait, or for too long."""
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
