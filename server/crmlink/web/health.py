"""Whether this process is alive, and whether it is ready for requests."""

from __future__ import annotations

from typing import Protocol

from flask import Flask, current_app

from crmlink.store import Database

WORKER = "crmlink_worker"


class BackgroundWork(Protocol):
    """Background work of this process."""

    @property
    def runs(self) -> bool:
        """Whether its threads and its heartbeat do."""


def watch_worker(app: Flask, worker: BackgroundWork) -> None:
    """Let the readiness of this process depend on its background work too."""
    app.extensions[WORKER] = worker


def readiness(database: Database) -> dict[str, str]:
    """Return the state of each part that a request needs: "ok", or what is wrong."""
    parts = {"database": "ok" if database.answers() else "does not answer"}
    if parts["database"] == "ok":
        parts["tables"] = "ok" if database.has_current_tables() else "not migrated"
    worker: BackgroundWork | None = current_app.extensions.get(WORKER)
    if worker is not None:
        parts["worker"] = "ok" if worker.runs else "does not run"
    return parts
