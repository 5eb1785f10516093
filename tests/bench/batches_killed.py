"""A very long list written to the sandbox by a server that is killed on the way.

    PYTHONPATH=tests python -m bench.batches_killed [--contacts 100000] [--kills 3] [--rows 5000]

Each run but the last ends by SIGKILL in the middle of its part; with --rows, the last one too,
once so many rows of the list are written. Prints how the memory of each run grew with the rows
it wrote, and whether anything was lost, doubled or miscounted at the end.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import requests
import structlog
from sqlalchemy import func, select

from bench.batches import _accepted, _free_records
from bench.lists import _held_by
from crmlink.access.devices import command_line_actor
from crmlink.batches.control import start_writing
from crmlink.batches.progress import summary
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import Installation
from crmlink.linking.attempts import recover
from crmlink.store import (
    BatchRow,
    Link,
    LinkState,
    MirroredRecord,
    RowState,
)
from faults.killable_lists import ListInstallation, write_list
from faults.processes import processes
from faults.shared_installation import sandbox_process

SLOW_LIMITS = ClientLimits(max_per_second=10_000, max_concurrent=4, late_write_seconds=0)
SAMPLED_EVERY = 2.0  # seconds
WARM = 500  # rows of a run before its memory counts
ENDED = (RowState.SUCCESSFUL, RowState.FAILED)


def run(contacts: int, kills: int, rows: int) -> None:
    """Prints what became of it."""
    with (
        sandbox_process(int(contacts * 1.35) + 200) as address,
        tempfile.TemporaryDirectory() as folder,
    ):
        listed = _prepared(ListInstallation(Path(folder), address, SLOW_LIMITS), contacts)
        installation = listed.open()
        began, written = time.monotonic(), 0
        for number in range(1, kills + 2):
            ends_itself = number > kills and rows == contacts
            until = None if ends_itself else rows * number // (kills + 1)
            written = _one_run(installation, listed, until, written)
        took = time.monotonic() - began
        print(f"{written} of {contacts} rows in {took:.0f} s, {written / took:.0f} a second")
        installation.workspace.ownership.mark_servers_ended()
        recover(installation.workspace)
        print(f"  wrong after {kills} kills: {_wrong(installation, listed) or 'nothing'}")
        installation.close()


def _prepared(listed: ListInstallation, contacts: int) -> ListInstallation:
    installation = listed.open()
    installation.workspace.sync()
    device_id = command_line_actor(installation.access).device.id
    batch_id = _accepted(installation, device_id, _free_records(installation)[:contacts])
    start_writing(
        installation.workspace,
        device_id,
        batch_id,
        summary(installation.workspace, batch_id).to_link,
    )
    installation.close()
    return replace(listed, batch_id=batch_id)


def _one_run(
    installation: Installation, listed: ListInstallation, until: int | None, before: int
) -> int:
    """Rows written by now; killed once there are ``until``, else at its natural end."""
    ours, theirs = processes().Pipe()
    process = processes().Process(target=write_list, args=(listed, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "working"
    seen = []
    while not ours.poll(SAMPLED_EVERY):
        written = _written(installation, listed)
        if written - before >= WARM:
            seen.append((written, _held_by(process.pid or 0)))
        if until is not None and written >= until:
            break
    process.kill()
    process.join()
    if seen:
        first, most = seen[0], max(held for _, held in seen)
        print(f"  rows {first[0]} to {seen[-1][0]}: {first[1]:.0f} MB, "
              f"at most {most - first[1]:.1f} MB more", flush=True)  # fmt: skip
    return _written(installation, listed)


def _written(installation: Installation, listed: ListInstallation) -> int:
    with installation.database.reading() as session:
        count = select(func.count()).where(
            BatchRow.batch_id == listed.batch_id, BatchRow.state.in_(ENDED)
        )
        return session.scalar(count) or 0


def _wrong(installation: Installation, listed: ListInstallation) -> dict[str, int]:
    """What went wrong, by kind of wrong."""
    puts = _puts(listed.sandbox)
    installation.workspace.sync(full=True)
    wrong: Counter[str] = Counter(written_twice=sum(count > 1 for count in puts.values()))
    with installation.database.reading() as session:
        held = {
            f"customer-{number}": reference
            for number, reference in session.execute(
                select(MirroredRecord.number, MirroredRecord.reference).filter_by(kind="customer")
            )
        }
        links = {link.record_id: link for link in session.scalars(select(Link))}
        wrong["linked_twice"] = (session.scalar(select(func.count(Link.id))) or 0) - len(links)
    for row in _rows(installation, listed):
        link, stands = links.get(row.record_id or ""), held.get(row.record_id or "")
        wrong["failed"] += row.state is RowState.FAILED
        if row.state is RowState.SUCCESSFUL:
            wrong["lost"] += stands != row.reference
            wrong["not_linked"] += link is None or link.state is not LinkState.LINKED
        elif row.state is not RowState.PROCESSING:  # of those the next run would find out
            wrong["not_told"] += link is not None or stands == row.reference
    return {name: count for name, count in wrong.items() if count}


def _rows(installation: Installation, listed: ListInstallation) -> Iterator[BatchRow]:
    with installation.database.reading() as session:
        query = select(BatchRow).filter_by(batch_id=listed.batch_id)
        yield from session.scalars(query.execution_options(yield_per=1_000))


def _puts(sandbox: str) -> Counter[str]:
    writes = requests.get(f"{sandbox}/sandbox/writes", timeout=120).json()["writes"]
    return Counter(write["record"] for write in writes)


def _say_little() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--rows", type=int)
    given = parser.parse_args()
    _say_little()
    run(given.contacts, given.kills, given.rows or given.contacts)


if __name__ == "__main__":
    main()
