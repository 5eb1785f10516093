"""Two ways to a disk without room: a small one of our own, or a database that may not grow."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import event

from crmlink.store import Database

UNBOUNDED = 2**30


class Disk(Protocol):
    """Somewhere to keep a database, full or not."""

    folder: Path

    def fill(self, database: Database) -> None: ...

    def free(self) -> None: ...


class SmallDisk:
    """A tmpfs of a few megabytes; ballast takes all that is left of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, database: Database) -> None:
        _give_back_the_log(database)
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


class TightDatabase:
    """A database held to the pages that it has; rows may still go where a page has room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._most = UNBOUNDED

    def watch(self, database: Database) -> None:
        @event.listens_for(database.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {self._most}")

    def fill(self, database: Database) -> None:
        with database.engine.connect() as connection:
            self._most = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    def free(self) -> None:
        self._most = UNBOUNDED


def _give_back_the_log(database: Database) -> None:
    """Empty the write-ahead log, whose room SQLite would use again without asking for more."""
    with closing(sqlite3.connect(str(database.engine.url.database), timeout=30)) as connection:
        [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy, "the log still has room"


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[SmallDisk | None]:
    """A small disk at that folder, or None where no one may mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        allowed = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
