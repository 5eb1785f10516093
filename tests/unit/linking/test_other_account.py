"""What was decided about a record of one Commusoft is never carried out in another.

Record ids are a kind and a number, which practice data and every account have alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.app import create_app
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.store import Link, MirroredRecord
from support.access_factories import make_person, make_token, with_token
from support.page_client import PageClient, signed_in_client, words
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key
from unit.linking.test_connection_change import account, actor, agreement, connect

RECORD = "customer-2001"  # Alasdair Robertson in practice, Angela Baker in the account
URL = f"https://go.xero.com/app/!kR4N6/contacts/contact/{HOLLOWAY}"


@pytest.fixture
def real() -> Iterator[SandboxHandle]:
    """An account whose records have the same ids and are other people."""
    with ExitStack() as exits:
        server = exits.enter_context(SandboxServer(create_sandbox(300, 12, seed=77)))
        yield SandboxHandle(server.url, exits.close)


@dataclass(frozen=True)
class Script:
    """A client of the API, as a popup or a script is one."""

    client: FlaskClient

    def connection_id(self) -> str:
        return str(self.client.get("/api/v1/workspace").get_json()["connection_id"])

    def link(self, **more: object) -> TestResponse:
        body = {
            "package": "xero", "organisation": "!kR4N6", "kind": "customer", "record_id": RECORD,
            "reference": HOLLOWAY,
        } | more  # fmt: skip
        return self.client.post("/api/v1/links", json=body, headers={"Idempotency-Key": new_key()})


@pytest.fixture
def app(practising: Installation) -> Flask:
    return create_app(practising.settings, practising)


@pytest.fixture
def script(app: Flask, practising: Installation) -> Script:
    return Script(with_token(app, make_token(practising.access, "suggest", "link", "read")))


@pytest.fixture
def clerk(app: Flask, practising: Installation) -> PageClient:
    return signed_in_client(app, practising, make_person(practising.access, "clerk", "Anna Pike"))


def label(installation: Installation) -> str:
    kind, _, number = RECORD.partition("-")
    with installation.database.reading() as session:
        row = session.query(MirroredRecord).filter_by(
            connection_id=installation.workspace.connection_id, kind=kind, number=number
        )
        return row.one().label


def change_over(installation: Installation, real: SandboxHandle) -> None:
    """Connect the real account, whose record of the same id is another person."""
    meant = label(installation)
    connect(installation, account(real), agreement(installation))
    installation.workspace.sync()
    assert label(installation) != meant


def test_a_decision_of_a_popup_that_was_open_is_refused(
    practising: Installation, real: SandboxHandle, script: Script
) -> None:
    before = script.connection_id()
    change_over(practising, real)
    reply = script.link(connection_id=before)
    assert real.reference(RECORD) is None
    assert reply.status_code == 409
    assert reply.get_json()["type"] == "urn:crmlink:problem:other-connection"
    assert "a different Commusoft account" in reply.get_json()["detail"]
    assert script.link(connection_id=script.connection_id()).status_code == 201
    assert real.reference(RECORD) == HOLLOWAY


def test_a_decision_that_names_no_connection_is_refused(
    practising: Installation, real: SandboxHandle, script: Script
) -> None:
    change_over(practising, real)
    reply = script.link()
    assert real.reference(RECORD) is None
    assert reply.status_code == 422
    assert "connection_id" in reply.get_json()["detail"]
    assert "GET /workspace" in reply.get_json()["detail"]


def test_everything_that_shows_records_says_whose_they_are(script: Script) -> None:
    here = script.connection_id()
    client = script.client
    contact = {"package": "xero", "reference": HOLLOWAY, "name": "Margaret Holloway"}
    assert client.post("/api/v1/suggestions", json=contact).get_json()["connection_id"] == here
    assert client.get("/api/v1/records?q=holloway").get_json()["connection_id"] == here
    assert client.get("/api/v1/records/customer-1001").get_json()["connection_id"] == here


def test_an_undo_that_was_meant_for_another_connection_is_refused(
    practising: Installation, real: SandboxHandle, script: Script
) -> None:
    before = script.connection_id()
    change_over(practising, real)
    link = script.link(connection_id=script.connection_id()).get_json()
    reply = script.client.post(
        f"/api/v1/links/{link['id']}/undo",
        json={"connection_id": before},
        headers={"Idempotency-Key": new_key()},
    )
    assert reply.get_json()["type"] == "urn:crmlink:problem:other-connection"
    assert real.reference(RECORD) == HOLLOWAY


def test_the_button_of_a_page_that_was_open_is_refused(
    practising: Installation, real: SandboxHandle, clerk: PageClient
) -> None:
    path = f"/left/link/{RECORD}"
    assert f"Link to {label(practising)}" in clerk.read(f"{path}?url={URL}")
    shown = clerk.hidden_field(f"{path}?url={URL}", "connection_id")
    change_over(practising, real)
    for sent in ({"connection_id": shown}, {}):
        reply = clerk.send(path, url=URL, key=new_key(), **sent)
        assert real.reference(RECORD) is None
        assert reply.status_code == 409
        assert "a different Commusoft account" in words(reply)
    again = clerk.hidden_field(f"{path}?url={URL}", "connection_id")
    assert clerk.send(path, url=URL, key=new_key(), connection_id=again).status_code == 303


def test_work_that_began_before_is_not_kept_as_a_decision_of_the_old_account(
    practising: Installation, sandbox: SandboxHandle, real: SandboxHandle
) -> None:
    """A command that asked its person meanwhile, a thread that was slow."""
    connect(practising, account(sandbox), agreement(practising))
    practising.workspace.sync()
    stale = practising.workspace
    connect(practising, account(real), agreement(practising))
    with pytest.raises(ConnectionEnded):
        confirm(stale, decision(), new_key(), actor(practising).device.id)
    with practising.database.reading() as session:
        assert session.query(Link).count() == 0
