"""Permissions of the data folder and its files: accessible to their owner alone.

Windows has no such modes: files inherit the access list of their folder, and the default folder's,
inside the user's profile, contains the user, the administrators and the system.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

OTHERS_MODE = 0o077  # permission bits of group and others
OTHERS_WRITE_MODE = 0o022
PRIVATE_UMASK = 0o077
OWN_FILE_PATTERNS = (
    "crmlink.sqlite*", "queue.sqlite*", "server.log*", "audit.*", "secret.*", "credential.*",
    "packages.*", "sandbox.*", "*.lock", "uploads", "uploads/*",
)  # fmt: skip
MARKER_FILES = ("secret.key", "crmlink.sqlite", "credential.keys", "queue.sqlite", "server.log")
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class NotPrivate(Exception):
    """Others can access a folder or file, and crmlink cannot or must not change that."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class OwnedByAnother(NotPrivate):
    """It belongs to another user, who has full access."""


class SharedFolder(NotPrivate):
    """It is open to others and contains other files than crmlink's."""


class StaysOpen(NotPrivate):
    """Its modes cannot be changed, as on disks without permissions."""


class Replaceable(NotPrivate):
    """Others may write to the folder of a database outside the data folder."""


def use_private_umask() -> None:
    """Set the process's umask: new files are accessible to their owner alone."""
    os.umask(PRIVATE_UMASK)


def make_private(folder: Path) -> None:
    """Create the data folder if needed; restrict it and crmlink's files to the owner.

    Raises OSError if it cannot be created, and NotPrivate.
    """
    use_private_umask()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "win32":
        return
    mode = _checked_mode(folder)
    if mode & OTHERS_MODE and (mode & stat.S_ISVTX or not _is_own_folder(folder)):
        raise SharedFolder(folder)
    _restrict(folder)
    for path in _own_files(folder):
        _restrict(path)


def make_database_private(file: Path) -> None:
    """Restrict a SQLite database outside the data folder and its side files. Raises NotPrivate."""
    if sys.platform == "win32" or not file.parent.is_dir():
        return
    mode = file.parent.stat().st_mode
    if mode & OTHERS_WRITE_MODE and not mode & stat.S_ISVTX:
        raise Replaceable(file.parent)
    for suffix in SQLITE_SUFFIXES:
        path = file.with_name(file.name + suffix)
        if path.exists():
            _restrict(path)


def _is_own_folder(folder: Path) -> bool:
    """Return whether a folder is empty or contains files of crmlink."""
    names = {path.name for path in folder.iterdir()}
    return not names or not names.isdisjoint(MARKER_FILES)


def _own_files(folder: Path) -> Iterator[Path]:
    for pattern in OWN_FILE_PATTERNS:
        yield from (path for path in folder.glob(pattern) if path.exists())


def _restrict(path: Path) -> None:
    try:
        mode = _checked_mode(path)
        if not mode & OTHERS_MODE:
            return
        path.chmod(stat.S_IMODE(mode) & ~OTHERS_MODE)
        if _checked_mode(path) & OTHERS_MODE:
            raise StaysOpen(path)
    except FileNotFoundError:  # a write-ahead log is deleted with its last reader
        return
    except PermissionError:
        raise StaysOpen(path) from None


def _checked_mode(path: Path) -> int:
    status = path.stat()
    if sys.platform != "win32" and status.st_uid != os.geteuid():
        raise OwnedByAnother(path)
    return status.st_mode
