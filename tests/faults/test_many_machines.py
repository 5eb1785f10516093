"""A list is written by two workers, with two web servers, while each of them and PostgreSQL dies.

They are at four addresses, their clocks are 5 s apart, their lines to PostgreSQL are cut, and a
newer version replaces them one by one. `make faults-grown` plays it with a list of 20,000 and cuts
of 30 s; GROWN_SEED orders the faults differently and chooses other victims.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmlink.store import BatchState
from faults.cut_line import Cut
from faults.grown import Machines, opened_machines

CONTACTS = int(os.environ.get("GROWN_CONTACTS", "120"))
CUT_SECONDS = float(os.environ.get("GROWN_CUT", "3"))
SEED = int(os.environ.get("GROWN_SEED", "17"))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with opened_machines(tmp_path, CONTACTS) as opened:
        opened.chance.seed(SEED)
        yield opened


def lose_worker(machines: Machines) -> None:
    worker = machines.chance.choice(machines.workers)
    machines.kill(worker)
    machines.count_dead()
    worker.start()


def lose_web(machines: Machines) -> None:
    web = machines.chance.choice(machines.webs)
    machines.kill(web)
    web.start()


def lose_web_process(machines: Machines) -> None:
    machines.kill_one_web_process(machines.chance.choice(machines.webs))


def cut_off(machines: Machines, how: Cut) -> None:
    machine = machines.chance.choice([*machines.workers, *machines.webs])
    machines.cut(machine, how, CUT_SECONDS)


FAULTS: tuple[Callable[[Machines], None], ...] = (
    lose_worker,
    lose_web_process,
    lambda machines: cut_off(machines, Cut.SILENT),
    lambda machines: cut_off(machines, Cut.RESET),
    lose_worker,
    lambda machines: machines.restart_postgresql(signal.SIGINT),
    lose_web,
    lambda machines: machines.restart_postgresql(signal.SIGQUIT),
    lambda machines: cut_off(machines, Cut.SILENT),
    Machines.restart_with_newer_version,
)


def test_nothing_is_lost_or_written_twice_whatever_fails(machines: Machines) -> None:
    order = list(FAULTS)
    machines.chance.shuffle(order)
    machines.start()
    machines.ask(machines.webs[1], "POST", "/write", json={"contacts": len(machines.wanted)})
    for place, fault in enumerate(order, 1):
        machines.wait_for_share(place / (len(order) + 2))
        fault(machines)
    machines.wait_for(BatchState.DONE)
    machines.assert_written_once()
