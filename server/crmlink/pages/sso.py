"""The way to the single sign-on provider and back, as far as it passes through the browser."""

from __future__ import annotations

import time
from dataclasses import asdict

from flask import Response, current_app, render_template, request, session

from crmlink.access.errors import LogInRefused, SsoRefused, SsoUnknown
from crmlink.access.oidc import Journey, SingleSignOn
from crmlink.access.people import person_of_sso
from crmlink.store import Person
from crmlink.web.auth import house, office
from crmlink.web.hosts import external_url

KEPT = "sso"  # in the cookie that forms have too: signed, and read by no script
LONGEST = 600  # seconds on the way


def provider_name() -> str | None:
    """What people call the provider; None where there is none."""
    provider = house().settings.oidc
    return provider.name if provider else None


def is_answer() -> bool:
    """Whether somebody comes back from the provider."""
    return "state" in request.args and bool(request.args.keys() & {"code", "error"})


def set_out(wanted: str) -> Response:
    """A page that goes on to the provider by itself: a redirect of a form would be refused there.

    Raises SsoRefused or SsoUnreachable.
    """
    sso = _single_sign_on()
    journey = sso.begin(_return_address())
    kept = asdict(journey)
    url = kept.pop("url")
    session[KEPT] = kept | {"wanted": wanted, "begun": time.time()}
    reply = Response(render_template("redirecting.html", url=url, name=sso.provider.name))
    reply.headers["Refresh"] = f"0; url={url}"
    return reply


def come_back() -> tuple[Person, str]:
    """Who came back, and the page they wanted; each way can be gone once.

    Raises SsoDenied, SsoRefused, SsoUnproven, SsoUnknown or SsoUnreachable.
    """
    kept = session.pop(KEPT, None)
    if kept is None or not 0 <= time.time() - kept["begun"] < LONGEST:
        raise SsoRefused
    journey = Journey("", kept["state"], kept["nonce"], kept["verifier"])
    proven = _single_sign_on().finish(journey, _return_address(), request.args)
    try:
        return person_of_sso(office(), proven.subject, proven.email), kept["wanted"]
    except LogInRefused:
        raise SsoUnknown from None


def _single_sign_on() -> SingleSignOn:
    """What this process knows of the provider that is set."""
    provider = house().settings.oidc
    if provider is None:
        raise SsoRefused
    known = current_app.extensions.setdefault("crmlink_sso", {})
    found: SingleSignOn = known.setdefault(provider, SingleSignOn(provider))
    return found


def _return_address() -> str:
    return external_url("pages.log_in")
