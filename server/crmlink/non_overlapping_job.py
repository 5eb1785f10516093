"""Jobs of the worker that never run twice at once in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable


class NonOverlappingJob:
    """Job that never runs twice at once; repeats while its work returns True.

    A call while it runs makes it look once more, for what it may have passed already.
    """

    def __init__(self, work: Callable[[], bool], stopping: Callable[[], bool]) -> None:
        self._work, self._stopping = work, stopping
        self._running = threading.Lock()
        self._wanted = threading.Event()
        self.__module__ = __name__  # huey identifies a task by these
        self.__name__ = work.__name__

    def __call__(self) -> None:
        """Do the work until none is left, unless it is being done."""
        self._wanted.set()
        while self._wanted.is_set() and not self._stopping():
            if not self._running.acquire(blocking=False):
                return
            try:
                self._wanted.clear()
                while not self._stopping() and self._work():
                    pass
            finally:
                self._running.release()

    def wait(self, seconds: float) -> None:
        """Wait until it is not running, at most so many seconds."""
        if self._running.acquire(timeout=seconds):
            self._running.release()
