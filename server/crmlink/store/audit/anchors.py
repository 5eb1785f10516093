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
HASH = re.compile("[0-9a-f]{64}")
LINE = re.compile("([0-9]{1,9}) ([0-9]{1,15}) ([0-9]{1,12}) ([0-9a-f]{64})")
TORN = re.compile(  # as a power cut leaves a line
    "([0-9]{1,9}( ([0-9]{1,15}( ([0-9]{1,12}( [0-9a-f]{0,64})?)?)?)?)?)?\0*"
)
MAX_SECONDS = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class Anchor(NamedTuple):
    """Sequence number of an audit entry, its hash, and its time in Unix seconds."""

    position: int
    hash: str
    seconds: int

    @property
    def at(self) -> datetime:
        """Time of the entry, UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)


class AnchorLines(NamedTuple):
    """Anchors by workspace, in their order; ``is_damaged``: some lines are not crmlink's.

    ``ends``: where the last one of each workspace ends, in bytes of the file.
    """

    by_workspace: dict[int, list[Anchor]]
    ends: dict[int, int]
    is_damaged: bool

    def of(self, workspace_id: int) -> list[Anchor]:
        """Return the anchors of a workspace."""
        return self.by_workspace.get(workspace_id, [])


@dataclass(frozen=True, slots=True)
class Anchors:
    """Contents of the file; ``file_id`` is "" if its first line is invalid."""

    file_id: str
    content: bytes

    def lines(self, after: int = 0) -> AnchorLines:
        """Return the lines after the header, or after the first bytes, which end a line.

        Incomplete lines, as left by a power failure, are skipped.
        """
        found: dict[int, list[Anchor]] = {}
        ends: dict[int, int] = {}
        is_damaged = False
        first, *later = self.content[after:].decode("latin-1").split("\n")
        end = after + len(first)
        for line in later:
            end += 1 + len(line)
            parts = LINE.fullmatch(line)
            if parts is None:
                is_damaged = is_damaged or not TORN.fullmatch(line)
            elif int(parts[3]) > MAX_SECONDS:
                is_damaged = True
            else:
                anchor = Anchor(int(parts[2]), parts[4], int(parts[3]))
                found.setdefault(int(parts[1]), []).append(anchor)
                ends[int(parts[1])] = end
        return AnchorLines(found, ends, is_damaged)


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

    def add(self, workspace_id: int, position: int, entry_hash: str, at: datetime) -> None:
        """Append an anchor. Raises OSError, also if the file does not exist.

        A line starts with its line break, so that an incomplete one does not affect the next.
        """
        line = f"\n{workspace_id} {position} {int(at.timestamp())} {entry_hash}".encode()
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
