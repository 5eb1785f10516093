"""A record's own side over HTTP: what linked it, and the contacts that it may be of."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from crmlink.installation import Installation
from crmlink.store import BatchRow, Link, LinkState, MirroredRecord, WorkspaceConnection
from crmlink.store.base import utc_now
from support.access_factories import connection_of, make_token, with_token
from support.databases import KINDS, new_database
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, new_key

RECORDS = "/api/v1/records"
MARGARET: dict[str, Any] = {
    "reference": "HOLL01",
    "name": "Margaret Holloway",
    "email": "margaret.holloway@postbox.example",
    "postcode": "GL50 2TR",
}


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Records are searched on each of the two kinds."""
    return new_database(request, tmp_path)


@pytest.fixture
def script(app: Flask, installation: Installation) -> FlaskClient:
    """A script that reads, links and collects lists."""
    return with_token(app, make_token(installation.access, "suggest", "link", "read", "batch"))


def collect(client: FlaskClient, *contacts: dict[str, Any], package: str = "sage_50") -> str:
    body = {"package": package, "kind": "customer", "contacts": list(contacts)}
    reply = client.post("/api/v1/batches", json=body)
    assert reply.status_code == 201, reply.get_json()
    return str(reply.get_json()["id"])


def contacts_of(client: FlaskClient, record_id: str = "customer-1001") -> Any:
    reply = client.get(f"{RECORDS}/{record_id}/contacts")
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()


def link(client: FlaskClient, reference: str, record_id: str = "customer-1001") -> Any:
    body = {
        "package": "sage_50", "kind": "customer", "reference": reference,
        "contact_name": "Margaret Holloway", "record_id": record_id,
        "connection_id": connection_of(client),
    }  # fmt: skip
    return client.post("/api/v1/links", json=body, headers={"Idempotency-Key": new_key()})


def test_a_record_is_shown_as_the_mirror_has_it_or_as_commusoft_has_it_now(
    script: FlaskClient, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1002", OTHER)
    known = script.get(f"{RECORDS}/customer-1002").get_json()
    assert known["record"]["reference"] != OTHER
    assert known["url"].endswith("/customers/customer/1002/view/property/view")
    assert known["synced_at"]
    for query in ("?now=true", ""):  # what was read is kept
        shown = script.get(f"{RECORDS}/customer-1002{query}").get_json()
        assert shown["record"]["reference"] == OTHER
    for path in ("customer-0", "customer-0/contacts", "customer-", "supplier-1001"):
        assert script.get(f"{RECORDS}/{path}").status_code == 404, path
    for wrong in ("now=yes", "now=true&now=true"):
        assert script.get(f"{RECORDS}/customer-1002?{wrong}").status_code == 422, wrong


def test_a_record_tells_the_link_that_is_in_effect_and_one_without_an_outcome(
    script: FlaskClient, installation: Installation
) -> None:
    bare = script.get(f"{RECORDS}/customer-1001").get_json()
    assert (bare["link"], bare["open_link"]) == (None, None)
    made = link(script, "HOLL01").get_json()
    shown = script.get(f"{RECORDS}/customer-1001").get_json()
    assert (shown["link"]["id"], shown["link"]["by"]) == (made["id"], made["by"])
    assert (shown["link"]["can_undo"], shown["record"]["reference"]) == (True, "HOLL01")
    assert shown["link"]["settled_at"]
    with installation.database.writing() as session:
        session.execute(update(Link).values(state=LinkState.INTENDED, settled_at=None))
    waiting = script.get(f"{RECORDS}/customer-1001").get_json()
    assert (waiting["link"], waiting["open_link"]["id"]) == (None, made["id"])


def test_a_records_contact_is_suggested_with_words_and_its_list(script: FlaskClient) -> None:
    assert contacts_of(script)["known"] == 0
    other = {"reference": "ZED01", "name": "Zedekiah Unheard", "postcode": "IV1 1AA"}
    batch = collect(script, other, MARGARET)
    found = contacts_of(script)
    assert (found["known"], found["compared"], found["record"]["id"]) == (2, 2, "customer-1001")
    [best] = found["suggestions"]
    assert best["contact"]["reference"] == "HOLL01"
    assert best["contact"]["package_name"] == "Sage 50cloud Accounts"
    assert best["list"]["id"] == batch
    assert best["list"]["position"] == 2
    assert (best["holder"], best["chosen"]) == (None, None)
    assert best["sure"]
    assert {"same email", "same name"} <= {reason["text"] for reason in best["reasons"]}
    # both directions say the same of the pair
    asked = MARGARET | {"package": "sage_50", "kind": "customer"}
    forward = script.post("/api/v1/suggestions", json=asked).get_json()["suggestions"][0]
    assert forward["record"]["id"] == "customer-1001"
    assert best["probability"] <= forward["probability"]
    assert best["reasons"] == forward["reasons"]


def test_choosing_a_suggested_contact_is_an_ordinary_link_and_marks_it(
    script: FlaskClient,
) -> None:
    collect(script, MARGARET)
    [best] = contacts_of(script)["suggestions"]
    assert link(script, best["contact"]["reference"]).status_code == 201
    [after] = contacts_of(script)["suggestions"]
    assert after["holder"]["id"] == "customer-1001"


def test_a_contact_that_another_record_has_is_marked_and_never_sure(
    script: FlaskClient, sandbox: SandboxHandle
) -> None:
    collect(script, MARGARET)
    assert link(script, "HOLL01", "customer-1002").status_code == 201
    [best] = contacts_of(script)["suggestions"]
    assert best["holder"]["id"] == "customer-1002"
    assert not best["sure"]


def test_two_contacts_alike_are_not_sure(script: FlaskClient) -> None:
    collect(script, MARGARET, MARGARET | {"reference": "HOLL02"})
    pair = contacts_of(script)["suggestions"]
    assert {item["contact"]["reference"] for item in pair} == {"HOLL01", "HOLL02"}
    assert not any(item["sure"] for item in pair)
    assert all("near_tie" in {reason["code"] for reason in item["reasons"]} for item in pair)
    assert all(item["probability"] < 0.6 for item in pair)


def test_a_contact_of_two_records_alike_is_not_sure_on_either(
    script: FlaskClient, installation: Installation
) -> None:
    collect(script, MARGARET)
    with installation.database.writing() as session:
        connection = session.scalars(select(WorkspaceConnection).filter_by(ended_at=None)).one()
        connection.mirror_version += 1
        own = session.scalars(select(MirroredRecord).filter_by(number="1001")).one()
        copied = {
            column.key: getattr(own, column.key)
            for column in MirroredRecord.__mapper__.column_attrs
            if column.key != "id"
        }
        twin = MirroredRecord(
            **copied | {"number": "9001", "mirror_version": connection.mirror_version}
        )
        session.add(twin)
    for record_id in ("customer-1001", "customer-9001"):
        [best] = contacts_of(script, record_id)["suggestions"]
        assert not best["sure"], record_id
        assert best["probability"] < 0.6
        assert "near_tie" in {reason["code"] for reason in best["reasons"]}


def test_a_retired_contact_is_marked_and_never_sure(script: FlaskClient) -> None:
    collect(script, MARGARET | {"retired": True})
    [best] = contacts_of(script)["suggestions"]
    assert best["contact"]["retired"]
    assert not best["sure"]
    assert "retired_contact" in {reason["code"] for reason in best["reasons"]}


def test_the_newest_lists_row_of_a_contact_counts_and_lists_are_followed(
    script: FlaskClient,
) -> None:
    collect(script, MARGARET | {"email": "", "postcode": ""})
    assert not contacts_of(script)["suggestions"][0]["contact"]["email"]
    newer = collect(script, MARGARET)
    again = contacts_of(script)
    assert (again["known"], len(again["suggestions"])) == (1, 1)
    assert again["suggestions"][0]["contact"]["email"] == MARGARET["email"]
    assert script.delete(f"/api/v1/batches/{newer}").status_code == 204
    assert not contacts_of(script)["suggestions"][0]["contact"]["email"]


def test_a_contact_without_reference_linked_or_erased_is_not_known(
    script: FlaskClient, installation: Installation
) -> None:
    collect(script, MARGARET | {"reference": ""})
    assert contacts_of(script)["known"] == 0
    collect(script, MARGARET)
    assert contacts_of(script)["known"] == 1
    with installation.database.writing() as session:  # meanwhile, in another process
        session.execute(update(BatchRow).values(erased_at=utc_now()))
    assert contacts_of(script)["suggestions"] == []


def test_a_clerk_asks_for_contacts_and_a_script_needs_the_scope(
    app: Flask, installation: Installation
) -> None:
    for scope, status in (("suggest", 200), ("read", 403), ("link", 403), ("batch", 403)):
        client = with_token(app, make_token(installation.access, scope))
        assert client.get(f"{RECORDS}/customer-1001/contacts").status_code == status, scope


def test_limits_are_strict(script: FlaskClient) -> None:
    for wrong in ("limit=0", "limit=21", "limit=x", "limit=1&limit=2"):
        reply = script.get(f"{RECORDS}/customer-1001/contacts?{wrong}")
        assert reply.status_code == 422, wrong


def test_nothing_personal_is_logged(
    script: FlaskClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    collect(script, MARGARET)
    with caplog.at_level(logging.DEBUG):
        contacts_of(script)
    written = caplog.text + "".join(capfd.readouterr())
    for personal in ("holloway", "GL50", "HOLL01", HOLLOWAY):
        assert personal.lower() not in written.lower(), personal
