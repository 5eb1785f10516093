"""Single sign-on in the browser: to the provider and back."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Response, current_app, render_template, request, session

from crmlink.access.errors import InvalidCredentials, InvalidSsoResponse, NotInvited
from crmlink.access.sign_in import people_of_sso
from crmlink.store import Person
from crmlink.web.auth import current_installation, sign_in_context
from crmlink.web.form_cookie import is_recent
from crmlink.web.hosts import external_url

if TYPE_CHECKING:
    from crmlink.access.oidc.sign_on import SingleSignOn

SESSION_KEY = "sso"  # key in Flask's session cookie, which is signed
MAX_SIGN_IN_SECONDS = 600  # maximum seconds at the provider


def provider_name() -> str | None:
    """Return the provider's display name; None without one."""
    provider = current_installation().settings.oidc
    return provider.name if provider else None


def is_callback() -> bool:
    """Return whether the request is the provider's callback."""
    return "state" in request.args and bool(request.args.keys() & {"code", "error"})


def redirect_to_provider(wanted: str) -> Response:
    """Return a page that redirects to the provider by script or link.

    A redirect of a form would be blocked by the content security policy. Raises InvalidSsoResponse
    or SsoUnreachable.
    """
    sso = _single_sign_on()
    authorization = sso.begin(_return_address())
    kept = asdict(authorization)
    url = kept.pop("url")
    session[SESSION_KEY] = kept | {"wanted": wanted, "begun": time.time()}
    reply = Response(render_template("redirecting.html", url=url, name=sso.provider.name))
    reply.headers["Refresh"] = f"0; url={url}"
    return reply


def handle_callback() -> tuple[list[Person], str]:
    """Return who signed in, one of each firm, and the page requested; a callback works once.

    Raises SsoDenied, InvalidSsoResponse, EmailNotVerified, NotInvited or SsoUnreachable.
    """
    kept = session.pop(SESSION_KEY, None)
    if kept is None or not is_recent(kept["begun"], MAX_SIGN_IN_SECONDS):
        raise InvalidSsoResponse
    from crmlink.access.oidc.sign_on import AuthorizationRequest

    authorization = AuthorizationRequest("", kept["state"], kept["nonce"], kept["verifier"])
    proven = _single_sign_on().finish(authorization, _return_address(), request.args)
    try:
        return people_of_sso(sign_in_context(), proven.subject, proven.email), kept["wanted"]
    except InvalidCredentials:
        raise NotInvited from None


def _single_sign_on() -> SingleSignOn:
    """Return this process's single sign-on with the configured provider."""
    provider = current_installation().settings.oidc
    if provider is None:
        raise InvalidSsoResponse
    from crmlink.access.oidc.sign_on import SingleSignOn  # its libraries are large

    known = current_app.extensions.setdefault("crmlink_sso", {})
    found: SingleSignOn = known.setdefault(provider, SingleSignOn(provider))
    return found


def _return_address() -> str:
    return external_url("pages.sign_in")
