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

from crmlink.access.api_tokens import PREFIX, script_actor
from crmlink.access.context import Actor, Office
from crmlink.access.dpop import check_proof, new_nonce
from crmlink.access.errors import (
    NonceNeeded,
    ProofElsewhere,
    ProofMissing,
    ProofRefused,
    TokenRefused,
)
from crmlink.access.proofs import Proof
from crmlink.access.refresh_tokens import actor_of, is_own_access_token
from crmlink.access.sessions import session_of
from crmlink.installation import House
from crmlink.linking.context import Desk
from crmlink.store import PageSession

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# The only routes that answer to anybody. None of them shows a record, a link or a person.
PUBLIC = {
    "static",
    "pages.health",
    "pages.log_in",
    "pages.welcome",
    "pairings.begin",
    "pairings.token",
}
EITHER = {"api-docs.openapi_json"}  # programs read it with a token, people from a page
API = "/api/v1/"
COOKIE = "crmlink_session"
OWN_SITE = {"same-origin", "none", None}  # what browsers say of where a request comes from

P = ParamSpec("P")
R = TypeVar("R")

csrf = CSRFProtect()
log = structlog.get_logger()


class ScopeMissing(Exception):
    """Who acts is known, but may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class CookiesAsTheyCame(SecureCookieSessionInterface):
    """Flask's cookie, sent back only over https where it came by https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def register_guard(app: Flask) -> None:
    """Find out who asks, before anything else is done with a request."""
    app.session_interface = CookiesAsTheyCame()
    app.config.update(
        SESSION_COOKIE_NAME="crmlink_forms",
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,  # we send no referrers; the browser's word on the site is asked
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open over lunch
    )
    csrf.init_app(app)
    app.before_request(_identify)
    app.after_request(add_nonce)


def register_door(app: Flask) -> None:
    """Let in who was found; those who were not have been counted by then."""
    app.before_request(_admit)


def needs(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for who has this permission."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in actor().permissions:
                raise ScopeMissing(permission)
            return view(*args, **kwargs)

        return guarded

    return decorate


def actor() -> Actor:
    """Who acts in this request."""
    return cast("Actor", g.actor)


def house() -> House:
    """The installation this application serves."""
    return cast("House", current_app.extensions["crmlink"])


def office() -> Office:
    """The office of the workspace that is served."""
    return house().office


def desk() -> Desk:
    """The desk of the connection in use, the same one for the whole of a request."""
    if "desk" not in g:
        g.desk = house().desk
    return cast("Desk", g.desk)


def knows_sender(app: Flask, environ: WSGIEnvironment) -> bool:
    """Return whether a request, of which only the head has come, has a valid token or session."""
    with app.request_context(environ), suppress(TokenRefused):
        scheme, token = _authorization()
        if scheme == "dpop":  # its proof is good for one look, and that is still to come
            return is_own_access_token(office(), token)
        return _sender() is not None
    return False


def _identify() -> None:
    try:
        found = _sender()
    except NonceNeeded:
        g.nonce_needed = True
    except TokenRefused:
        pass
    else:
        if found:
            log_in, g.actor = found
            if log_in:
                g.log_in = log_in
            else:
                house().uses.note(g.actor)


def _sender() -> tuple[PageSession | None, Actor] | None:
    """Who asks, by token below /api/v1 and by session elsewhere; None where anybody may.

    Addresses that do not exist are treated like the others. Raises TokenRefused.
    """
    if request.endpoint in PUBLIC:
        return None
    by_token = request.path.startswith(API) or (
        request.endpoint in EITHER and "Authorization" in request.headers
    )
    if by_token:
        return None, _by_token()
    return session_of(office(), request.cookies.get(COOKIE, ""))


def _admit() -> Response | None:
    """Refuse whoever is not known, and every form that did not come from a page of ours."""
    in_pages = not request.path.startswith(API)
    if _is_listed_preflight():
        return None
    if request.endpoint not in PUBLIC and "actor" not in g:
        if in_pages and request.method in ("GET", "HEAD"):
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("pages.log_in", next=wanted if wanted != "/" else None), 303)
        raise NonceNeeded if "nonce_needed" in g else TokenRefused
    if in_pages:
        _refuse_forged_form()
    return None


def _is_listed_preflight() -> bool:
    """Whether a browser only asks, without its token, if a site that an admin listed may ask."""
    return (
        request.method == "OPTIONS"
        and request.path.startswith(API)
        and "Access-Control-Request-Method" in request.headers
        and request.headers.get("Origin") in house().settings.cors_origins
    )


def proof_of_request() -> Proof:
    """Return the checked proof of the key that this request was made with.

    Raises ProofMissing, NonceNeeded, ProofElsewhere or ProofRefused.
    """
    here = request.base_url
    # Behind a proxy that ends TLS the request came by http, though the browser asked by https.
    addresses = {here, "https" + here.removeprefix(request.scheme)}
    return check_proof(office(), request.headers.getlist("DPoP"), request.method, addresses)


def add_nonce(reply: Response) -> Response:
    """Give whoever proves a key a new nonce for the next proof."""
    if "DPoP" in request.headers:
        reply.headers["DPoP-Nonce"] = new_nonce(office())
    return reply


def _authorization() -> tuple[str, str]:
    """Return the scheme, in small letters, and the token that a request carries."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), token.strip()


def _by_token() -> Actor:
    """Who asks: a script by its token, a browser by its access token and a proof of its key."""
    scheme, token = _authorization()
    address = request.remote_addr or ""
    if scheme == "bearer" and token.startswith(PREFIX):
        return script_actor(office(), token, address)
    if scheme != "dpop":
        raise TokenRefused
    try:
        proof = proof_of_request()
    except (ProofMissing, ProofRefused, ProofElsewhere) as refused:
        log.info("proof refused", problem=refused.code, request_id=g.request_id)
        raise TokenRefused from None
    return actor_of(office(), token, proof, address)


def _refuse_forged_form() -> None:
    """A change must come from a page of ours: by the form's token, and by what the browser says."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site") not in OWN_SITE:
        raise CSRFError("The request comes from another site.")
    csrf.protect()
