"""SQLite databases that do not wait for the disk at each commit: nothing in a test's is to be kept.

What a killed process wrote is there all the same: only a power cut could lose it. Servers and
workers that run as processes of their own wait as crmlink does.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event

from crmlink.store import database

SHIPPED = database._set_up_sqlite  # what crmlink uses outside of tests


def commit_quickly() -> None:
    """Let databases that are opened from now on in this process leave writing to the system."""
    database._set_up_sqlite = _set_up_sqlite


def _set_up_sqlite(engine: Engine) -> None:
    SHIPPED(engine)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")
