"""A real ``crmlink serve`` that is killed while it writes a list and while it undoes it.

Whatever had reached Commusoft by then, the undo of the list finds every link of it. SQLite alone:
on PostgreSQL a killed server's work is free only when it has been silent for a minute.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from browsers.real_services import Service, _environment, wait_until
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import BatchRow, BatchState, Link, LinkState, RowState
from faults.gate import HeldPut, PutGate
from support.access_factories import make_token
from support.batch_factories import accepted, lines_of
from support.faulty_sandbox.app import create_faulty_sandbox
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to

CONTACTS = 8
LOOK_INTERVAL = 0.3  # seconds between two looks: a server takes so many requests only
SLOW = 10.0  # seconds that Commusoft takes to show the first record
SECRET = "k" * 20 + "0123456789abcdefghijklmnopqrs"


@dataclass
class Firm:
    """A list that is accepted, a Commusoft that can be held, and servers to be killed."""

    folder: Path
    commusoft: SandboxHandle
    gate: PutGate
    batch_id: str = ""
    token: str = ""
    records: list[str] = field(default_factory=list)
    server: Service | None = None

    def open(self) -> Installation:
        data = self.folder / "data"
        account = connection_to(self.commusoft.address)
        settings = Settings(
            data_dir=data,
            database_url=f"sqlite:///{data / 'crmlink.sqlite'}",
            secret_key=SECRET,
            commusoft=account,
        )
        return open_installation(settings, CommusoftClient(account, limits=FAST_LIMITS))

    def prepare(self) -> None:
        installation = self.open()
        ctx = installation.workspace
        ctx.sync()
        device_id = command_line_actor(installation.access).device.id
        self.batch_id = accepted(ctx, device_id, lines_of(ctx, CONTACTS))
        self.token = make_token(installation.access, "batch", "read", "link", "suggest")
        self.records = [row.record_id or "" for row in self.rows(installation) if row.record_id]
        installation.close()

    def rows(self, installation: Installation) -> list[BatchRow]:
        with installation.database.reading() as session:
            return session.query(BatchRow).order_by(BatchRow.position).all()

    def start(self, at_once: int) -> None:
        environment = _environment(self.folder / "data", self.commusoft.address) | {
            "CRMLINK_SECRET_KEY": SECRET,
            "CRMLINK_COMMUSOFT_PER_SECOND": "1000",
            "CRMLINK_COMMUSOFT_AT_ONCE": str(at_once),
        }
        self.server = Service("serve", self.folder, environment)
        self.server.start()

    def kill(self, put: HeldPut, step: str) -> None:
        """End the server when this PUT has arrived, or when Commusoft has done it unheard."""
        assert self.server
        put.wait()
        if step == "done":
            put.carry_out()
        self.server.stop(signal.SIGKILL)
        put.release()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        assert self.server
        reply = requests.request(
            method,
            f"{self.server.address}/api/v1/batches/{self.batch_id}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            **more,
        )
        assert reply.ok, reply.text
        return reply.json()

    def slow_down(self, record_id: str) -> None:
        fault = {
            "fault": "latency", "method": "GET", "seconds": SLOW,
            "path": f"/customers/{record_id.removeprefix('customer-')}",
        }  # fmt: skip
        requests.post(
            f"{self.commusoft.address}/sandbox/faults", json=fault, timeout=10
        ).raise_for_status()

    def slowed_down(self) -> int:
        """How often somebody was made to wait."""
        time.sleep(LOOK_INTERVAL)
        reply = requests.get(f"{self.commusoft.address}/sandbox/faults", timeout=10)
        return sum(fault["struck"] for fault in reply.json()["standing"])

    def speed_up(self) -> None:
        requests.delete(f"{self.commusoft.address}/sandbox/faults", timeout=10)

    def is_put_back(self) -> bool:
        """Whether the server gave the first row up, and the rows behind it with it."""
        time.sleep(LOOK_INTERVAL)
        first = min(self.ask("GET", "/rows")["rows"], key=lambda row: row["position"])
        return bool(first["state"] in (RowState.IDLE, RowState.WAITING))

    def state(self) -> str:
        time.sleep(LOOK_INTERVAL)
        return str(self.ask("GET", "")["state"])


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    application = create_faulty_sandbox(CONTACTS + 60, 5)
    gate = PutGate(application.wsgi_app)
    application.wsgi_app = gate  # type: ignore[method-assign, assignment] # Flask's way
    (tmp_path / "data").mkdir(mode=0o700)
    with SandboxServer(application) as sandbox:
        opened = Firm(tmp_path, SandboxHandle(sandbox.url, lambda: None), gate)
        opened.prepare()
        yield opened
        gate.open()
        if opened.server:
            opened.server.stop(signal.SIGKILL)


@pytest.mark.parametrize(("step", "stop"), [("done", "cancel"), ("arrived", "pause")])
def test_every_link_of_a_list_is_undone_whatever_its_servers_lived_to_note(
    firm: Firm, step: str, stop: str
) -> None:
    first, landed = firm.records[:2]
    firm.slow_down(first)  # so that its row is taken, before the others, and has no link yet
    put = firm.gate.hold(landed)
    firm.start(at_once=4)
    firm.ask("POST", "/write", json={"contacts": len(firm.records)})
    firm.kill(put, step)

    before = firm.slowed_down()
    firm.start(at_once=2)  # the slow row comes first, and the others wait for it
    wait_until(lambda: firm.slowed_down() > before, "the next server has taken the rows up")
    firm.ask("POST", f"/{stop}")
    wait_until(firm.is_put_back, "the rows are put back")
    put = firm.gate.hold(landed)
    firm.ask("POST", "/undo")
    firm.kill(put, step)

    firm.speed_up()
    firm.start(at_once=4)
    wait_until(lambda: firm.state() == BatchState.UNDONE, "the list is undone")
    installation = firm.open()
    with installation.database.reading() as session:
        left = session.query(Link).filter(
            Link.undoes_id.is_(None), Link.state != LinkState.UNDONE
        ).all()  # fmt: skip
    installation.close()
    assert left == []
    assert {firm.commusoft.reference(record_id) for record_id in firm.records} == {None}
