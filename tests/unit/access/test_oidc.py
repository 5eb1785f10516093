"""An id token counts only when all of it is right; a provider played word for word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from crmlink.access.errors import SsoRefused, SsoUnproven, SsoUnreachable
from crmlink.access.oidc import Journey, Proven, begin_sso, finish_sso
from crmlink.access.oidc_provider import Provider

ISSUER = "https://sso.firm.example"
PROVIDER = Provider(ISSUER, "crmlink", "a secret that both know, thirty-two letters long")
RETURN_TO = "https://crmlink.firm.example/log-in"
JOURNEY = Journey("", "the state", "the nonce", "the verifier")
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
OURS, THEIRS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


@pytest.fixture
def played() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        key = RSAKey.import_key(OURS.public_key())
        mock.get(f"{ISSUER}/keys", json={"keys": [key.as_dict(kid="1", alg="RS256")]})
        yield mock


def finish(
    mock: responses.RequestsMock, token: str, metadata: dict[str, Any] | None = None
) -> Proven:
    mock.get(f"{ISSUER}/.well-known/openid-configuration", json=METADATA | (metadata or {}))
    mock.post(
        f"{ISSUER}/token",
        json={"access_token": "a", "token_type": "Bearer", "id_token": token},
    )
    answer = {"code": "c", "state": "the state", "iss": ISSUER}
    return finish_sso(PROVIDER, JOURNEY, RETURN_TO, answer)


def token(key: Any = OURS, alg: str = "RS256", **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": "crmlink", "sub": "17", "nonce": "the nonce", "iat": now,
        "exp": now + 300, "email": "anna@firm.example", "email_verified": True,
    }  # fmt: skip
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(claims, key, alg, headers={"kid": "1"})


def test_a_right_token_proves_who_is_there(played: responses.RequestsMock) -> None:
    assert finish(played, token()) == Proven(f"{ISSUER}#17", "anna@firm.example")


@pytest.mark.parametrize(
    "bad",
    [
        token(THEIRS),
        token(PROVIDER.client_secret, "HS256"),
        token("", "none"),
        token().rpartition(".")[0] + ".",
        token(iss="https://elsewhere.example"),
        token(aud="somebody-else"),
        token(aud=["crmlink", "somebody-else"], azp="somebody-else"),
        token(nonce="another"),
        token(nonce=None),
        token(exp=int(time.time()) - 3600),
        token(exp=None),
        token(sub=None),
        token(iat=int(time.time()) + 3600),
        "no token",
        "",
    ],
)
def test_a_token_that_is_not_right_proves_nothing(played: responses.RequestsMock, bad: str) -> None:
    with pytest.raises(SsoRefused):
        finish(played, bad)


@pytest.mark.parametrize(
    "changed", [{"email_verified": False}, {"email_verified": None}, {"email": None}]
)
def test_an_email_that_is_not_vouched_for_proves_nothing(
    played: responses.RequestsMock, changed: dict[str, Any]
) -> None:
    with pytest.raises(SsoUnproven):
        finish(played, token(**changed))


def test_an_email_told_apart_must_be_of_the_same_person(played: responses.RequestsMock) -> None:
    userinfo = {"userinfo_endpoint": f"{ISSUER}/me"}
    told = {"email": "anna@firm.example", "email_verified": True}
    played.get(f"{ISSUER}/me", json=told | {"sub": "17"})
    assert finish(played, token(email=None), userinfo).email == "anna@firm.example"
    played.replace("GET", f"{ISSUER}/me", json=told | {"sub": "18"})
    with pytest.raises(SsoRefused):
        finish(played, token(email=None), userinfo)


@pytest.mark.parametrize("state", ["", "another", "the stat", "thé state"])
def test_an_answer_with_another_state_is_not_even_asked_about(state: str) -> None:
    with responses.RequestsMock(), pytest.raises(SsoRefused):
        finish_sso(PROVIDER, JOURNEY, RETURN_TO, {"code": "c", "state": state})


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://sso.firm.example/token"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_refused(
    played: responses.RequestsMock, changed: dict[str, Any]
) -> None:
    with pytest.raises(SsoRefused):
        finish(played, token(), changed)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_in_trouble_is_told_as_such(played: responses.RequestsMock, status: int) -> None:
    played.get(f"{ISSUER}/.well-known/openid-configuration", status=status, body="<html>")
    with pytest.raises((SsoUnreachable, SsoRefused)):
        begin_sso(PROVIDER, RETURN_TO)
