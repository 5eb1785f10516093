"""A list is written by two workers, with two web servers, while each of them and PostgreSQL dies.

`make faults-grown` plays it with a list of 20,000.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmlink.store import BatchState
from faults.grown import Machines, opened_machines

CONTACTS = int(os.environ.get("GROWN_CONTACTS", "100"))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with opened_machines(tmp_path, CONTACTS) as opened:
        yield opened


def lose_worker(machines: Machines, number: int) -> None:
    worker = machines.workers[number]
    machines.kill(worker)
    machines.count_dead()
    worker.start()


def lose_web(machines: Machines) -> None:
    machines.kill(machines.webs[1])
    machines.webs[1].start()


def restart_in_turn(machines: Machines) -> None:
    """As for a new version: one after the other, with the signal that lets them finish."""
    for service in (*machines.workers, *machines.webs):
        service.stop(signal.SIGTERM)
        service.start()


FAULTS: tuple[Callable[[Machines], None], ...] = (
    lambda machines: lose_worker(machines, 0),
    lambda machines: machines.kill_one_web_process(machines.webs[0]),
    lambda machines: lose_worker(machines, 1),
    lambda machines: machines.restart_postgresql(signal.SIGINT),
    lose_web,
    lambda machines: machines.restart_postgresql(signal.SIGQUIT),
    restart_in_turn,
)


def test_nothing_is_lost_or_written_twice_whichever_process_dies(machines: Machines) -> None:
    machines.start()
    machines.ask(machines.webs[1], "POST", "/write", json={"contacts": len(machines.wanted)})
    for place, fault in enumerate(FAULTS, 1):
        machines.wait_for_share(place / (len(FAULTS) + 2))
        fault(machines)
    machines.wait_for(BatchState.DONE)
    machines.assert_written_once()
