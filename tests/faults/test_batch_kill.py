"""A server that is killed again and again while it writes a whole list: nothing lost or doubled."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from crmlink.access.devices import command_line_actor
from crmlink.batches.progress import overview
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.store import BatchRow, BatchState, Link, LinkState, RowState
from faults.killable_lists import (
    ListInstallation,
    Writer,
    ending_half_checked,
    ending_unchecked,
    ending_unsettled,
    reading_back,
    write_list,
    write_list_believing,
    write_list_with_new_keys,
)
from faults.processes import processes
from support.batch_factories import asked_for, lines_of
from support.faulty_sandbox.app import create_faulty_sandbox
from support.sandbox import FAST_LIMITS, SandboxHandle

CONTACTS, KILLS = 250, 15
MAX_RUN_SECONDS = 0.9  # seconds from the moment that it writes
ANSWERS_LOST = 0.05


@pytest.fixture
def sandbox_with_faults() -> Iterator[SandboxHandle]:
    with SandboxServer(create_faulty_sandbox(CONTACTS + 150, 5)) as server:
        yield SandboxHandle(server.url, lambda: None)


@pytest.fixture
def listed(tmp_path: Path, sandbox_with_faults: SandboxHandle) -> ListInstallation:
    """A list that waits to be written, to a Commusoft some of whose answers get lost."""
    where = ListInstallation(tmp_path, sandbox_with_faults.address, FAST_LIMITS)
    return waiting_list(where, CONTACTS, {"fault": "lost", "method": "PUT", "share": ANSWERS_LOST})


def waiting_list(where: ListInstallation, contacts: int, fault: dict[str, Any]) -> ListInstallation:
    """The listed with a list of so many contacts, and a Commusoft with a fault."""
    installation = where.open()
    installation.workspace.sync()
    device_id = command_line_actor(installation.access).device.id
    batch_id = asked_for(
        installation.workspace, device_id, lines_of(installation.workspace, contacts)
    )
    installation.close()
    url = f"{where.sandbox}/sandbox/faults"
    requests.post(url, json=fault, timeout=30).raise_for_status()
    return replace(where, batch_id=batch_id)


def write_with_kills(listed: ListInstallation, kills: int = KILLS) -> int:
    """One run after the other, each killed at a random moment; returns how many were."""
    moments, killed = random.Random(5), 0
    while True:
        ours, theirs = processes().Pipe()
        process = processes().Process(target=write_list, args=(listed, theirs))
        process.start()
        theirs.close()
        assert ours.recv() == "working"
        limit = moments.uniform(0.02, MAX_RUN_SECONDS) if killed < kills else 200
        finished = ours.poll(limit) and ours.recv() == "done"
        process.kill()
        process.join()
        if finished:
            return killed
        killed += 1


def write_with_ends(listed: ListInstallation, ends: Sequence[Writer], last: Writer) -> int:
    """Runs that each end by a kill of their own, then the last one; returns how many were."""
    killed = 0
    for run in (*ends, last):
        ours, theirs = processes().Pipe()
        process = processes().Process(target=run, args=(listed, theirs))
        process.start()
        theirs.close()
        with suppress(EOFError):
            assert ours.recv() == "working"
            ours.recv()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    return killed


def claims(
    listed: ListInstallation, sandbox_with_faults: SandboxHandle
) -> tuple[Counter[RowState], dict[str, int]]:
    """What the rows say at the end, and what is wrong in that by kind of wrong.

    A PUT that was not kept may be sent again where its worker died before it knew the answer.
    """
    held = {
        record.id: record.reference for record in sandbox_with_faults.other_user.records("customer")
    }
    installation = listed.open()
    with installation.database.reading() as session:
        rows = session.query(BatchRow).filter(BatchRow.record_id.is_not(None)).all()
        links = session.query(Link).all()
    installation.close()
    states = Counter(row.state for row in rows)
    kept = [row for row in rows if held[row.record_id or ""] == row.reference]
    wrong = Counter(
        claimed=sum(row.state is RowState.SUCCESSFUL and row not in kept for row in rows),
        not_told=sum(row.state is not RowState.SUCCESSFUL for row in kept),
        open=len(rows) - states[RowState.SUCCESSFUL] - states[RowState.FAILED],
        linked_twice=len(links) - len({link.record_id for link in links}),
    )
    return states, {name: count for name, count in wrong.items() if count}


def judge(listed: ListInstallation, sandbox_with_faults: SandboxHandle) -> dict[str, int]:
    """What went wrong, by kind of wrong; nothing when nothing did."""
    writes = requests.get(f"{sandbox_with_faults.address}/sandbox/writes", timeout=30).json()[
        "writes"
    ]
    puts = Counter(write["record"] for write in writes)
    held = {
        record.id: record.reference for record in sandbox_with_faults.other_user.records("customer")
    }
    installation = listed.open()
    with installation.database.reading() as session:
        rows = session.query(BatchRow).filter(BatchRow.record_id.is_not(None)).all()
        links = {link.id: link for link in session.query(Link)}
    found = overview(installation.workspace, listed.batch_id)
    installation.close()
    assert len(rows) > CONTACTS // 2
    linked = [links[row.link_id or ""] for row in rows if row.state is RowState.SUCCESSFUL]
    wrong = Counter(
        lost=sum(held[row.record_id or ""] != row.reference for row in rows),
        not_told=len(rows) - len(linked),
        written_twice=sum(count > 1 for count in puts.values()),
        linked_twice=len(links) - len(rows),
        wrong_prior=sum(link.prior is not None for link in linked),
        not_linked=sum(link.state is not LinkState.LINKED for link in linked),
        not_done=int(found.batch.state is not BatchState.DONE),
        miscounted=abs(found.progress.done - len(rows)),
    )
    return {name: count for name, count in wrong.items() if count}


def test_fifteen_kills_lose_nothing_and_double_nothing(
    listed: ListInstallation, sandbox_with_faults: SandboxHandle
) -> None:
    killed = write_with_kills(listed)
    print(f"{killed} kills in a list of {CONTACTS}")
    assert killed >= KILLS // 2
    assert judge(listed, sandbox_with_faults) == {}


def test_kills_right_before_a_row_tells_of_its_link_double_nothing(
    listed: ListInstallation, sandbox_with_faults: SandboxHandle
) -> None:
    alone = partial(reading_back, write_list)
    ends = [partial(ending_unsettled, rest) for rest in (alone, write_list, alone, write_list)]
    assert write_with_ends(listed, ends, write_list) == len(ends)
    assert judge(listed, sandbox_with_faults) == {}


def test_the_same_kills_catch_a_worker_that_forgets_its_keys(
    listed: ListInstallation, sandbox_with_faults: SandboxHandle
) -> None:
    """At a moment when its link is settled and its row is not: no chance is left to it."""
    forgetful = partial(reading_back, write_list_with_new_keys)
    write_with_ends(listed, [partial(ending_unsettled, forgetful)], forgetful)
    assert "linked_twice" in judge(listed, sandbox_with_faults)


@pytest.fixture
def small(
    tmp_path: Path, sandbox_with_faults: SandboxHandle, database_url: str
) -> ListInstallation:
    """A short list on either database, to a Commusoft that says yes and keeps some PUTs only.

    Few at once: what is in progress at a kill is settled by the next run, and no list checks it.
    """
    limits = replace(FAST_LIMITS, max_concurrent=5)
    where = ListInstallation(
        tmp_path, sandbox_with_faults.address, limits, database_url=database_url
    )
    return waiting_list(where, 60, {"fault": "dropped", "method": "PUT", "share": 0.2})


def test_kills_between_a_put_and_its_check_claim_nothing(
    small: ListInstallation, sandbox_with_faults: SandboxHandle
) -> None:
    ends = [ending_unchecked, ending_half_checked, ending_unchecked, ending_half_checked]
    assert write_with_ends(small, [partial(end, write_list) for end in ends], write_list) == len(
        ends
    )
    states, wrong = claims(small, sandbox_with_faults)
    assert wrong == {}
    assert states[RowState.SUCCESSFUL] > states[RowState.FAILED] > 0


def test_the_same_kills_catch_a_worker_that_believes_its_puts(
    small: ListInstallation, sandbox_with_faults: SandboxHandle
) -> None:
    write_with_ends(small, [partial(ending_unsettled, write_list_believing)], write_list_believing)
    assert "claimed" in claims(small, sandbox_with_faults)[1]
