"""Whole lists, measured from end to end.

    PYTHONPATH=tests python -m bench.batches match [--contacts 10000] [--records 100000]
    PYTHONPATH=tests python -m bench.batches write [--contacts 3000] [--per-second 10000]
                                                   [--before 0]

`match` puts made-up records and contacts into a database, matches the list as the worker does, and
reports seconds by the clock, the memory of all processes together, and how many *sure* rows are
wrong. `write` links a list to the sandbox, which plays Commusoft in a process of its own, and
reports the rate, how memory grows with the rows written, and what the API takes idle and meanwhile.
With --before it is the end of a long list: so many rows are made as if they were linked already.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

import requests
import structlog
from sqlalchemy import select
from waitress.server import create_server

from bench.filling import add_written, insert_rows
from bench.lists import _family, _held_by
from bench.uk import contacts, records
from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.batches.control import start_writing
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.progress import overview, summary
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    MirroredRecord,
    Verdict,
    WorkspaceConnection,
)
from crmlink.values.contact_details import ContactDetails
from faults.shared_installation import sandbox_process
from support.access_factories import make_token
from support.sandbox import connection_to

NOWHERE = "http://127.0.0.1:9"
SAMPLED_EVERY = 0.5  # seconds
WARM = 300  # rows written before memory counts
WARM_ROUNDS, IDLE_ROUNDS, BUSY_ROUNDS = 10, 60, 60
SINGLE_LINKS = 12  # of each round's kind: linked by people, idle and meanwhile


def match(wanted: int, held: int) -> None:
    """Prints what matching takes."""
    known = records(held, 15)
    asked, truth = contacts(known, wanted, 16, once=True)
    with _installation(NOWHERE, ClientLimits()) as installation:
        _fill_mirror(installation, known)
        device_id = command_line_actor(installation.access).device.id
        batch_id, ids = _draft(installation, device_id, asked)
        start_matching(installation.workspace, device_id, batch_id, 0.998)
        before = _held_by(os.getpid())
        with _sampled() as most:
            started, busy = time.perf_counter(), sum(os.times()[:4])
            assert match_waiting(installation.workspace) == 1
            took, core = time.perf_counter() - started, sum(os.times()[:4]) - busy
        found = overview(installation.workspace, batch_id)
        verdicts = {verdict.value: number for verdict, number in found.counts.verdicts.items()}
        print(f"{wanted} contacts against {held} records: {took:.0f} s, {core:.0f} s of a core")
        print(f"  memory at most {max(most):.0f} MB in all, {max(most) - before:.0f} MB more")
        print(f"  verdicts {verdicts}, share with a record {found.batch.share:.3f}")
        _print_sure(installation, batch_id, ids, truth)


def _print_sure(installation: Installation, batch_id: str, ids: Sequence[str], truth: Any) -> None:
    query = select(BatchRow.position, BatchRow.best).where(
        BatchRow.batch_id == batch_id, BatchRow.verdict == Verdict.SURE
    )
    with installation.database.reading() as session:
        sure = session.execute(query).all()
    wrong = 0
    for position, best in sure:
        right = {_number(one) for one in truth.get(ids[position - 1], ())}
        wrong += _number(best or "") not in right
    print(f"  {len(sure)} sure, {wrong} of them wrong")


def write(wanted: int, per_second: float, before: int) -> None:
    """Prints what writing takes, and what it leaves to people."""
    limits = ClientLimits(max_per_second=per_second, max_concurrent=4)
    with (
        sandbox_process(int(wanted * 1.35) + 200) as address,
        _installation(address, limits) as installation,
    ):
        started = time.perf_counter()
        installation.workspace.sync()
        installation.workspace.index.matcher().warm_up()
        print(f"mirror filled in {time.perf_counter() - started:.0f} s")
        device_id = command_line_actor(installation.access).device.id
        free = _free_records(installation)
        batch_id = _accepted(installation, device_id, free[:wanted])
        add_written(installation, device_id, batch_id, range(wanted, wanted + before))
        singles = iter(free[wanted : wanted + 2 * SINGLE_LINKS])
        with _served(installation) as client:
            _latencies(client, iter(()), batch_id, WARM_ROUNDS, lambda: True)
            start_writing(
                installation.workspace,
                device_id,
                batch_id,
                summary(installation.workspace, batch_id).to_link,
            )
            hand = threading.Thread(target=write_waiting, args=(installation.workspace,))
            began, of_core = time.perf_counter(), time.process_time()
            hand.start()
            watch = _Memory(installation, batch_id, hand)
            busy = _latencies(client, singles, batch_id, BUSY_ROUNDS, hand.is_alive)
            hand.join()
            took, of_core = time.perf_counter() - began, time.process_time() - of_core
            watch.join()
            idle = _latencies(client, singles, batch_id, IDLE_ROUNDS, lambda: True)
        done = overview(installation.workspace, batch_id)
        states = {state.value: number for state, number in done.counts.states.items()}
        print(f"{wanted} rows in {took:.0f} s, {wanted / took:.1f} a second, "
              f"{1000 * of_core / wanted:.1f} ms of a core a row with the requests: "
              f"{states}")  # fmt: skip
        watch.tell()
        for name in idle:
            quiet, loud = idle[name], busy.get(name, [])
            if loud:
                print(f"  {name:22s} idle p50 {_p(quiet, 50)} p95 {_p(quiet, 95)} ms, "
                      f"meanwhile p50 {_p(loud, 50)} p95 {_p(loud, 95)} ms, "
                      f"ratio of p50 {statistics.median(loud) / statistics.median(quiet):.2f} "
                      f"({len(loud)} times)")  # fmt: skip


class _Memory(threading.Thread):
    """Notes how many rows are written and what this process holds, until the writing ends."""

    def __init__(self, installation: Installation, batch_id: str, hand: threading.Thread) -> None:
        super().__init__()
        self._installation, self._batch_id, self._hand = installation, batch_id, hand
        self._seen: list[tuple[int, float]] = []
        self.start()

    def run(self) -> None:
        while self._hand.is_alive():
            done = overview(self._installation.workspace, self._batch_id).progress.done
            self._seen.append((done, _held_by(os.getpid())))
            self._hand.join(2)

    def tell(self) -> None:
        seen = [one for one in self._seen if one[0] >= WARM]
        later = seen[len(seen) // 2 :]  # what a process grows to once is behind it then
        if len({rows for rows, _ in later}) < 2:
            print("  too short a list to tell how memory grows")
            return
        grown = max(megabytes for _, megabytes in seen) - seen[0][1]
        print(f"  memory: {seen[0][1]:.0f} MB after {seen[0][0]} rows, at most {grown:.1f} MB more")
        slope, _ = statistics.linear_regression(*zip(*later, strict=True))
        print(f"  in the second half {1000 * slope:.2f} MB for 1,000 rows")
        summary = ", ".join(
            f"{held:.0f} at {rows}" for rows, held in seen[:: max(1, len(seen) // 8)]
        )
        print(f"  MB at rows written: {summary}")


def _latencies(
    client: _Client, singles: Iterator[str], batch_id: str, rounds: int, going: Callable[[], bool]
) -> dict[str, list[float]]:
    """Milliseconds of each kind of request, as a person's browser sends them."""
    took: dict[str, list[float]] = {}
    linked = list(islice(singles, SINGLE_LINKS))
    for number in range(rounds):
        if not going():
            break
        calls = {
            "suggestions": partial(client.post, "suggestions", _contact(number)),
            "records?q=": partial(client.get, "records?q=smith"),
            "links?limit=50": partial(client.get, "links?limit=50"),
            "batches/ID": partial(client.get, f"batches/{batch_id}"),
        }
        if number % 5 == 0 and linked:
            calls["POST links (4 calls)"] = partial(client.link, linked.pop())
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            took.setdefault(name, []).append(1000 * (time.perf_counter() - started))
        time.sleep(0.1)
    return took


def _contact(number: int) -> dict[str, Any]:
    return {
        "package": "sage_50", "reference": f"ZZ{number}", "kind": "customer",
        "name": "John Smith", "postcode": "HG4 1AB",
    }  # fmt: skip


@dataclass(frozen=True)
class _Client:
    address: str
    token: str
    session: requests.Session

    def get(self, path: str) -> None:
        self._ask("GET", path)

    def post(self, path: str, body: Any) -> None:
        self._ask("POST", path, json=body)

    def link(self, record_id: str) -> None:
        body = {"package": "xero", "kind": "customer", "reference": str(uuid.uuid4()),
                "record_id": record_id, "connection_id": self.connection_id}  # fmt: skip
        self._ask("POST", "links", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})

    @cached_property
    def connection_id(self) -> str:
        """The connection that every decision names; asked for once."""
        headers = {"Authorization": f"Bearer {self.token}"}
        reply = self.session.get(f"{self.address}/api/v1/workspace", headers=headers, timeout=60)
        return str(reply.json()["connection_id"])

    def _ask(self, method: str, path: str, **more: Any) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        self.session.request(
            method, f"{self.address}/api/v1/{path}", headers=headers, timeout=60, **more
        ).raise_for_status()


@contextmanager
def _served(installation: Installation) -> Iterator[_Client]:
    server = create_server(create_app(installation.settings, installation), port=0, threads=8)
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    token = make_token(installation.access, "suggest", "link", "read", "batch")
    with requests.Session() as session:
        yield _Client(f"http://127.0.0.1:{server.effective_port}", token, session)
    server.close()


@contextmanager
def _installation(address: str, limits: ClientLimits) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            database_url=f"sqlite:///{folder}/crmlink.sqlite",
            secret_key=secrets.token_urlsafe(48),
            commusoft=connection_to(address),
            requests_per_minute=1_000_000,
        )
        installation = open_installation(
            settings, CommusoftClient(connection_to(address), limits=limits)
        )
        yield installation
        installation.close()


@contextmanager
def _sampled() -> Iterator[list[float]]:
    """What this process and all below it hold together, over and over, in MB."""
    seen, over = [0.0], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLED_EVERY):
            seen.append(sum(map(_held_by, _family(os.getpid()))))

    watch = threading.Thread(target=sample)
    watch.start()
    yield seen
    over.set()
    watch.join()


def _fill_mirror(installation: Installation, known: Sequence[tuple[str, ContactDetails]]) -> None:
    rows = (
        _fields(details) | {
            "connection_id": installation.workspace.connection_id, "kind": "customer",
            "number": _number(number), "mirror_version": 1,
        }
        for number, details in known
    )  # fmt: skip
    insert_rows(installation, MirroredRecord, rows)
    with installation.database.writing() as session:
        session.get_one(
            WorkspaceConnection, installation.workspace.connection_id
        ).mirror_version = 1


def _draft(
    installation: Installation, device_id: int, asked: Sequence[tuple[str, ContactDetails]]
) -> tuple[str, list[str]]:
    """A batch of contacts; its id, and the contacts' by position."""
    batch_id = _batch(installation, device_id, BatchState.DRAFT)
    rows = (
        _fields(details) | {
            "batch_id": batch_id, "position": position, "kind": "customer",
            "reference": f"R{position}", "name": details.company or details.person,
            "person": details.person,
        }
        for position, (_, details) in enumerate(asked, 1)
    )  # fmt: skip
    insert_rows(installation, BatchRow, rows)
    return batch_id, [contact_id for contact_id, _ in asked]


def _accepted(installation: Installation, device_id: int, record_ids: Sequence[str]) -> str:
    """A batch under review of which every row is accepted."""
    batch_id = _batch(installation, device_id, BatchState.REVIEW)
    rows = (
        {
            "batch_id": batch_id, "position": position, "kind": "customer",
            "reference": f"R{position}", "name": f"Contact {position}", "choice": Choice.RECORD,
            "record_id": record_id, "verdict": Verdict.SURE, "best": record_id,
        }
        for position, record_id in enumerate(record_ids, 1)
    )  # fmt: skip
    insert_rows(installation, BatchRow, rows)
    return batch_id


def _batch(installation: Installation, device_id: int, state: BatchState) -> str:
    with installation.database.writing() as session:
        batch = Batch(
            connection_id=installation.workspace.connection_id, device_id=device_id,
            package="sage_50", organisation="", kind="customer", state=state,
        )  # fmt: skip
        session.add(batch)
        session.flush()
        return batch.id


def _free_records(installation: Installation) -> list[str]:
    free = select(MirroredRecord).filter_by(kind="customer", reference=None, deleted_at=None)
    with installation.database.reading() as session:
        return [row.public_id for row in session.scalars(free.order_by(MirroredRecord.id))]


def _fields(details: ContactDetails) -> dict[str, Any]:
    fields = asdict(details)
    del fields["kind"]
    return fields | {"phones": list(details.phones)}


def _number(record_id: str) -> str:
    return "".join(filter(str.isdigit, record_id)) or record_id


def _p(times: Sequence[float], percent: int) -> str:
    ordered = sorted(times)
    return f"{ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("match", "write"))
    parser.add_argument("--contacts", type=int)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--per-second", type=float, default=10_000.0)
    parser.add_argument("--before", type=int, default=0, help="rows that were linked before")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if given.what == "match":
        match(given.contacts or 10_000, given.records)
    else:
        write(given.contacts or 3_000, given.per_second, given.before)


if __name__ == "__main__":
    main()
