"""Links on Commusoft's pages over HTTP: decided, observed, withdrawn, and whole tables of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.mirror import mark_deleted
from crmlink.installation import Installation
from support.access_factories import connection_of, make_person, make_token, pair, with_token
from support.batch_factories import asked_for, lines_of
from support.page_links import HELD, mirrored, open_pages_installation
from support.sandbox import HOLLOWAY, OTHER, new_key

URN = "urn:crmlink:problem:"
FIELD = {"host": "app.commusoft.co.uk", "selector": "#ref", "label": "Our reference"}


@pytest.fixture
def installation(without_api: Installation) -> Installation:
    return without_api


@pytest.fixture
def app(installation: Installation) -> Flask:
    application = create_app(installation.settings, installation)
    application.testing = False
    return application


@pytest.fixture
def admin(app: Flask, installation: Installation) -> FlaskClient:
    person = make_person(installation.access, "admin", "Ada Boss")
    return with_token(app, pair(installation.access, person, "Desk").access_token)


def decide(client: FlaskClient, record_id: str = "customer-1001", **more: Any) -> TestResponse:
    body = {
        "package": "xero",
        "organisation": "!kR4N6",
        "kind": "customer",
        "reference": HOLLOWAY,
        "record_id": record_id,
        "connection_id": connection_of(client),
    }
    headers = {"Idempotency-Key": more.pop("key", new_key())}
    return client.post("/api/v1/links", json=body | more, headers=headers)


def observe(client: FlaskClient, link_id: str, stage: str, value: Any, **more: Any) -> TestResponse:
    body = {"connection_id": connection_of(client), "stage": stage, "value": value}
    return client.post(f"/api/v1/links/{link_id}/observations", json=body | more)


def withdraw(client: FlaskClient, link_id: str, **more: Any) -> TestResponse:
    body = {"connection_id": connection_of(client)} | more
    return client.post(f"/api/v1/links/{link_id}/withdraw", json=body)


def test_a_link_goes_from_the_decision_to_the_page_and_back(client: FlaskClient) -> None:
    made = decide(client)
    assert made.status_code == 202
    link = made.get_json()
    assert (link["state"], link["method"], link["prior_reference"]) == ("intended", "pages", None)
    assert link["record"]["page_url"].startswith("https://app.commusoft.co.uk/customers/")
    before = observe(client, link["id"], "before", None)
    assert (before.status_code, before.get_json()["fill"]) == (200, True)
    early = observe(client, link["id"], "after", "").get_json()
    assert (early["state"], early["failure"]["type"]) == ("intended", URN + "not-seen-yet")
    after = observe(client, link["id"], "after", HOLLOWAY).get_json()
    assert (after["state"], after["fill"], after["failure"]) == ("linked", False, None)
    headers = {"Idempotency-Key": new_key()}
    undone = client.post(f"/api/v1/links/{link['id']}/undo", json={}, headers=headers)
    assert (undone.status_code, undone.get_json()["reference"]) == (202, None)


def test_another_reference_on_the_page_needs_the_second_choice(client: FlaskClient) -> None:
    link_id = decide(client).get_json()["id"]
    refused = observe(client, link_id, "before", OTHER)
    assert refused.status_code == 409
    problem = refused.get_json()
    assert problem["type"] == URN + "record-has-reference"
    assert problem["current_reference"] == OTHER
    agreed = observe(client, link_id, "before", OTHER, replaces=OTHER).get_json()
    assert (agreed["fill"], agreed["prior_reference"]) == (True, OTHER)
    clash = observe(client, link_id, "after", "something else").get_json()
    assert (clash["state"], clash["failure"]["type"]) == ("conflict", URN + "record-changed")


def test_what_the_page_showed_is_compared_with_the_decision(admin: FlaskClient) -> None:
    assert decide(admin, seen={"reference": OTHER}).status_code == 409
    assert decide(admin, "customer-1003").get_json()["current_reference"] == HELD
    assert decide(admin, "customer-1003", seen={"reference": None}).status_code == 202


def test_a_script_says_of_no_record_what_its_page_showed(
    client: FlaskClient, installation: Installation
) -> None:
    """A stolen token could free others' references: for the mirror is what guards them."""
    refused = decide(client, "customer-1003", seen={"reference": None})
    assert (refused.status_code, refused.get_json()["current_reference"]) == (409, HELD)
    assert decide(client, seen={"reference": OTHER}).status_code == 202
    held = [mirrored(installation.workspace, f"customer-{number}") for number in (1001, 1003)]
    assert [record.reference for record in held] == [None, HELD]


def test_what_waits_is_named_where_it_is_in_the_way(client: FlaskClient) -> None:
    link_id = decide(client).get_json()["id"]
    problem = decide(client, reference=OTHER).get_json()
    assert problem["type"] == URN + "link-waits-on-page"
    assert problem["link"]["id"] == link_id
    assert withdraw(client, link_id, value=None).get_json()["failure"]["type"] == URN + "withdrawn"
    again = withdraw(client, link_id, value=None).get_json()
    assert again["state"] == "failed"
    other = decide(client, reference=OTHER).get_json()["id"]
    unseen = withdraw(client, other).get_json()
    assert unseen["failure"]["type"] == URN + "withdrawn-unseen"


def test_a_decision_sent_again_after_it_was_withdrawn_says_so(client: FlaskClient) -> None:
    key = new_key()
    link_id = decide(client, key=key).get_json()["id"]
    withdraw(client, link_id)
    again = decide(client, key=key)
    assert (again.status_code, again.get_json()["type"]) == (409, URN + "withdrawn-unseen")
    assert again.get_json()["link"]["state"] == "failed"


def test_links_are_found_by_method_and_record(client: FlaskClient) -> None:
    first = decide(client).get_json()["id"]
    decide(client, "customer-1002", reference=OTHER)

    def found(query: str) -> list[str]:
        return [one["id"] for one in client.get(f"/api/v1/links?{query}").get_json()["links"]]

    assert len(found("method=pages&state=intended")) == 2
    assert found("method=api") == []
    assert found("record_id=customer-1001") == [first]
    assert client.get("/api/v1/links?method=post").status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"stage": "during"},
        {"stage": "after", "value": 7},
        {"stage": "after", "value": "x" * 201},
        {"stage": "after", "value": "x", "surprise": 1},
        {"stage": "after"},
    ],
)
def test_an_observation_is_read_strictly(client: FlaskClient, body: dict[str, Any]) -> None:
    link_id = decide(client).get_json()["id"]
    sent = {"connection_id": connection_of(client)} | body
    assert client.post(f"/api/v1/links/{link_id}/observations", json=sent).status_code == 422
    assert observe(client, link_id, "before", None).get_json()["fill"]


def test_another_connection_is_refused(client: FlaskClient) -> None:
    link_id = decide(client).get_json()["id"]
    for reply in (
        observe(client, link_id, "after", HOLLOWAY, connection_id="elsewhere"),
        withdraw(client, link_id, connection_id="elsewhere"),
    ):
        assert reply.get_json()["type"] == URN + "other-connection"
    assert client.get(f"/api/v1/links/{link_id}").get_json()["state"] == "intended"
    assert observe(client, "nothing", "after", None).status_code == 404


def test_the_workspace_says_how_and_where_it_writes(admin: FlaskClient) -> None:
    here = admin.get("/api/v1/workspace").get_json()
    assert (here["writes"], here["commusoft_origin"]) == ("pages", "https://app.commusoft.co.uk")
    assert here["commusoft_hosts"] == ["app.commusoft.co.uk"]
    assert here["record_fields"] == []
    refused = admin.put("/api/v1/workspace/writes", json={"writes": "api"})
    assert refused.get_json()["type"] == URN + "pages-alone"
    assert admin.put("/api/v1/workspace/writes", json={"writes": "pages"}).status_code == 200


def test_a_firms_own_host_is_one_of_commusofts(tmp_path: Path, database_url: str) -> None:
    origin = "https://crm.firm.example"
    with open_pages_installation(tmp_path, database_url, origin) as installation:
        app = create_app(installation.settings, installation)
        client = with_token(app, make_token(installation.access))
        here = client.get("/api/v1/workspace").get_json()
        assert here["commusoft_origin"] == origin
        assert "crm.firm.example" in here["commusoft_hosts"]
        rules = client.get("/api/v1/packages").get_json()
        assert "crm.firm.example" in rules["crms"]["commusoft"]["hosts"]
        assert rules["crms"]["commusoft"]["reference_labels"]


def test_an_admin_shows_a_field_and_takes_it_away(admin: FlaskClient, client: FlaskClient) -> None:
    address = "/api/v1/workspace/record-fields/customer"
    shown = admin.put(address, json=FIELD).get_json()["record_fields"]
    assert [(one["kind"], one["selector"]) for one in shown] == [("customer", "#ref")]
    again = FIELD | {"selector": 'div.other > input[name="ref"]', "section": "Other details"}
    (now,) = admin.put(address, json=again).get_json()["record_fields"]
    assert now["selector"] == again["selector"]
    assert "section" not in now
    assert client.get("/api/v1/workspace").get_json()["record_fields"] == [now]
    assert client.put(address, json=FIELD).status_code == 403
    assert client.delete(address).status_code == 403
    assert admin.delete(address).get_json() == {"record_fields": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "go.xero.com"},
        {"host": "app.commusoft.co.uk.evil.example"},
        {"selector": "input, textarea"},
        {"selector": "*"},
        {"selector": "input:has(a)"},
        {"selector": "#ref{}"},
        {"selector": ""},
        {"selector": "a" * 301},
        {"label": ""},
        {"label": "Two\nlines"},
        {"section": "x" * 101},
    ],
)
def test_a_field_is_described_strictly(admin: FlaskClient, wrong: dict[str, str]) -> None:
    for kind in ("customer", "supplier"):
        reply = admin.put(f"/api/v1/workspace/record-fields/{kind}", json=FIELD | wrong)
        assert reply.status_code == 422
    assert admin.get("/api/v1/workspace").get_json()["record_fields"] == []
    assert admin.put("/api/v1/workspace/record-fields/job", json=FIELD).status_code == 404


def test_a_list_is_filled_in_by_table(admin: FlaskClient, installation: Installation) -> None:
    ctx = installation.workspace
    device_id = command_line_actor(installation.access).device.id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    write_waiting(ctx)
    table = admin.get(f"/api/v1/batches/{batch_id}/table?limit=2").get_json()
    assert [row["target"] for row in table["rows"]] == ["AC00001", "AC00002"]
    first = table["rows"][0]
    assert (first["number"], first["alone"], first["prior"]) == ("1001", True, None)
    assert first["record"]["label"] == "Ashworth Bakery Limited"
    rest = admin.get(f"/api/v1/batches/{batch_id}/table?after={table['next']}").get_json()
    rows = table["rows"] + rest["rows"]
    assert len(rows) == 3

    def tell(stage: str, values: list[str | None], **more: Any) -> TestResponse:
        seen = [
            {"link_id": row["link_id"], "value": value}
            for row, value in zip(rows, values, strict=True)
        ]
        body = {"connection_id": table["connection_id"], "stage": stage, "rows": seen} | more
        return admin.post(f"/api/v1/batches/{batch_id}/table/observations", json=body)

    before = tell("before", [None, OTHER, "AC00003"]).get_json()["rows"]
    assert [(row["state"], row["fill"]) for row in before] == [
        ("intended", True),
        (None, False),
        ("linked", False),
    ]
    assert before[1]["failure"]["type"] == URN + "record-has-reference"
    assert before[1]["current_reference"] == OTHER
    for _ in range(2):
        after = tell("after", ["AC00001", "AC00002", "AC00003"]).get_json()["rows"]
        assert {row["state"] for row in after} == {"linked"}
    assert admin.get(f"/api/v1/batches/{batch_id}").get_json()["state"] == "done"
    assert mirrored(ctx, "customer-1002").reference == "AC00002"
    assert tell("after", [None] * 3, connection_id="elsewhere").status_code == 409
    many = [{"link_id": "x", "value": None}] * 501
    assert tell("after", [None] * 3, rows=many).status_code == 422
    twice = [{"link_id": first["link_id"], "value": value} for value in ("AC00001", OTHER)]
    assert tell("after", [None] * 3, rows=twice).status_code == 422
    assert mirrored(ctx, "customer-1001").reference == "AC00001"
    assert tell("after", [None] * 3, rows=[]).status_code == 422


def test_a_page_of_rows_whose_records_are_gone_does_not_end_the_table(
    admin: FlaskClient, installation: Installation
) -> None:
    ctx = installation.workspace
    device_id = command_line_actor(installation.access).device.id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    write_waiting(ctx)
    with ctx.database.writing() as session:
        for number in ("1001", "1002"):
            mark_deleted(session, ctx.connection_id, "customer", number)
    gone = admin.get(f"/api/v1/batches/{batch_id}/table?limit=2").get_json()
    assert gone["rows"] == []
    rest = admin.get(f"/api/v1/batches/{batch_id}/table?after={gone['next']}").get_json()
    assert [row["target"] for row in rest["rows"]] == ["AC00003"]
    end = admin.get(f"/api/v1/batches/{batch_id}/table?after={rest['next']}").get_json()
    assert (end["rows"], end["next"]) == ([], None)
