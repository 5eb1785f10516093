"""Anchors: places of the audit and their hashes, in a file of their own beside the database.

Each committed entry leaves one. Whoever cuts or rewrites the audit with the database alone cannot
change them, so the two no longer agree. The file is only ever added to, and nothing rotates it.
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
    """A place of a workspace's audit, its entry's hash, and the entry's time in Unix seconds."""

    place: int
    hash: str
    seconds: int

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


class AnchorLines(NamedTuple):
    """Anchors by workspace, in their order; ``is_damaged``: some lines are none of crmlink's."""

    by_workspace: dict[int, list[Anchor]]
    is_damaged: bool

    def of(self, workspace_id: int) -> list[Anchor]:
        """The anchors of a workspace."""
        return self.by_workspace.get(workspace_id, [])


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the file holds; ``file_id`` is "" where its first line is not crmlink's."""

    file_id: str
    content: bytes

    def lines(self, after: int = 0) -> AnchorLines:
        """The lines behind the header, or behind the first bytes that end a line.

        What is no whole line, as a power cut leaves it, is passed over.
        """
        found: dict[int, list[Anchor]] = {}
        is_damaged = False
        for line in self.content[after:].decode("latin-1").split("\n")[1:]:
            parts = LINE.fullmatch(line)
            if parts is None:
                is_damaged = is_damaged or not TORN.fullmatch(line)
            elif int(parts[3]) > MAX_SECONDS:
                is_damaged = True
            else:
                anchor = Anchor(int(parts[2]), parts[4], int(parts[3]))
                found.setdefault(int(parts[1]), []).append(anchor)
        return AnchorLines(found, is_damaged)


class AnchorFile:
    """The file of anchors of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def begin(self) -> bool:
        """Make the file where there is none; return whether there was none."""
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
        """Add an anchor. Raises OSError, FileNotFoundError among them: only begin makes the file.

        A line begins with its line break, so that one that a power cut tore spoils no other.
        """
        line = f"\n{workspace_id} {place} {int(at.timestamp())} {entry_hash}".encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def set_aside(self) -> None:
        """Keep the file under another name, so that a new one can be begun. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
            self.path.rename(self.path.with_name(f"{FILE_NAME}.{stamp}"))

    def flush(self) -> None:
        """Put what was added on the disk. Raises OSError."""
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Anchors | None:
        """What the file holds; None when it is missing or cannot be read."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        header = HEADER.fullmatch(content.split(b"\n", 1)[0])
        return Anchors(header[1].decode() if header else "", content)
