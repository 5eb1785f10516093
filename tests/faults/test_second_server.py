"""A second real ``crmlink serve`` beside one that is in the middle of a PUT."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from browsers.real_services import PreparedService, Service, ServiceFailed, _environment, wait_until
from crmlink.access.context import AccessContext
from crmlink.store import AuditSigner, Database, Link, LinkState, Workspace
from faults.gate import RequestGate, gated_sandbox
from support.access_factories import make_token
from support.sandbox import HOLLOWAY, SandboxHandle, new_key

RECORD = "customer-1001"
SECRET = "k" * 20 + "0123456789abcdefghijklmnopqrs"


@dataclass
class Firm:
    """Where servers of one database can be started, and its Commusoft with a gate."""

    folder: Path
    database_url: str
    commusoft: SandboxHandle
    gate: RequestGate
    started: list[Service] = field(default_factory=list)

    def server(self, name: str) -> Service:
        """A server, not started; on SQLite all share one data folder."""
        place = self.folder / name
        place.mkdir()
        sqlite = self.database_url.startswith("sqlite")
        data = (self.folder if sqlite else place) / "data"
        environment = _environment(data, self.commusoft.address) | {
            "CRMLINK_SECRET_KEY": SECRET,
            "CRMLINK_COMMUSOFT_PER_SECOND": "200",
        }
        if not sqlite:
            environment["CRMLINK_DATABASE_URL"] = self.database_url
        service = PreparedService("serve", place, environment)
        self.started.append(service)
        return service

    def database(self) -> Database:
        sqlite = self.database_url.startswith("sqlite")
        return Database(
            f"sqlite:///{self.folder / 'data' / 'crmlink.sqlite'}" if sqlite else self.database_url,
            signer=AuditSigner.of(SECRET, self.folder / "data"),
        )

    def links(self) -> list[Link]:
        database = self.database()
        with database.reading() as session:
            found = list(session.scalars(select(Link).order_by(Link.created_at)))
        database.close()
        return found

    def token(self) -> str:
        database = self.database()
        with database.reading() as session:
            workspace_id = session.scalars(select(Workspace.id)).one()
        token = make_token(AccessContext(database, workspace_id, SECRET))
        database.close()
        return token


@pytest.fixture
def firm(database_url: str, tmp_path: Path) -> Iterator[Firm]:
    with gated_sandbox() as (address, gate):
        opened = Firm(tmp_path, database_url, SandboxHandle(address, lambda: None), gate)
        yield opened
        gate.open()
        for service in opened.started:
            service.stop()


@dataclass
class Caller:
    """A script that calls one server."""

    server: Service
    token: str

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(
            f"{self.server.address}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": new_key()},
            timeout=60,
        )

    def get(self, path: str) -> Any:
        answer = requests.get(
            f"{self.server.address}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    def link(self) -> requests.Response:
        wish = {
            "package": "xero", "organisation": "!kR4N6", "kind": "customer",
            "reference": HOLLOWAY, "contact_name": "Margaret Holloway", "record_id": RECORD,
            "connection_id": self.get("workspace")["connection_id"],
        }  # fmt: skip
        return self.post("links", wish)


def first_server(firm: Firm) -> Caller:
    """A server that has its copy of the records."""
    server = firm.server("first")
    server.start()
    caller = Caller(server, firm.token())
    wait_until(lambda: caller.get("workspace")["mirror"]["synced_at"], "the records are copied")
    return caller


def in_background(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def logged(folder: Path, event: str) -> bool:
    log = folder / "server.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return any(json.loads(line).get("event") == event for line in lines if line.startswith("{"))


def agree(firm: Firm) -> None:
    """Commusoft holds what crmlink says that it holds."""
    first = firm.links()[0]
    said = first.target if first.state is LinkState.LINKED else first.prior
    assert first.state in (LinkState.LINKED, LinkState.UNDONE), first.state
    assert firm.commusoft.reference(RECORD) == said, first.state


def test_a_second_server_and_an_undo_while_a_put_is_on_its_way_leave_both_sides_agreed(
    firm: Firm,
) -> None:
    first = first_server(firm)
    put = firm.gate.hold(RECORD)
    asking = in_background(first.link)
    put.wait()
    second = firm.server("second")
    undoer = first
    try:
        second.start()
        undoer = Caller(second, first.token)
        folder = Path(second.environment["CRMLINK_DATA_DIR"])
        wait_until(lambda: logged(folder, "synced"), "the second server is at work")
        until = time.monotonic() + 2  # in which it would take over what it should leave
        while firm.links()[0].state is LinkState.INTENDED and time.monotonic() < until:
            time.sleep(0.05)
    except ServiceFailed:
        assert firm.database_url.startswith("sqlite")
        assert "Error: A crmlink server is already using" in second.said()
    link = firm.links()[0]
    undone = undoer.post(f"links/{link.id}/undo", {})
    put.release()
    asking.join(60)
    wait_until(lambda: firm.links()[0].state is not LinkState.INTENDED, "the link ends")
    agree(firm)
    assert undone.status_code == 409
