"""Parking a contact over HTTP, and its list."""

from typing import Any

from flask.testing import FlaskClient

from api.test_links import CONTACT, link
from support.sandbox import HOLLOWAY


def parked(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/parked").get_json()["contacts"]
    return found


def test_a_contact_is_parked_shown_with_its_suggestions_and_removed(client: FlaskClient) -> None:
    made = client.post("/api/v1/parked", json=CONTACT | {"kind": "customer"})
    assert made.status_code == 201
    assert made.get_json()["reference"] == HOLLOWAY
    assert parked(client) == [made.get_json()]
    offer = client.post("/api/v1/suggestions", json=CONTACT).get_json()
    assert offer["parked"] == made.get_json()
    path = f"/api/v1/parked/{made.get_json()['id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).get_json()["type"].endswith(":not-found")
    assert client.post("/api/v1/suggestions", json=CONTACT).get_json()["parked"] is None


def test_linking_takes_it_off_the_list(client: FlaskClient) -> None:
    client.post("/api/v1/parked", json=CONTACT | {"kind": "customer"})
    assert link(client).status_code == 201
    assert parked(client) == []


def test_what_is_no_reference_is_not_parked(client: FlaskClient) -> None:
    refused = client.post("/api/v1/parked", json=CONTACT | {"reference": "not a guid"})
    assert refused.status_code == 422
    assert parked(client) == []
