"""A lock that readers share and a writer has alone: no question waits for another one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """Many readers at once, or one writer. A writer that waits goes before new readers.

    A reader may not begin to read again within its reading: a writer may be waiting.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writers = 0  # at work or waiting
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock together with other readers."""
        with self._changed:
            while self._writers:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock alone."""
        with self._changed:
            self._writers += 1
            try:
                while self._readers or self._is_writing:
                    self._changed.wait()
            except BaseException:
                self._end_writing()
                raise
            self._is_writing = True
        try:
            yield
        finally:
            with self._changed:
                self._is_writing = False
                self._end_writing()

    def _end_writing(self) -> None:
        self._writers -= 1
        self._changed.notify_all()
