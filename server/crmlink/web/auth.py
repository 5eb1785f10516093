"""Nothing gets in without a valid token or log-in, unless it is on the list below."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import structlog
from flask import Flask, current_app, g, redirect, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response

from crmlink.access.api_tokens import PREFIX, authenticate_api_token
from crmlink.access.context import AccessContext, Actor
from crmlink.access.dpop import check_proof, new_nonce
from crmlink.access.errors import (
    InvalidToken,
    NonceNeeded,
    ProofElsewhere,
    ProofMissing,
    ProofRefused,
)
from crmlink.access.proofs import Proof
from crmlink.access.refresh_tokens import authenticate_access_token, is_own_access_token
from crmlink.access.sessions import authenticate_session
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.logs import for_stranger
from crmlink.store import WebSession

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
from crmlink.web.hosts import addresses_of_request

# The only routes that answer to anybody. None of them shows a record, a link or a person.
PUBLIC_ENDPOINTS = {
    "static",
    "pages.health",
    "pages.sign_in",
    "pages.welcome",
    "pairings.create_pairing",
    "pairings.issue_token",
}
TOKEN_OR_SESSION_ENDPOINTS = {
    "api-docs.openapi_json"
}  # programs read it with a token, people from a page
API_PREFIX = "/api/v1/"
SESSION_COOKIE = "crmlink_session"
SAME_SITE_VALUES = {"same-origin", "none", None}  # what browsers say of where a request comes from

P = ParamSpec("P")
R = TypeVar("R")

csrf = CSRFProtect()
log = structlog.get_logger()


class MissingPermission(Exception):
    """Who acts is known, but may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class SchemeAwareSessionInterface(SecureCookieSessionInterface):
    """Flask's cookie, sent back only over https where it came by https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init_authentication(app: Flask) -> None:
    """Find out who asks, before anything else is done with a request."""
    app.session_interface = SchemeAwareSessionInterface()
    app.config.update(
        SESSION_COOKIE_NAME="crmlink_forms",
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,  # we send no referrers; the browser's word on the site is asked
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open over lunch
    )
    csrf.init_app(app)
    app.before_request(_authenticate)
    app.after_request(add_nonce)


def init_authorization(app: Flask) -> None:
    """Let in who was found; those who were not have been counted by then."""
    app.before_request(_require_authenticated)


def require_permission(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for who has this permission."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in current_actor().permissions:
                raise MissingPermission(permission)
            return view(*args, **kwargs)

        return guarded

    return decorate


def current_actor() -> Actor:
    """Who acts in this request."""
    return cast("Actor", g.actor)


def current_installation() -> Installation:
    """The installation this application serves."""
    return cast("Installation", current_app.extensions["crmlink"])


def current_access() -> AccessContext:
    """The office of the workspace that is served."""
    return current_installation().access


def current_workspace() -> WorkspaceContext:
    """The desk of the connection in use, the same one for the whole of a request."""
    if "workspace" not in g:
        g.workspace = current_installation().workspace
    return cast("WorkspaceContext", g.workspace)


def knows_sender(app: Flask, environ: WSGIEnvironment) -> bool:
    """Return whether a request, of which only the head has come, has a valid token or session."""
    with app.request_context(environ), suppress(InvalidToken):
        scheme, token = _authorization()
        if scheme == "dpop":  # its proof is good for one look, and that is still to come
            return is_own_access_token(current_access(), token)
        return _sender() is not None
    return False


def _authenticate() -> None:
    try:
        found = _sender()
    except NonceNeeded:
        g.nonce_needed = True
    except InvalidToken:
        pass
    else:
        if found:
            log_in, g.actor = found
            for_stranger.set(False)
            if log_in:
                g.log_in = log_in
            else:
                current_installation().usage.note(g.actor)


def _sender() -> tuple[WebSession | None, Actor] | None:
    """Who asks, by token below /api/v1 and by session elsewhere; None where anybody may.

    Addresses that do not exist are treated like the others. Raises InvalidToken.
    """
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    by_token = request.path.startswith(API_PREFIX) or (
        request.endpoint in TOKEN_OR_SESSION_ENDPOINTS and "Authorization" in request.headers
    )
    if by_token:
        return None, _authenticate_bearer()
    return authenticate_session(current_access(), request.cookies.get(SESSION_COOKIE, ""))


def _require_authenticated() -> Response | None:
    """Refuse whoever is not known, and every form that did not come from a page of ours."""
    in_pages = not request.path.startswith(API_PREFIX)
    if _is_allowed_preflight():
        return None
    if request.endpoint not in PUBLIC_ENDPOINTS and "actor" not in g:
        if in_pages and request.method in ("GET", "HEAD"):
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("pages.sign_in", next=wanted if wanted != "/" else None), 303)
        raise NonceNeeded if "nonce_needed" in g else InvalidToken
    if in_pages:
        _check_csrf()
    return None


def _is_allowed_preflight() -> bool:
    """Whether a browser only asks, without its token, if a site that an admin listed may ask."""
    return (
        request.method == "OPTIONS"
        and request.path.startswith(API_PREFIX)
        and "Access-Control-Request-Method" in request.headers
        and request.headers.get("Origin") in current_installation().settings.cors_origins
    )


def proof_of_request() -> Proof:
    """Return the checked proof of the key that this request was made with.

    Raises ProofMissing, NonceNeeded, ProofElsewhere or ProofRefused.
    """
    proofs = request.headers.getlist("DPoP")
    return check_proof(current_access(), proofs, request.method, addresses_of_request())


def add_nonce(reply: Response) -> Response:
    """Give whoever proves a key a new nonce for the next proof."""
    if "DPoP" in request.headers:
        reply.headers["DPoP-Nonce"] = new_nonce(current_access())
    return reply


def _authorization() -> tuple[str, str]:
    """Return the scheme, in small letters, and the token that a request carries."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), token.strip()


def _authenticate_bearer() -> Actor:
    """Who asks: a script by its token, a browser by its access token and a proof of its key."""
    scheme, token = _authorization()
    address = request.remote_addr or ""
    if scheme == "bearer" and token.startswith(PREFIX):
        return authenticate_api_token(current_access(), token, address)
    if scheme != "dpop":
        raise InvalidToken
    try:
        proof = proof_of_request()
    except (ProofMissing, ProofRefused, ProofElsewhere) as refused:
        log.info("proof refused", problem=refused.code, request_id=g.request_id)
        raise InvalidToken from None
    return authenticate_access_token(current_access(), token, proof, address)


def _check_csrf() -> None:
    """A change must come from a page of ours: by the form's token, and by what the browser says."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site") not in SAME_SITE_VALUES:
        raise CSRFError("The request comes from another site.")
    csrf.protect()
