"""Authentication of every request; only PUBLIC_ENDPOINTS are open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import structlog
from flask import Flask, current_app, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from structlog.contextvars import bind_contextvars
from werkzeug.wrappers import Response

from crmlink.access.api_tokens import PREFIX, authenticate_api_token
from crmlink.access.context import AccessContext, Actor, SignInContext
from crmlink.access.dpop import check_proof, new_nonce
from crmlink.access.errors import (
    InvalidToken,
    NonceNeeded,
    ProofElsewhere,
    ProofMissing,
    ProofRefused,
    WorkspaceSuspended,
)
from crmlink.access.proofs import Proof
from crmlink.access.refresh_tokens import (
    authenticate_access_token,
    is_own_access_token,
)
from crmlink.access.sessions import authenticate_session
from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.installation import Installation, OpenWorkspace
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ConnectionNotAgreed, CredentialsMissing
from crmlink.logs import for_stranger
from crmlink.sources.quickbooks_desktop.connectors import has_open_session
from crmlink.store import WebSession, WorkspaceConnection
from crmlink.store.shared_reads import sharing_reads

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
from crmlink.web.form_cookie import FormCookie
from crmlink.web.hosts import addresses_of_request

# The only public routes. None of them shows a record, a link or a person.
PUBLIC_ENDPOINTS = {
    "static",
    "pages.health",
    "metrics",  # its own token, and 404 without one in the settings
    "pages.sign_in",
    "pages.welcome",
    "pages.extension_updates",  # browsers fetch these two by policy, before anyone signs in
    "pages.extension_package",
    "pages.forgotten",
    "pages.ask_new_password",
    "pages.unsubscribe",  # its signed address is the sign-in, good for that alone
    "pages.end_optional_emails",
    "pages.privacy",  # people read it before they let crmlink in
    "pages.web_connector_description",  # the Web Connector's password is in its calls
    "pages.web_connector",
    "pages.accept_webhook",  # what accounting software sends is signed
    "pairings.create_pairing",
    "pairings.issue_token",
}
# Sent by programs that have seen no page of crmlink's: mail programs, to an address that cannot be
# guessed, the Web Connector, with a ticket or a password, and accounting software, which signs.
WITHOUT_CSRF = {"pages.end_optional_emails", "pages.accept_webhook", "pages.web_connector"}
TOKEN_OR_SESSION_ENDPOINTS = {
    "api-docs.openapi_json"
}  # API clients read it with a token, users from a page
API_PREFIX = "/api/v1/"
NOT_CONNECTED = (ConnectionNotAgreed, CredentialsMissing, VaultKeyMissing)
SESSION_COOKIE = "crmlink_session"
SAME_SITE_VALUES = {
    "same-origin",
    "none",
    None,
}  # values of Sec-Fetch-Site for requests from this site

P = ParamSpec("P")
R = TypeVar("R")

csrf = CSRFProtect()
log = structlog.get_logger()


class MissingPermission(Exception):
    """The actor is authenticated but lacks a permission."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


def init_authentication(app: Flask) -> None:
    """Authenticate requests before anything else is done with them."""
    app.session_interface = FormCookie()
    app.config.update(
        SESSION_COOKIE_NAME="crmlink_forms",
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,  # no referrers are sent; Sec-Fetch-Site is checked instead
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open for hours
    )
    csrf.init_app(app)
    app.before_request(_authenticate)
    app.after_request(add_nonce)
    app.teardown_request(_leave_workspace)


def init_authorization(app: Flask) -> None:
    """Reject unauthenticated requests, after rate limits have counted them."""
    app.before_request(_require_authenticated)


def require_permission(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator: the view runs only for actors with this permission."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in current_actor().permissions:
                raise MissingPermission(permission)
            return view(*args, **kwargs)

        return guarded

    return decorate


def current_actor() -> Actor:
    """Return the actor of this request."""
    return cast("Actor", g.actor)


def current_installation() -> Installation:
    """Return the installation of this application."""
    return cast("Installation", current_app.extensions["crmlink"])


def sign_in_context() -> SignInContext:
    """Return what checks secrets of requests whose workspace is not known."""
    return current_installation().sign_in


def current_open_workspace() -> OpenWorkspace:
    """Return the actor's workspace. Raises InvalidToken where no one is authenticated."""
    if "open_workspace" not in g:
        raise InvalidToken
    return cast("OpenWorkspace", g.open_workspace)


def current_access() -> AccessContext:
    """Return the access context of the actor's workspace."""
    return current_open_workspace().access


def current_workspace() -> WorkspaceContext:
    """Return the context of the connection in use, the same for a whole request."""
    if "workspace" not in g:
        g.workspace, g.connection = current_open_workspace().now()
    return cast("WorkspaceContext", g.workspace)


def current_connection() -> WorkspaceConnection:
    """Return the connection in use as it was when this request first asked for it."""
    current_workspace()
    return cast("WorkspaceConnection", g.connection)


def knows_sender(app: Flask, environ: WSGIEnvironment) -> bool:
    """Return whether a request, of which only the head has arrived, is authenticated."""
    with app.request_context(environ), suppress(InvalidToken):
        scheme, token = _authorization()
        if scheme == "dpop":  # its proof is valid once, and is checked later
            return is_own_access_token(sign_in_context(), token)
        return _sender() is not None or is_expected()
    return False


def is_expected() -> bool:
    """Return whether a request's body may be large because its Web Connector has signed in."""
    return request.endpoint == "pages.web_connector" and has_open_session(
        current_installation().database, (request.view_args or {})["source_id"]
    )


def _authenticate() -> None:
    with sharing_reads():
        _find_actor()


def _find_actor() -> None:
    """Authenticate, and find the connection that nearly every request of the API works with."""
    try:
        found = _sender()
    except NonceNeeded:
        g.nonce_needed = True
    except WorkspaceSuspended:
        g.suspended = True
    except InvalidToken:
        pass
    else:
        if found:
            log_in, g.actor = found
            enter_workspace(g.actor.device.workspace_id)
            for_stranger.set(False)
            if log_in:
                g.log_in = log_in
            else:
                if request.path.startswith(API_PREFIX):
                    with suppress(*NOT_CONNECTED):  # raised again where a view needs it
                        current_workspace()
                current_installation().usage.note(g.actor)


def enter_workspace(workspace_id: int) -> OpenWorkspace:
    """Return the workspace of a request's secret, open until the request ends."""
    g.open_workspace = current_installation().workspaces.acquire(workspace_id)
    g.holds_workspace = True
    bind_contextvars(workspace=workspace_id)  # to every line of this request
    return current_open_workspace()


def _leave_workspace(_error: BaseException | None) -> None:
    """End the request's use of its workspace; a page that is still being sent keeps the object."""
    if g.pop("holds_workspace", False):
        current_installation().workspaces.release(g.open_workspace)


def _sender() -> tuple[WebSession | None, Actor] | None:
    """Return the actor, by token below /api/v1 and by session elsewhere; None if public.

    Unknown URLs are treated alike. Raises InvalidToken.
    """
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    by_token = request.path.startswith(API_PREFIX) or (
        request.endpoint in TOKEN_OR_SESSION_ENDPOINTS and "Authorization" in request.headers
    )
    if by_token:
        return None, _authenticate_bearer()
    return authenticate_session(sign_in_context(), request.cookies.get(SESSION_COOKIE, ""))


def _require_authenticated() -> Response | None:
    """Reject unauthenticated requests and forms without a valid CSRF token."""
    in_pages = not request.path.startswith(API_PREFIX)
    if _is_allowed_preflight():
        return None
    if "suspended" in g:
        raise WorkspaceSuspended
    if request.endpoint not in PUBLIC_ENDPOINTS and "actor" not in g:
        if in_pages and request.method in ("GET", "HEAD"):
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("pages.sign_in", next=wanted if wanted != "/" else None), 303)
        raise NonceNeeded if "nonce_needed" in g else InvalidToken
    if in_pages:
        _check_csrf()
    return None


def _is_allowed_preflight() -> bool:
    """Return whether this is a CORS preflight of an origin that an admin allowed."""
    return (
        request.method == "OPTIONS"
        and request.path.startswith(API_PREFIX)
        and "Access-Control-Request-Method" in request.headers
        and request.headers.get("Origin") in current_installation().settings.cors_origins
    )


def proof_of_request() -> Proof:
    """Return the checked proof of the key that signed this request.

    Raises ProofMissing, NonceNeeded, ProofElsewhere or ProofRefused.
    """
    proofs = request.headers.getlist("DPoP")
    return check_proof(sign_in_context(), proofs, request.method, addresses_of_request())


def add_nonce(reply: Response) -> Response:
    """Add a nonce for the next proof to the response."""
    if "DPoP" in request.headers:
        reply.headers["DPoP-Nonce"] = new_nonce(sign_in_context())
    return reply


def _authorization() -> tuple[str, str]:
    """Return the scheme, in lower case, and the token of a request."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), token.strip()


def _authenticate_bearer() -> Actor:
    """Return the actor of a script's token, or of a browser's access token and proof."""
    scheme, token = _authorization()
    context, address = sign_in_context(), request.remote_addr or ""
    if scheme == "bearer" and token.startswith(PREFIX):
        return authenticate_api_token(context, token, address)
    if scheme != "dpop":
        raise InvalidToken
    try:
        proof = proof_of_request()
    except (ProofMissing, ProofRefused, ProofElsewhere) as refused:
        log.info("proof refused", problem=refused.code, request_id=g.request_id)
        raise InvalidToken from None
    return authenticate_access_token(context, token, proof, address)


def _check_csrf() -> None:
    """Reject changes from other sites, by the form's token and the browser's headers."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in WITHOUT_CSRF:
        return
    if request.headers.get("Sec-Fetch-Site") not in SAME_SITE_VALUES:
        raise CSRFError("The request comes from another site.")
    csrf.protect()
