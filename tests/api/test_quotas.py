"""What people and programs are told at a limit, and how an operator sets one on a page."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.operators import set_operator
from crmlink.access.pairing import find_pairing, start_pairing
from crmlink.access.quotas import set_limits
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import Installation
from crmlink.store import PairingState, Workspace
from crmlink.store.quotas import Quota
from crmlink.store.workspaces import find_workspace, list_workspaces
from support.access_factories import logged_in, make_person, make_token, with_token
from support.browser_client import new_key, proven
from support.page_client import PageClient, words
from support.page_forms import forms_on

ASK = "ask those who run crmlink for you to allow more"
SAGE = "/api/v1/sources/sage_50/contacts"
TABLE = b"Code,Company Name\nAC1,Quill Heating\nAC2,Holloway Plumbing\n"


def first_row(installation: Installation) -> Workspace:
    return list_workspaces(installation.database)[0]


def limit(installation: Installation, **limits: int | None) -> None:
    chosen = {Quota(name): most for name, most in limits.items()}
    set_limits(installation.sign_in, first_row(installation), chosen)


@pytest.fixture
def script(app: Flask, installation: Installation) -> FlaskClient:
    return with_token(app, make_token(installation.access, "admin", "batch", "contacts", "read"))


@pytest.fixture
def admin(app: Flask, installation: Installation) -> PageClient:
    return PageClient(
        logged_in(app, installation.access, make_person(installation.access, "admin"))
    )


@pytest.fixture
def operator(app: Flask, installation: Installation) -> PageClient:
    """An operator of two firms, in the first of them."""
    rename_workspace(installation.sign_in, first_row(installation), "Holloway Plumbing")
    make_workspace(installation.sign_in, "Quill Heating")
    person = make_person(installation.access)
    set_operator(installation.access, person, operates=True)
    return PageClient(logged_in(app, installation.access, person))


def test_a_program_is_told_what_is_reached_and_who_can_allow_more(
    installation: Installation, script: FlaskClient
) -> None:
    limit(installation, devices=1, lists=1, rows=1, sources=1)
    contact = {"reference": "A1", "name": "Ann Lee"}
    page = {"package": "sage_50", "organisation": None, "kind": "customer", "contacts": [contact]}
    sage = [{"kind": "customer", "reference": "A", "name": "A"}]
    part = {"company": "Office", "reading": "reading-1", "part": 1, "last": True, "contacts": sage}
    for reading in ("reading-1", "reading-2"):
        assert script.post(SAGE, json=part | {"reading": reading}).status_code == 200
    two = [contact, contact | {"reference": "A2"}]
    tried = [
        ("/api/v1/tokens", {"name": "Other", "scopes": ["read"]}, "connected browsers and tokens"),
        ("/api/v1/batches", page | {"contacts": two}, "contacts in a list is 1"),
        (SAGE, part | {"company": "Shop"}, "read live is 1"),
    ]
    for path, body, what in tried:
        refused = script.post(path, json=body)
        told = refused.get_json()
        assert (refused.status_code, told["type"]) == (409, "urn:crmlink:problem:limit-reached")
        assert what in told["detail"]
        assert ASK in told["detail"]
        assert "firm" not in told["detail"]
    assert script.get("/api/v1/batches?state=all").get_json()["batches"] == []
    assert script.post("/api/v1/batches", json=page).status_code == 201
    refused = script.post("/api/v1/batches", json=page)
    assert (refused.status_code, "lists here is 1" in refused.get_json()["detail"]) == (409, True)


def test_a_form_keeps_what_was_typed_at_a_limit(
    installation: Installation, admin: PageClient
) -> None:
    limit(installation, people=1, devices=1)
    reply = admin.send("/people", name="Bo Fry", email="bo@firm.example", role="clerk")
    assert (reply.status_code, ASK in words(reply)) == (422, True)
    assert 'value="Bo Fry"' in reply.get_data(as_text=True)
    make_token(installation.access)
    reply = admin.send("/devices/tokens/new", name="Night script", days="90", scopes="read")
    assert (reply.status_code, ASK in words(reply)) == (422, True)
    assert 'value="Night script"' in reply.get_data(as_text=True)


def test_a_browser_above_the_limit_is_not_approved_and_can_be_once_there_is_room(
    installation: Installation, admin: PageClient
) -> None:
    make_token(installation.access)
    limit(installation, devices=1)
    key = proven(new_key().thumbprint)
    code = start_pairing(installation.sign_in, "Firefox", "127.0.0.1", key).user_code
    reply = admin.send("/pair", code=code, name="Front desk", answer="approve")
    assert (reply.status_code, ASK in words(reply)) == (409, True)
    assert "hx-get" not in reply.get_data(as_text=True), "the sentence stays to be read"
    assert find_pairing(installation.access, code).state is PairingState.WAITING
    limit(installation, devices=None)
    assert admin.send("/pair", code=code, name="Front desk", answer="approve").status_code == 303


def test_a_file_is_refused_before_it_is_taken_and_one_that_was_taken_stays(
    installation: Installation, admin: PageClient
) -> None:
    def upload() -> str | None:
        return admin.send("/lists/new", file=(io.BytesIO(TABLE), "a.csv")).headers.get("Location")

    path = upload()
    assert path

    def save() -> TestResponse:
        forms = forms_on(admin.get(path))
        form = next(form for form in forms if "Save as draft" in form.buttons)
        form.values["kind"] = "customer"
        action, fields = form.press("Save as draft")
        return admin.send(action or path, path, **fields)

    limit(installation, rows=1)
    reply = save()
    assert (reply.status_code, "contacts in a list is 1" in words(reply)) == (409, True), words(
        reply
    )
    limit(installation, rows=None)
    assert save().status_code == 303
    limit(installation, lists=1)
    assert upload() is None
    assert ASK in words(admin.send("/lists/new", file=(io.BytesIO(TABLE), "a.csv")))


def test_above_the_requests_of_a_minute_everyone_of_the_firm_waits_and_no_other_firm(
    app: Flask, installation: Installation, operator: PageClient
) -> None:
    quill = installation.sign_in.of(list_workspaces(installation.database)[1].id)
    ours = [with_token(app, make_token(installation.access)) for _ in range(2)]
    theirs = with_token(app, make_token(quill))
    limit(installation, requests=3)
    done = [client.get("/api/v1/workspace") for client in (*ours, *ours)]
    assert [reply.status_code for reply in done] == [200, 200, 200, 429]
    told = done[-1].get_json()
    assert told["type"] == "urn:crmlink:problem:too-many-requests"
    assert "everyone here together is 3 a minute" in told["detail"]
    assert 1 <= int(done[-1].headers["Retry-After"]) <= 61
    assert operator.get("/account").status_code == 429
    assert theirs.get("/api/v1/workspace").status_code == 200
    assert app.test_client().get("/log-in").status_code == 200


def test_an_operator_sets_limits_on_the_firms_page_and_sees_them_in_the_acts(
    installation: Installation, operator: PageClient
) -> None:
    quill = list_workspaces(installation.database)[1]
    path = f"/firms/{quill.public_id}"
    assert operator.send(f"{path}/limits", path, people="1,000", rows=" 20 ").status_code == 303
    assert find_workspace(installation.database, quill.id).limits == {"people": 1000, "rows": 20}
    assert "set limits for the firm" in operator.read(path)
    assert 'value="1000"' in operator.get(path).get_data(as_text=True)
    for wrong in ("0", "-1", "many", "1.5", "9" * 12):
        reply = operator.send(f"{path}/limits", path, people=wrong)
        assert (reply.status_code, "Enter a whole number from 1" in words(reply)) == (422, True)
    assert find_workspace(installation.database, quill.id).limits == {"people": 1000, "rows": 20}
    operator.send(f"{path}/limits", path)
    assert find_workspace(installation.database, quill.id).limits is None
    assert first_row(installation).limits is None, "another firm's"


def test_an_operator_is_warned_of_more_records_than_expected_and_all_are_kept(
    installation: Installation, operator: PageClient
) -> None:
    path = f"/firms/{first_row(installation).public_id}"
    assert "More than expected" not in operator.read(path)
    limit(installation, records=2)
    assert "More than expected" in operator.read(path)


@pytest.mark.parametrize("role", ["clerk", "manager", "admin"])
def test_no_role_of_a_firm_raises_its_limits(
    app: Flask, installation: Installation, operator: PageClient, role: str
) -> None:
    limit(installation, people=50)
    path = f"/firms/{first_row(installation).public_id}/limits"
    person = make_person(installation.access, role)
    browser = PageClient(logged_in(app, installation.access, person))
    assert browser.send(path, people="5000").status_code == 403
    assert first_row(installation).limits == {"people": 50}


def test_with_one_firm_no_page_says_limit(installation: Installation, admin: PageClient) -> None:
    for path in ("/people", "/devices", "/settings", "/lists"):
        assert "imits" not in admin.read(path)
    path = f"/firms/{first_row(installation).public_id}/limits"
    assert admin.send(path, people="1").status_code == 404
