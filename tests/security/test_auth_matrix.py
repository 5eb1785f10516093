"""Every route, and all that must open nothing: refused, the same way, and nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask, request

from crmlink.access import dpop
from crmlink.access import refresh_tokens as grants
from crmlink.access.errors import InvalidToken
from crmlink.access.proofs import Proof, token_hash
from crmlink.store.base import new_id
from crmlink.web import auth as guard
from security.attack import Attacker, Refusal
from security.attack_fixture import AttackFixture
from security.credentials import Credential, bad_for_api, bad_for_pages, bound, cookie
from security.routes import ParameterUnknown, Route, every_route

PUBLIC = {
    "static": {"/static/<path:filename>"},
    "pages.health": {"/healthz", "/readyz"},
    "metrics": {"/metrics"},
    "pages.sign_in": {"/log-in"},
    "pages.welcome": {"/welcome"},
    "pages.forgotten": {"/forgotten"},
    "pages.ask_new_password": {"/forgotten"},
    "pages.unsubscribe": {"/unsubscribe/<signed>"},
    "pages.end_optional_emails": {"/unsubscribe/<signed>"},
    "pages.privacy": {"/privacy"},
    "pages.web_connector_description": {"/quickbooks/<source_id>"},
    "pages.web_connector": {"/quickbooks/<source_id>"},
    "pages.accept_webhook": {"/hooks/<source_id>"},
    "pages.extension_updates": {"/extension/updates.xml", "/extension/updates.json"},
    "pages.extension_package": {"/extension/crmlink.crx", "/extension/crmlink.xpi"},
    "pairings.create_pairing": {"/api/v1/pairings"},
    "pairings.issue_token": {"/api/v1/token"},
}
QUIET = {"no token", "no cookie", "revoked", "ended", "person removed"}  # of HEAD and OPTIONS
EITHER = {"api-docs.openapi_json"}
NOTHING = Credential()


@pytest.fixture(scope="module")
def api_bad(target: AttackFixture) -> dict[str, Credential]:
    return bad_for_api(target)


@pytest.fixture(scope="module")
def page_bad(target: AttackFixture) -> dict[str, Credential]:
    return bad_for_pages(target)


def guarded(app: Flask, *, in_api: bool, quiet_methods: bool = False) -> list[Route]:
    return [
        route
        for route in every_route(app, quiet_methods=quiet_methods)
        if not route.is_public and route.in_api is in_api and route.rule.endpoint not in EITHER
    ]


def findings(
    target: AttackFixture, routes: list[Route], bad: dict[str, Credential], *, few: bool = False
) -> list[str]:
    """What is wrong, as «credential: route: why»; ``few`` leaves most credentials out."""
    attacker = Attacker(target, routes)
    expected = attacker.ask_all(NOTHING)
    found = [
        f"no credential: {name}: answered {refusal.status}"
        for name, refusal in expected.items()
        if not is_refusal(name, refusal)
    ]
    before = target.everything()
    for what, credential in bad.items():
        if few and what not in QUIET:
            continue
        for name, refusal in attacker.ask_all(credential).items():
            if refusal != expected[name]:
                found.append(f"{what}: {name}: answered {refusal.status}, or otherwise")
        after = target.everything()
        if after != before:
            changed = [table for table in after if after[table] != before[table]]
            found.append(f"{what}: something was done in {', '.join(changed)}")
            before = after
    return found


def is_refusal(name: str, refusal: Refusal) -> bool:
    in_api, reads = "/api/v1/" in name, name.startswith(("GET ", "HEAD "))
    if in_api:
        quiet = name.startswith("HEAD ")
        explained = quiet or '"type": "urn:crmlink:problem:token-refused"' in refusal.body
        return refusal.status == 401 and refusal.realm.startswith("Bearer") and explained
    if reads:
        return (refusal.status, refusal.where) == (303, "/log-in")
    return refusal.status == 401


def test_the_public_routes_are_these_seventeen(target: AttackFixture) -> None:
    by_endpoint: dict[str, set[str]] = {}
    for route in every_route(target.app):
        by_endpoint.setdefault(route.rule.endpoint, set()).add(route.rule.rule)
    assert {name: by_endpoint[name] for name in guard.PUBLIC_ENDPOINTS} == PUBLIC
    assert len(PUBLIC) == 17


def test_no_route_of_the_api_opens_to_a_bad_token(
    target: AttackFixture, api_bad: dict[str, Credential]
) -> None:
    assert len(api_bad) >= 43
    routes = guarded(target.app, in_api=True)
    assert len(routes) >= 30
    assert findings(target, routes, api_bad) == []


def test_no_page_opens_to_a_bad_log_in(
    target: AttackFixture, page_bad: dict[str, Credential]
) -> None:
    assert len(page_bad) >= 18
    routes = guarded(target.app, in_api=False)
    assert len(routes) >= 50
    assert findings(target, routes, page_bad) == []


def test_the_description_of_the_api_opens_to_both_and_to_nothing_else(
    target: AttackFixture, api_bad: dict[str, Credential], page_bad: dict[str, Credential]
) -> None:
    assert guard.TOKEN_OR_SESSION_ENDPOINTS == EITHER
    good = {"access token instead of cookie", "script token instead of cookie"}
    good |= {"the log-in's cookie instead of a token"}
    bad = {name: one for name, one in (api_bad | page_bad).items() if name not in good}
    routes = [route for route in every_route(target.app) if route.rule.endpoint in EITHER]
    assert findings(target, routes, bad) == []


def test_head_and_options_open_nothing_either(
    target: AttackFixture, api_bad: dict[str, Credential], page_bad: dict[str, Credential]
) -> None:
    for in_api, bad in ((True, api_bad), (False, page_bad)):
        routes = [
            route
            for route in guarded(target.app, in_api=in_api, quiet_methods=True)
            if route.method in ("HEAD", "OPTIONS")
        ]
        assert findings(target, routes, bad, few=True) == []


def test_all_routes_of_the_api_refuse_with_one_and_the_same_body(target: AttackFixture) -> None:
    attacker = Attacker(target, guarded(target.app, in_api=True))
    assert len({refusal.body for refusal in attacker.ask_all(NOTHING).values()}) == 1


def test_the_good_ones_are_let_in(target: AttackFixture) -> None:
    """Or else the matrix would prove nothing."""
    admin = target.browsers["admin"]
    for in_api, good in (
        (True, bound(admin.access_token)),
        (False, cookie(target.session(target.people["admin"]))),
    ):
        routes = [route for route in guarded(target.app, in_api=in_api) if route.method == "GET"]
        for name, reply in Attacker(target, routes).ask_all(good).items():
            assert not is_refusal(name, reply), name


def test_a_route_that_no_one_thought_of_is_tried_or_fails_the_tests(target: AttackFixture) -> None:
    app = Flask("new")
    app.add_url_rule("/api/v1/secrets/<secret_id>", view_func=lambda secret_id: secret_id)
    with pytest.raises(ParameterUnknown, match="secret_id"):
        Attacker(target, guarded(app, in_api=True))


def no_typ_check(patch: pytest.MonkeyPatch) -> None:
    plain = jwt.get_unverified_header

    def header(token: str) -> dict[str, Any]:
        head = plain(token)
        return head if head.get("typ") == dpop.PROOF_TYPE else head | {"typ": grants.JWT_TYPE}

    patch.setattr(jwt, "get_unverified_header", header)


def no_device_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(grants, "_require_active", lambda device: device.person)


def no_audience_check(patch: pytest.MonkeyPatch) -> None:
    plain = jwt.decode

    def decode(token: str, *args: Any, **more: Any) -> Any:
        more.pop("audience", None)
        more["options"] = {"verify_aud": False}
        return plain(token, *args, **more)

    patch.setattr(jwt, "decode", decode)


def any_algorithm(patch: pytest.MonkeyPatch) -> None:
    plain = jwt.decode
    patch.setattr(
        jwt,
        "decode",
        lambda token, key, usual, **more: plain(token, key, [*usual, "HS512"], **more),
    )


def no_proof_check(patch: pytest.MonkeyPatch) -> None:
    """A server that takes whatever key, or none, for the one that a token is bound to."""

    def believe(*_: object) -> Proof:
        token = request.headers["Authorization"].partition(" ")[2]
        claims = jwt.decode(token, options={"verify_signature": False})
        return Proof(claims["cnf"]["jkt"], new_id(), token_hash(token))

    patch.setattr(guard, "check_proof", believe)


def no_bound_token_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guard, "_authenticate_bearer", _any_scheme)


def _any_scheme() -> Any:
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if not token.startswith("eyJ"):
        raise InvalidToken
    claims = jwt.decode(token, options={"verify_signature": False})
    proof = Proof(claims.get("cnf", {}).get("jkt", ""), new_id(), token_hash(token))
    return grants.authenticate_access_token(guard.current_installation().access, token, proof, "")


def a_seventh_public_route(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guard, "PUBLIC_ENDPOINTS", guard.PUBLIC_ENDPOINTS | {"workspace.WorkspaceView"})
    # Without this it opens to no one all the same: no actor, no workspace.
    patch.setattr(guard, "current_open_workspace", lambda: guard.current_installation().first)


def pages_by_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guard, "TOKEN_OR_SESSION_ENDPOINTS", {"pages.account"})


def any_session(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("crmlink.access.sessions._is_active", lambda *_: True)


@pytest.mark.parametrize(
    ("twin", "caught"),
    [
        (no_typ_check, {"wrong typ", "no typ"}),
        (no_device_check, {"revoked", "lapsed", "person removed"}),
        (no_audience_check, {"wrong audience", "two audiences"}),
        (any_algorithm, {"another algorithm with our key"}),
        (
            no_proof_check,
            {"access token without a proof", "access token with another key's proof"},
        ),
        (no_bound_token_check, {"access token as Bearer", "access token without a proof"}),
        (a_seventh_public_route, {"no credential"}),
        (pages_by_token, {"access token instead of cookie"}),
        (any_session, {"ended", "idle for too long"}),
    ],
)
def test_a_guard_with_a_hole_is_caught(
    target: AttackFixture,
    api_bad: dict[str, Credential],
    page_bad: dict[str, Credential],
    monkeypatch: pytest.MonkeyPatch,
    twin: Callable[[pytest.MonkeyPatch], None],
    caught: set[str],
) -> None:
    routes = [
        route for route in every_route(target.app)
        if route.name in ("GET /api/v1/workspace", "GET /account")
    ]  # fmt: skip
    twin(monkeypatch)
    found = [
        *findings(target, [route for route in routes if route.in_api], api_bad),
        *findings(target, [route for route in routes if not route.in_api], page_bad),
    ]
    assert {one.partition(":")[0] for one in found} >= caught
