"""Connecting a browser over HTTP: RFC 8628 and RFC 6749 to the letter, lost answers included."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from crmlink.access.context import AccessContext
from crmlink.access.dpop import new_nonce
from crmlink.access.pairing import approve_pairing, deny_pairing
from crmlink.access.people import remove_person
from crmlink.api.schemas.access import DEVICE_CODE_GRANT
from crmlink.store import Device, Pairing, Person
from crmlink.store.base import utc_now
from support.access_factories import make_person, page_actor, pair, with_token
from support.browser_client import new_key
from support.browser_key import BrowserKey
from support.installations import installation_of

URN = "urn:crmlink:problem:"
KEY, OTHER_KEY = new_key(), new_key()
LONG_AGO = utc_now() - timedelta(days=100)


def proof(app: Flask, path: str, key: BrowserKey = KEY, **changes: Any) -> dict[str, str]:
    """The header that proves a browser's key for a request to the server's doors."""
    nonce = changes.pop("nonce", None) or new_nonce(installation_of(app).access)
    return {"DPoP": key.proof("POST", f"http://localhost/api/v1{path}", nonce, **changes)}


def begin(app: Flask) -> dict[str, Any]:
    form = {"client_id": "crmlink-extension", "browser": "Chrome on Windows"}
    headers = proof(app, "/pairings")
    reply = app.test_client().post("/api/v1/pairings", data=form, headers=headers)
    assert reply.status_code == 200
    body: dict[str, Any] = reply.get_json()
    return body


def ask_token(app: Flask, key: BrowserKey = KEY, **form: str) -> TestResponse:
    data = {"client_id": "crmlink-extension"} | form
    headers = proof(app, "/token", key)
    return app.test_client().post("/api/v1/token", data=data, headers=headers)


def redeem(app: Flask, device_code: str, key: BrowserKey = KEY) -> TestResponse:
    return ask_token(app, key, grant_type=DEVICE_CODE_GRANT, device_code=device_code)


def refresh(app: Flask, token: str, key: BrowserKey = KEY) -> TestResponse:
    return ask_token(app, key, grant_type="refresh_token", refresh_token=token)


def says(reply: TestResponse) -> tuple[int, str, str]:
    """A refusal's status, RFC 6749's word for it, and ours."""
    assert reply.mimetype == "application/problem+json"
    body = reply.get_json()
    return reply.status_code, body["error"], body["type"].removeprefix(URN)


def works(app: Flask, access_token: str) -> bool:
    return with_token(app, access_token).get("/api/v1/workspace").status_code == 200


@pytest.fixture
def person(access: AccessContext) -> Person:
    return make_person(access)


def connect(app: Flask, access: AccessContext, person: Person) -> dict[str, Any]:
    begun = begin(app)
    approve_pairing(access, page_actor(access, person), begun["user_code"], "Front desk")
    body: dict[str, Any] = redeem(app, begun["device_code"]).get_json()
    return body


def test_a_pairing_begins_with_a_code_for_both_sides(shared_app: Flask) -> None:
    begun = begin(shared_app)
    assert begun["expires_in"] == 600
    assert begun["interval"] == 2
    assert begun["verification_uri"] == "http://localhost/pair"
    assert begun["verification_uri_complete"].endswith(f"/pair?code={begun['user_code']}")
    assert len(begun["user_code"]) == 9
    assert begun["device_code"] not in begun["verification_uri_complete"]


def test_an_approved_browser_gets_tokens_that_work(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    begun = begin(shared_app)
    assert says(redeem(shared_app, begun["device_code"])) == (
        400, "authorization_pending", "pairing-pending",
    )  # fmt: skip
    approve_pairing(access, page_actor(access, person), begun["user_code"], "Front desk")
    reply = redeem(shared_app, begun["device_code"])
    grant = reply.get_json()
    assert (reply.status_code, grant["token_type"], grant["expires_in"]) == (200, "DPoP", 600)
    assert grant["device"]["name"] == "Front desk"
    assert grant["person"] == {"name": person.name, "role": "clerk"}
    assert reply.headers["Cache-Control"] == "no-store"
    assert works(shared_app, grant["access_token"])
    renewed = refresh(shared_app, grant["refresh_token"]).get_json()
    assert renewed["refresh_token"] != grant["refresh_token"]
    assert works(shared_app, renewed["access_token"])


def test_a_browser_that_asks_too_often_is_told_to_slow_down(shared_app: Flask) -> None:
    begun = begin(shared_app)
    redeem(shared_app, begun["device_code"])
    assert says(redeem(shared_app, begun["device_code"])) == (400, "slow_down", "pairing-hasty")


def test_a_denied_browser_hears_so(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    begun = begin(shared_app)
    deny_pairing(access, page_actor(access, person), begun["user_code"])
    assert says(redeem(shared_app, begun["device_code"])) == (
        400,
        "access_denied",
        "pairing-denied",
    )


def test_a_code_is_over_after_its_ten_minutes(shared_app: Flask, access: AccessContext) -> None:
    begun = begin(shared_app)
    with access.database.writing() as session:
        code = begun["user_code"].replace("-", "")
        session.execute(
            update(Pairing).where(Pairing.user_code == code).values(expires_at=utc_now())
        )
    assert says(redeem(shared_app, begun["device_code"])) == (400, "expired_token", "pairing-over")


def test_a_lost_answer_is_given_again_until_the_browser_used_it(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    begun = begin(shared_app)
    approve_pairing(access, page_actor(access, person), begun["user_code"], "Front desk")
    first, again = (redeem(shared_app, begun["device_code"]).get_json() for _ in range(2))
    assert first["refresh_token"] == again["refresh_token"]
    assert first["device"] == again["device"]
    assert works(shared_app, again["access_token"])
    assert says(redeem(shared_app, begun["device_code"])) == (400, "invalid_grant", "grant-refused")

    second, repeated = (refresh(shared_app, first["refresh_token"]).get_json() for _ in range(2))
    assert second["refresh_token"] == repeated["refresh_token"]
    third = refresh(shared_app, second["refresh_token"]).get_json()
    assert works(shared_app, third["access_token"])


def test_a_token_shown_after_its_successor_ends_the_browser(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    first = connect(shared_app, access, person)
    second = refresh(shared_app, first["refresh_token"]).get_json()
    assert works(shared_app, second["access_token"])
    reused = (400, "invalid_grant", "token-reused")
    assert says(refresh(shared_app, first["refresh_token"])) == reused
    assert not works(shared_app, second["access_token"])
    assert says(refresh(shared_app, second["refresh_token"])) == reused


def test_a_browser_disconnected_by_an_admin_hears_so(
    shared_app: Flask, access: AccessContext, person: Person, admin: FlaskClient
) -> None:
    grant = connect(shared_app, access, person)
    assert admin.delete(f"/api/v1/devices/{grant['device']['id']}").status_code == 204
    assert not works(shared_app, grant["access_token"])
    assert says(refresh(shared_app, grant["refresh_token"])) == (
        400,
        "invalid_grant",
        "device-revoked",
    )


def test_a_removed_persons_browser_hears_so(
    shared_app: Flask, access: AccessContext, person: Person, admin_person: Person
) -> None:
    grant = connect(shared_app, access, person)
    remove_person(access, page_actor(access, admin_person), person.public_id)
    assert not works(shared_app, grant["access_token"])
    assert says(refresh(shared_app, grant["refresh_token"])) == (
        400,
        "invalid_grant",
        "device-revoked",
    )


def test_a_browser_that_was_not_used_for_long_hears_so(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    grant = connect(shared_app, access, person)
    with access.database.writing() as session:
        session.execute(
            update(Device)
            .where(Device.public_id == grant["device"]["id"])
            .values(expires_at=LONG_AGO)
        )
    assert says(refresh(shared_app, grant["refresh_token"])) == (
        400,
        "invalid_grant",
        "device-expired",
    )


def test_a_browser_logs_itself_out(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    grant = connect(shared_app, access, person)
    assert (
        with_token(shared_app, grant["access_token"]).delete("/api/v1/devices/me").status_code
        == 204
    )
    assert not works(shared_app, grant["access_token"])
    assert says(refresh(shared_app, grant["refresh_token"]))[2] == "device-revoked"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": DEVICE_CODE_GRANT}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 101}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "crmr_" + "é" * 38}, "invalid_grant"),
        ({"grant_type": DEVICE_CODE_GRANT, "device_code": "x"}, "invalid_grant"),
    ],
)
def test_a_request_that_is_not_right_gets_the_word_of_the_standard(
    shared_app: Flask, form: dict[str, str], error: str
) -> None:
    reply = shared_app.test_client().post(
        "/api/v1/token", data=form, headers=proof(shared_app, "/token")
    )
    assert says(reply)[:2] == (400, error)


def test_a_token_request_comes_as_a_form_and_may_hold_what_no_one_knows(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    grant = connect(shared_app, access, person)
    form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    headers = proof(shared_app, "/token")
    as_json = shared_app.test_client().post("/api/v1/token", json=form, headers=headers)
    assert says(as_json)[:2] == (400, "invalid_request")
    assert ask_token(shared_app, **form, resource="x", surprise="y").status_code == 200


def test_no_kind_of_secret_serves_as_another(
    shared_app: Flask, access: AccessContext, person: Person
) -> None:
    begun, grant = begin(shared_app), pair(access, person)
    for wrong in (grant.access_token[:100], begun["device_code"], begun["user_code"]):
        assert says(refresh(shared_app, wrong))[1] == "invalid_grant"
    assert says(redeem(shared_app, grant.refresh_token))[1] == "invalid_grant"
    for wrong in (grant.refresh_token, begun["device_code"]):
        assert not works(shared_app, wrong)
