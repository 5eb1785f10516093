"""Proofs of possession to the letter of RFC 9449: at the doors, and with every request."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.access import dpop
from crmlink.access.context import AccessContext
from crmlink.access.dpop import new_nonce, thumbprint
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.store.base import utc_now
from support.access_factories import make_person, pair
from support.browser_client import key_of
from support.browser_key import BrowserKey, token_hash
from support.installations import installation_of, open_app

URN = "urn:crmlink:problem:"
HERE = "http://localhost/api/v1"
MALFORMED: dict[str, Callable[[Any], str]] = {
    "typ": lambda made: made(header={"typ": "JWT"}),
    "no typ": lambda made: made(header={"typ": None}),
    "no key": lambda made: made(header={"jwk": None}),
    "a key in words": lambda made: made(header={"jwk": "mine"}),
    "another key than it is signed with": lambda made: made(header={"jwk": BrowserKey().jwk}),
    "a key that shows its secret": lambda made: made(header={"jwk": private(made)}),
    "a key of another curve": lambda made: made(header={"jwk": {"kty": "EC", "crv": "P-384"}}),
    "a point that is on no curve": lambda made: made(header={"jwk": off_curve(made)}),
    "a key that is too short": lambda made: made(header={"jwk": short(made)}),
    "no signature": lambda made: made().rpartition(".")[0] + ".",
    "alg none": lambda made: unsigned(made),
    "signed with the public key as a secret": lambda made: by_public_key(made),
    "signed by RSA": lambda made: by_rsa(made),
    "tampered": lambda made: tampered(made),
    "no jti": lambda made: made(jti=None),
    "an empty jti": lambda made: made(jti=""),
    "a jti of another kind": lambda made: made(jti=7),
    "a jti without end": lambda made: made(jti="x" * 101),
    "no iat": lambda made: made(iat=None),
    "an iat in words": lambda made: made(iat="now"),
    "no method": lambda made: made(htm=None),
    "another method": lambda made: made(htm="DELETE"),
    "a method in small letters": lambda made: made(htm=made.method.lower()),
    "no address": lambda made: made(htu=None),
    "half a letter in the nonce": lambda made: made(nonce="1.\ud800"),
    "half a letter in the jti": lambda made: made(jti="\ud800"),
    "half a letter in the method": lambda made: made(htm="\ud800"),
    "half a letter in the address": lambda made: made(htu="http://localhost/\ud800"),
    "half a letter in the token's hash": lambda made: made(ath="\ud800"),
    "a nonce in other letters": lambda made: made(nonce="1.\u00e9"),
    "garbage": lambda made: "garbage",
    "nothing": lambda made: "",
    "too long": lambda made: made(padding="x" * 2_000),
}
ELSEWHERE = {
    "another path": f"{HERE}/links",
    "another host": "http://evil.example/api/v1",
    "another port": "http://localhost:8080/api/v1",
    "a host that only begins so": "http://localhost.evil.example/api/v1",
    "a user before it": "http://localhost@evil.example/api/v1",
    "no address": "nowhere",
    "another scheme": "ftp://localhost/api/v1",
}


class Maker:
    """Makes proofs for one request, right but for what is asked for."""

    def __init__(
        self, access: AccessContext, key: BrowserKey, method: str, path: str, token: str
    ) -> None:
        self.key, self.method, self.path, self.token = key, method, path, token
        self.nonce = new_nonce(access)

    def __call__(self, **changes: Any) -> str:
        nonce = changes.pop("nonce", self.nonce)
        return self.key.proof(self.method, HERE + self.path, nonce, self.token, **changes)


def private(made: Maker) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(made.key.private))
    return whole


def off_curve(made: Maker) -> dict[str, Any]:
    return made.key.jwk | {"y": BrowserKey().jwk["y"]}


def short(made: Maker) -> dict[str, Any]:
    return made.key.jwk | {"x": made.key.jwk["x"][:-2]}


def unsigned(made: Maker) -> str:
    head = json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": made.key.jwk})
    first = base64.urlsafe_b64encode(head.encode()).decode().rstrip("=")
    return f"{first}.{made().split('.')[1]}."


def _claims(made: Maker) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(made(), options={"verify_signature": False})
    return claims


def by_public_key(made: Maker) -> str:
    public = made.key.private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    head = {"typ": "dpop+jwt", "jwk": made.key.jwk}
    return jwt.encode(_claims(made), public, "HS256", headers=head)


def by_rsa(made: Maker) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    offered = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return jwt.encode(_claims(made), key, "RS256", headers={"typ": "dpop+jwt", "jwk": offered})


def tampered(made: Maker) -> str:
    head, _, signature = made().split(".")
    other = json.dumps(_claims(made) | {"jti": "another"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(other).decode().rstrip('=')}.{signature}"


@pytest.fixture
def grant(access: AccessContext) -> TokenResponse:
    return pair(access, make_person(access))


@pytest.fixture
def key(grant: TokenResponse) -> BrowserKey:
    return key_of(grant.access_token)


def request_token(
    app: Flask, grant: TokenResponse, *proofs: str, base_url: str = "http://localhost"
) -> TestResponse:
    """Ask for new tokens."""
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    headers = [("DPoP", proof) for proof in proofs]
    client = app.test_client()
    return client.post("/api/v1/token", base_url=base_url, data=form, headers=headers)


def inside(app: Flask, grant: TokenResponse, *proofs: str, scheme: str = "DPoP") -> TestResponse:
    """Ask with the access token."""
    headers = [("DPoP", proof) for proof in proofs]
    headers.append(("Authorization", f"{scheme} {grant.access_token}"))
    return app.test_client().get("/api/v1/workspace", headers=headers)


def token_proof_maker(access: AccessContext, key: BrowserKey) -> Maker:
    return Maker(access, key, "POST", "/token", "")


def inside_maker(access: AccessContext, key: BrowserKey, grant: TokenResponse) -> Maker:
    return Maker(access, key, "GET", "/workspace", grant.access_token)


def says(reply: TestResponse) -> tuple[int, str | None, str]:
    body = reply.get_json()
    return reply.status_code, body.get("error"), body["type"].removeprefix(URN)


REFUSED = (401, None, "token-refused")


def test_a_right_proof_is_taken(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    reply = inside(shared_app, grant, inside_maker(access, key, grant)())
    assert reply.status_code == 200
    assert reply.headers["DPoP-Nonce"]
    reply = request_token(shared_app, grant, token_proof_maker(access, key)())
    assert (reply.status_code, reply.get_json()["token_type"]) == (200, "DPoP")
    assert reply.headers["DPoP-Nonce"]


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_or_forged_proof_is_refused(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey, what: str
) -> None:
    forged = MALFORMED[what](token_proof_maker(access, key))
    assert says(request_token(shared_app, grant, forged))[:2] == (400, "invalid_dpop_proof")
    forged = MALFORMED[what](inside_maker(access, key, grant))
    assert says(inside(shared_app, grant, forged)) == REFUSED


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_proof_for_another_address_is_refused(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey, what: str
) -> None:
    address = ELSEWHERE[what]
    forged = token_proof_maker(access, key)(htu=address)
    assert says(request_token(shared_app, grant, forged)) == (
        400,
        "invalid_dpop_proof",
        "proof-elsewhere",
    )
    assert says(inside(shared_app, grant, inside_maker(access, key, grant)(htu=address))) == REFUSED


def test_a_proof_names_its_address_as_the_browser_sees_it(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    for spelled in (
        "http://localhost/api/v1/token", "http://LOCALHOST:80/api/v1/token",
        "https://localhost/api/v1/token", "http://localhost/api/v1/token?resource=x#y",
    ):  # fmt: skip
        assert (
            request_token(
                shared_app, grant, token_proof_maker(access, key)(htu=spelled)
            ).status_code
            == 200
        )


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A server that is reached at another address than it is asked at."""
    folder = tmp_path_factory.mktemp("proxied")
    with open_app(folder, public_url="https://crmlink.firm.example") as app:
        yield app


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "crmlink.firm.example"])
def test_behind_a_proxy_a_proof_names_the_public_address(behind_a_proxy: Flask, host: str) -> None:
    access = installation_of(behind_a_proxy).access
    grant = pair(access, make_person(access))
    made = token_proof_maker(access, key_of(grant.access_token))

    def asks(address: str) -> int:
        shown = made(htu=f"{address}/api/v1/token")
        reply = request_token(behind_a_proxy, grant, shown, base_url=f"http://{host}")
        return reply.status_code

    assert asks("https://crmlink.firm.example") == 200
    assert asks(f"http://{host}") == 200
    for elsewhere in ("https://evil.example", "https://crmlink.firm.example.evil.example",
                      "https://crmlink.firm.example:8443"):  # fmt: skip
        assert asks(elsewhere) == 400


def test_no_proof_or_two_are_refused(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    assert says(request_token(shared_app, grant)) == (400, "invalid_dpop_proof", "proof-missing")
    assert "Update" in request_token(shared_app, grant).get_json()["detail"]
    made = token_proof_maker(access, key)
    assert says(request_token(shared_app, grant, made(), made()))[1] == "invalid_dpop_proof"
    made = inside_maker(access, key, grant)
    for scheme in ("DPoP", "Bearer", "bearer", ""):
        assert says(inside(shared_app, grant, scheme=scheme)) == REFUSED
    for scheme in ("Bearer", "bearer", "Basic", ""):
        assert says(inside(shared_app, grant, made(), scheme=scheme)) == REFUSED
    assert says(inside(shared_app, grant, made(), made())) == REFUSED


def test_a_proof_of_another_key_is_refused(
    shared_app: Flask, access: AccessContext, grant: TokenResponse
) -> None:
    thief = BrowserKey()
    reply = request_token(shared_app, grant, token_proof_maker(access, thief)())
    assert says(reply) == (400, "invalid_grant", "grant-refused")
    assert says(inside(shared_app, grant, inside_maker(access, thief, grant)())) == REFUSED


def test_a_proof_is_about_its_own_access_token(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    made = inside_maker(access, key, grant)
    other = pair(access, make_person(access)).access_token
    for ath in (None, "", token_hash(other), token_hash(grant.refresh_token), 7):
        assert says(inside(shared_app, grant, made(ath=ath))) == REFUSED


def test_no_proof_counts_twice(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    shown = inside_maker(access, key, grant)()
    assert inside(shared_app, grant, shown).status_code == 200
    assert says(inside(shared_app, grant, shown)) == REFUSED
    shown = token_proof_maker(access, key)()
    assert request_token(shared_app, grant, shown).status_code == 200
    assert says(request_token(shared_app, grant, shown)) == (
        400,
        "invalid_dpop_proof",
        "proof-refused",
    )
    assert request_token(shared_app, grant, token_proof_maker(access, key)()).status_code == 200


def stale(access: AccessContext) -> list[Any]:
    """Nonces that are none of the last minutes'."""
    thief = replace(access, secret_key="another key" * 5)
    good = new_nonce(access)
    mac = good.partition(".")[2]
    return [None, "", 7, "garbage", new_nonce(thief), good[:-1] + "!", "0." + mac,
            "f" * 40 + ".x", good.partition(".")[0]]  # fmt: skip


def test_a_proof_without_a_nonce_of_the_last_minutes_is_asked_for_another(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey
) -> None:
    for nonce in stale(access):
        reply = request_token(shared_app, grant, token_proof_maker(access, key)(nonce=nonce))
        assert says(reply) == (400, "use_dpop_nonce", "proof-nonce"), nonce
        reply = inside(shared_app, grant, inside_maker(access, key, grant)(nonce=nonce))
        assert says(reply) == (401, "use_dpop_nonce", "proof-nonce"), nonce
        assert 'DPoP realm="crmlink"' in reply.headers["WWW-Authenticate"]
        assert 'error="use_dpop_nonce"' in reply.headers["WWW-Authenticate"]
    fresh = reply.headers["DPoP-Nonce"]
    assert (
        inside(shared_app, grant, inside_maker(access, key, grant)(nonce=fresh)).status_code == 200
    )


@pytest.mark.parametrize(
    ("minutes", "taken"), [(-1.5, False), (-0.5, True), (0, True), (4.5, True), (5.5, False)]
)
def test_a_nonce_is_good_for_five_minutes_and_clocks_of_servers_may_differ_by_one(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey, minutes: float,
    taken: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    made = token_proof_maker(access, key)
    later = utc_now() + timedelta(minutes=minutes)
    monkeypatch.setattr(dpop, "utc_now", lambda: later)
    assert (request_token(shared_app, grant, made()).status_code == 200) is taken


@pytest.mark.parametrize("years", [-30, 30])
def test_the_clock_of_the_browser_does_not_matter(
    shared_app: Flask, access: AccessContext, grant: TokenResponse, key: BrowserKey, years: int
) -> None:
    wrong = int(time.time()) + years * 365 * 86_400
    assert (
        request_token(shared_app, grant, token_proof_maker(access, key)(iat=wrong)).status_code
        == 200
    )
    made = inside_maker(access, key, grant)
    assert inside(shared_app, grant, made(iat=float(wrong))).status_code == 200


def test_a_thumbprint_is_that_of_rfc_7638() -> None:
    """The example of RFC 9449: section 6.1, and the key of section 4.1."""
    key = {
        "kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }  # fmt: skip
    assert thumbprint(key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_a_key_of_the_tests_is_named_as_the_server_names_it() -> None:
    key = BrowserKey(ec.generate_private_key(ec.SECP256R1()))
    assert thumbprint(key.jwk) == key.thumbprint
