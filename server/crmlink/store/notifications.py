"""Notifications between the processes of one PostgreSQL database, on any machine.

A notification carries nothing and may be lost: the rows are the truth, and workers look at them
once a minute anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import text

from crmlink.store.database import Database

log = structlog.get_logger()

CHANNEL = "crmlink_work"
POLL_INTERVAL = 1.0  # between two looks at whether to stop
RETRY_SECONDS = 2.0  # after a lost connection


def notify_workers(database: Database) -> None:
    """Wake every worker of a PostgreSQL database. Raises SQLAlchemyError."""
    with database.engine.begin() as connection:
        connection.execute(text(f"NOTIFY {CHANNEL}"))


class Listener:
    """Calls ``heard`` in a thread of its own for notifications, and after each new connection."""

    def __init__(self, database: Database, heard: Callable[[], None]) -> None:
        self._database, self._heard = database, heard
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * POLL_INTERVAL)

    def _run(self) -> None:
        import psycopg  # an installation with SQLite never needs it

        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("no notifications", problem=type(error).__name__)
                self._stopping.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        with self._database.connect_directly() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._heard()  # what was sent while nothing listened
            while not self._stopping.is_set():
                if list(connection.notifies(timeout=POLL_INTERVAL, stop_after=1)):
                    self._heard()
