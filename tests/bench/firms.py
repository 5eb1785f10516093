"""What a process holds of many firms' records, and how soon a firm that was not asked answers.

    PYTHONPATH=tests python -m bench.firms [--postgresql ADDRESS]

Seeded made-up records. Each first question is a whole request to a process that has asked nothing
of the firm, without sockets. PostgreSQL's database has to be empty.
"""

from __future__ import annotations

import argparse
import gc
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from bench.server import KEY, fill, requests_of
from bench.uk import contacts, records
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.installation import Installation, open_installation
from crmlink.linking.index_memory import IndexMemory
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.settings import Settings

SIZES = (2_000, 10_000, 50_000)
FIRMS, OF_EACH = 40, 2_000
MEGABYTE = 2**20


def resident() -> float:
    """Megabytes of memory of this process."""
    gc.collect()
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    assert found, "only Linux says so"
    return int(found[1]) / 1_024


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes by the clock, and of a core."""
    began, of_core = time.monotonic(), time.process_time()
    call()
    return time.monotonic() - began, time.process_time() - of_core


def opened(settings: Settings) -> Installation:
    assert settings.commusoft
    return open_installation(settings, CommusoftClient(settings.commusoft))


def first_question(settings: Settings, asked: list[tuple[str, object]]) -> tuple[float, float]:
    """What the first question takes in an installation that was just opened."""
    installation = opened(settings)
    ask = requests_of(installation, settings, asked)["POST /suggestions"]
    took = timed(lambda: ask(0))
    installation.close()
    return took


def measure_firm(settings: Settings, size: int) -> None:
    """Print how soon a firm of this size answers, and what its index takes."""
    held = records(size, 5)
    asked = contacts(held, 10, 6)[0]
    installation = opened(settings)
    fill(installation, held)
    installation.close()
    anew = first_question(settings, asked)
    again = first_question(settings, asked)
    installation = opened(settings)
    before = resident()
    matcher = installation.workspace.index.matcher()
    matcher.warm_up()
    grown = resident() - before
    print(
        f"{size:6,} records: first question {again[0]:.2f} s ({again[1]:.2f} of a core), without a"
        f" file {anew[0]:.2f} s ({anew[1]:.2f}); index {matcher.memory() / MEGABYTE:.0f} MB by"
        f" estimate, {grown:.0f} MB more of the process"
    )
    installation.close()


def measure_bound(settings: Settings, bound: int) -> None:
    """Print what 40 firms take within a bound, each asked in turn, two times."""
    installation = opened(settings)
    ctx = installation.workspace
    memory = IndexMemory(bound * MEGABYTE)
    firms = [
        LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files, memory)
        for _ in range(FIRMS)
    ]
    before, times = resident(), []
    for _ in range(2):
        times += [timed(firm.matcher)[0] for firm in firms]
    print(
        f"{FIRMS} firms of {OF_EACH:,}, bound {bound:,} MB: {resident() - before:.0f} MB more,"
        f" {memory.size / MEGABYTE:.0f} by estimate; a firm in turn {max(times[FIRMS:]):.2f} s at"
        f" most, {sorted(times[FIRMS:])[FIRMS // 2]:.3f} s in the middle"
    )
    installation.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", default="", help="address of an empty database")
    address = parser.parse_args().postgresql
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for size in SIZES if not address else (10_000,):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(
                data_dir=Path(folder), database_url=address or f"sqlite:///{folder}/crmlink.sqlite",
                secret_key=KEY, requests_per_minute=1_000_000,
                commusoft=Connection("http://127.0.0.1:1", *["bench"] * 4),
            )  # fmt: skip
            measure_firm(settings, size)
            if size == OF_EACH:
                for bound in (32, 1_000):
                    measure_bound(replace(settings, index_memory=bound * MEGABYTE), bound)
    return 0


if __name__ == "__main__":
    sys.exit(main())
