"""What a process holds of many firms' records, how soon another firm answers, what policies cost.

    PYTHONPATH=tests python -m bench.firms [--postgresql]

Seeded made-up records. Each first question is a whole request to a process that has asked nothing
of the firm, without sockets.
"""

from __future__ import annotations

import argparse
import gc
import logging
import re
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from bench.server import KEY, fill, requests_of
from bench.uk import contacts, records
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.installation import Installation, open_installation
from crmlink.linking.index_maker import IndexMaker
from crmlink.linking.index_memory import IndexMemory
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.matching import Matcher
from crmlink.process_memory import return_freed_memory
from crmlink.settings import Settings
from support.postgresql_server import running_postgresql

SIZES = (2_000, 10_000)
FIRMS, OF_EACH = 40, 2_000
ROUNDS, ASKED = 8, 50
BESIDE_SECONDS = 5.0
MEGABYTE = 2**20


def resident() -> float:
    """Megabytes of memory of this process."""
    gc.collect()
    return_freed_memory()
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


def first_question(settings: Settings, asked: list[Any]) -> tuple[float, float]:
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


def measure_policies(settings: Settings) -> None:
    """Print what requests take with and without PostgreSQL's policies, in turn."""
    installation = opened(settings)
    role = installation.database._role
    assert role.name, "the database's user may not make the role"
    calls = requests_of(installation, settings, contacts(records(10_000, 5), ASKED, 6)[0])
    name = role.name
    took = {(call, each): float("inf") for call in calls for each in (name, "")}
    for _ in range(ROUNDS):
        for call, each in took:
            role.name = each
            began = time.monotonic()
            for number in range(ASKED):
                calls[call](number)
            took[call, each] = min(took[call, each], (time.monotonic() - began) * 1_000 / ASKED)
    role.name = name
    for call in calls:
        bound, free = took[call, name], took[call, ""]
        print(f"{call:18s} {bound:.2f} ms with policies, {free:.2f} without")
    installation.close()


def measure_ahead(settings: Settings) -> None:
    """Print what a machine's file of a firm takes, and what requests take while it is made.

    It is made with what requests leave of the cores, so on full ones no round sees its end.
    """
    installation = opened(settings)
    files = installation.database.index_files
    assert files
    file = files.of(installation.workspace.public_connection_id)
    calls = requests_of(installation, settings, contacts(records(10_000, 5), ASKED, 6)[0])
    ask = calls["POST /suggestions"]
    ask(0)

    def ask_for(took: list[float], goes_on: Callable[[], bool]) -> None:
        end = time.monotonic() + BESIDE_SECONDS
        while time.monotonic() < end and goes_on():
            took.append(timed(lambda: ask(len(took) % ASKED))[0] * 1_000)

    alone: list[float] = []
    beside: list[float] = []
    finished = 0
    for _ in range(ROUNDS):
        ask_for(alone, lambda: True)
        file.unlink(missing_ok=True)
        stop = threading.Event()
        maker = IndexMaker(installation.database, stop.is_set)
        making = threading.Thread(target=maker.make_files)
        making.start()
        ask_for(beside, making.is_alive)
        stop.set()
        making.join()
        finished += file.exists()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{finished} of {ROUNDS} files made within {BESIDE_SECONDS:.0f} s beside requests:"
        f" {(used.ru_utime + used.ru_stime) / ROUNDS:.1f} s of a core each round, in a process with"
        f" {used.ru_maxrss / 1_024:.0f} MB at most"
    )
    for each, name in ((sorted(alone), "alone"), (sorted(beside), "while it is made")):
        p50, p95 = each[len(each) // 2], each[len(each) * 95 // 100]
        print(f"POST /suggestions {name}: p50 {p50:.1f}, p95 {p95:.1f} ms ({len(each)})")
    held = LiveMatcher(installation.database, installation.workspace.connection_id, files)
    file.unlink(missing_ok=True)
    made = timed(held.matcher)[1] + timed(held.save)[1]
    print(f"a file of {file.stat().st_size / MEGABYTE:.1f} MB: {made:.1f} s of a core")
    held = LiveMatcher(installation.database, installation.workspace.connection_id, files)
    read, all_ = timed(lambda: Matcher().load_file(file))[1], timed(held.matcher)[1]
    print(
        f"an index from its file: {all_:.2f} s of a core, {read:.2f} of it without comparing rows"
    )
    installation.close()


def settings_in(folder: str, address: str) -> Settings:
    return Settings(
        data_dir=Path(folder),
        database_url=address or f"sqlite:///{folder}/crmlink.sqlite",
        secret_key=KEY,
        requests_per_minute=1_000_000,
        commusoft=Connection("http://127.0.0.1:1", *["bench"] * 4),
    )


def on_postgresql() -> None:
    with running_postgresql() as address, tempfile.TemporaryDirectory() as folder:
        url = address.format("postgres").replace("postgresql://", "postgresql+psycopg://")
        settings = settings_in(folder, url)
        measure_firm(settings, 10_000)
        measure_ahead(settings)
        measure_policies(settings)


def on_sqlite() -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_in(folder, "")
            measure_firm(settings, size)
            if size == OF_EACH:
                for bound in (32, 1_000):
                    measure_bound(settings, bound)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if parser.parse_args().postgresql:
        on_postgresql()
    else:
        on_sqlite()
    return 0


if __name__ == "__main__":
    sys.exit(main())
