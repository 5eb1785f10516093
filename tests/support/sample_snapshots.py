"""The sample data as files: filled into an installation seldom, and copied for each test.

Filling one takes a third of a second, which was most of what a page's test took. A copy is as an
installation that was closed and is opened again, with the sandbox as it was left.
"""

from __future__ import annotations

import pickle
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import open_installation
from crmlink.settings import Settings
from support.databases import sqlite_address, sqlite_database
from support.faulty_sandbox.records import Edit, FaultyRecords
from support.faulty_sandbox.serving import running_sandbox
from support.sample_data import SampleData, populate
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to

MAX_AGE = 60.0  # seconds: codes and times are about as old as if they were made for the test
Size = tuple[int, int]  # customers and suppliers
STANDARD: Size = (60, 12)


@dataclass(frozen=True)
class SampleSnapshot:
    """An installation with the sample data, closed, and the edits of its sandbox."""

    files: Mapping[Path, bytes]
    secret_key: str
    begun_at: float
    _size: Size
    _edits: Sequence[Edit]
    _sample: bytes
    _address: str

    @property
    def sample(self) -> SampleData:
        """Return the people and links in it, which no other test has."""
        sample: SampleData = pickle.loads(self._sample)  # noqa: S301 # what `_fill` made
        return sample

    def records(self) -> FaultyRecords:
        """Return the records of a sandbox as they were left."""
        return records_of(self._size).repeat(self._edits)

    def restore(self, folder: Path, sandbox: SandboxHandle) -> str:
        """Write the files into an empty folder, for another sandbox; return the database's URL."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        before, now = (connection_to(each).base_url for each in (self._address, sandbox.address))
        with closing(sqlite3.connect(folder / "crmlink.sqlite", isolation_level=None)) as database:
            changed = database.execute(
                "UPDATE connection SET base_url = ? WHERE base_url = ?", (now, before)
            )
        assert changed.rowcount == 1, "the copy would connect to another account"
        return sqlite_address(folder)


_snapshots: dict[Size, SampleSnapshot] = {}


def sample_snapshot(size: Size = STANDARD) -> SampleSnapshot:
    """Return a snapshot that is at most MAX_AGE old."""
    found = _snapshots.get(size)
    if found is None or time.monotonic() - found.begun_at > MAX_AGE:
        _snapshots[size] = found = _fill(size)
    return found


def records_of(size: Size = STANDARD) -> FaultyRecords:
    """Return the records that a sandbox begins with."""
    return FaultyRecords({"customer": size[0], "supplier": size[1]}, seed=1)


def _fill(size: Size) -> SampleSnapshot:
    begun_at, secret_key, records = time.monotonic(), secrets.token_urlsafe(48), records_of(size)
    with (
        tempfile.TemporaryDirectory(prefix="crmlink-") as name,
        running_sandbox(records) as sandbox,
    ):
        folder, connection = Path(name), connection_to(sandbox.address)
        settings = Settings(folder, sqlite_database(folder), secret_key, commusoft=connection)
        client = CommusoftClient(connection, limits=FAST_LIMITS)
        with closing(open_installation(settings, client)) as installation:
            installation.workspace.sync()
            sample = pickle.dumps(populate(installation, sandbox))
        files = {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
    return SampleSnapshot(
        files, secret_key, begun_at, size, records.edits(), sample, sandbox.address
    )
