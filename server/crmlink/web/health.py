"""Whether this process is alive, and whether it is ready for requests."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from crmlink.store import Database
from crmlink.store.newer_tables import Tables
from crmlink.store.time_limits import OF_PROBES, time_limits

WORKER, LOOK = "crmlink_worker", "crmlink_database_look"
LOOK_SECONDS = 5.0  # PostgreSQL that hangs is given up after up to half a minute
PROBE = bytes(64 * 1024)  # as much as an upload or an index needs at least
TABLES = {
    Tables.USABLE: "ok",
    Tables.OLDER: "not migrated",
    Tables.TOO_NEW: "too new for this version",
}


class DatabaseLook:
    """One look at the database at a time, which all who ask meanwhile share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Future[dict[str, str]] | None = None

    def parts(self, database: Database) -> dict[str, str]:
        """Return the states of the database and its tables, after LOOK_SECONDS at most."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = _begin(database)
            running = self._running
        try:
            return running.result(LOOK_SECONDS)
        except TimeoutError:
            return {"database": "does not answer"}


class BackgroundWork(Protocol):
    """Background work of this process."""

    @property
    def runs(self) -> bool:
        """Whether its threads and its heartbeat do."""


def watch_worker(app: Flask, worker: BackgroundWork) -> None:
    """Let the readiness of this process depend on its background work too."""
    app.extensions[WORKER] = worker


def readiness(database: Database, folder: Path) -> dict[str, str]:
    """Return the state of each part that a request needs: "ok", or what is wrong.

    ``folder`` is this machine's data folder.
    """
    look: DatabaseLook = current_app.extensions.setdefault(LOOK, DatabaseLook())
    parts = look.parts(database) | {"disk": "ok" if _takes_files(folder) else "full or read-only"}
    worker: BackgroundWork | None = current_app.extensions.get(WORKER)
    if worker is not None:
        parts["worker"] = "ok" if worker.runs else "does not run"
    return parts


def _begin(database: Database) -> Future[dict[str, str]]:
    look: Future[dict[str, str]] = Future()

    def run() -> None:
        try:
            with time_limits(OF_PROBES):
                look.set_result(_database_parts(database))
        except BaseException as error:
            look.set_exception(error)

    threading.Thread(target=run, name="readiness", daemon=True).start()
    return look


def _database_parts(database: Database) -> dict[str, str]:
    if not database.has_free_connection():
        return {"database": "has no free connection"}
    try:
        if not database.answers():
            return {"database": "does not answer"}
        tables = TABLES[database.tables()]
    except SQLAlchemyError:  # it went away just now
        return {"database": "does not answer"}
    state = "has no room" if database.full_disk.was_found else "ok"
    return {"database": state, "tables": tables}


def _takes_files(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            return probe.write(PROBE) == len(PROBE)
    except OSError:
        return False
