"""Search as you type, through HTTP: what someone waits for who looks for a record.

    PYTHONPATH=tests python -m bench.typed [--records 100000]

A real `crmlink serve` in a process of its own, whose copy of Commusoft's records (SQLite) holds
made-up ones, is asked with a script's token for every beginning of what people type. Beside it
is the same database asked with LIKE, as it would be without an index. Times are by the clock,
so that busy neighbours count; beside them is what the server takes of a core.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import requests
from sqlalchemy import ColumnElement, or_, select

from bench.batches import NOWHERE, _fill_mirror, _installation
from bench.uk import records
from browsers.real_services import Service, _environment
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import Installation
from crmlink.store import MirroredRecord
from crmlink.values.contact_details import ContactDetails
from support.access_factories import make_token

Rows = list[tuple[str, ContactDetails]]
GOAL = 50.0  # ms at p95
PER_FIELD = 12  # records of which each field is typed
MAX_TYPED_LENGTH = 14  # letters typed
SHOWN = 20
LIKED = ("name", "company", "postcode", "address", "email", "account_number")


def all_within_goals(size: int = 100_000) -> bool:
    """Prints what searches take; whether nineteen in twenty are quick enough."""
    held = [
        (record_id, replace(details, account_number=f"{details.person[:3].upper()}{place:06d}"))
        for place, (record_id, details) in enumerate(records(size, 25))
    ]
    with _installation(NOWHERE, ClientLimits()) as installation:
        _fill_mirror(installation, held)
        token = make_token(installation.access, "suggest")
        with _served(installation) as server, requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            started = time.perf_counter()
            server.start()
            _suggested(session, server.address, held[0][1])
            ready = time.perf_counter() - started
            print(f"{size} records over HTTP: the first suggestion {ready:.1f} s after the start")
            session.get(f"{server.address}/api/v1/records", params={"q": "a"}).raise_for_status()
            return _measured(session, server, held, installation)


@contextmanager
def _served(installation: Installation) -> Iterator[Service]:
    settings = installation.settings
    more = {
        "CRMLINK_DATABASE_URL": settings.database_url,
        "CRMLINK_SECRET_KEY": settings.secret_key,
        "CRMLINK_REQUESTS_PER_MINUTE": str(settings.requests_per_minute),
    }
    server = Service("serve", settings.data_dir, _environment(settings.data_dir, NOWHERE) | more)
    try:
        yield server
    finally:
        server.stop()


def _suggested(session: requests.Session, address: str, details: ContactDetails) -> None:
    asked = {"package": "sage_50", "reference": "ZZ1", "kind": "customer", "name": details.person,
             "company": details.company, "postcode": details.postcode}  # fmt: skip
    session.post(f"{address}/api/v1/suggestions", json=asked, timeout=600).raise_for_status()


def _measured(
    session: requests.Session, server: Service, held: Rows, installation: Installation
) -> bool:
    address, every = f"{server.address}/api/v1/records", list[float]()
    before = _core(server)
    for field, texts in _typed(held):
        took = []
        for typed in texts:
            started = time.perf_counter()
            answer = session.get(address, params={"q": typed}, timeout=60)
            took.append(1000 * (time.perf_counter() - started))
            answer.raise_for_status()
        print(f"   {field:15s} {_percentiles(took)}", flush=True)
        every += took
    core = 1000 * (_core(server) - before) / len(every)
    print(f"   {'all':15s} {_percentiles(every)}; {core:.1f} ms of a core each on average")
    theirs = _liked(installation, [texts[-1] for _, texts in _typed(held)])
    p95 = float(np.percentile(every, 95))
    ratio = float(np.percentile(theirs, 95)) / p95
    print(f"   LIKE in the database, without HTTP: {_percentiles(theirs)}, {ratio:.1f} times ours")
    return p95 <= GOAL


def _core(server: Service) -> float:
    """The seconds of a core that the server has taken; 0 where that is not told."""
    try:
        stat = Path(f"/proc/{server.process.pid if server.process else 0}/stat").read_text("ascii")
    except OSError:
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _typed(held: Rows) -> Iterator[tuple[str, list[str]]]:
    """For each field what is in the box after each keystroke of some records' values."""
    draw = random.Random(3)
    for field in ("person", "company", "postcode", "phone", "account_number", "address", "email"):
        values: list[str] = []
        while len(values) < PER_FIELD:
            _, details = held[draw.randrange(len(held))]
            phone = details.phones[0] if details.phones else ""
            value = phone if field == "phone" else getattr(details, field)
            values += [value] if value else []
        beginnings = [
            value[:end].strip() for value in values for end in range(1, MAX_TYPED_LENGTH + 1)
        ]
        yield field, list(dict.fromkeys(beginnings))


def _liked(installation: Installation, texts: Sequence[str]) -> list[float]:
    took = []
    for text in texts:
        wanted: list[ColumnElement[bool]] = [
            getattr(MirroredRecord, field).ilike(f"%{text}%") for field in LIKED
        ]
        started = time.perf_counter()
        with installation.database.reading() as session:
            session.scalars(select(MirroredRecord).where(or_(*wanted)).limit(SHOWN)).all()
        took.append(1000 * (time.perf_counter() - started))
    return took


def _percentiles(milliseconds: list[float]) -> str:
    return "p50 {:5.1f} p95 {:5.1f} most {:5.1f} ms".format(
        *np.percentile(milliseconds, [50, 95, 100])
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=100_000)
    return 0 if all_within_goals(parser.parse_args().records) else 1


if __name__ == "__main__":
    sys.exit(main())
