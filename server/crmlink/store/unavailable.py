"""Errors that say that the database cannot be used now, not that a statement was wrong."""

from __future__ import annotations

import enum
import sqlite3
import time

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

# SQLSTATE by class: no connection, too little of something, a lock or a statement that took too
# long, an operator's stop; and transactions that were ended (deadlock, idle for too long).
_CLASSES = ("08", "53", "55", "57", "40")
_IDLE = "25P03"
_DISK_FULL = "53100"
_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}
_SQLITE_CODE = 0xFF  # of an extended code


class Unavailable(enum.Enum):
    """Why a database cannot be used."""

    AWAY = enum.auto()  # or hangs, or something has held a lock for too long
    FULL = enum.auto()  # its disk


def unavailable(error: BaseException) -> Unavailable | None:
    """Return why the database cannot be used, None for any other error."""
    if isinstance(error, NoConnectionFree):  # all connections of this process are in use
        return Unavailable.AWAY
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state == _DISK_FULL:
        return Unavailable.FULL
    if error.connection_invalidated or state == _IDLE:
        return Unavailable.AWAY
    if state is None:  # without an answer
        return Unavailable.AWAY if isinstance(error, OperationalError) else None
    return Unavailable.AWAY if str(state).startswith(_CLASSES) else None


def _of_sqlite(error: sqlite3.Error) -> Unavailable | None:
    code = getattr(error, "sqlite_errorcode", 0) & _SQLITE_CODE
    if code == sqlite3.SQLITE_FULL:
        return Unavailable.FULL
    return Unavailable.AWAY if code in _SQLITE else None


class FullDisk:
    """Notes when a statement of this process found no room: reading goes on all the same."""

    REMEMBERED = 60.0  # seconds

    def __init__(self, engine: Engine) -> None:
        self._found_at: float | None = None
        event.listen(engine, "handle_error", self._note)

    @property
    def was_found(self) -> bool:
        """Whether it was full within the last minute."""
        found_at = self._found_at
        return found_at is not None and time.monotonic() - found_at < self.REMEMBERED

    def _note(self, context: ExceptionContext) -> None:
        found = context.sqlalchemy_exception
        if found is not None and unavailable(found) is Unavailable.FULL:
            self._found_at = time.monotonic()
