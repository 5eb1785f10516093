"""The bell that wakes the worker, in this process or in another one over the same data folder.

It only wakes. What there is to do stands in the rows, so a bell that nobody hears loses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from huey import SqliteHuey

log = structlog.get_logger()

QUEUE_NAME = "queue.sqlite"
BATCH_WORK = ("match_batches", "write_batches")


def queue_in(data_dir: Path) -> SqliteHuey:
    """The queue of an installation."""
    return SqliteHuey(filename=str(data_dir / QUEUE_NAME))


def listen(queue: SqliteHuey, name: str, work: Callable[[], None]) -> Any:
    """Let a queue do this work when the task is called; a task is known by where it is defined."""

    def task() -> None:
        work()

    return queue.task(name=name)(task)


class Bell:
    """Rings for the worker of an installation."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._guard = threading.Lock()
        self._tasks: list[Any] = []

    def ring(self) -> None:
        """Wake the worker; that it cannot be woken is no failure, for it looks by itself too."""
        try:
            with self._guard:
                if not self._tasks:
                    queue = queue_in(self._data_dir)
                    self._tasks = [listen(queue, name, _nothing) for name in BATCH_WORK]
            for task in self._tasks:
                task()
        except Exception:
            log.warning("the worker was not woken", exc_info=True)


def _nothing() -> None:
    """The one who rings does not do the work."""
