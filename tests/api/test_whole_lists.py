"""A whole list over HTTP, from draft to linked to undone, and who may do what with it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.batches.match_job import match_waiting
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from support.access_factories import make_person, make_token, pair, with_token
from support.batch_factories import records_of
from support.sandbox import HOLLOWAY, SandboxHandle, new_key

API = "/api/v1/batches"


@pytest.fixture
def manager(app: Flask, installation: Installation) -> FlaskClient:
    """A script that may do all that a list needs."""
    return with_token(app, make_token(installation.access, "batch", "read"))


def contacts_of(installation: Installation, most: int) -> list[dict[str, Any]]:
    return [
        {
            "reference": f"AC{number:04}", "name": record.label, "address": record.address,
            "town": record.town, "postcode": record.postcode, "email": record.email,
            "phones": record.phones,
        }
        for number, record in enumerate(records_of(installation.workspace)[:most], 1)
    ]  # fmt: skip


def draft(client: FlaskClient, contacts: list[dict[str, Any]], **more: Any) -> Any:
    body = {"package": "sage_50", "kind": "customer", "contacts": contacts} | more
    return client.post(API, json=body)


def under_review(client: FlaskClient, installation: Installation, most: int = 8) -> str:
    batch_id: str = draft(client, contacts_of(installation, most)).get_json()["id"]
    assert client.post(f"{API}/{batch_id}/match").status_code == 202
    assert match_waiting(installation.workspace) == 1
    return batch_id


def test_a_list_is_matched_accepted_linked_told_and_undone(
    manager: FlaskClient, installation: Installation, sandbox: SandboxHandle
) -> None:
    batch_id = under_review(manager, installation)
    whole = manager.get(f"{API}/{batch_id}").get_json()
    assert (whole["state"], whole["contacts"], whole["progress"]["trouble"]) == ("review", 8, None)
    sample = manager.post(f"{API}/{batch_id}/sample").get_json()
    assert sample["of"] == whole["counts"]["verdicts"]["sure"] >= 6
    assert sample["rows"][0]["offers"][0]["reasons"]
    done = manager.post(f"{API}/{batch_id}/sure", json={"token": sample["token"]}).get_json()
    assert done == {"accepted": sample["of"], "left": 0}
    planned = manager.get(f"{API}/{batch_id}/summary").get_json()
    assert planned["to_link"] == planned["customers"] == sample["of"]
    wrong = manager.post(f"{API}/{batch_id}/write", json={"contacts": 1})
    assert (wrong.status_code, wrong.get_json()["contacts"]) == (409, sample["of"])
    asked = manager.post(f"{API}/{batch_id}/write", json={"contacts": planned["to_link"]})
    assert (asked.status_code, asked.get_json()["state"]) == (202, "writing")
    assert write_waiting(installation.workspace) == 1
    rows = manager.get(f"{API}/{batch_id}/rows?state=successful").get_json()["rows"]
    assert len(rows) == sample["of"]
    assert sandbox.reference(rows[0]["record"]["id"]) == rows[0]["reference"]
    table = manager.get(f"{API}/{batch_id}/results")
    assert table.mimetype == "text/csv"
    assert len(table.get_data(as_text=True).splitlines()) == 9
    assert manager.post(f"{API}/{batch_id}/undo").get_json() == {"contacts": sample["of"]}
    assert write_waiting(installation.workspace) == 1
    assert manager.get(f"{API}/{batch_id}").get_json()["state"] == "undone"
    assert sandbox.reference(rows[0]["record"]["id"]) is None


def test_a_stale_decision_is_told_who_decided_what(
    manager: FlaskClient, installation: Installation
) -> None:
    batch_id = under_review(manager, installation)
    row = manager.get(f"{API}/{batch_id}/rows/1").get_json()
    record = row["offers"][0]["record"]["id"]
    wish = {"version": row["version"], "choice": "record", "record_id": record}
    decided = manager.put(f"{API}/{batch_id}/rows/1", json=wish)
    assert (decided.status_code, decided.get_json()["record"]["id"]) == (200, record)
    stale = manager.put(f"{API}/{batch_id}/rows/1", json=wish | {"choice": "none"})
    problem = stale.get_json()
    assert stale.status_code == 409
    assert (problem["type"], problem["by"], problem["record"]["id"]) == (
        "urn:crmlink:problem:row-decided", "Front desk", record,
    )  # fmt: skip
    taken = manager.put(f"{API}/{batch_id}/rows/2", json=wish)
    assert (taken.status_code, taken.get_json()["position"]) == (409, 1)


def test_rows_come_in_pages_and_by_filter(manager: FlaskClient, installation: Installation) -> None:
    batch_id = under_review(manager, installation)
    first = manager.get(f"{API}/{batch_id}/rows?limit=5").get_json()
    then = manager.get(f"{API}/{batch_id}/rows?limit=5&after={first['next']}").get_json()
    assert [row["position"] for row in first["rows"] + then["rows"]] == list(range(1, 9))
    assert then["next"] is None
    found = manager.get(f"{API}/{batch_id}/rows?q=AC0003").get_json()["rows"]
    assert [row["position"] for row in found] == [3]


def test_a_page_with_a_key_is_kept_once_whatever_gets_lost(client: FlaskClient) -> None:
    body = {"package": "xero", "contacts": [{"reference": HOLLOWAY}]}
    key = {"Idempotency-Key": new_key()}
    first, again = (client.post(API, json=body, headers=key).get_json() for _ in range(2))
    assert (first["id"], first["added"]) == (again["id"], again["added"])
    assert len(client.get(API).get_json()["batches"]) == 1


def test_what_is_under_way_is_not_listed_as_a_draft(
    manager: FlaskClient, installation: Installation
) -> None:
    batch_id = under_review(manager, installation)
    assert manager.get(API).get_json() == {"batches": []}
    listed = manager.get(f"{API}?state=review").get_json()["batches"]
    assert [batch["id"] for batch in listed] == [batch_id]


def test_collecting_alone_does_not_let_a_script_match_or_write(
    app: Flask, installation: Installation, manager: FlaskClient
) -> None:
    batch_id = under_review(manager, installation)
    suggests = with_token(app, make_token(installation.access, "suggest", "link", "read"))
    for path in ("match", "sample", "pause", "resume", "cancel", "undo", "retry"):
        assert suggests.post(f"{API}/{batch_id}/{path}").status_code == 403, path
    assert suggests.get(f"{API}/{batch_id}").status_code == 403


def test_who_may_only_collect_throws_no_decisions_away(
    app: Flask, manager: FlaskClient, installation: Installation
) -> None:
    batch_id = under_review(manager, installation)
    clerk = pair(installation.access, make_person(installation.access)).access_token
    refused = with_token(app, clerk).delete(f"{API}/{batch_id}")
    assert (refused.status_code, refused.get_json()["type"]) == (
        403, "urn:crmlink:problem:scope-missing",
    )  # fmt: skip
    assert manager.delete(f"{API}/{batch_id}").status_code == 204
    own = draft(with_token(app, clerk), contacts_of(installation, 1)).get_json()["id"]
    assert with_token(app, clerk).delete(f"{API}/{own}").status_code == 204


@pytest.mark.parametrize("path", ["", "/rows", "/rows/1", "/summary", "/results", "/bad-rows"])
def test_a_list_that_is_not_there_is_not_found(manager: FlaskClient, path: str) -> None:
    assert manager.get(f"{API}/nowhere{path}").status_code == 404
