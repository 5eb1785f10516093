"""Wake-up signal for workers: of a data folder, or of a PostgreSQL database on any machine.

The signal carries no data: pending work is stored in the database, so a lost signal loses nothing.
The queue holds only names of tasks, so write access to its file allows waking the worker and
nothing else. With PostgreSQL, every worker has a queue of its own in memory: a notification reaches
all of them, where one shared queue would wake only one, and perhaps one that is busy.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from huey import Huey, MemoryHuey, SqliteHuey
from huey.exceptions import HueyException
from huey.registry import Message
from huey.serializer import Serializer

from crmlink.store import Database
from crmlink.store.notifications import notify_workers

log = structlog.get_logger()

QUEUE_FILE = "queue.sqlite"
WAKEABLE_TASKS = ("match_batches", "write_batches", "read_sources", "send_emails")
MAX_ENTRY_LENGTH = 200  # bytes of a task's name in JSON


class InvalidQueueEntry(Exception):
    """A queue entry is not a task's name as written by crmlink."""


class NameSerializer(Serializer):  # type: ignore[misc] # huey ships no types
    """Serializer of tasks as JSON with their name only, instead of huey's pickles."""

    def _serialize(self, data: Any) -> bytes:
        """Return the task's name as JSON. Raises TypeError for a task with arguments."""
        if not isinstance(data, Message) or data.args or data.kwargs:
            raise TypeError("the queue holds names of tasks only")
        return json.dumps({"task": data.name}).encode()

    def _deserialize(self, data: Any) -> Message:
        """Return the task. Raises InvalidQueueEntry for anything but a name."""
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
    """huey with SQLite storage, without results and revocations."""

    def __init__(self, file: Path) -> None:
        super().__init__(filename=str(file), serializer=NameSerializer(), results=False)

    def dequeue(self) -> Any:
        """Return the next task, or None; invalid entries are discarded."""
        while (data := self.storage.dequeue()) is not None:
            try:
                return self.deserialize_task(data)
            except (InvalidQueueEntry, HueyException):
                log.warning("an entry of the queue was thrown away")
        return None

    def is_revoked(self, *_: Any, **__: Any) -> bool:
        """Return False: crmlink revokes no task, so stored revocations are not its own."""
        return False


def open_queue(data_dir: Path) -> WakeUpQueue:
    """Return the queue of an installation."""
    return WakeUpQueue(data_dir / QUEUE_FILE)


def own_queue() -> MemoryHuey:
    """Return a queue of this process alone."""
    return MemoryHuey(results=False)


def register_task(queue: Huey, name: str, work: Callable[[], None]) -> Any:
    """Register work under a task's name; returns the task."""

    def task() -> None:
        work()

    return queue.task(name=name)(task)


class WakeUpSignal:
    """Wake-up signal for the worker of an installation."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._tasks: list[Any] = []

    def send(self) -> None:
        """Wake the worker; a failure is logged and ignored, since the worker also polls."""
        try:
            with self._lock:
                if not self._tasks:
                    queue = open_queue(self._data_dir)
                    self._tasks = [register_task(queue, name, _noop) for name in WAKEABLE_TASKS]
            for task in self._tasks:
                task()
        except Exception:
            log.warning("the worker was not woken", exc_info=True)


class Notification:
    """Wake-up signal for every worker of a PostgreSQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self) -> None:
        """Wake the workers; a failure is logged and ignored, since workers also poll."""
        try:
            notify_workers(self._database)
        except Exception:
            log.warning("the workers were not woken", exc_info=True)


def _noop() -> None:
    """Do nothing: the sender only enqueues."""
