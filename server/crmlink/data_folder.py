"""Permissions of the data folder and its files: accessible to their owner alone.

Windows has no such modes: files inherit the access list of their folder, and the default folder's,
inside the user's profile, contains the user, the administrators and the system.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

OTHERS_MODE = 0o077  # permission bits of group and others
OTHERS_WRITE_MODE = 0o022
PRIVATE_UMASK = 0o077
OWN_FILE_PATTERNS = (
    "crmlink.sqlite*", "queue.sqlite*", "server.log*", "strangers.log*", "audit.*", "secret.*",
    "credential.*", "packages.*", "extension.*", "first-admin.*", "sandbox.*", "*.lock",
    "uploads", "uploads/*", "index", "index/*", "tls*", "tls*/*",
)  # fmt: skip
SINGLE_NAME_FILES = ("crmlink.sqlite", "queue.sqlite", "secret.key", "credential.keys")
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
    """It is open to others and not for crmlink alone: other files, or a folder for all users."""


class StaysOpen(NotPrivate):
    """Its modes cannot be changed, as on disks without permissions."""


class SeveralNames(NotPrivate):
    """A hard link: users with access to its other name have access to the file."""


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
        if path.name in SINGLE_NAME_FILES:
            _reject_hard_links(path)


def make_database_private(file: Path) -> None:
    """Restrict a SQLite database outside the data folder and its side files. Raises NotPrivate."""
    if sys.platform == "win32":
        return
    target = file.resolve()
    for folder in {file.parent, target.parent}:
        mode = folder.stat().st_mode if folder.is_dir() else 0
        if mode & OTHERS_WRITE_MODE and not mode & stat.S_ISVTX:
            raise Replaceable(folder)
    if _is_there(file):
        _restrict(file)
        _reject_hard_links(file)
    for suffix in SQLITE_SUFFIXES:
        path = target.with_name(target.name + suffix)
        if _is_there(path):
            _restrict(path)


def _is_own_folder(folder: Path) -> bool:
    """Return whether a folder is empty or contains files of crmlink."""
    names = {path.name for path in folder.iterdir()}
    return not names or not names.isdisjoint(MARKER_FILES)


def _own_files(folder: Path) -> Iterator[Path]:
    for pattern in OWN_FILE_PATTERNS:
        yield from filter(_is_there, folder.glob(pattern))


def _is_there(path: Path) -> bool:
    """Return whether there is a file, or a link even to a missing one."""
    return path.exists() or path.is_symlink()


def _reject_hard_links(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            raise SeveralNames(path)


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
    """Return the mode of a file; it and its link target must be this user's."""
    for read_status in (path.lstat, path.stat):
        status = read_status()
        if sys.platform != "win32" and status.st_uid != os.geteuid():
            raise OwnedByAnother(path)
    return status.st_mode
