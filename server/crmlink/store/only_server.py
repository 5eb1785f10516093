"""Locks that allow one server for a SQLite database and its data folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from crmlink.store.sqlite_file import sqlite_file

LOCK_NAME = "server.lock"


class ServerRunning(Exception):
    """Another server uses this data folder or database; the message is a sentence for users."""


@contextmanager
def only_server(data_dir: Path, database_url: str) -> Iterator[bool]:
    """Hold the locks of a server; yields True if they prove that it is the only one.

    PostgreSQL may have several servers: nothing is locked and it yields False. Raises
    ServerRunning, with nothing locked, and UnclearDatabase.
    """
    file = sqlite_file(database_url)
    if file is None:
        yield False
        return
    database = file.resolve()
    with ExitStack() as locks:
        for path in (data_dir / LOCK_NAME, database.with_name(f"{database.name}.lock")):
            _hold(path, locks)
        yield True


def _hold(path: Path, locks: ExitStack) -> None:
    try:
        locked = try_lock(locks.enter_context(path.open("ab")))
    except OSError as error:
        raise ServerRunning(
            f"The folder {path.parent} can't be locked ({error.strerror}). Keep crmlink's data on "
            "a disk of this computer."
        ) from error
    if not locked:
        raise ServerRunning(
            f"A crmlink server is already using {path.parent}. Stop it first, or give this one its "
            "own folder with CRMLINK_DATA_DIR."
        )


if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the file until it is closed; return False if another process holds the lock."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the file until it is closed; False when another process has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
