"""OAuth 2 with an accounting package: the sign-in with PKCE, and tokens that are renewed.

A refresh token may be good for one use only, so a new one is kept before its access token is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import HTTPError

from crmlink.bounded_http import AnswerTooLarge, BoundedAdapter, may_use_proxy
from crmlink.sources.api import wait_until
from crmlink.sources.errors import (
    SignInDenied,
    SourceError,
    SourceFault,
    SourceLimited,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
)
from crmlink.sources.packages import SourcePackage, is_issuer

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

MAX_SECONDS = 20.0
MAX_BYTES = 256 * 1024
EARLY = 60  # seconds before its end at which an access token is renewed
DEFAULT_TOKEN_TTL = 300  # seconds, for an answer that does not say
MAX_TOKEN_LENGTH = 10_000
PASSING = ("server_error", "temporarily_unavailable", "slow_down")  # errors without a refusal


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account is read with; kept encrypted."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    expires_at: float = 0.0  # seconds since 1970
    refresh_token: str = field(default="", repr=False)

    @classmethod
    def from_secrets(cls, secrets: Mapping[str, Any]) -> Credentials:
        """Return credentials as they were kept."""
        return cls(**secrets)

    def as_secrets(self) -> dict[str, Any]:
        """Return them for keeping."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Journey:
    """One sign-in: where the person is sent, and what must come back with the code."""

    url: str
    state: str
    verifier: str = field(repr=False)


def new_state() -> str:
    """Return a fresh state: it cannot be guessed."""
    from authlib.common.security import generate_token

    return str(generate_token(48))


def begin(package: SourcePackage, client_id: str, redirect_uri: str) -> Journey:
    """Return the start of a sign-in, with a fresh state and PKCE verifier."""
    from authlib.common.security import generate_token

    verifier = generate_token(64)
    session = _session(package, Credentials(client_id), redirect_uri)
    proof = {"code_verifier": verifier} if package.pkce else {}
    url, state = session.create_authorization_url(
        package.addresses.authorise, state=new_state(), **proof
    )
    return Journey(url, state, verifier)


def finish(
    package: SourcePackage,
    credentials: Credentials,
    redirect_uri: str,
    code: str,
    verifier: str,
) -> Credentials:
    """Return the credentials with the tokens that a code is exchanged for.

    Raises SignInDenied for a code that is not accepted, or that gives too little to read contacts
    with for long, or another SourceError.
    """
    session = _session(package, credentials, redirect_uri)
    proof = {"code_verifier": verifier} if package.pkce else {}
    token = _asked(
        lambda: session.fetch_token(package.addresses.token, code=code, **proof), SignInDenied
    )
    granted = token.get("scope") if isinstance(token, Mapping) else None
    if isinstance(granted, str) and not package.needed_scope <= set(granted.split()):
        raise SignInDenied("scope")
    signed_in = _with_tokens(credentials, token)
    if not signed_in.refresh_token:
        raise SignInDenied("no refresh token")
    return signed_in


def code_of(package: SourcePackage, answer: Mapping[str, str]) -> str:
    """Return the code that a package sent back.

    Raises SignInDenied if it sent none or an error, or names another issuer (RFC 9207).
    """
    if "iss" in answer and not is_issuer(package, answer["iss"]):
        raise SignInDenied("another issuer")
    if answer.get("error") or not answer.get("code"):
        raise SignInDenied("no code")
    return answer["code"]


def revoke(package: SourcePackage, credentials: Credentials) -> None:
    """Revoke the refresh token at the package. Raises SourceError."""
    session = _session(package, credentials)
    reply = _asked(
        lambda: session.revoke_token(
            package.addresses.revoke, credentials.refresh_token, "refresh_token"
        ),
        SourceRefused,
    )
    if not 200 <= reply.status_code < 300:
        raise SourceRefused(f"status {reply.status_code}")


class RenewedTokens:
    """Tokens of one account; ``keep`` stores credentials, renewed ones before they are used.

    Only the holder of the account's lease may have one: a token that is used twice ends all.
    """

    def __init__(
        self,
        package: SourcePackage,
        credentials: Credentials,
        keep: Callable[[Credentials], None],
    ) -> None:
        self._package, self.credentials, self._keep = package, credentials, keep

    def header(self, *, renew: bool = False) -> str:
        """Return the Authorization header, with a new token if the last one is old or refused.

        Raises SourceRefused if the sign-in has ended, or another SourceError.
        """
        if renew or time.time() > self.credentials.expires_at - EARLY:
            self.credentials = self._renewed()
        return f"Bearer {self.credentials.access_token}"

    def _renewed(self) -> Credentials:
        if not self.credentials.refresh_token:
            raise SourceRefused("no refresh token")
        self._keep(self.credentials)  # a full disk must be known before the token is used up
        session = _session(self._package, self.credentials)
        token = _asked(
            lambda: session.refresh_token(
                self._package.addresses.token, refresh_token=self.credentials.refresh_token
            ),
            SourceRefused,
        )
        renewed = _with_tokens(self.credentials, token)
        self._keep(renewed)
        return renewed


def _session(
    package: SourcePackage, credentials: Credentials, redirect_uri: str | None = None
) -> OAuth2Session:
    from authlib.integrations.requests_client import OAuth2Session

    session = OAuth2Session(
        credentials.client_id,
        credentials.client_secret or None,
        scope=package.scope or None,
        redirect_uri=redirect_uri,
        token_endpoint_auth_method=package.client_auth,
        revocation_endpoint_auth_method=package.client_auth,
        code_challenge_method="S256" if package.pkce else None,
        default_timeout=MAX_SECONDS,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(MAX_BYTES, MAX_SECONDS))
    session.max_redirects = 0
    session.trust_env = may_use_proxy(package.addresses.token)
    for hook in ("access_token_response", "refresh_token_response"):
        session.register_compliance_hook(hook, _within_limit)
    return session


def _within_limit(reply: requests.Response) -> requests.Response:
    """Return an answer, or raise SourceLimited: authlib would take its error for a refusal."""
    if reply.status_code == 429:
        raise SourceLimited(wait_until(reply), "status 429")
    return reply


def _asked(call: Callable[[], Any], refused: type[SourceError]) -> Any:
    """Return what a call to the token endpoint answers; ``refused`` if it is an OAuth error."""
    from authlib.common.errors import AuthlibBaseError

    failure: SourceError
    try:
        return call()
    except AuthlibBaseError as error:
        is_passing = error.error in PASSING
        failure = (SourceFault if is_passing else refused)(str(error.error)[:40])
    except AnswerTooLarge:
        failure = SourceUnreadable("too large")
    except (requests.HTTPError, requests.TooManyRedirects) as error:
        failure = SourceFault(type(error).__name__)
    except requests.exceptions.JSONDecodeError:
        failure = SourceUnreadable("no JSON")
    except (requests.RequestException, HTTPError, OSError) as error:
        failure = SourceUnreachable(type(error).__name__)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
            RecursionError) as error:  # fmt: skip
        failure = SourceUnreadable(type(error).__name__)
    raise failure  # without the library's exception, which may contain a token


def _with_tokens(credentials: Credentials, token: object) -> Credentials:
    access = token.get("access_token") if isinstance(token, Mapping) else None
    if not isinstance(token, Mapping) or not _is_token(access):
        raise SourceUnreadable("an answer without a token")
    refresh = token.get("refresh_token")
    life = token.get("expires_in")
    seconds = life if isinstance(life, int) and 0 < life < 10**9 else DEFAULT_TOKEN_TTL
    return replace(
        credentials,
        access_token=str(access),
        expires_at=time.time() + seconds,
        refresh_token=str(refresh) if _is_token(refresh) else credentials.refresh_token,
    )


def _is_token(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN_LENGTH:
        return False
    return value.isascii() and value.isprintable()
