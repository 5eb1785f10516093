"""The bell that wakes the worker, in this process or in another one over the same data folder.

It only wakes. What there is to do stands in the rows, so a bell that nobody hears loses nothing.
The queue therefore holds names of tasks and nothing else: whoever can write to its file can wake
the worker, and no more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from huey import SqliteHuey
from huey.exceptions import HueyException
from huey.registry import Message
from huey.serializer import Serializer

log = structlog.get_logger()

QUEUE_FILE = "queue.sqlite"
WAKEABLE_TASKS = ("match_batches", "write_batches")
MAX_ENTRY_LENGTH = 200  # bytes; a task's name and the JSON around it


class InvalidQueueEntry(Exception):
    """An entry of the queue is not a task's name as crmlink writes it."""


class NameSerializer(Serializer):  # type: ignore[misc] # huey ships no types
    """Writes a task as JSON that holds its name only, in place of huey's pickles."""

    def _serialize(self, data: Any) -> bytes:
        """Raise TypeError for a task with arguments, and for anything that is not a task."""
        if not isinstance(data, Message) or data.args or data.kwargs:
            raise TypeError("the queue holds names of tasks only")
        return json.dumps({"task": data.name}).encode()

    def _deserialize(self, data: Any) -> Message:
        """Raise InvalidQueueEntry, without looking further, for whatever else was put there."""
        try:
            if not isinstance(data, bytes) or len(data) > MAX_ENTRY_LENGTH:
                raise InvalidQueueEntry
            fields = json.loads(data)
            if not isinstance(fields, dict) or fields.keys() != {"task"}:
                raise InvalidQueueEntry
            if not isinstance(fields["task"], str):
                raise InvalidQueueEntry
        except ValueError:
            raise InvalidQueueEntry from None
        return Message(None, fields["task"], retries=0, retry_delay=0, args=(), kwargs={})


class WakeUpQueue(SqliteHuey):  # type: ignore[misc] # huey ships no types
    """huey over SQLite, without what it would keep beside names: results and revocations."""

    def __init__(self, file: Path) -> None:
        super().__init__(filename=str(file), serializer=NameSerializer(), results=False)

    def dequeue(self) -> Any:
        """Return the next task, or None; an entry that is not one of ours is thrown away."""
        while (data := self.storage.dequeue()) is not None:
            try:
                return self.deserialize_task(data)
            except (InvalidQueueEntry, HueyException):
                log.warning("an entry of the queue was thrown away")
        return None

    def is_revoked(self, *_: Any, **__: Any) -> bool:
        """Return False: crmlink revokes no task, so what is found there is not its own."""
        return False


def open_queue(data_dir: Path) -> WakeUpQueue:
    """The queue of an installation."""
    return WakeUpQueue(data_dir / QUEUE_FILE)


def register_task(queue: WakeUpQueue, name: str, work: Callable[[], None]) -> Any:
    """Let a queue do this work when the task is called; a task is known by where it is defined."""

    def task() -> None:
        work()

    return queue.task(name=name)(task)


class WakeUpSignal:
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
                    queue = open_queue(self._data_dir)
                    self._tasks = [register_task(queue, name, _noop) for name in WAKEABLE_TASKS]
            for task in self._tasks:
                task()
        except Exception:
            log.warning("the worker was not woken", exc_info=True)


def _noop() -> None:
    """The one who rings does not do the work."""
