"""Many firms on PostgreSQL: clerks' clicks and lists at once, by so many web processes.

    PYTHONPATH=tests python -m bench.grown [--firms 200] [--records 2000] [--seconds 60]

Three measurements on one installation: 500 clicks a minute while five firms' lists are written by
two workers (how long a click takes), then while one firm asks as fast as it can (fairness), and
how many clicks a second 1 to 4 web processes answer, beside the seconds of a core that they and
PostgreSQL took. The last is what `model` compares itself with. A click is a contact that is looked
at: `GET /workspace` and `POST /suggestions`; one in five is a link too. The sandbox plays Commusoft
in a process of its own; all firms have the same records there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg
import requests

from bench.grown_setup import FIRMS, Firm, Setup, opened
from bench.lists import _family
from browsers.real_services import PreparedService
from faults.grown import Machine

CLICKS_A_MINUTE = 500  # of FIRMS
LINKED_EVERY = 5  # clicks
TICK = os.sysconf("SC_CLK_TCK")
REFUSED_PAUSE = 0.1  # seconds, of a greedy device
OPENED_BY = 2  # clicks of each firm for each process, before any counts
AT_ONCE = 16  # clicks, where as many as possible are measured
AT_ONCE_OF_A_FIRM = 4  # more would be refused while other firms ask
UNLIMITED = "1000000"  # requests a minute
MIN_CLICKS = 2  # that a percentile needs
REST_SECONDS, AT_REST = 3.0, 0.1  # of a core at most, for so long
TARGET_FIRMS = 10_000


_sessions = threading.local()


def ask(address: str, firm: Firm, method: str, path: str, body: Any = None) -> requests.Response:
    if not hasattr(_sessions, "one"):
        _sessions.one = requests.Session()
    headers = {"Authorization": f"Bearer {firm.token}", "Idempotency-Key": os.urandom(8).hex()}
    reply: requests.Response = _sessions.one.request(
        method, f"{address}/api/v1{path}", json=body, headers=headers, timeout=120
    )
    return reply


def look(address: str, firm: Firm, contact: dict[str, Any]) -> None:
    """Look at a contact. Raises RuntimeError for any answer but 200."""
    asked = {name: value for name, value in contact.items() if name != "record_id"}
    for method, path, body in (("GET", "/workspace", None), ("POST", "/suggestions", asked)):
        reply = ask(address, firm, method, path, body)
        if reply.status_code != 200:
            raise RuntimeError(f"{path}: {reply.status_code} {reply.text[:200]}")


def click(address: str, firm: Firm) -> None:
    """Look at a firm's next contact, and link one in five. Raises RuntimeError."""
    number = next(firm.turn)
    contact = firm.contacts[number % len(firm.contacts)]
    look(address, firm, contact)
    if number % LINKED_EVERY == LINKED_EVERY - 1 and number < len(firm.contacts):
        decision = {
            name: contact[name] for name in ("package", "kind", "reference", "record_id")
        } | {"connection_id": firm.connection_id}
        reply = ask(address, firm, "POST", "/links", decision)
        if reply.status_code not in (200, 201, 202):
            raise RuntimeError(f"/links: {reply.status_code} {reply.text[:200]}")


def percentile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


@dataclass
class Clicks:
    """Seconds that clicks took, from the moment they were due."""

    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        p50, p95, p99 = (1_000 * percentile(self.took, share) for share in (0.5, 0.95, 0.99))
        failed = f", {len(self.failed)} failed ({self.failed[0]})" if self.failed else ""
        return f"{len(self.took)} clicks, p50 {p50:.0f} ms, p95 {p95:.0f}, p99 {p99:.0f}{failed}"


def clicks_by_the_clock(address: str, firms: Sequence[Firm], seconds: float) -> Clicks:
    """Click evenly over the firms, as often for each as 500 a minute for 200 are.

    A late answer delays no other click.
    """
    a_minute = CLICKS_A_MINUTE * len(firms) / FIRMS
    found, began, pause = Clicks(), time.monotonic(), 60 / a_minute

    def one(number: int) -> None:
        due = began + number * pause
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            click(address, firms[number * 7 % len(firms)])
        except (RuntimeError, requests.RequestException) as error:
            found.failed.append(str(error))
        found.took.append(time.monotonic() - due)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, range(max(MIN_CLICKS, int(seconds / pause)))))
    return found


@contextmanager
def greedy(address: str, firm: Firm) -> Iterator[list[int]]:
    """One firm's devices, which ask without a pause; yields the statuses of their answers."""
    stop, answers = threading.Event(), []

    def hurry(device: str) -> None:
        number, device_of = 0, replace(firm, token=device)
        while not stop.is_set():
            try:
                contact = firm.contacts[number % len(firm.contacts)]
                asked = {name: value for name, value in contact.items() if name != "record_id"}
                answers.append(ask(address, device_of, "POST", "/suggestions", asked).status_code)
            except requests.RequestException:
                answers.append(0)
            number += 1
            if answers[-1] != 200:
                time.sleep(REFUSED_PAUSE)

    workers = [threading.Thread(target=hurry, args=(each,), daemon=True) for each in firm.devices]
    for each in workers:
        each.start()
    yield answers
    stop.set()
    for each in workers:
        each.join()


def at_once(firms: Sequence[Firm], work: Callable[[Iterator[Firm]], None]) -> None:
    """Do the work AT_ONCE times at once, each with its share of the firms in turn, for ever."""
    workers = min(AT_ONCE, AT_ONCE_OF_A_FIRM * len(firms))
    with ThreadPoolExecutor(workers) as pool:
        shares = [firms[n::workers] or [firms[n % len(firms)]] for n in range(workers)]
        for future in [pool.submit(work, cycle(share)) for share in shares]:
            future.result()


def rate(address: str, firms: Sequence[Firm], seconds: float) -> tuple[float, float]:
    """Return clicks a second with AT_ONCE at once, and their p95 in seconds."""
    began, took = time.monotonic(), []

    def many(share: Iterator[Firm]) -> None:
        for firm in share:
            due = time.monotonic()
            if due > began + seconds:
                return
            look(address, firm, firm.contacts[next(firm.turn) % len(firm.contacts)])
            took.append(time.monotonic() - due)

    at_once(firms, many)
    return len(took) / (time.monotonic() - began), percentile(took, 0.95)


def core_seconds(pid: int) -> float:
    """Seconds of a core that a process and all below it have taken."""
    total = 0
    for each in _family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return total / TICK


def transactions(setup: Setup) -> int:
    with psycopg.connect(setup.postgresql.get_uri(), autocommit=True) as connection:
        row = connection.execute("SELECT sum(xact_commit) FROM pg_stat_database").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def web(setup: Setup, processes: int, **settings: str) -> Iterator[PreparedService]:
    """A server of so many processes, once it answers."""
    name = f"web{processes}-{time.monotonic_ns()}"
    command = "serve --processes " + str(processes)
    environment = setup.environment(name) | settings
    service = PreparedService(command, setup.folder, environment, name=name)
    service.start()
    try:
        yield service
    finally:
        service.stop()


@dataclass(frozen=True)
class Cores:
    """Seconds of a core of web processes and PostgreSQL, and its transactions."""

    web: float
    database: float
    transactions: float

    @classmethod
    def now(cls, setup: Setup, service: PreparedService) -> Cores:
        postgresql = setup.postgresql.get_pid()
        assert service.process
        assert postgresql
        return cls(core_seconds(service.process.pid), core_seconds(postgresql), transactions(setup))

    def since(self, setup: Setup, service: PreparedService, clicks: float) -> Cores:
        """Return what each click has taken since."""
        now = self.now(setup, service)
        return Cores(
            (now.web - self.web) / clicks,
            (now.database - self.database) / clicks,
            (now.transactions - self.transactions) / clicks,
        )

    def __str__(self) -> str:
        return (
            f"of a core {self.web * 1000:.1f} ms web and {self.database * 1000:.1f} ms PostgreSQL "
            f"a click, {self.transactions:.1f} transactions"
        )


@dataclass(frozen=True)
class Growth:
    """Clicks a second of so many web processes, and what each took."""

    processes: int
    clicks: float
    p95: float
    each: Cores


def open_firms(setup: Setup, service: PreparedService, processes: int) -> None:
    """Let most processes have most firms' indexes."""

    def some(share: Iterator[Firm]) -> None:
        for firm in islice(share, OPENED_BY * processes * -(-len(setup.firms) // AT_ONCE)):
            look(service.address, firm, firm.contacts[0])

    at_once(setup.firms, some)


def await_rest(service: PreparedService) -> None:
    """Wait for the background work of a start, which one process alone does itself."""
    assert service.process
    while True:
        before = core_seconds(service.process.pid)
        time.sleep(REST_SECONDS)
        if core_seconds(service.process.pid) - before < REST_SECONDS * AT_REST:
            return


def growth(setup: Setup, processes: int, seconds: float) -> Growth:
    with web(setup, processes, CRMLINK_REQUESTS_PER_MINUTE=UNLIMITED) as service:
        open_firms(setup, service, processes)
        await_rest(service)
        before, began = Cores.now(setup, service), time.monotonic()
        clicks, p95 = rate(service.address, setup.firms, seconds)
        done = clicks * (time.monotonic() - began)
        return Growth(processes, clicks, p95, before.since(setup, service, done))


def model(one: Growth, processes: int, cores: int) -> float:
    """Return the clicks a second to expect of so many processes.

    A process works on one core at a time; web, database and the one who asks share the cores.
    """
    return min(processes * one.clicks, cores / (1 / one.clicks + one.each.database))


def needed(one: Growth, firms: int) -> str:
    """Return what so many firms need, with as many clicks for each as were measured here."""
    a_second = firms * (CLICKS_A_MINUTE / FIRMS) / 60
    return (
        f"{firms:,} firms, {a_second:.0f} clicks a second: {a_second * one.each.web:.1f} cores for "
        f"web processes, {a_second * one.each.database:.1f} for PostgreSQL"
    )


def start_lists(setup: Setup, address: str) -> None:
    for firm, batch_id in setup.lists:
        found = ask(address, firm, "GET", f"/batches/{batch_id}/summary").json()
        body = {"contacts": found["to_link"]}
        reply = ask(address, firm, "POST", f"/batches/{batch_id}/write", body)
        if not reply.ok:
            raise RuntimeError(f"list: {reply.status_code} {reply.text[:200]}")


def written(setup: Setup, address: str) -> list[int]:
    """How many rows of each list Commusoft has accepted."""
    found = []
    for firm, batch_id in setup.lists:
        states = ask(address, firm, "GET", f"/batches/{batch_id}").json()["counts"]["states"]
        found.append(sum(states.get(state, 0) for state in ("written", "successful")))
    return found


def await_lists(setup: Setup, address: str) -> None:
    """Wait until every list is at its end."""
    for firm, batch_id in setup.lists:
        while ask(address, firm, "GET", f"/batches/{batch_id}").json()["state"] == "writing":
            time.sleep(REST_SECONDS)


def measure_use(setup: Setup, seconds: float) -> None:
    """Clicks and lists at once on two web processes and two workers; then one greedy firm."""
    with ExitStack() as exits:
        service = exits.enter_context(web(setup, 2))
        for number in (1, 2):
            name = f"worker{number}"
            worker = Machine("worker", setup.folder, setup.environment(name), name=name)
            worker.start()
            exits.callback(worker.stop)
        open_firms(setup, service, 2)
        cores = Cores.now(setup, service)
        quiet = clicks_by_the_clock(service.address, setup.firms, seconds / 2)
        of_each = cores.since(setup, service, len(quiet.took))
        print(f"clicks alone: {quiet}; {of_each}", flush=True)
        before, began = written(setup, service.address), time.monotonic()
        start_lists(setup, service.address)
        busy = clicks_by_the_clock(service.address, setup.firms, seconds)
        rows = [
            late - early
            for early, late in zip(before, written(setup, service.address), strict=True)
        ]
        print(f"beside {len(setup.lists)} lists: {busy}", flush=True)
        print(f"rows written in {time.monotonic() - began:.0f} s: {rows}", flush=True)
        others = setup.firms[:-1]
        if not others:
            return
        await_lists(setup, service.address)
        with greedy(service.address, setup.firms[-1]) as answers:
            hurried = clicks_by_the_clock(service.address, others, seconds / 2)
        ratio = percentile(hurried.took, 0.95) / percentile(quiet.took, 0.95)
        good = sum(each == 200 for each in answers)
        print(
            f"beside one greedy firm: {hurried}, {ratio:.1f} times p95 alone; it had "
            f"{good} answers and {len(answers) - good} refusals",
            flush=True,
        )


def measure_growth(setup: Setup, seconds: float) -> None:
    found = [growth(setup, processes, seconds) for processes in (1, 2, 4)]
    one, cores = found[0], len(os.sched_getaffinity(0))
    for each in found:
        print(
            f"{each.processes} web processes: {each.clicks:.1f} clicks a second "
            f"({each.clicks / one.clicks:.2f} times one), model "
            f"{model(one, each.processes, cores):.1f}, p95 {each.p95 * 1000:.0f} ms, {each.each}",
            flush=True,
        )
    print(needed(one, TARGET_FIRMS))


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("--firms", type=int, default=FIRMS)
    asked.add_argument("--records", type=int, default=2_000)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--only", choices=("use", "growth"))
    asked.add_argument("--wait-for", type=Path, help="start measuring once this file is there")
    chosen = asked.parse_args()
    began = time.monotonic()
    with opened(chosen.firms, chosen.records) as setup:
        print(f"{chosen.firms} firms made in {time.monotonic() - began:.0f} s", flush=True)
        while chosen.wait_for and not chosen.wait_for.exists():
            time.sleep(0.5)
        print(f"load {os.getloadavg()[0]:.1f}", flush=True)
        measures: dict[str, Callable[[Setup, float], None]] = {
            "use": measure_use,
            "growth": measure_growth,
        }
        for name, measure in measures.items():
            if chosen.only in (None, name):
                measure(setup, chosen.seconds if name == "use" else chosen.seconds / 3)
        print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
