"""Two machines of an installation whose clocks are some seconds apart: one begins, one goes on."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from crmlink.access.context import AccessContext
from crmlink.access.dpop import new_nonce
from crmlink.access.pairing import approve_pairing
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.api.schemas.access import DEVICE_CODE_GRANT
from crmlink.store import Person
from crmlink.store.workspaces import list_workspaces
from support.access_factories import PASSWORD, make_person, page_actor, with_token
from support.browser_client import new_key
from support.browser_key import BrowserKey
from support.clocks import clock_off_by
from support.installations import installation_of, open_app
from support.page_client import TOKEN, anonymous_client

APART = 5.0  # seconds
ORDERS = [(APART, 0.0), (0.0, APART), (APART, -APART), (-APART, APART)]


@pytest.fixture
def person(access: AccessContext) -> Person:
    return make_person(access)


def ask(app: Flask, path: str, key: BrowserKey, **form: str) -> dict[str, Any]:
    """What a browser is answered that brings the nonce of another machine."""
    with clock_off_by(APART):
        nonce = new_nonce(installation_of(app).access)
    headers = {"DPoP": key.proof("POST", f"http://localhost/api/v1{path}", nonce)}
    data = {"client_id": "crmlink-extension", **form}
    reply = app.test_client().post(f"/api/v1{path}", data=data, headers=headers)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.get_json()
    return body


def test_the_clock_of_a_machine_that_is_off_leaves_durations_alone() -> None:
    began = time.monotonic()
    with clock_off_by(3_600):
        assert time.monotonic() - began < 60
        assert time.time() - datetime.now(UTC).timestamp() < 60
        ahead = time.time()
    assert 3_500 < ahead - time.time() <= 3_600


@pytest.mark.parametrize(("one", "other"), ORDERS)
def test_a_browser_is_connected_and_works_whichever_machine_answers(
    shared_app: Flask, access: AccessContext, person: Person, one: float, other: float
) -> None:
    key = new_key()
    with clock_off_by(one):
        begun = ask(shared_app, "/pairings", key, browser="Chrome")
    with clock_off_by(other):
        approve_pairing(access, page_actor(access, person), begun["user_code"], "Front desk")
    with clock_off_by(one):
        grant = ask(
            shared_app, "/token", key,
            grant_type=DEVICE_CODE_GRANT, device_code=begun["device_code"],
        )  # fmt: skip
    for machine in (other, one, 0.0):
        with clock_off_by(machine):
            reply = with_token(shared_app, grant["access_token"]).get("/api/v1/workspace")
            assert reply.status_code == 200, (machine, reply.text)
    with clock_off_by(other):
        again = ask(
            shared_app, "/token", key,
            grant_type="refresh_token", refresh_token=grant["refresh_token"],
        )  # fmt: skip
    with clock_off_by(one):
        reply = with_token(shared_app, again["access_token"]).get("/api/v1/workspace")
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(("one", "other"), ORDERS)
def test_a_form_of_one_machine_is_taken_by_another(
    shared_app: Flask, access: AccessContext, person: Person, one: float, other: float
) -> None:
    client = shared_app.test_client()
    with clock_off_by(one):
        csrf = TOKEN.search(client.get("/log-in").get_data(as_text=True))
    assert csrf
    form = {"csrf_token": csrf[1], "email": person.email, "password": PASSWORD}
    with clock_off_by(other):
        reply = client.post("/log-in", data=form)
    assert reply.status_code == 303, reply.text
    with clock_off_by(one):
        assert client.get("/account").status_code == 200


@pytest.mark.parametrize(("one", "other"), ORDERS)
def test_a_firm_is_chosen_at_another_machine_than_the_password_was_proved_at(
    tmp_path: Path, one: float, other: float
) -> None:
    with open_app(tmp_path) as app:
        installation = installation_of(app)
        rename_workspace(
            installation.sign_in, list_workspaces(installation.database)[0], "Holloway Plumbing"
        )
        made, _ = make_workspace(installation.sign_in, "Quill Heating")
        here = make_person(installation.access)
        there = make_person(installation.sign_in.of(made.id))
        with installation.database.writing() as session:
            session.get_one(Person, there.id).email = here.email
        browser = anonymous_client(app)
        with clock_off_by(one):
            browser.send("/log-in", "/log-in", email=here.email, password=PASSWORD)
        with clock_off_by(other):
            chosen = browser.send(
                "/log-in", "/log-in", **{"with": "firm", "person": there.public_id}
            )
        assert chosen.status_code == 303
