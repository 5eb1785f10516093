"""The data folder and what crmlink keeps in it: open to their owner alone.

On Windows files have no such modes: they inherit the access list of their folder, and that of the
default folder, inside the user's profile, names the user, the administrators and the system.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

OTHERS = 0o077  # what a group and everybody else may do
OTHERS_WRITE = 0o022
PRIVATE_UMASK = 0o077
OWN_FILES = (
    "crmlink.sqlite*", "queue.sqlite*", "server.log*", "strangers.log*", "audit.*", "secret.*",
    "credential.*", "packages.*", "sandbox.*", "*.lock", "uploads", "uploads/*",
)  # fmt: skip
ONE_NAME = ("crmlink.sqlite", "queue.sqlite", "secret.key", "credential.keys")
MARKS = ("secret.key", "crmlink.sqlite", "credential.keys", "queue.sqlite", "server.log")
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class NotPrivate(Exception):
    """Others can get at a folder or a file, and crmlink cannot or must not change that."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class OwnedByAnother(NotPrivate):
    """It belongs to another user, who may do with it what they like."""


class SharedFolder(NotPrivate):
    """It is open to others and holds more than crmlink's files: not crmlink's to close."""


class StaysOpen(NotPrivate):
    """Its modes cannot be changed, as on disks that keep none."""


class SeveralNames(NotPrivate):
    """A hard link: whoever has the other name, in another folder, has the file."""


class Replaceable(NotPrivate):
    """Others may write to the folder that a database outside the data folder is in."""


def use_private_umask() -> None:
    """Let whatever this process creates from now on be its owner's alone."""
    os.umask(PRIVATE_UMASK)


def make_private(folder: Path) -> None:
    """Make the data folder where there is none, and close it and crmlink's files in it to others.

    Raises OSError when it cannot be made, and NotPrivate.
    """
    use_private_umask()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "win32":
        return
    mode = _mode_of_own(folder)
    if mode & OTHERS and (mode & stat.S_ISVTX or not _is_crmlinks(folder)):
        raise SharedFolder(folder)
    _close(folder)
    for path in _own_files(folder):
        _close(path)
        if path.name in ONE_NAME:
            _refuse_other_names(path)


def make_database_private(file: Path) -> None:
    """Close a SQLite database that lies elsewhere, with the files beside it. Raises NotPrivate."""
    if sys.platform == "win32":
        return
    target = file.resolve()
    for folder in {file.parent, target.parent}:
        mode = folder.stat().st_mode if folder.is_dir() else 0
        if mode & OTHERS_WRITE and not mode & stat.S_ISVTX:
            raise Replaceable(folder)
    if _is_there(file):
        _close(file)
        _refuse_other_names(file)
    for suffix in SQLITE_SUFFIXES:
        path = target.with_name(target.name + suffix)
        if _is_there(path):
            _close(path)


def _is_crmlinks(folder: Path) -> bool:
    """Whether a folder is empty or crmlink has worked in it before."""
    names = {path.name for path in folder.iterdir()}
    return not names or not names.isdisjoint(MARKS)


def _own_files(folder: Path) -> Iterator[Path]:
    for pattern in OWN_FILES:
        yield from filter(_is_there, folder.glob(pattern))


def _is_there(path: Path) -> bool:
    """Whether a file, or a link to one that may come yet, is there."""
    return path.exists() or path.is_symlink()


def _refuse_other_names(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            raise SeveralNames(path)


def _close(path: Path) -> None:
    try:
        mode = _mode_of_own(path)
        if not mode & OTHERS:
            return
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
        if _mode_of_own(path) & OTHERS:
            raise StaysOpen(path)
    except FileNotFoundError:  # a write-ahead log goes when its last reader does
        return
    except PermissionError:
        raise StaysOpen(path) from None


def _mode_of_own(path: Path) -> int:
    """The mode of a file, and of what it leads to; both must be this user's."""
    for look in (path.lstat, path.stat):
        found = look()
        if sys.platform != "win32" and found.st_uid != os.geteuid():
            raise OwnedByAnother(path)
    return found.st_mode
