"""Drafts of whole lists: kept, listed, added to, thrown away."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from support.sandbox import HOLLOWAY, OTHER, new_key


def collect(client: FlaskClient, *references: str, **more: Any) -> Any:
    body = {
        "package": "xero",
        "organisation": "!kR4N6",
        "contacts": [{"reference": reference, "name": "Somebody"} for reference in references],
    }
    return client.post("/api/v1/batches", json=body | more)


def test_a_list_page_is_kept_as_a_draft_and_the_next_page_joins_it(client: FlaskClient) -> None:
    first = collect(client, HOLLOWAY, HOLLOWAY.upper())
    assert first.status_code == 201
    draft = first.get_json()
    assert (draft["contacts"], draft["added"], draft["by"]) == (1, 1, "Front desk")
    second = collect(client, HOLLOWAY, OTHER, batch=draft["id"]).get_json()
    assert (second["id"], second["contacts"], second["added"]) == (draft["id"], 2, 1)
    kept = client.get(f"/api/v1/batches/{draft['id']}/rows").get_json()
    assert [row["reference"] for row in kept["rows"]] == [HOLLOWAY, OTHER]
    assert [item["id"] for item in client.get("/api/v1/batches").get_json()["batches"]] == [
        draft["id"]
    ]


def test_customer_12_and_supplier_12_are_two_contacts(client: FlaskClient) -> None:
    both = [{"reference": "12", "kind": kind} for kind in ("customer", "supplier")]
    made = collect(client, package="quickbooks_online", organisation=None, contacts=both)
    assert made.get_json()["contacts"] == 2


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"contacts": []}, 422),
        ({"contacts": [{"reference": "not-a-guid"}]}, 422),
        ({"package": "unheard_of"}, 422),
        ({"batch": "no-such-draft"}, 404),
    ],
)
def test_a_list_that_cannot_be_kept_is_refused_whole(
    client: FlaskClient, more: dict[str, Any], status: int
) -> None:
    assert collect(client, HOLLOWAY, **more).status_code == status
    assert client.get("/api/v1/batches").get_json() == {"batches": []}


def test_a_page_of_another_organisation_does_not_join_a_draft(client: FlaskClient) -> None:
    draft = collect(client, HOLLOWAY).get_json()
    assert collect(client, OTHER, batch=draft["id"], organisation="!other").status_code == 404


def test_a_draft_that_is_thrown_away_is_gone(client: FlaskClient) -> None:
    draft = collect(client, HOLLOWAY).get_json()
    assert client.delete(f"/api/v1/batches/{draft['id']}").status_code == 204
    assert client.get(f"/api/v1/batches/{draft['id']}").status_code == 404
    assert client.delete(f"/api/v1/batches/{draft['id']}").status_code == 404


def test_a_lists_contact_may_have_several_values_and_be_retired(client: FlaskClient) -> None:
    contact = {
        "reference": HOLLOWAY, "name": "Margaret Holloway", "email": "m@x.example",
        "other_emails": ["margaret.holloway@postbox.example"], "retired": True,
        "other_addresses": [{"address": "14 Orchard Close", "postcode": "GL50 2TR"}],
    }  # fmt: skip
    body = {"package": "xero", "organisation": "!kR4N6", "kind": "customer", "contacts": [contact]}
    batch = client.post("/api/v1/batches", json=body, headers={"Idempotency-Key": new_key()})
    rows = client.get(f"/api/v1/batches/{batch.get_json()['id']}/rows").get_json()["rows"]
    assert rows[0]["other_emails"] == ["margaret.holloway@postbox.example"]
    assert rows[0]["other_addresses"][0]["postcode"] == "GL50 2TR"
    assert (rows[0]["retired"], rows[0]["live_twin"]) == (True, None)
