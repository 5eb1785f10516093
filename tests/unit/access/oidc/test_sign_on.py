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

from crmlink.access.errors import EmailNotVerified, InvalidSsoResponse, SsoUnreachable
from crmlink.access.oidc.documents import Documents
from crmlink.access.oidc.provider import OidcProvider
from crmlink.access.oidc.sign_on import AuthorizationRequest, Identity, SingleSignOn
from support.clocks import SimulatedClock

ISSUER = "https://sso.firm.example"
PROVIDER = OidcProvider(ISSUER, "crmlink", "a secret that both know, thirty-two letters long")
RETURN_TO = "https://crmlink.firm.example/log-in"
JOURNEY = AuthorizationRequest("", "the state", "the nonce", "the verifier")
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
) -> Identity:
    mock.get(f"{ISSUER}/.well-known/openid-configuration", json=METADATA | (metadata or {}))
    mock.post(
        f"{ISSUER}/token",
        json={"access_token": "a", "token_type": "Bearer", "id_token": token},
    )
    answer = {"code": "c", "state": "the state", "iss": ISSUER}
    return SingleSignOn(PROVIDER).finish(JOURNEY, RETURN_TO, answer)


def token(key: Any = OURS, alg: str = "RS256", **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": "crmlink", "sub": "17", "nonce": "the nonce", "iat": now,
        "exp": now + 300, "email": "anna@firm.example", "email_verified": True,
    }  # fmt: skip
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(claims, key, alg, headers={"kid": "1"})


def test_a_right_token_proves_who_is_there(played: responses.RequestsMock) -> None:
    assert finish(played, token()) == Identity(f"{ISSUER}#17", "anna@firm.example")


@pytest.mark.parametrize(
    "bad",
    [
        token(THEIRS),
        token(PROVIDER.client_secret, "HS256"),
        token("", "none"),
        token().rpartition(".")[0] + ".",
        token(iss="https://elsewhere.example"),
        token(aud="someone-else"),
        token(aud=["crmlink", "someone-else"], azp="someone-else"),
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
    with pytest.raises(InvalidSsoResponse):
        finish(played, bad)


@pytest.mark.parametrize(
    "changed", [{"email_verified": False}, {"email_verified": None}, {"email": None}]
)
def test_an_email_that_is_not_vouched_for_proves_nothing(
    played: responses.RequestsMock, changed: dict[str, Any]
) -> None:
    with pytest.raises(EmailNotVerified):
        finish(played, token(**changed))


def test_an_email_told_apart_must_be_of_the_same_person(played: responses.RequestsMock) -> None:
    userinfo = {"userinfo_endpoint": f"{ISSUER}/me"}
    claims = {"email": "anna@firm.example", "email_verified": True}
    played.get(f"{ISSUER}/me", json=claims | {"sub": "17"})
    assert finish(played, token(email=None), userinfo).email == "anna@firm.example"
    played.replace("GET", f"{ISSUER}/me", json=claims | {"sub": "18"})
    with pytest.raises(InvalidSsoResponse):
        finish(played, token(email=None), userinfo)


@pytest.mark.parametrize("state", ["", "another", "the stat", "thé state"])
def test_an_answer_with_another_state_is_not_even_asked_about(state: str) -> None:
    with responses.RequestsMock(), pytest.raises(InvalidSsoResponse):
        SingleSignOn(PROVIDER).finish(JOURNEY, RETURN_TO, {"code": "c", "state": state})


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
    with pytest.raises(InvalidSsoResponse):
        finish(played, token(), changed)


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", '{"issuer": 1, "issuer": 2}'])
def test_a_provider_that_publishes_no_object_is_refused(
    played: responses.RequestsMock, body: str
) -> None:
    played.get(f"{ISSUER}/.well-known/openid-configuration", body=body)
    with pytest.raises(InvalidSsoResponse):
        SingleSignOn(PROVIDER).begin(RETURN_TO)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_in_trouble_is_told_as_such(played: responses.RequestsMock, status: int) -> None:
    played.get(f"{ISSUER}/.well-known/openid-configuration", status=status, body="<html>")
    with pytest.raises((SsoUnreachable, InvalidSsoResponse)):
        SingleSignOn(PROVIDER).begin(RETURN_TO)


def test_a_key_that_the_provider_has_changed_is_asked_for(played: responses.RequestsMock) -> None:
    clock = SimulatedClock()
    sso = SingleSignOn(PROVIDER)
    sso._documents = Documents(clock)
    answer = {"code": "c", "state": "the state"}

    def finish_with(key: Any) -> Identity:
        grant = {"access_token": "a", "token_type": "Bearer", "id_token": token(key)}
        played.upsert("POST", f"{ISSUER}/token", json=grant)
        return sso.finish(JOURNEY, RETURN_TO, answer)

    played.get(f"{ISSUER}/.well-known/openid-configuration", json=METADATA)
    assert finish_with(OURS)
    changed = RSAKey.import_key(THEIRS.public_key()).as_dict(kid="1", alg="RS256")
    played.replace("GET", f"{ISSUER}/keys", json={"keys": [changed]})
    with pytest.raises(InvalidSsoResponse):  # a forged token has the keys asked for seldom
        finish_with(THEIRS)
    clock.now += 31
    assert finish_with(THEIRS)
    asked = [call.request.url for call in played.calls]
    assert asked.count(f"{ISSUER}/keys") == 2
    assert asked.count(f"{ISSUER}/.well-known/openid-configuration") == 1


def test_a_document_and_a_failure_are_kept_for_their_time() -> None:
    clock, asked = SimulatedClock(), []

    def fetch(address: str) -> dict[str, Any]:
        asked.append(address)
        if clock.now < 10:
            raise SsoUnreachable
        return {"asked": len(asked)}

    documents = Documents(clock)
    for second, expected in ((0, 1), (9, 1), (16, 2), (3000, 2), (3700, 3)):
        clock.now = second
        if second < 10:
            with pytest.raises(SsoUnreachable):
                documents.get("a", fetch)
        else:
            documents.get("a", fetch)
        assert len(asked) == expected
