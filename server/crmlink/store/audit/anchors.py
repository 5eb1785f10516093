"""Anchors: sequence numbers and hashes of audit entries, in a file beside the database.

Each committed entry has one. An attacker who rewrites the audit in the database alone cannot change
them, so the two no longer agree. The file is append-only and never rotated.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "audit.anchors"
HEADER = re.compile(rb"crmlink audit anchors ([0-9a-f]{32})")
HASH_LENGTH = 64


class Anchor(NamedTuple):
    """Sequence number of an audit entry, its hash, and its time in Unix seconds."""

    place: int
    hash: str
    seconds: int

    @property
    def at(self) -> datetime:
        """Time of the entry, UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Contents of the file; ``file_id`` is "" if its first line is invalid."""

    file_id: str
    content: bytes

    def of(self, workspace_id: int, after: int = 0) -> list[Anchor]:
        """Return the workspace's anchors in order, from byte ``after`` on.

        Incomplete lines, as left by a power failure, are skipped.
        """
        workspace = str(workspace_id)
        anchors = []
        for line in self.content[after:].decode("ascii", "replace").split("\n"):
            parts = line.split(" ")
            if len(parts) != 4 or parts[0] != workspace or len(parts[3]) != HASH_LENGTH:
                continue
            if parts[1].isdecimal() and parts[2].isdecimal():
                anchors.append(Anchor(int(parts[1]), parts[3], int(parts[2])))
        return anchors


class AnchorFile:
    """The anchor file of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def begin(self) -> bool:
        """Create the file if it does not exist; return whether it was created."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"crmlink audit anchors " + secrets.token_hex(16).encode())
            file.flush()
            os.fsync(descriptor)
        return True

    def add(self, workspace_id: int, place: int, entry_hash: str, at: datetime) -> None:
        """Append an anchor. Raises OSError, also if the file does not exist.

        A line starts with its line break, so that an incomplete one does not affect the next.
        """
        line = f"\n{workspace_id} {place} {int(at.timestamp())} {entry_hash}".encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def set_aside(self) -> None:
        """Rename the file, so that a new one can be created. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
            self.path.rename(self.path.with_name(f"{FILE_NAME}.{stamp}"))

    def flush(self) -> None:
        """Flush appended anchors to disk. Raises OSError."""
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Anchors | None:
        """Return the contents; None if the file is missing or unreadable."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        header = HEADER.fullmatch(content.split(b"\n", 1)[0])
        return Anchors(header[1].decode() if header else "", content)
