"""A process killed again and again in the middle of a long run: nothing lost, doubled or wrong."""

import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import requests

from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import open_installation
from crmlink.store import MirroredRecord
from faults.gate import RequestGate, gated
from faults.killable_writers import Job, naive_priors, naive_writer, safe_priors, safe_writer
from faults.processes import processes
from support.faulty_sandbox.app import create_faulty_sandbox
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to

ANSWERS_LOST = 0.05
MAX_PUTS, MAX_PAUSE = 10, 0.05  # of a run: how many begin, and seconds after that
Writer = Callable[[Job, Connection], None]


@dataclass
class GatedSandbox(SandboxHandle):
    """A sandbox, and the gate in front of it."""

    gate: RequestGate


@pytest.fixture
def sandbox_with_faults() -> Iterator[GatedSandbox]:
    """A sandbox with some sixteen hundred customers, a share of whose answers get lost."""
    with gated(create_faulty_sandbox(1_600, 5)) as (address, gate):
        yield GatedSandbox(address, lambda: None, gate)


def prepare(folder: Path, sandbox_with_faults: SandboxHandle, links: int) -> Job:
    """The first ``links`` records of the mirror, each to get a reference of its own."""
    job = Job(folder, sandbox_with_faults.address, ())
    installation = open_installation(
        job.settings,
        CommusoftClient(connection_to(sandbox_with_faults.address), limits=FAST_LIMITS),
    )
    installation.workspace.sync()
    command_line_actor(installation.access)
    with installation.database.reading() as session:
        rows = session.query(MirroredRecord).filter_by(kind="customer").limit(links).all()
    installation.close()
    names = random.Random(7)
    wanted = tuple(
        (row.public_id, row.reference, str(uuid.UUID(int=names.getrandbits(128), version=4)))
        for row in rows
    )
    assert len(wanted) == links
    assert any(present for _, present, _ in wanted)
    requests.post(
        f"{sandbox_with_faults.address}/sandbox/faults",
        json={"fault": "lost", "method": "PUT", "share": ANSWERS_LOST},
        timeout=30,
    ).raise_for_status()
    return Job(folder, sandbox_with_faults.address, wanted)


def write_with_kills(write_list: Writer, job: Job, kills: int, gate: RequestGate) -> int:
    """Start one writer after the other, killing each at a random moment; returns how many were.

    The first dies when Commusoft has done its first PUT and has not answered.
    """
    context = processes()
    moments = random.Random(11)
    first = gate.hold(job.wanted[0][0])
    killed = 0
    while True:
        ours, theirs = context.Pipe()
        process = context.Process(target=write_list, args=(job, theirs))
        process.start()
        theirs.close()
        finished = False
        try:
            assert ours.recv() == "working"
            if killed == 0:
                first.wait()
                first.carry_out()
            elif killed < kills:
                finished = ends_before(ours, gate, gate.puts + moments.randint(0, MAX_PUTS))
                finished = finished or ours.poll(moments.uniform(0, MAX_PAUSE))
            else:
                finished = ours.poll(300)
            finished = finished and ours.recv() == "done"
        except EOFError:
            pytest.fail(f"a writer ended by itself, exit code {process.exitcode}")
        process.kill()
        process.join()
        first.release()
        if finished:
            return killed
        killed += 1


def ends_before(writer: Connection, gate: RequestGate, puts: int) -> bool:
    """Wait until Commusoft has had so many PUTs; True when the writer says something before."""
    while gate.puts < puts:
        if writer.poll(0.002):
            return True
    return False


def judge(
    job: Job, priors: dict[str, str | None], sandbox_with_faults: SandboxHandle
) -> dict[str, list[Any]]:
    """What went wrong, by kind of wrong; empty lists when nothing did."""
    writes = requests.get(f"{sandbox_with_faults.address}/sandbox/writes", timeout=30).json()[
        "writes"
    ]
    puts = Counter(write["record"] for write in writes)
    held = {
        record.id: record.reference for record in sandbox_with_faults.other_user.records("customer")
    }
    return {
        "lost": [item for item in job.wanted if held[item[0]] != item[2] or item[0] not in priors],
        "doubled": [record_id for record_id, count in puts.items() if count > 1],
        "wrong prior": [item for item in job.wanted if priors.get(item[0]) != item[1]],
    }


def test_two_hundred_kills_lose_nothing_double_nothing_and_remember_what_stood_there(
    tmp_path: Path, sandbox_with_faults: GatedSandbox
) -> None:
    job = prepare(tmp_path, sandbox_with_faults, 1_500)
    killed = write_with_kills(safe_writer, job, kills=200, gate=sandbox_with_faults.gate)
    print(f"{killed} kills in a run of {len(job.wanted)} links")
    assert killed >= 150
    assert judge(job, safe_priors(job), sandbox_with_faults) == {
        "lost": [],
        "doubled": [],
        "wrong prior": [],
    }
    with closing(sqlite3.connect(tmp_path / "crmlink.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_same_kills_catch_a_loop_that_notes_too_late(
    tmp_path: Path, sandbox_with_faults: GatedSandbox
) -> None:
    job = prepare(tmp_path, sandbox_with_faults, 400)
    write_with_kills(naive_writer, job, kills=60, gate=sandbox_with_faults.gate)
    assert judge(job, naive_priors(job), sandbox_with_faults)["wrong prior"]
