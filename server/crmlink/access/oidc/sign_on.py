"""Single sign-on by OpenID Connect: the code flow, with PKCE, a state and a nonce.

The provider's metadata and keys are cached for an hour; a changed key is fetched again.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from crmlink.access.errors import EmailNotVerified, InvalidSsoResponse, SsoDenied, SsoUnreachable
from crmlink.access.oidc.documents import Document, Documents
from crmlink.access.oidc.provider import OidcProvider, is_safe_issuer
from crmlink.access.oidc.transport import ANSWER_SECONDS, bound_answers
from crmlink.access.slots import Slots
from crmlink.strict_json import read_json

log = structlog.get_logger()

SCOPE = "openid email"
MAX_CALLS, MAX_WAITING, WAIT_SECONDS = 2, 2, 3.0
LEEWAY = 60  # tolerated clock difference in seconds
DISCOVERY = "/.well-known/openid-configuration"
# Asymmetric signatures only: never a shared secret, never unsigned.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Data of a sign-in at the provider: all but ``url`` is needed on return."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity confirmed by the provider; ``subject`` is permanent, the email may change."""

    subject: str
    email: str


class SingleSignOn:
    """Single sign-on with one provider; thread-safe."""

    def __init__(self, provider: OidcProvider) -> None:
        self.provider = provider
        self._documents = Documents()
        self._slots = Slots(MAX_CALLS, MAX_WAITING, WAIT_SECONDS)

    def begin(self, return_to: str) -> AuthorizationRequest:
        """Return the authorization request. Raises InvalidSsoResponse or SsoUnreachable."""
        verifier, nonce = generate_token(64), generate_token(32)
        metadata = self._metadata()
        with self._session(return_to) as session:
            url, state = session.create_authorization_url(
                metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return AuthorizationRequest(url, state, nonce, verifier)

    def finish(
        self, authorization: AuthorizationRequest, return_to: str, answer: Mapping[str, str]
    ) -> Identity:
        """Return the identity for a callback's parameters.

        Raises SsoDenied, InvalidSsoResponse, EmailNotVerified or SsoUnreachable.
        """
        if not hmac.compare_digest(authorization.state.encode(), answer.get("state", "").encode()):
            raise InvalidSsoResponse
        if answer.get("iss", self.provider.issuer) != self.provider.issuer:  # RFC 9207
            raise InvalidSsoResponse
        if "error" in answer:
            raise SsoDenied
        metadata = self._metadata()
        with self._slots.one(SsoUnreachable()), self._session(return_to) as session:
            token = session.fetch_token(
                metadata["token_endpoint"],
                code=answer.get("code", ""),
                code_verifier=authorization.verifier,
            )
            claims = self._claims(session, metadata, token, authorization.nonce)
            return _proven(self.provider, claims | _fetch_userinfo(session, metadata, claims))

    @contextmanager
    def _session(self, return_to: str = "") -> Iterator[OAuth2Session]:
        """Yield a session with the provider; its errors are translated to access errors."""
        session = OAuth2Session(
            self.provider.client_id,
            self.provider.client_secret,
            scope=SCOPE,
            redirect_uri=return_to,
            code_challenge_method="S256",
            default_timeout=ANSWER_SECONDS,
        )
        bound_answers(session)
        try:
            with session:
                yield session
        except requests.RequestException as error:
            log.warning("single sign-on cannot be reached", problem=type(error).__name__)
            raise SsoUnreachable from None
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("single sign-on refused", problem=type(error).__name__)
            raise InvalidSsoResponse from None

    def _metadata(self) -> Document:
        """Return the provider's metadata, whose issuer must be the configured one."""
        return self._documents.get(
            self.provider.issuer.rstrip("/") + DISCOVERY, self._fetch_metadata
        )

    def _fetch_metadata(self, address: str) -> Document:
        with self._slots.one(SsoUnreachable()), self._session() as session:
            found = _get(session, address)
        if found.get("issuer") != self.provider.issuer:
            raise InvalidSsoResponse
        if not all(is_safe_issuer(found.get(name)) for name in NEEDED):
            raise InvalidSsoResponse
        return found

    def _claims(
        self, session: OAuth2Session, metadata: Document, token: Document, nonce: str
    ) -> Document:
        """Return the id token's claims, after its signature and claims were verified."""
        decoded = self._decoded(session, metadata["jwks_uri"], token["id_token"])
        options = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": self.provider.client_id},
            "nonce": {"essential": True, "value": nonce},
            "sub": {"essential": True},
        }
        parameters = {
            "nonce": nonce,
            "client_id": self.provider.client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(decoded.claims, decoded.header, options, parameters)
        claims.validate(leeway=LEEWAY)
        return dict(claims)

    def _decoded(self, session: OAuth2Session, keys_address: str, id_token: str) -> jwt.Token:
        """Return the id token; the provider's keys are fetched again if they changed."""
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)

        def decode() -> jwt.Token:
            keys = self._documents.get(keys_address, lambda address: _get(session, address))
            return jwt.decode(id_token, KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type] # checked by it

        try:
            return decode()
        except (InvalidKeyIdError, BadSignatureError):
            if not self._documents.forget_if_old(keys_address):
                raise
        return decode()


def _fetch_userinfo(session: OAuth2Session, metadata: Document, claims: Document) -> Document:
    """Return the userinfo of the same person, if the id token lacks the email."""
    address = metadata.get("userinfo_endpoint")
    if "email" in claims or not is_safe_issuer(address):
        return {}
    userinfo = _get(session, str(address), withhold_token=False)
    if userinfo.get("sub") != claims["sub"]:
        raise InvalidSsoResponse
    return {name: userinfo[name] for name in ("email", "email_verified") if name in userinfo}


def _get(session: OAuth2Session, address: str, *, withhold_token: bool = True) -> Document:
    reply = session.get(address, withhold_token=withhold_token, allow_redirects=False)
    reply.raise_for_status()
    found = read_json(reply.content)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _proven(provider: OidcProvider, claims: Document) -> Identity:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
        raise EmailNotVerified
    subject = str(claims["sub"])
    if not subject.isascii() or not email.isprintable():  # OpenID Connect Core, 2
        raise InvalidSsoResponse
    return Identity(f"{provider.issuer}#{subject}", email)
