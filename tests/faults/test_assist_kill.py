"""A real server killed in the middle of a link that a person writes on Commusoft's page.

Nothing is called linked that the page did not show, whatever the server lived to answer; the next
visit of the page settles it, once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from browsers.real_services import PreparedService, wait_until
from crmlink.access.audit.check import verify_audit
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import AuditEntry, Link
from faults.stopping_server import FOLDER, Step, Stop
from support.access_factories import make_token
from support.page_links import open_pages_installation
from support.sandbox import HOLLOWAY, new_key

RECORD = "customer-1001"
STEPS: tuple[Step, ...] = ("arrived", "written", "committed")


@dataclass
class KillableServer:
    """A firm without an API, and its server: killed at a step, and started again."""

    settings: Settings
    server: PreparedService
    stop: Stop
    token: str
    connection_id: str

    def ask(self, method: str, path: str, json: Any = None, key: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        address = f"{self.server.address}/api/v1{path}"
        return requests.request(method, address, json=json, headers=headers, timeout=60)

    def decide(self, key: str) -> requests.Response:
        body = {
            "package": "xero", "organisation": "!kR4N6", "kind": "customer",
            "reference": HOLLOWAY, "record_id": RECORD, "connection_id": self.connection_id,
        }  # fmt: skip
        return self.ask("POST", "/links", body, key)

    def tell(self, link_id: str, stage: str, value: str | None) -> requests.Response:
        body = {"connection_id": self.connection_id, "stage": stage, "value": value}
        return self.ask("POST", f"/links/{link_id}/observations", body)

    def withdraw(self, link_id: str) -> requests.Response:
        return self.ask("POST", f"/links/{link_id}/withdraw", {"connection_id": self.connection_id})

    def undo(self, link_id: str, key: str) -> requests.Response:
        return self.ask("POST", f"/links/{link_id}/undo", {}, key)

    def state(self, link_id: str) -> str:
        return str(self.ask("GET", f"/links/{link_id}").json()["state"])

    def killed_at(self, request: str, step: Step, send: Any, *arguments: Any) -> None:
        """Send a request whose server dies at a step of it, and start the next server."""
        self.stop.at(request, step)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send, *arguments)
            wait_until(self.stop.is_reached, f"the {request} is {step}", self.server.said)
            self.server.stop(signal.SIGKILL)
            assert isinstance(sent.exception(), requests.ConnectionError), "it was answered"
        self.stop.take_back()
        self.server.start()

    def opened(self) -> closing[Installation]:
        """The firm's database beside the server."""
        return closing(open_installation(self.settings))


@contextmanager
def running_server(tmp_path: Path, database_url: str, program: str) -> Iterator[KillableServer]:
    data, words = tmp_path / "data", tmp_path / "words"
    data.mkdir(mode=0o700)
    words.mkdir()
    with open_pages_installation(data, database_url) as installation:
        settings = installation.settings
        token = make_token(installation.access, "link", "read", "suggest")
        connection_id = installation.workspace.public_connection_id
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    environment = inherited | {
        "CRMLINK_DATA_DIR": str(data), "CRMLINK_DATABASE_URL": database_url,
        "CRMLINK_SECRET_KEY": settings.secret_key, FOLDER: str(words),
    }  # fmt: skip
    server = PreparedService("serve", tmp_path, environment, f"faults.stopping_server:{program}")
    server.start()
    try:
        yield KillableServer(settings, server, Stop(words), token, connection_id)
    finally:
        server.stop(signal.SIGKILL)


@pytest.fixture
def killable(tmp_path: Path, database_url: str) -> Iterator[KillableServer]:
    with running_server(tmp_path, database_url, "main") as running:
        yield running


def assert_settled_once(killable: KillableServer, link_id: str, action: str) -> None:
    """One link, one line of the audit that ends it, and an audit that holds."""
    with killable.opened() as installation:
        with installation.database.reading() as session:
            lines = session.scalars(select(AuditEntry).filter_by(action=action)).all()
            links = session.scalars(select(Link.id).filter_by(undoes_id=None)).all()
        verdict = verify_audit(installation.database, installation.access.workspace_id)
    assert links == [link_id]
    assert [line.details["link"] for line in lines] == [link_id]
    assert verdict.findings == ()


def test_a_decision_is_kept_once_and_called_linked_by_no_death_of_the_server(
    killable: KillableServer,
) -> None:
    key = new_key()
    for step in STEPS:
        killable.killed_at("decision", step, killable.decide, key)
    made = killable.decide(key)
    assert (made.status_code, made.json()["state"]) == (202, "intended")
    link_id = made.json()["id"]
    assert killable.tell(link_id, "before", None).json()["fill"] is True
    assert_settled_once(killable, link_id, "link.intended")


def test_what_the_page_showed_counts_once_the_server_lived_to_keep_it(
    killable: KillableServer,
) -> None:
    link_id = killable.decide(new_key()).json()["id"]
    killable.tell(link_id, "before", None)
    for step in ("arrived", "written"):
        killable.killed_at("observation", step, killable.tell, link_id, "after", HOLLOWAY)
        assert killable.state(link_id) == "intended"
    killable.killed_at("observation", "committed", killable.tell, link_id, "after", HOLLOWAY)
    assert killable.state(link_id) == "linked"
    again = killable.tell(link_id, "after", HOLLOWAY)
    assert (again.status_code, again.json()["state"]) == (200, "linked")
    assert_settled_once(killable, link_id, "link.linked")


def test_a_page_closed_before_it_was_saved_or_read_is_settled_at_the_next_visit(
    killable: KillableServer,
) -> None:
    """Filled and never saved: it stays open. Saved and never read: the next look links it."""
    link_id = killable.decide(new_key()).json()["id"]
    killable.killed_at("observation", "committed", killable.tell, link_id, "before", None)
    assert killable.state(link_id) == "intended"
    assert killable.tell(link_id, "after", None).json()["failure"]["type"].endswith("not-seen-yet")
    killable.killed_at("observation", "written", killable.tell, link_id, "before", HOLLOWAY)
    assert killable.state(link_id) == "intended"
    assert killable.tell(link_id, "before", HOLLOWAY).json()["state"] == "linked"
    assert_settled_once(killable, link_id, "link.linked")


def test_a_server_that_believes_without_a_look_is_found_out(
    tmp_path: Path, database_url: str
) -> None:
    """The broken twin: every observation links, whatever the page showed."""
    with running_server(tmp_path, database_url, "credulous") as killable:
        link_id = killable.decide(new_key()).json()["id"]
        killable.killed_at("observation", "committed", killable.tell, link_id, "before", None)
        with pytest.raises(AssertionError):
            assert killable.state(link_id) == "intended"


def test_an_undo_and_a_withdrawal_outlive_the_server_too(killable: KillableServer) -> None:
    link_id = killable.decide(new_key()).json()["id"]
    killable.tell(link_id, "after", HOLLOWAY)
    key = new_key()
    killable.killed_at("decision", "committed", killable.undo, link_id, key)
    back = killable.undo(link_id, key).json()
    assert (back["state"], killable.state(link_id)) == ("intended", "linked")
    killable.killed_at("withdrawal", "written", killable.withdraw, back["id"])
    assert killable.state(back["id"]) == "intended"
    killable.killed_at("withdrawal", "committed", killable.withdraw, back["id"])
    assert (killable.state(back["id"]), killable.state(link_id)) == (
        "failed",
        "linked",
    )
    assert killable.withdraw(back["id"]).json()["state"] == "failed"
    second = killable.undo(link_id, new_key()).json()
    killable.killed_at("observation", "written", killable.tell, second["id"], "after", None)
    assert killable.state(link_id) == "linked"
    assert killable.tell(second["id"], "after", None).json()["state"] == "linked"
    assert killable.state(link_id) == "undone"
