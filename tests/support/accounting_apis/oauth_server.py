"""A real OAuth 2 server by authlib, as the accounting packages have it: PKCE, rotation, reuse.

A refresh token that is used twice ends the whole sign-in, as does revoking it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, request

CLIENT_ID, CLIENT_SECRET = "Marked-Client-5521", "Marked-Client-Secret-5521"
REDIRECT = "http://localhost/sources/callback"


@dataclass
class Client(ClientMixin):  # type: ignore[misc] # authlib ships no types
    """The office's app at the package."""

    auth: str  # how it authenticates at the token endpoint

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return REDIRECT

    def get_allowed_scope(self, scope: str) -> str:
        return scope or "all"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.auth

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code:
    """An authorization code."""

    code: str
    scope: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return REDIRECT

    def get_scope(self) -> str:
        return self.scope


@dataclass
class IssuedToken(TokenMixin):  # type: ignore[misc] # authlib ships no types
    """A pair of tokens of a sign-in (``family``)."""

    access: str
    refresh: str
    scope: str
    family: int
    ends: float
    used: bool = False

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return int(self.ends - time.time())

    def is_expired(self) -> bool:
        return self.ends < time.time()

    def is_revoked(self) -> bool:
        return False


@dataclass
class OAuthState:
    """What the server knows; tests change it."""

    auth: str = "none"
    life: int = 1800
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: list[IssuedToken] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)  # families
    reused: int = 0
    renewals: int = 0
    seen: list[str] = field(default_factory=list)  # every token and code that was given out

    def is_good(self, header: str) -> bool:
        """Whether an Authorization header carries a token that is good now."""
        for token in self.tokens:
            if header == f"Bearer {token.access}":
                return token.family not in self.ended and not token.is_expired()
        return False

    def expire_access(self) -> None:
        for token in self.tokens:
            token.ends = 0


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """The grant of a code, with the state of its server."""

    state: ClassVar[OAuthState]

    def save_authorization_code(self, code: str, request: Any) -> None:
        data = request.payload.data
        self.state.seen.append(code)
        self.state.codes[code] = Code(
            code,
            request.payload.scope or "",
            data.get("code_challenge", ""),
            data.get("code_challenge_method", ""),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.state.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.state.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return "the office"


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """The grant of a refresh token: good for one use."""

    state: ClassVar[OAuthState]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> IssuedToken | None:
        for token in self.state.tokens:
            if token.refresh == refresh_token and token.family not in self.state.ended:
                if token.used:
                    self.state.reused += 1
                    self.state.ended.add(token.family)
                    return None
                return token
        return None

    def authenticate_user(self, refresh_token: IssuedToken) -> str:
        return "the office"

    def revoke_old_credential(self, refresh_token: IssuedToken) -> None:
        self.state.renewals += 1
        refresh_token.used = True


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Revocation of a refresh token, which ends its sign-in."""

    state: ClassVar[OAuthState]

    def query_token(self, token_string: str, token_type_hint: str) -> IssuedToken | None:
        found = (token for token in self.state.tokens if token.refresh == token_string)
        return next(found, None)

    def revoke_token(self, token: IssuedToken, request: Any) -> None:
        self.state.ended.add(token.family)


def add_oauth(app: Flask, state: OAuthState) -> None:
    """Add the endpoints /authorise, /token and /revoke to an application."""
    client = Client(state.auth)
    families = itertools.count(1)

    def save_token(token: dict[str, Any], request: Any) -> None:
        old = request.refresh_token
        family = old.family if isinstance(old, IssuedToken) else next(families)
        access, refresh = token["access_token"], token["refresh_token"]
        state.seen += [access, refresh]
        ends = time.time() + token["expires_in"]
        state.tokens.append(IssuedToken(access, refresh, token.get("scope", ""), family, ends))

    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    lives = ("authorization_code", "refresh_token")
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = dict.fromkeys(lives, state.life)
    server = AuthorizationServer(app, {CLIENT_ID: client}.get, save_token)
    of_this = {"state": state, "TOKEN_ENDPOINT_AUTH_METHODS": [state.auth]}
    server.register_grant(
        type("Code", (CodeGrant,), of_this), [CodeChallenge(required=state.auth == "none")]
    )
    server.register_grant(type("Refresh", (RefreshGrant,), of_this))
    revoking = {"state": state, "CLIENT_AUTH_METHODS": [state.auth]}
    server.register_endpoint(type("Revoke", (Revocation,), revoking))

    @app.get("/authorise")
    def authorise() -> Any:
        if state.auth == "none":
            assert request.args["code_challenge_method"] == "S256"
        grant = server.get_consent_grant(end_user="the office")
        return server.create_authorization_response(grant_user="the office", grant=grant)

    app.add_url_rule("/token", "token", server.create_token_response, methods=["POST"])
    app.add_url_rule(
        "/revoke", "revoke", lambda: server.create_endpoint_response("revocation"), methods=["POST"]
    )


def needs_token(state: OAuthState) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for views of the API: 401 without a good token."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not state.is_good(request.headers.get("Authorization", "")):
                return Response("no", 401)
            return view(*args, **kwargs)

        return guarded

    return decorate
