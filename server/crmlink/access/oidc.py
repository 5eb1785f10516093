"""Single sign-on by OpenID Connect: the code flow, with PKCE, a state and a nonce.

Nothing is kept between two log-ins: the provider's addresses and keys are asked for each time, so
that a provider may change them at any moment.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from crmlink.access.errors import SsoDenied, SsoRefused, SsoUnproven, SsoUnreachable
from crmlink.access.oidc_provider import Provider, is_safe
from crmlink.strict_json import read_json

log = structlog.get_logger()

SCOPE = "openid email"
TIMEOUT = 8.0  # seconds, for each of the provider's answers
LEEWAY = 60  # seconds by which two clocks may differ
DISCOVERY = "/.well-known/openid-configuration"
# Signed with a key that only the provider has; never by a secret that we have too, never unsigned.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Journey:
    """A person's way to the provider and back: all but ``url`` is needed on their return."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Proven:
    """Who the provider says is there; ``subject`` is the same for ever, the email may change."""

    subject: str
    email: str


def begin_sso(provider: Provider, return_to: str) -> Journey:
    """Where to send somebody who wants to log in. Raises SsoUnreachable."""
    with _session(provider, return_to) as session:
        verifier, nonce = generate_token(64), generate_token(32)
        url, state = session.create_authorization_url(
            _metadata(session, provider)["authorization_endpoint"],
            code_verifier=verifier,
            nonce=nonce,
        )
    return Journey(url, state, nonce, verifier)


def finish_sso(
    provider: Provider, journey: Journey, return_to: str, answer: Mapping[str, str]
) -> Proven:
    """Who came back with this answer (the parameters of the address they came to).

    Raises SsoDenied, SsoRefused, SsoUnproven or SsoUnreachable.
    """
    if not hmac.compare_digest(journey.state.encode(), answer.get("state", "").encode()):
        raise SsoRefused
    if answer.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise SsoRefused
    if "error" in answer:
        raise SsoDenied
    with _session(provider, return_to) as session:
        metadata = _metadata(session, provider)
        token = session.fetch_token(
            metadata["token_endpoint"], code=answer.get("code", ""), code_verifier=journey.verifier
        )
        claims = _claims(session, provider, metadata, token, journey.nonce)
        return _proven(provider, claims | _more(session, metadata, claims))


@contextmanager
def _session(provider: Provider, return_to: str) -> Iterator[OAuth2Session]:
    """A session with the provider, in which whatever it does wrong becomes a failure of ours."""
    session = OAuth2Session(
        provider.client_id,
        provider.client_secret,
        scope=SCOPE,
        redirect_uri=return_to,
        code_challenge_method="S256",
        default_timeout=TIMEOUT,
    )
    try:
        with session:
            yield session
    except requests.RequestException as error:
        log.warning("single sign-on cannot be reached", problem=type(error).__name__)
        raise SsoUnreachable from None
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("single sign-on refused", problem=type(error).__name__)
        raise SsoRefused from None


def _metadata(session: OAuth2Session, provider: Provider) -> dict[str, Any]:
    """What the provider says of itself; it must say that it is who we asked for."""
    found = _get(session, provider.issuer.rstrip("/") + DISCOVERY)
    if found.get("issuer") != provider.issuer:
        raise SsoRefused
    if not all(is_safe(found.get(name)) for name in NEEDED):
        raise SsoRefused
    return found


def _claims(
    session: OAuth2Session,
    provider: Provider,
    metadata: dict[str, Any],
    token: dict[str, Any],
    nonce: str,
) -> dict[str, Any]:
    """What the id token says, once its signature and all its claims are found right."""
    keys = KeySet.import_key_set(_get(session, metadata["jwks_uri"]))  # type: ignore[arg-type] # checked by it
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    decoded = jwt.decode(token["id_token"], keys, registry=registry)
    options = {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": provider.client_id},
        "nonce": {"essential": True, "value": nonce},
        "sub": {"essential": True},
    }
    parameters = {
        "nonce": nonce,
        "client_id": provider.client_id,
        "access_token": token.get("access_token"),
    }
    claims = CodeIDToken(decoded.claims, decoded.header, options, parameters)
    claims.validate(leeway=LEEWAY)
    return dict(claims)


def _more(
    session: OAuth2Session, metadata: dict[str, Any], claims: dict[str, Any]
) -> dict[str, Any]:
    """What the provider tells of the same person where the id token does not hold the email."""
    address = metadata.get("userinfo_endpoint")
    if "email" in claims or not is_safe(address):
        return {}
    told = _get(session, str(address), withhold_token=False)
    if told.get("sub") != claims["sub"]:
        raise SsoRefused
    return {name: told[name] for name in ("email", "email_verified") if name in told}


def _get(session: OAuth2Session, address: str, *, withhold_token: bool = True) -> dict[str, Any]:
    reply = session.get(
        address, withhold_token=withhold_token, allow_redirects=False, timeout=TIMEOUT
    )
    reply.raise_for_status()
    found: dict[str, Any] = read_json(reply.content)
    return found


def _proven(provider: Provider, claims: dict[str, Any]) -> Proven:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
        raise SsoUnproven
    return Proven(f"{provider.issuer}#{claims['sub']}", email)
