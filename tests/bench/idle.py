"""What an idle server holds in memory, and what its start takes of a core; Linux.

    PYTHONPATH=tests python -m bench.idle

`crmlink serve` with practice data, in a folder of its own, is started twice: for the first time,
which makes the database, and again. Its memory is read after it has answered a page and brought its
records up to date.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

QUIET_SECONDS = 10.0
TICKS = os.sysconf("SC_CLK_TCK")


def lines_of(log: Path, event: str) -> int:
    """How often an event is in a server's log."""
    return log.read_text().count(f'"event": "{event}"') if log.exists() else 0


def start_and_read(folder: Path) -> tuple[float, int, int]:
    """Seconds of a core until the first answer, MB when idle, and threads."""
    log = folder / "server.log"
    synced = lines_of(log, "synced")
    with subprocess.Popen(
        [Path(sys.executable).with_name("crmlink"), "serve", "--port", "0"],
        env=os.environ | {"CRMLINK_DATA_DIR": str(folder)}, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout
            welcome = re.search(r"crmlink runs at (\S+)", server.stdout.readline())
            assert welcome
            requests.get(f"{welcome[1]}/log-in", timeout=60).raise_for_status()
            fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            took = sum(map(int, fields[11:15])) / TICKS  # its ended children's too
            while lines_of(log, "synced") == synced:
                time.sleep(0.5)
            time.sleep(QUIET_SECONDS)
            status = Path(f"/proc/{server.pid}/status").read_text()
        finally:
            server.terminate()
    kilobytes, threads = (re.search(rf"{name}:\s+(\d+)", status) for name in ("VmRSS", "Threads"))
    assert kilobytes
    assert threads
    return took, int(kilobytes[1]) // 1024, int(threads[1])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for which in ("first start", "started again"):
            took, megabytes, threads = start_and_read(Path(folder))
            print(f"{which}: first answer after {took:.1f} s of a core, "
                  f"idle {megabytes} MB, {threads} threads", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
