"""People, devices, tokens, the audit and preferences over HTTP; all of them for admins."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.context import AccessContext
from crmlink.access.joining import accept_invitation
from crmlink.store import Person
from support.access_factories import PASSWORD, logged_in, make_person, make_token, pair, with_token
from support.installations import installation_of, open_app

URN = "urn:crmlink:problem:"
API = "/api/v1"


def code(reply: TestResponse) -> tuple[int, str]:
    return reply.status_code, reply.get_json()["type"].removeprefix(URN)


def invite(client: FlaskClient, email: str, role: str = "clerk") -> dict[str, Any]:
    reply = client.post(f"{API}/people", json={"name": "New One", "email": email, "role": role})
    assert reply.status_code == 201
    body: dict[str, Any] = reply.get_json()
    return body


def test_someone_is_invited_joins_and_is_listed(admin: FlaskClient, access: AccessContext) -> None:
    made = invite(admin, "new.one@firm.example")
    assert made["joined_at"] is None
    address, _, token = made["link"].partition("#")
    assert address == "http://localhost/welcome"
    accept_invitation(access, token, PASSWORD)
    found = admin.get(f"{API}/people/{made['id']}").get_json()
    assert found["joined_at"]
    assert found in admin.get(f"{API}/people").get_json()["people"]
    assert "link" not in found


def test_a_new_link_ends_the_old_one(
    admin: FlaskClient, access: AccessContext, shared_app: Flask
) -> None:
    first = invite(admin, "twice@firm.example")
    second = admin.post(f"{API}/people/{first['id']}/invitations")
    assert second.status_code == 201
    welcome = shared_app.test_client()
    page = welcome.get("/welcome").get_data(as_text=True)
    csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    for link, status in ((first["link"], 422), (second.get_json()["link"], 200)):
        form = {"csrf_token": csrf, "token": link.partition("#")[2]}
        assert welcome.post("/welcome", data=form).status_code == status


def test_a_name_and_a_role_are_changed_and_the_role_counts_at_once(
    admin: FlaskClient, shared_app: Flask, access: AccessContext
) -> None:
    person = make_person(access)
    theirs = with_token(shared_app, pair(access, person).access_token)
    assert theirs.get(f"{API}/people").status_code == 403
    path = f"{API}/people/{person.public_id}"
    changed = admin.patch(path, json={"name": "Robin Renamed", "role": "admin"}).get_json()
    assert (changed["name"], changed["role"]) == ("Robin Renamed", "admin")
    assert theirs.get(f"{API}/people").status_code == 200
    admin.patch(path, json={"role": "clerk"})
    assert theirs.get(f"{API}/people").status_code == 403


def test_a_removed_person_is_out_at_once(
    admin: FlaskClient, shared_app: Flask, access: AccessContext
) -> None:
    person = make_person(access, "admin")
    browser = with_token(shared_app, pair(access, person).access_token)
    pages = logged_in(shared_app, access, person)
    made = browser.post(f"{API}/tokens", json={"name": "Theirs"}).get_json()
    script = with_token(shared_app, made["token"])
    assert script.get(f"{API}/links").status_code == 200
    assert admin.delete(f"{API}/people/{person.public_id}").status_code == 204
    assert browser.get(f"{API}/workspace").status_code == 401
    assert script.get(f"{API}/links").status_code == 401
    assert pages.get("/account").status_code == 303
    assert code(admin.delete(f"{API}/people/{person.public_id}")) == (404, "not-found")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[FlaskClient, Person]]:
    """A workspace with a single admin, and their client."""
    with open_app(tmp_path) as app:
        person = make_person(installation_of(app).access, "admin")
        yield with_token(app, pair(installation_of(app).access, person).access_token), person


def test_the_last_admin_stays(alone: tuple[FlaskClient, Person]) -> None:
    client, person = alone
    path = f"{API}/people/{person.public_id}"
    invite(client, "not.joined@firm.example", "admin")  # who has not joined does not count
    assert code(client.delete(path)) == (409, "last-admin")
    assert code(client.patch(path, json={"role": "manager"})) == (409, "last-admin")
    assert client.get(path).get_json()["role"] == "admin"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"name": "A", "email": "no address", "role": "clerk"}, 422, "email"),
        ({"name": " ", "email": "a@firm.example", "role": "clerk"}, 422, "name"),
        ({"name": "A", "email": "a@firm.example", "role": "owner"}, 422, "role"),
        ({"name": "A", "email": "a@firm.example"}, 422, "role"),
        ({"name": 1, "email": "a@firm.example", "role": "clerk"}, 422, "name"),
        ({"name": "A", "email": "a@firm.example", "role": "clerk", "x": 1}, 422, "x"),
        ({"name": "A\0", "email": "a@firm.example", "role": "clerk"}, 422, "kept"),
        ([], 400, "object"),
    ],
)
def test_a_person_who_makes_no_sense_is_refused(
    admin: FlaskClient, body: Any, status: int, word: str
) -> None:
    before = admin.get(f"{API}/people").get_json()
    reply = admin.post(f"{API}/people", json=body)
    assert reply.status_code == status
    assert word in reply.get_json()["detail"]
    assert admin.get(f"{API}/people").get_json() == before


def test_an_email_is_taken_whatever_its_case(admin: FlaskClient) -> None:
    invite(admin, "taken@firm.example")
    body = {"name": "B", "email": "TAKEN@firm.example", "role": "clerk"}
    assert code(admin.post(f"{API}/people", json=body)) == (409, "email-taken")


def test_browsers_are_listed_renamed_and_ended(
    admin: FlaskClient, shared_app: Flask, access: AccessContext
) -> None:
    grant = pair(access, make_person(access), "Reception")
    path = f"{API}/devices/{grant.device.public_id}"
    assert admin.patch(path, json={"name": "Back office"}).get_json()["name"] == "Back office"
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 204
    listed = admin.get(f"{API}/devices").get_json()["devices"]
    ended = next(device for device in listed if device["id"] == grant.device.public_id)
    assert (ended["name"], ended["revoked_because"]) == ("Back office", "revoked")
    assert ended["state"] == "revoked"
    assert code(admin.delete(f"{API}/devices/nobody")) == (404, "not-found")


def test_a_clerk_ends_and_renames_their_own_browser_only(
    shared_app: Flask, access: AccessContext
) -> None:
    person = make_person(access)
    mine, other, foreign = (
        pair(access, person),
        pair(access, person),
        pair(access, make_person(access)),
    )
    client = with_token(shared_app, mine.access_token)
    path = f"{API}/devices/{foreign.device.public_id}"
    assert code(client.delete(path)) == (403, "role-too-low")
    assert code(client.patch(path, json={"name": "Mine"})) == (403, "role-too-low")
    assert client.patch(f"{API}/devices/me", json={"name": "Mine"}).get_json()["name"] == "Mine"
    assert client.delete(f"{API}/devices/{other.device.public_id}").status_code == 204
    assert with_token(shared_app, foreign.access_token).get(f"{API}/workspace").status_code == 200


@pytest.mark.parametrize("browsers", [False, True])
def test_everything_of_a_person_is_ended_and_their_browsers_on_request(
    admin: FlaskClient, shared_app: Flask, access: AccessContext, browsers: bool
) -> None:
    person = make_person(access)
    pages = logged_in(shared_app, access, person)
    clients = [with_token(shared_app, pair(access, person).access_token) for _ in range(2)]
    path = f"{API}/people/{person.public_id}/log-outs"
    ended = admin.post(path, json={"browsers": browsers})
    assert ended.get_json() == {"browsers": 2 if browsers else 0}
    assert pages.get("/account").status_code == 303
    for client in clients:
        assert client.get(f"{API}/workspace").status_code == (401 if browsers else 200)


def test_a_browser_ends_everything_of_its_own_person_and_of_no_one_else(
    shared_app: Flask, access: AccessContext
) -> None:
    person, other = make_person(access), make_person(access)
    client = with_token(shared_app, pair(access, person).access_token)
    theirs = with_token(shared_app, pair(access, other).access_token)
    path = f"{API}/people/{other.public_id}/log-outs"
    assert code(client.post(path, json={"browsers": True})) == (403, "role-too-low")
    assert theirs.get(f"{API}/workspace").status_code == 200
    path = f"{API}/people/me/log-outs"
    assert client.post(path, json={"browsers": True}).get_json() == {"browsers": 1}
    assert client.get(f"{API}/workspace").status_code == 401


def test_a_token_is_shown_once_rotated_and_revoked(admin: FlaskClient, shared_app: Flask) -> None:
    made = admin.post(f"{API}/tokens", json={"name": "Nightly", "scopes": ["read"], "days": 30})
    assert made.status_code == 201
    old, token_id = made.get_json()["token"], made.get_json()["id"]
    listed = admin.get(f"{API}/tokens").get_json()["tokens"]
    shown = next(token for token in listed if token["id"] == token_id)
    assert "token" not in shown
    assert old.startswith(shown["begins"])
    assert shown["made_by"] == "Alex Boss"
    assert shown["state"] == "valid"

    new = admin.post(f"{API}/tokens/{token_id}/rotations").get_json()["token"]
    reads = f"{API}/links"
    assert with_token(shared_app, old).get(reads).status_code == 200
    assert with_token(shared_app, new).get(reads).status_code == 200
    assert with_token(shared_app, old).get(reads).status_code == 401

    assert admin.delete(f"{API}/tokens/{token_id}").status_code == 204
    assert with_token(shared_app, new).get(reads).status_code == 401
    assert code(admin.post(f"{API}/tokens/{token_id}/rotations")) == (404, "not-found")


def test_a_token_that_ends_soon_is_said_to(admin: FlaskClient) -> None:
    made = admin.post(f"{API}/tokens", json={"name": "Nightly", "days": 13})
    assert made.get_json()["state"] == "expiring"


def test_all_tokens_are_revoked_in_one_go_and_browsers_stay(
    admin: FlaskClient, shared_app: Flask, access: AccessContext
) -> None:
    tokens = [make_token(access, "read") for _ in range(3)]
    assert admin.delete(f"{API}/tokens").get_json()["revoked"] >= 3
    for token in tokens:
        assert with_token(shared_app, token).get(f"{API}/links").status_code == 401
    assert admin.delete(f"{API}/tokens").get_json() == {"revoked": 0}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "S", "days": 366},
        {"name": "S", "days": 0},
        {"name": "S", "days": "30"},
        {"name": "S", "days": True},
        {"name": "S", "days": 1.5},
        {"name": "S", "scopes": []},
        {"name": "S", "scopes": ["everything"]},
        {"name": ""},
        {},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(admin: FlaskClient, body: Any) -> None:
    assert admin.post(f"{API}/tokens", json=body).status_code == 422


def test_the_audit_tells_who_did_what_and_that_nothing_is_missing(
    admin: FlaskClient, access: AccessContext
) -> None:
    made = invite(admin, "audited@firm.example")
    audit = admin.get(f"{API}/audit?action=person.&q={made['id']}").get_json()
    entry = audit["entries"][0]
    assert (entry["action"], entry["subject"]) == ("person.invited", made["id"])
    assert (entry["person"], entry["device"]) == ("Alex Boss", "Boss's desk")
    assert audit["chain"] == {"sound": True, "broken_at": None, "problems": []}
    assert "audited@firm.example" not in admin.get(f"{API}/audit").get_data(as_text=True)


def test_the_audit_comes_in_pages_and_as_a_table(admin: FlaskClient) -> None:
    places = []
    path = f"{API}/audit?limit=7"
    while path:
        page = admin.get(path).get_json()
        places += [entry["place"] for entry in page["entries"]]
        path = f"{API}/audit?limit=7&before={page['next']}" if page["next"] else ""
    assert places == list(range(len(places), 0, -1))
    table = admin.get(f"{API}/audit", headers={"Accept": "text/csv"})
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert [int(row["place"]) for row in rows] == sorted(places)


def test_preferences_are_settled_whole_and_audited(admin: FlaskClient) -> None:
    wanted = {
        "pairing_needs_admin": True,
        "keep_names_days": 30,
        "keep_drafts_days": 7,
        "sure_bound": 0.999,
    }
    before = admin.get(f"{API}/preferences").get_json()
    assert admin.put(f"{API}/preferences", json=wanted).get_json() == wanted
    assert admin.get(f"{API}/preferences").get_json() == wanted
    newest = admin.get(f"{API}/audit?limit=1").get_json()["entries"][0]
    assert newest["action"] == "preferences.changed"
    for wrong in (
        {"pairing_needs_admin": "yes"},
        {"keep_names_days": -1},
        {"keep_drafts_days": 99999},
        {"keep_names_days": "30"},
    ):
        assert admin.put(f"{API}/preferences", json=wanted | wrong).status_code == 422
    del wanted["keep_names_days"]
    assert admin.put(f"{API}/preferences", json=wanted).status_code == 422
    assert admin.put(f"{API}/preferences", json=before).get_json() == before


@pytest.mark.parametrize("role", ["clerk", "manager"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/people"),
        ("POST", "/people"),
        ("GET", "/people/x"),
        ("PATCH", "/people/x"),
        ("DELETE", "/people/x"),
        ("POST", "/people/x/invitations"),
        ("GET", "/devices"),
        ("GET", "/tokens"),
        ("POST", "/tokens"),
        ("DELETE", "/tokens"),
        ("DELETE", "/tokens/x"),
        ("POST", "/tokens/x/rotations"),
        ("GET", "/audit"),
        ("GET", "/preferences"),
        ("PUT", "/preferences"),
    ],
)
def test_all_of_it_is_for_admins(
    staff: dict[str, FlaskClient], role: str, method: str, path: str
) -> None:
    reply = staff[role].open(API + path, method=method, json={})
    assert code(reply) == (403, "scope-missing")


@pytest.fixture(scope="module")
def staff(shared_app: Flask, access: AccessContext) -> dict[str, FlaskClient]:
    """A client for each of the two lower roles."""
    return {
        role: with_token(shared_app, pair(access, make_person(access, role)).access_token)
        for role in ("clerk", "manager")
    }
