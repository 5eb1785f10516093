"""A firm whose ``crmlink serve``, a process of its own, tests may kill at any request."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import delete, select

from browsers.real_services import PreparedService, _environment, wait_until
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import (
    BatchRow,
    BatchState,
    CommusoftPace,
    Link,
    LinkState,
    Process,
    RowState,
)
from faults.gate import HeldRequest, RequestGate, gated
from support.access_factories import make_token
from support.batch_factories import accepted, lines_of
from support.faulty_sandbox.app import create_faulty_sandbox
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to

POLL_INTERVAL = 0.3  # seconds between two looks: a server takes so many requests only
SERVER = "faults.server_command:main"
SECRET = "k" * 20 + "0123456789abcdefghijklmnopqrs"


@dataclass
class Firm:
    """A list that is accepted, a Commusoft that can be held, and servers to be killed."""

    folder: Path
    database_url: str
    commusoft: SandboxHandle
    gate: RequestGate
    batch_id: str = ""
    token: str = ""
    records: list[str] = field(default_factory=list)
    server: PreparedService | None = None

    def open(self) -> Installation:
        account = connection_to(self.commusoft.address)
        settings = Settings(
            data_dir=self.folder / "data",
            database_url=self.database_url,
            secret_key=SECRET,
            commusoft=account,
        )
        return open_installation(settings, CommusoftClient(account, limits=FAST_LIMITS))

    def prepare(self, contacts: int) -> None:
        installation = self.open()
        ctx = installation.workspace
        ctx.sync()
        device_id = command_line_actor(installation.access).device.id
        self.batch_id = accepted(ctx, device_id, lines_of(ctx, contacts))
        self.token = make_token(installation.access, "batch", "read", "link", "suggest")
        with installation.database.reading() as session:
            rows = session.scalars(select(BatchRow).order_by(BatchRow.position))
            self.records = [row.record_id for row in rows if row.record_id]
        installation.close()

    def start(self, at_once: int, command: str = "serve") -> None:
        environment = _environment(self.folder / "data", self.commusoft.address) | {
            "CRMLINK_DATABASE_URL": self.database_url,
            "CRMLINK_SECRET_KEY": SECRET,
            "CRMLINK_COMMUSOFT_PER_SECOND": "1000",
            "CRMLINK_COMMUSOFT_AT_ONCE": str(at_once),
        }
        self.server = PreparedService(command, self.folder, environment, SERVER)
        self.server.start()

    def kill(self, held: HeldRequest, step: str) -> None:
        """End the server when this request has arrived, is done unheard, or is answered.

        What Commusoft has received it carries out, though the one who asked is dead.
        """
        assert self.server
        held.wait()
        if step != "arrived":
            held.carry_out()
        if step == "answered":
            held.release()
        self.server.stop(signal.SIGKILL)
        held.release()
        self.count_as_dead()

    def count_as_dead(self) -> None:
        """Spare the minute of silence after which a server on PostgreSQL counts as dead.

        And the half minute for which its calls count, in which a row may or may not get its turn.
        """
        if self.database_url.startswith("sqlite"):
            return
        installation = self.open()
        with installation.database.writing() as session:
            session.execute(delete(Process))
            session.execute(delete(CommusoftPace))
        installation.close()

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

    def is_put_back(self) -> bool:
        """Whether the server gave the first row up, and the rows behind it with it."""
        time.sleep(POLL_INTERVAL)
        first = min(self.ask("GET", "/rows")["rows"], key=lambda row: row["position"])
        return bool(first["state"] in (RowState.IDLE, RowState.WAITING))

    def wait_for(self, state: BatchState) -> None:
        def is_there() -> bool:
            time.sleep(POLL_INTERVAL)
            return str(self.ask("GET", "")["state"]) == state

        wait_until(is_there, f"the list is {state.value}")

    def assert_nothing_is_left(self) -> None:
        """Every link is undone, in crmlink and in Commusoft, and no row says otherwise."""
        installation = self.open()
        with installation.database.reading() as session:
            left = session.query(Link).filter(
                Link.undoes_id.is_(None), Link.state != LinkState.UNDONE
            ).all()  # fmt: skip
            rows = session.query(BatchRow).filter(BatchRow.link_id.is_not(None)).all()
        installation.close()
        assert left == []
        assert {row.state for row in rows} == {RowState.UNDONE}
        assert {self.commusoft.reference(record_id) for record_id in self.records} == {None}


@contextmanager
def opened_firm(folder: Path, database_url: str, contacts: int) -> Iterator[Firm]:
    """Yield a firm with a list of so many contacts, accepted and not written."""
    (folder / "data").mkdir(mode=0o700)
    with gated(create_faulty_sandbox(contacts + 60, 5)) as (address, gate):
        firm = Firm(folder, database_url, SandboxHandle(address, lambda: None), gate)
        firm.prepare(contacts)
        try:
            yield firm
        finally:
            gate.open()
            if firm.server:
                firm.server.stop(signal.SIGKILL)
