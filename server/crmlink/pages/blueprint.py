"""Blueprint of the pages: template context and filters shared by all."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.context import Actor
from crmlink.access.logins import other_memberships
from crmlink.access.operators import is_operator
from crmlink.accounting.errors import UnknownPackage
from crmlink.accounting.package_rules import package_name
from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.linking.errors import LinkingError
from crmlink.pages.labels import ROLES
from crmlink.values.moments import format_day, format_moment
from crmlink.web.auth import current_installation, current_workspace, sign_in_context
from crmlink.web.health import readiness
from crmlink.web.reachability import notice_probe

blueprint = Blueprint("pages", __name__)


@blueprint.app_context_processor
def _template_context() -> dict[str, Any]:
    actor = optional_actor()
    return {
        "uses_sandbox": _uses_sandbox(),
        "person": actor.person if actor else None,
        "other_firms": _other_firms(actor),
        "operates": operates_firms(),
        "may": has_permission,
        "section": _active_section(),
        "request_id": g.get("request_id"),
    }


def _other_firms(actor: Actor | None) -> list[tuple[str, str]]:
    """Return the other firms of the actor's login: the person's id there, and the firm's name."""
    if actor is None or actor.person is None:
        return []
    found = other_memberships(sign_in_context(), actor.person)
    return [(person.public_id, name) for person, name in found]


def _uses_sandbox() -> bool:
    """Return whether the remote system is a sandbox; False if no connection opens.

    Strangers see it where there is one firm only.
    """
    try:
        if optional_actor() is not None:
            return current_workspace().uses_sandbox
        return not current_installation().has_several and current_installation().uses_sandbox
    except (LinkingError, VaultKeyMissing):
        return False


@blueprint.get("/healthz")
@blueprint.get("/readyz")
def health() -> tuple[Response, int]:
    """Return 200 while the process answers; at /readyz, while it can do what it is for."""
    notice_probe()
    if request.path == "/healthz":
        return jsonify(status="ok"), 200
    installation = current_installation()
    parts = readiness(installation.database, installation.settings.data_dir)
    wrong = [f"{part} {state}" for part, state in parts.items() if state != "ok"]
    return jsonify(status=", ".join(wrong) or "ok", **parts), 503 if wrong else 200


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Question before an irreversible action."""

    title: str
    button: str
    back: str
    sentences: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()


def confirmation_page(question: Confirmation) -> str:
    """Return the page with the question; its form is sent to the same URL."""
    return render_template("confirm.html", ask=question)


def redirect_to(endpoint: str, **values: Any) -> Response:
    """Return a redirect to a page after a form was processed."""
    return redirect(url_for(endpoint, **values), 303)


def optional_actor() -> Actor | None:
    """Return the actor of this request; None if not signed in."""
    actor: Actor | None = g.get("actor")
    return actor


def operates_firms() -> bool:
    """Return whether the actor is an operator, and there are several firms to operate."""
    if "operates" not in g:
        actor = optional_actor()
        me = actor.person if actor and not actor.is_script else None
        g.operates = (
            me is not None
            and is_operator(sign_in_context(), me)
            and current_installation().has_several
        )
    return bool(g.operates)


def has_permission(permission: str) -> bool:
    """Return whether the actor has a permission."""
    actor = optional_actor()
    return actor is not None and permission in actor.permissions


blueprint.add_app_template_filter(ROLES.__getitem__, "role")


@blueprint.app_template_filter("day")
def _day(moment: date) -> str:
    return format_day(moment)


@blueprint.app_template_filter("clock")
def _datetime_filter(moment: datetime) -> str:
    return format_moment(moment)


@blueprint.app_template_filter("package")
def _package(package_id: str) -> str:
    try:
        return package_name(current_workspace().packages, package_id)
    except UnknownPackage:  # a newer rule file does not have it
        return package_id


_CSRF = re.compile(r'name="csrf_token" value="[^"]*"')


@blueprint.app_template_filter("digest")
def _digest(part: str) -> str:
    """Return a short digest of a rendered part, equal as long as its content is."""
    return hashlib.sha256(_CSRF.sub("", part).encode()).hexdigest()[:16]


def _active_section() -> str:
    """Return the navigation entry of a page: the first part of its URL."""
    return request.path.split("/")[1] or "overview"
