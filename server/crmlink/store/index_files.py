"""Files of the matching index: what connections' records say, ready to be compared.

They hold personal data, lie in the data folder with the database's permissions, and are in no
backup. An erasure deletes them; they are written again without what was erased.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from crmlink.store.only_server import try_lock

INDEX_FOLDER = "index"
SUFFIX = ".index"
LOCK_NAME = "making.lock"
UNFINISHED = ".new"
UNFINISHED_SECONDS = 3600.0  # without a change, after which the process that wrote it was killed
BLOCK = bytes(2**20)


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """The files of a data folder, one a connection, by its public id."""

    folder: Path

    def of(self, public_id: str) -> Path:
        """Return the file of a connection, which need not be there. Raises OSError."""
        return self._made_folder() / f"{public_id}{SUFFIX}"

    @contextlib.contextmanager
    def only_maker(self) -> Iterator[bool]:
        """Yield whether no other process makes these files, and keep others from it meanwhile.

        Raises OSError.
        """
        with (self._made_folder() / LOCK_NAME).open("ab") as lock:
            yield try_lock(lock)

    def free_bytes(self) -> int:
        """Return what is free on their disk. Raises OSError."""
        return shutil.disk_usage(self._made_folder()).free

    def _made_folder(self) -> Path:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return self.folder

    def delete_others(self, public_ids: Collection[str]) -> None:
        """Delete the files of all connections but these. Raises OSError."""
        for file in self.folder.glob(f"*{SUFFIX}"):
            if file.stem not in public_ids:
                delete_file(file)

    def delete(self, public_ids: Collection[str]) -> None:
        """Delete the files of these connections, unfinished ones too. Raises OSError."""
        for file in self.folder.glob("*"):
            if file.name.partition(".")[0] in public_ids:
                delete_file(file)

    def delete_older(self, public_id: str, moment: float) -> None:
        """Delete a connection's file if it was written before a time in seconds since 1970.

        Unfinished ones too. Raises OSError.
        """
        for file in self.folder.glob("*"):
            if file.name.partition(".")[0] == public_id:
                _delete_if_older(file, moment)

    def delete_unfinished(self) -> None:
        """Delete what killed processes left. Raises OSError.

        A process that still writes such a file fails to put it in place, and leaves the old one.
        """
        for file in self.folder.glob(f"*{UNFINISHED}"):
            _delete_if_older(file, time.time() - UNFINISHED_SECONDS)


def _delete_if_older(file: Path, moment: float) -> None:
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_mtime < moment:
            delete_file(file)


def delete_file(file: Path) -> None:
    """Overwrite a file, then delete it. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        with file.open("r+b") as out:
            for _ in range(0, file.stat().st_size, len(BLOCK)):
                out.write(BLOCK)
            out.flush()
            os.fsync(out.fileno())
        file.unlink()
