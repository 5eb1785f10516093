"""A real ``crmlink serve`` that is killed while it writes a list and while it undoes it.

Whatever had reached Commusoft by then, the undo of the list finds every link of it. Each step is
told by the sandbox, which holds the request: nothing here hangs on how fast a machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from browsers.real_services import wait_until
from crmlink.store import BatchState
from faults.gate import HeldRequest
from faults.killable_servers import Firm, opened_firm

CONTACTS = 13
# What the undo of one row asks of Commusoft: is the value still the link's, then the write. One
# list shows that many are undone, and the newest is read alone.
REQUESTS = ("GET", "PUT")
STEPS = ("arrived", "done", "answered")


@pytest.fixture
def firm(tmp_path: Path, database_url: str) -> Iterator[Firm]:
    with opened_firm(tmp_path, database_url, CONTACTS) as opened:
        yield opened


@pytest.mark.parametrize(("step", "stop"), [("done", "cancel"), ("arrived", "pause")])
def test_every_link_of_a_list_is_undone_whatever_its_servers_lived_to_note(
    firm: Firm, step: str, stop: str
) -> None:
    first, landed = firm.records[:2]
    # Its row is taken, before the others, and gets no link yet.
    slow = firm.gate.hold(first, "GET")
    put = firm.gate.hold(landed)
    firm.start(at_once=4)
    firm.ask("POST", "/write", json={"contacts": len(firm.records)})
    slow.wait()
    firm.kill(put, step)
    slow.release()

    slow = firm.gate.hold(first, "GET")
    firm.start(at_once=2)  # the slow row comes first, and the others wait for it
    slow.wait()
    firm.ask("POST", f"/{stop}")
    slow.release()
    wait_until(firm.is_put_back, "the rows are put back")
    put = firm.gate.hold(landed)
    firm.ask("POST", "/undo")
    firm.kill(put, step)

    firm.start(at_once=4)
    firm.wait_for(BatchState.UNDONE)
    firm.assert_nothing_is_left()


def test_a_list_is_undone_though_its_server_is_killed_at_every_step(firm: Firm) -> None:
    """One row after the other: the server dies at another step of each, and the next goes on."""
    firm.start(at_once=2)  # the worker leaves one of them to people
    firm.ask("POST", "/write", json={"contacts": len(firm.records)})
    firm.wait_for(BatchState.DONE)
    newest = firm.records[-1]
    rows = [(number, step) for number in range(1, len(REQUESTS) + 1) for step in STEPS]
    plan: list[tuple[Callable[[], HeldRequest], str]] = [
        (partial(firm.gate.hold, record, None, number), step)
        for record, (number, step) in zip(firm.records, rows, strict=False)
    ]
    plan.append((partial(firm.gate.hold_list, "customer", 2), "done"))  # after the sync's
    plan += [
        (partial(firm.gate.hold, newest, None, number), step)
        for number, step in zip((3, 1, 1), STEPS, strict=True)
    ]
    held = plan[0][0]()
    firm.ask("POST", "/undo")
    methods = []
    for place, (_, step) in enumerate(plan):
        firm.kill(held, step)
        methods.append(held.method)
        if place + 1 < len(plan):
            held = plan[place + 1][0]()
        firm.start(at_once=2)
    firm.wait_for(BatchState.UNDONE)
    assert methods == [*(REQUESTS[number - 1] for number, _ in rows), *["GET"] * 4]
    firm.assert_nothing_is_left()
