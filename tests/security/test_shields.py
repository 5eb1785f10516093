"""What is around every route: headers, bounds, forged forms, other sites, broken requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.app import SECURITY_HEADERS
from crmlink.web.auth import SESSION_COOKIE
from security.attack import forms_of
from security.attack_fixture import AttackFixture
from security.routes import Route, every_route
from support.access_factories import PASSWORD, make_person, pair, with_token
from support.installations import installation_of, open_app

LISTED = "https://intranet.firm.example"
OTHERS = ("https://evil.example", LISTED + ".evil.example", "http://intranet.firm.example", "null")
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,dpop",
}
URN = "urn:crmlink:problem:"
ONE_CLICK = "POST /unsubscribe/<signed>"
WEBHOOK = "POST /hooks/<source_id>"


@pytest.fixture
def admin(target: AttackFixture) -> FlaskClient:
    """A client that is logged in to the pages, with what its forms need."""
    client = target.app.test_client()
    client.set_cookie(SESSION_COOKIE, target.session(target.people["admin"]))
    return client


@pytest.fixture
def browser(target: AttackFixture) -> FlaskClient:
    return with_token(target.app, pair(target.access, target.people["admin"]).access_token)


def assert_shielded(reply: TestResponse, *, sample: bool = False) -> None:
    """Require the headers that protect a page; a sample of an email runs nothing at all."""
    for name in SECURITY_HEADERS:
        assert name in reply.headers, (reply.request.path, name)
    policy = reply.headers["Content-Security-Policy"]
    if sample:
        assert "default-src 'none'" in policy
        assert "sandbox" in policy.split("; ")  # without exceptions
        assert "script-src" not in policy
    else:
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
    assert "*" not in policy
    assert reply.headers["X-Request-Id"]
    assert "Server" not in reply.headers
    if not reply.request.path.startswith("/static"):
        assert {"no-store", "no-cache"} & set(reply.headers["Cache-Control"].split(", "))
    assert not any(name.startswith("Access-Control") for name, _ in reply.headers)


def test_every_route_answers_with_the_protective_headers(
    target: AttackFixture, admin: FlaskClient, browser: FlaskClient
) -> None:
    stranger = target.app.test_client()
    for route in every_route(target.app):
        known = browser if route.in_api else admin
        for client in (stranger, known) if route.method == "GET" else (stranger,):
            reply = route.send(client, route.path(target), {})
            is_sample = (
                route.name == "GET /settings/email/samples/<kind>" and reply.status_code == 200
            )
            assert_shielded(reply, sample=is_sample)
            reply.close()


def test_so_does_everything_that_goes_wrong(
    target: AttackFixture, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("marked 7711")

    monkeypatch.setattr("crmlink.api.people.list_people", fail)
    for path, method, status in [
        ("/api/v1/nowhere", "GET", 404),
        ("/api/v1/people", "PUT", 405),
        ("/api/v1/people", "POST", 415),
        ("/api/v1/people", "GET", 500),
        ("/static/nowhere.css", "GET", 404),
    ]:
        reply = browser.open(path, method=method)
        assert reply.status_code == status
        assert_shielded(reply)
        assert "marked" not in reply.get_data(as_text=True)


def test_a_cookie_is_kept_from_scripts_other_sites_and_http(target: AttackFixture) -> None:
    for scheme in ("http", "https"):
        client = target.app.test_client()
        _, csrf = forms_of(client)
        person = make_person(target.access)
        form = {"csrf_token": csrf, "email": person.email, "password": PASSWORD}
        reply = client.post("/log-in", data=form, base_url=f"{scheme}://localhost")
        if scheme == "https":  # the cookie of the form came by http and stays there
            client = target.app.test_client()
            page = client.get("/log-in", base_url="https://localhost").get_data(as_text=True)
            form["csrf_token"] = page.partition('name="csrf_token" value="')[2].partition('"')[0]
            reply = client.post("/log-in", data=form, base_url="https://localhost")
        assert reply.status_code == 303
        for header in reply.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in header
            assert "SameSite=Lax" in header
            assert ("Secure" in header) is (scheme == "https")
        # It would force https on every other program of this computer.
        assert "Strict-Transport-Security" not in reply.headers


def forms(target: AttackFixture) -> Iterator[Route]:
    for route in every_route(target.app):
        if not route.in_api and route.method not in ("GET",):
            yield route


def test_no_form_counts_without_its_token_or_from_another_site(
    target: AttackFixture, admin: FlaskClient
) -> None:
    _, csrf = forms_of(target.app.test_client())
    own = token_of(admin)
    tried = 0
    for route in forms(target):
        if route.name == ONE_CLICK:
            continue  # RFC 8058: the mail program sends it, and its signed address is the token
        refused = 401 if route.name == WEBHOOK else 400  # what a webhook sends has to be signed
        path, content = route.path(target), route.content(target)
        before = target.everything()
        for headers in (
            {},
            {"X-CSRFToken": csrf},  # someone else's
            {"X-CSRFToken": own, "Sec-Fetch-Site": "cross-site"},
            {"X-CSRFToken": own, "Sec-Fetch-Site": "same-site"},
        ):
            reply = route.send(admin, path, content, headers=headers)
            assert reply.status_code == refused, (route.name, headers)
            tried += 1
        assert target.everything() == before, route.name
    assert tried >= 100


def token_of(admin: FlaskClient) -> str:
    """What the forms of someone who is logged in carry."""
    page = admin.get("/account").get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert token
    right = admin.post("/account/password", data={"csrf_token": token, "old": "wrong"})
    assert right.status_code == 422  # it would count
    return token


def test_no_other_site_may_ask_unless_it_is_listed(
    target: AttackFixture, browser: FlaskClient
) -> None:
    for origin in (LISTED, *OTHERS):
        for reply in (
            browser.get("/api/v1/workspace", headers={"Origin": origin}),
            browser.options("/api/v1/workspace", headers=PREFLIGHT | {"Origin": origin}),
            target.app.test_client().options(
                "/api/v1/workspace", headers=PREFLIGHT | {"Origin": origin}
            ),
        ):
            assert not any(name.startswith("Access-Control") for name, _ in reply.headers)


def test_a_listed_site_may_ask_and_no_other(tmp_path: Path) -> None:
    with open_app(tmp_path, cors_origins=(LISTED,)) as app:
        access = installation_of(app).access
        browser = with_token(app, pair(access, make_person(access)).access_token)
        stranger = app.test_client()
        asked = stranger.options("/api/v1/links", headers=PREFLIGHT | {"Origin": LISTED})
        assert asked.status_code == 200
        assert asked.headers["Access-Control-Allow-Origin"] == LISTED
        assert "authorization" in asked.headers["Access-Control-Allow-Headers"].lower()
        assert "dpop" in asked.headers["Access-Control-Allow-Headers"].lower()
        got = browser.get("/api/v1/links", headers={"Origin": LISTED})
        assert got.headers["Access-Control-Allow-Origin"] == LISTED
        assert got.headers["Access-Control-Expose-Headers"] == "DPoP-Nonce"
        assert "Access-Control-Allow-Credentials" not in got.headers
        assert stranger.get("/api/v1/links", headers={"Origin": LISTED}).status_code == 401
        for origin in OTHERS:
            refused = stranger.options("/api/v1/links", headers=PREFLIGHT | {"Origin": origin})
            assert refused.status_code == 401
            for reply in (refused, browser.get("/api/v1/links", headers={"Origin": origin})):
                assert "Access-Control-Allow-Origin" not in reply.headers
        page = stranger.get("/log-in", headers={"Origin": LISTED})
        assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "malformed-request"),
        (b'{"name": "\\ud800"}', 422, "invalid-fields"),
        (b'{"name": "a\\u0000b"}', 422, "invalid-fields"),
        (b'{"\\u0000": 1}', 422, "invalid-fields"),
        (b'{"name": NaN}', 400, "malformed-request"),
        (b'{"name": "a", "name": "b"}', 422, "invalid-fields"),
        (b'{"name": "a", "n\\u0061me": "a"}', 422, "invalid-fields"),
        (b"\xff\xfe", 400, "malformed-request"),
        (b'"text"', 400, "malformed-request"),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', 413, "too-large"),
    ],
)
def test_a_body_that_nothing_can_be_done_with_is_refused(
    browser: FlaskClient, body: bytes, status: int, code: str
) -> None:
    reply = browser.post("/api/v1/tokens", data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()["type"]) == (status, URN + code)


def test_a_body_must_say_that_it_is_json(browser: FlaskClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        reply = browser.post("/api/v1/links/x/undo", data=b"{}", content_type=kind,
                             headers={"Idempotency-Key": "a key of a test"})  # fmt: skip
        assert reply.status_code == 415


@pytest.mark.parametrize("where", ["/api/v1/links/%00", "/api/v1/records?q=%00", "/links/a%00b"])
def test_a_character_that_cannot_be_kept_is_refused_in_addresses_too(
    browser: FlaskClient, admin: FlaskClient, where: str
) -> None:
    client = browser if where.startswith("/api/") else admin
    assert client.get(where).status_code == 422


def test_a_value_counts_only_when_it_is_given_once(browser: FlaskClient) -> None:
    assert browser.get("/api/v1/links?limit=1&limit=200").status_code == 422
    for wrong in ("1_0", " 1", "٣", "1.0", "1e1", ""):
        assert browser.get("/api/v1/links", query_string={"limit": wrong}).status_code == 422


def test_a_page_takes_no_form_larger_than_it_needs(admin: FlaskClient) -> None:
    form = {"csrf_token": token_of(admin), "name": "x" * 1_100_000}
    for path in ("/people", "/log-in"):
        assert admin.post(path, data=form).status_code == 413


def until_refused(ask: Callable[[], TestResponse], most: int) -> tuple[int, TestResponse]:
    """How often one may ask, and the refusal."""
    for count in range(most):
        reply = ask()
        if reply.status_code == 429:
            return count, reply
    raise AssertionError("never refused")


def assert_asked_to_wait(reply: TestResponse) -> None:
    assert 1 <= int(reply.headers["Retry-After"]) <= 15 * 60
    assert_shielded(reply)
    if reply.request.path.startswith("/api/"):
        body = reply.get_json()
        assert body["type"] == URN + "too-many-requests"
        assert body["retry_after"] >= 1


def test_a_browser_is_held_to_its_requests_and_another_is_not(tmp_path: Path) -> None:
    with open_app(tmp_path, requests_per_minute=20) as app:
        access = installation_of(app).access
        first, second = (
            with_token(app, pair(access, make_person(access)).access_token) for _ in range(2)
        )
        count, refused = until_refused(lambda: first.get("/api/v1/workspace"), 40)
        assert count == 20
        assert_asked_to_wait(refused)
        assert second.get("/api/v1/workspace").status_code == 200


def test_a_stranger_is_held_too_and_learns_nothing_on_the_way(tmp_path: Path) -> None:
    with open_app(tmp_path, requests_per_minute=20) as app:
        stranger = with_token(app, "garbage")
        count, refused = until_refused(lambda: stranger.get("/api/v1/workspace"), 40)
        assert count == 20
        assert_asked_to_wait(refused)


def test_pairings_and_grants_are_held(tmp_path: Path) -> None:
    with open_app(tmp_path, requests_per_minute=60) as app:
        client = app.test_client()
        count, refused = until_refused(lambda: client.post("/api/v1/pairings", data={}), 10)
        assert count == 4
        assert_asked_to_wait(refused)
        form = {"grant_type": "refresh_token", "refresh_token": "crmr_guess"}
        count, refused = until_refused(lambda: client.post("/api/v1/token", data=form), 70)
        assert_asked_to_wait(refused)
