"""SIGTERM while a link is being written: it is answered, and another process finishes it."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from browsers.real_services import wait_until
from crmlink.linking.attempts import recover
from crmlink.store import Link, LinkState
from faults.grown import GRACE_SECONDS
from faults.killable_servers import Firm, opened_firm

TARGET = str(uuid.uuid4())
SERVERS = pytest.mark.parametrize(
    ("database_url", "command"),
    [("sqlite", "serve"), ("postgresql", "serve"), ("postgresql", "serve --processes 2")],
    indirect=["database_url"],
)


@pytest.fixture
def firm(tmp_path: Path, database_url: str) -> Iterator[Firm]:
    with opened_firm(tmp_path, database_url, 2) as opened:
        yield opened


def ask(firm: Firm, method: str, path: str, **more: Any) -> requests.Response:
    assert firm.server
    headers = {"Authorization": f"Bearer {firm.token}", "Idempotency-Key": "k" * 32}
    address = f"{firm.server.address}/api/v1{path}"
    return requests.request(method, address, headers=headers, timeout=90, **more)


def link(firm: Firm) -> requests.Response:
    body = {
        "package": "xero", "organisation": "!kR4N6", "kind": "customer", "reference": TARGET,
        "record_id": firm.records[0], "contact_name": "A",
        "connection_id": ask(firm, "GET", "/workspace").json()["connection_id"],
    }  # fmt: skip
    return ask(firm, "POST", "/links", json=body)


def refuses(firm: Firm) -> bool:
    """Whether the server takes no new connection."""
    assert firm.server
    try:
        requests.get(f"{firm.server.address}/healthz", timeout=5)
    except requests.ConnectionError:
        return True
    except requests.Timeout:
        return False
    return False


def stop_in_order(firm: Firm) -> int:
    assert firm.server
    assert firm.server.process
    return int(firm.server.process.wait(GRACE_SECONDS))


@SERVERS
def test_a_link_that_has_begun_is_answered_before_the_server_ends(firm: Firm, command: str) -> None:
    held = firm.gate.hold(firm.records[0])
    firm.start(4, command)
    assert firm.server
    assert firm.server.process
    with ThreadPoolExecutor(1) as clerk:
        reply = clerk.submit(link, firm)
        held.wait()
        firm.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(firm), "the server takes no new requests", firm.server.said)
        held.release()
        answered = reply.result(GRACE_SECONDS)
    assert (answered.status_code, answered.json()["state"]) == (201, "linked")
    assert stop_in_order(firm) == 0
    assert firm.commusoft.reference(firm.records[0]) == TARGET


@SERVERS
def test_a_link_that_takes_longer_than_a_stop_is_finished_by_another_process(
    firm: Firm, command: str
) -> None:
    held = firm.gate.hold(firm.records[0])
    firm.start(4, command)
    assert firm.server
    assert firm.server.process
    with ThreadPoolExecutor(1) as clerk:
        reply = clerk.submit(link, firm)
        held.wait()
        held.carry_out()
        firm.server.process.send_signal(signal.SIGTERM)
        assert stop_in_order(firm) == 0
        answered = reply.result(GRACE_SECONDS)
    assert (answered.status_code, answered.json()["state"]) == (202, "intended")
    held.release()
    firm.count_as_dead()
    firm.start(4)
    wait_until(lambda: state_of(firm) is LinkState.LINKED, "the link is finished")
    again = link(firm)
    assert (again.status_code, again.json()["state"]) == (201, "linked")
    assert firm.commusoft.reference(firm.records[0]) == TARGET
    assert firm.gate.puts == 1


def state_of(firm: Firm) -> LinkState:
    installation = firm.open()
    recover(installation.workspace)
    with installation.database.reading() as session:
        state = session.query(Link).one().state
    installation.close()
    return state
