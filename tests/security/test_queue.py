"""Whoever can write to the queue's file wakes the worker, and makes it do nothing else."""

from __future__ import annotations

import json
import pickle
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crmlink.installation import Installation
from crmlink.wakeup import QUEUE_FILE, WAKEABLE_TASKS, WakeUpSignal, open_queue, register_task
from crmlink.worker import Worker


class Touch:
    """What creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._path,))


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    return tmp_path / "code-was-run"


@pytest.fixture
def worker(installation: Installation) -> Iterator[Worker]:
    worker = Worker(installation)
    yield worker
    worker.stop()


def put(folder: Path, statement: str, *values: object) -> None:
    """Write into the queue's file as someone else on the machine would."""
    open_queue(folder)
    with closing(sqlite3.connect(folder / QUEUE_FILE)) as connection, connection:
        connection.execute(statement, values)


def pickled_task(folder: Path, data: bytes) -> None:
    put(folder, "INSERT INTO task (queue, data, priority) VALUES ('huey', ?, 9)", data)


def pickled_schedule(folder: Path, data: bytes) -> None:
    put(folder, "INSERT INTO schedule (queue, data, timestamp) VALUES ('huey', ?, 0)", data)


def pickled_revocation(folder: Path, data: bytes) -> None:
    for task in queue_tasks(folder):
        put(folder, "INSERT INTO kv (queue, key, value) VALUES ('huey', ?, ?)", f"rt:{task}", data)


def queue_tasks(folder: Path) -> list[str]:
    """The names under which the worker's tasks can be revoked."""
    names = ("finish_links_now", "sync_now", "match_batches", "write_batches")
    return [f"{module}.{name}" for module in ("crmlink.worker", "crmlink.wakeup") for name in names]


def wait_until_idle(installation: Installation) -> None:
    """Until the worker has taken everything out of the queue and the schedule.

    With PostgreSQL its queue is in memory: it never looks at the file.
    """
    if installation.database.is_shared:
        installation.wake_workers()
        return
    folder = installation.settings.data_dir
    deadline = time.monotonic() + 20
    query = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM schedule)"
    with closing(sqlite3.connect(folder / QUEUE_FILE, timeout=20)) as connection:
        while connection.execute(query).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("put_in", [pickled_task, pickled_schedule, pickled_revocation])
@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_a_pickle_in_the_queue_runs_nothing(
    installation: Installation,
    worker: Worker,
    proof: Path,
    put_in: Callable[[Path, bytes], None],
    when: str,
) -> None:
    folder = installation.settings.data_dir
    if when == "before the start":
        put_in(folder, pickle.dumps(Touch(proof)))
    worker.start()
    if when == "while it runs":
        put_in(folder, pickle.dumps(Touch(proof)))
        WakeUpSignal(folder).send()
    wait_until_idle(installation)
    worker.stop()
    assert not proof.exists()


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"null",
        b"[]",
        b'{"task": 7}',
        b'{"task": ["crmlink.wakeup.match_batches"]}',
        b'{"task": "crmlink.wakeup.match_batches", "args": [1]}',
        b'{"task": "os.system"}',
        b'{"task": "' + b"a" * 10_000 + b'"}',
        b"[" * 150,
        b"\xff\xfe",
        "a text",
        2**40,
    ],
)
def test_what_is_no_task_of_ours_is_thrown_away_and_the_worker_goes_on(
    tmp_path: Path, entry: object
) -> None:
    woken = []
    queue = open_queue(tmp_path)
    task = register_task(queue, "match_batches", lambda: woken.append(True))
    put(tmp_path, "INSERT INTO task (queue, data, priority) VALUES ('huey', ?, 9)", entry)
    task()
    queue.execute(queue.dequeue())
    assert woken == [True]
    assert len(queue) == 0


def test_the_queue_holds_nothing_but_names(tmp_path: Path) -> None:
    WakeUpSignal(tmp_path).send()
    with closing(sqlite3.connect(tmp_path / QUEUE_FILE)) as connection:
        entries = [json.loads(data) for (data,) in connection.execute("SELECT data FROM task")]
    assert [sorted(entry) for entry in entries] == [["task"]] * len(WAKEABLE_TASKS)
    queue = open_queue(tmp_path)
    with pytest.raises(TypeError, match="names of tasks only"):
        queue.task(name="with_arguments")(print)("an argument")
