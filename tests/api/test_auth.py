"""Nothing gets in without a valid token, and what comes out is safe to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from crmlink.access.api_tokens import list_tokens
from crmlink.access.context import AccessContext
from crmlink.store import Device
from crmlink.store.base import utc_now
from crmlink.web.auth import PUBLIC_ENDPOINTS
from support.access_factories import logged_in, make_person, make_token, pair, with_token
from support.installations import installation_of

WORKSPACE = "/api/v1/workspace"


def ask(app: Flask, token: str | None, path: str = WORKSPACE) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    reply = app.test_client().get(path, headers=headers)
    body = reply.get_json()
    return reply.status_code, f"{body.get('type')} {body.get('detail')}"


def test_there_are_seventeen_public_routes_and_they_exist(shared_app: Flask) -> None:
    assert len(PUBLIC_ENDPOINTS) == 17
    assert {rule.endpoint for rule in shared_app.url_map.iter_rules()} >= PUBLIC_ENDPOINTS


def test_every_kind_of_bad_token_is_refused_with_the_same_body(
    shared_app: Flask, access: AccessContext
) -> None:
    expired, revoked, good = (make_token(access) for _ in range(3))
    with access.database.writing() as session:
        for token, change in (
            (expired, {"expires_at": utc_now() - timedelta(seconds=1)}),
            (revoked, {"revoked_at": utc_now()}),
        ):
            session.execute(update(Device).where(Device.prefix == token[:12]).values(change))
    tampered = good[:-1] + ("0" if good[-1] != "0" else "1")
    bad = [None, "", "garbage", "crm_", tampered, good.lower(), expired, revoked, "crm_" + "é" * 38]
    answers = {ask(shared_app, token) for token in bad}
    assert len(answers) == 1
    assert answers.pop()[0] == 401
    assert ask(shared_app, good)[0] == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_may_be_written_in_any_case(
    shared_app: Flask, access: AccessContext, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {make_token(access)}"}
    assert shared_app.test_client().get(WORKSPACE, headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Basic {}", "Token {}", "{}", "Bearer{}", "Bearer a {}"])
def test_a_token_counts_only_as_a_bearer(
    shared_app: Flask, access: AccessContext, header: str
) -> None:
    headers = {"Authorization": header.format(make_token(access))}
    assert shared_app.test_client().get(WORKSPACE, headers=headers).status_code == 401


def test_an_address_that_does_not_exist_is_not_told_to_strangers(
    shared_app: Flask, admin: FlaskClient
) -> None:
    assert ask(shared_app, None, "/api/v1/secrets")[0] == 401
    assert admin.get("/api/v1/secrets").status_code == 404
    reply = admin.delete(WORKSPACE)
    assert reply.status_code == 405
    assert "GET" in reply.headers["Allow"]
    assert shared_app.test_client().delete(WORKSPACE).status_code == 401


def test_a_stranger_at_a_page_is_sent_to_the_log_in_and_no_further(shared_app: Flask) -> None:
    reply = shared_app.test_client().get("/links?state=linked")
    assert reply.status_code == 303
    assert reply.headers["Location"] == "/log-in?next=/links?state%3Dlinked"
    assert shared_app.test_client().get("/").headers["Location"] == "/log-in"
    assert shared_app.test_client().get("/no-such-page").status_code == 303
    assert shared_app.test_client().post("/people").status_code == 401


def test_pages_want_the_log_in_and_the_api_wants_the_token(
    shared_app: Flask, access: AccessContext
) -> None:
    person = make_person(access)
    by_cookie = logged_in(shared_app, access, person)
    by_token = with_token(shared_app, pair(access, person).access_token)
    assert by_cookie.get("/account").status_code == 200
    assert by_token.get("/account").status_code == 303
    assert by_cookie.get(WORKSPACE).status_code == 401
    assert by_token.get(WORKSPACE).status_code == 200
    for client in (by_cookie, by_token):
        assert client.get("/api/openapi.json").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/v1/suggestions", "suggest"),
        ("GET", "/api/v1/records?q=smith", "suggest"),
        ("GET", "/api/v1/records/customer-1001", "read"),
        ("POST", "/api/v1/links", "link"),
        ("GET", "/api/v1/links", "read"),
        ("POST", "/api/v1/links/x/undo", "link"),
        ("GET", "/api/v1/batches", "batch"),
        ("GET", "/api/v1/audit", "admin"),
    ],
)
def test_a_token_does_only_what_its_scopes_say(
    shared_app: Flask, access: AccessContext, method: str, path: str, scope: str
) -> None:
    others = tuple({"suggest", "link", "read", "batch", "admin"} - {scope})
    for scopes, allowed in ((others, False), ((scope,), True)):
        reply = with_token(shared_app, make_token(access, *scopes)).open(
            path, method=method, json={}
        )
        assert (reply.status_code != 403) is allowed


def test_a_token_does_no_more_than_who_made_it_may_do_now(
    shared_app: Flask, access: AccessContext, admin: FlaskClient
) -> None:
    other = make_person(access, "admin")
    mine = with_token(shared_app, pair(access, other).access_token)
    script = with_token(
        shared_app,
        mine.post("/api/v1/tokens", json={"name": "S", "scopes": ["admin", "read"]}).get_json()[
            "token"
        ],
    )
    assert script.get("/api/v1/audit").status_code == 200
    admin.patch(f"/api/v1/people/{other.public_id}", json={"role": "clerk"})
    assert script.get("/api/v1/audit").status_code == 403
    assert script.get("/api/v1/links").status_code == 200


def test_a_token_of_another_key_opens_nothing(shared_app: Flask, access: AccessContext) -> None:
    thief = replace(access, secret_key="another key" * 5)
    assert ask(shared_app, make_token(thief))[0] == 401
    browser = with_token(shared_app, pair(thief, make_person(access)).access_token)
    assert browser.get(WORKSPACE).status_code == 401


def test_use_is_noted_with_its_time_its_address_and_its_count(
    shared_app: Flask, access: AccessContext
) -> None:
    token = make_token(access)
    assert list_tokens(access)[0].last_used_at is None
    for _ in range(3):
        ask(shared_app, token)
    installation_of(shared_app).usage.flush()
    used = list_tokens(access)[0]
    assert used.last_used_at
    assert (used.last_used_address, used.use_count) == ("127.0.0.1", 3)
