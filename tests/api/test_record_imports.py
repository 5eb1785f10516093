"""Records from Commusoft's list pages over HTTP, for an account without an API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.store import AuditEntry, MirroredRecord
from crmlink.store.base import utc_now
from support.access_factories import connection_of, make_token, with_token
from support.pages_account import open_without_api

IMPORT = "/api/v1/records/import"
MARGARET = {
    "kind": "customer", "number": "1001", "name": "Margaret Holloway",
    "email": "margaret.holloway@postbox.example", "postcode": "GL50 2TR",
}  # fmt: skip
PRIYA = {"kind": "customer", "number": "1002", "name": "Priya Raman", "phones": ["01242 555010"]}
MERCHANT = {"kind": "supplier", "number": "501", "name": "Northgate Plumbing Supplies"}


@pytest.fixture
def no_api(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with open_without_api(tmp_path, database_url) as installation:
        yield installation


@pytest.fixture
def server(no_api: Installation) -> Flask:
    return create_app(no_api.settings, no_api)


@pytest.fixture
def script(server: Flask, no_api: Installation) -> FlaskClient:
    return with_token(server, make_token(no_api.access, "suggest", "read", "batch"))


@pytest.mark.parametrize("read_at", ["0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z"])
def test_a_time_before_there_was_a_page_is_refused(script: FlaskClient, read_at: str) -> None:
    body = {"connection_id": connection_of(script), "import_id": "before-all", "rows": [PRIYA]}
    assert script.post(IMPORT, json=body | {"read_at": read_at}).status_code == 422


def people(count: int, first: int = 2001) -> list[dict[str, Any]]:
    return [
        {"kind": "customer", "number": str(number), "name": f"Person {number}"}
        for number in range(first, first + count)
    ]


def send(client: FlaskClient, *rows: dict[str, Any], status: int = 200, **more: Any) -> Any:
    body = {"connection_id": connection_of(client), "import_id": "list-page-1", "rows": list(rows)}
    reply = client.post(IMPORT, json=body | more)
    assert reply.status_code == status, reply.get_json()
    return reply.get_json()


def counts(reply: dict[str, Any]) -> tuple[int, ...]:
    return tuple(reply[name] for name in ("new", "changed", "unchanged", "older", "gone"))


def shown(client: FlaskClient, record_id: str) -> Any:
    return client.get(f"/api/v1/records/{record_id}").get_json()["record"]


def test_rows_become_records_that_are_found_matched_and_suggested_from(
    script: FlaskClient,
) -> None:
    assert counts(send(script, MARGARET, PRIYA, MERCHANT)) == (3, 0, 0, 0, 0)
    workspace = script.get("/api/v1/workspace").get_json()["mirror"]
    ages = {one["kind"]: one["source"] for one in workspace["imports"]}
    assert ages == {"customer": "list_page", "supplier": "list_page"}
    assert workspace["imports"][0]["read_at"] == workspace["synced_at"]
    assert (workspace["customers"], workspace["suppliers"]) == (2, 1)
    found = script.get("/api/v1/records?q=holloway").get_json()["records"]
    assert [record["id"] for record in found] == ["customer-1001"]
    assert shown(script, "supplier-501")["company"] == MERCHANT["name"]
    contact = {"reference": "HOLL01", "name": MARGARET["name"], "email": MARGARET["email"]}
    offer = script.post("/api/v1/suggestions", json=contact | {"package": "sage_50"}).get_json()
    assert offer["suggestions"][0]["record"]["id"] == "customer-1001"
    draft = {"package": "sage_50", "kind": "customer", "contacts": [contact]}
    assert script.post("/api/v1/batches", json=draft).status_code == 201
    back = script.get("/api/v1/records/customer-1001/contacts").get_json()["suggestions"]
    assert back[0]["contact"]["reference"] == "HOLL01"


def test_a_repeated_part_gets_the_same_answer_and_another_one_is_refused(
    script: FlaskClient, no_api: Installation
) -> None:
    first = send(script, MARGARET)
    assert send(script, MARGARET) == first
    refused = send(script, PRIYA, status=409)
    assert refused["type"].endswith("import-key-reused")
    with no_api.database.reading() as session:
        entries = session.scalars(select(AuditEntry).filter_by(action="records.imported")).all()
        assert len(entries) == 1
        assert entries[0].details["added"] == 1
        assert "Holloway" not in str(entries[0].details)
    assert script.get("/api/v1/workspace").get_json()["mirror"]["customers"] == 1


def test_what_a_page_does_not_show_stays_and_what_it_shows_empty_is_emptied(
    script: FlaskClient,
) -> None:
    send(script, MARGARET | {"reference": "HOLL01"})
    assert counts(send(script, MARGARET, import_id="without-it")) == (0, 0, 1, 0, 0)
    assert shown(script, "customer-1001")["reference"] == "HOLL01"
    moved = MARGARET | {"postcode": "GL51 1AA"}
    assert counts(send(script, moved, import_id="has-moved")) == (0, 1, 0, 0, 0)
    assert shown(script, "customer-1001")["reference"] == "HOLL01"
    send(script, moved | {"reference": None}, import_id="emptied-1")
    assert shown(script, "customer-1001")["reference"] is None


def test_an_older_page_changes_nothing_that_was_read_later(script: FlaskClient) -> None:
    send(script, MARGARET | {"reference": "NEW"})
    before = (utc_now() - timedelta(hours=2)).isoformat()
    older = MARGARET | {"name": "Margaret Jones", "reference": "OLD"}
    reply = send(script, older, PRIYA, import_id="yesterday", read_at=before)
    assert counts(reply) == (1, 0, 0, 1, 0)
    record = shown(script, "customer-1001")
    assert (record["name"], record["reference"]) == ("Margaret Holloway", "NEW")


def test_a_reference_seen_on_a_page_later_outlives_an_older_import(
    script: FlaskClient, no_api: Installation
) -> None:
    yesterday = (utc_now() - timedelta(days=1)).isoformat()
    send(script, MARGARET | {"reference": None}, read_at=yesterday)
    with no_api.database.writing() as session:  # as when a page showed it
        session.execute(
            update(MirroredRecord).values(reference="HOLL01", reference_seen_at=utc_now())
        )
    hour_ago = (utc_now() - timedelta(hours=1)).isoformat()
    row = MARGARET | {"reference": None, "postcode": "GL51 1AA"}
    assert counts(send(script, row, import_id="hour-ago", read_at=hour_ago))[1] == 1
    record = shown(script, "customer-1001")
    assert (record["reference"], record["postcode"]) == ("HOLL01", "GL51 1AA")


def test_records_leave_only_when_all_parts_of_a_complete_import_are_there(
    script: FlaskClient,
) -> None:
    send(script, *people(20), MERCHANT)
    rest = people(19)  # the last one is not in Commusoft any more
    whole: dict[str, Any] = {"import_id": "complete-1", "complete": True, "parts": 2}
    last = send(script, *rest[10:], part=2, **whole)
    assert (last["gone"], last["missing_parts"], last["finished"]) == (0, [1], False)
    first = send(script, *rest[:10], part=1, **whole)
    assert (first["gone"], first["missing_parts"], first["finished"]) == (1, [], True)
    assert script.get("/api/v1/records/customer-2020").status_code == 410
    mirror = script.get("/api/v1/workspace").get_json()["mirror"]
    assert (mirror["customers"], mirror["suppliers"]) == (19, 1)  # it says nothing of suppliers
    assert send(script, *rest[:10], part=1, **whole) == first
    assert send(script, *people(1, 9001), part=3, status=409, **whole)["status"] == 409


def test_more_than_a_tenth_leaves_only_with_a_second_yes_to_that_number(
    script: FlaskClient,
) -> None:
    send(script, *people(20))
    whole: dict[str, Any] = {"import_id": "complete-2", "complete": True}
    asked = send(script, *people(15), **whole)
    assert (asked["gone"], asked["would_remove"], asked["finished"]) == (0, 5, False)
    assert send(script, *people(15), **whole, removes=4)["gone"] == 0
    assert script.get("/api/v1/workspace").get_json()["mirror"]["customers"] == 20
    assert send(script, *people(15), **whole, removes=5)["gone"] == 5
    assert script.get("/api/v1/workspace").get_json()["mirror"]["customers"] == 15


def test_an_incomplete_import_removes_nothing_and_a_returned_record_is_new(
    script: FlaskClient,
) -> None:
    send(script, *people(20))
    assert counts(send(script, *people(2), import_id="only-two-1")) == (0, 0, 2, 0, 0)
    gone = send(script, *people(19), import_id="complete-3", complete=True)
    assert gone["gone"] == 1
    assert counts(send(script, *people(20), import_id="back-again"))[0] == 1
    assert shown(script, "customer-2020")["name"] == "Person 2020"


@pytest.mark.parametrize(
    "change",
    [
        {"number": "01001"}, {"number": "abc"}, {"number": "-1"}, {"number": "1.5"},
        {"number": 1001}, {"number": "1" * 19}, {"kind": "lead"}, {"name": " "},
        {"name": "x" * 301},
        {"reference": "x" * 201}, {"phones": ["1"] * 11}, {"colour": "red"}, {"name": "a\0b"},
    ],
)  # fmt: skip
def test_a_row_that_is_not_right_refuses_the_whole_part(
    script: FlaskClient, change: dict[str, Any]
) -> None:
    send(script, PRIYA, MARGARET | change, status=422)
    assert script.get("/api/v1/workspace").get_json()["mirror"]["customers"] == 0


def test_doubled_records_odd_keys_and_too_many_rows_are_refused(script: FlaskClient) -> None:
    send(script, MARGARET, MARGARET | {"name": "Other"}, status=422)
    send(script, MARGARET, status=422, import_id="short")
    send(script, MARGARET, status=422, part=0)
    send(script, *people(5001), status=422)
    assert counts(send(script, *people(5000), import_id="most-rows-1"))[0] == 5000
    other = script.post(IMPORT, json={"connection_id": "x", "import_id": "a" * 8, "rows": []})
    assert other.status_code == 409


def test_an_account_with_an_api_takes_no_imports(app: Flask, installation: Installation) -> None:
    client = with_token(app, make_token(installation.access, "batch", "suggest"))
    refused = send(client, MARGARET, status=409)
    assert refused["type"].endswith("records-from-api")


def test_only_managers_and_scripts_with_the_scope_import(
    server: Flask, no_api: Installation
) -> None:
    for scope in ("suggest", "read", "link", "admin"):
        client = with_token(server, make_token(no_api.access, scope))
        assert client.post(IMPORT, json={}).status_code == 403, scope
