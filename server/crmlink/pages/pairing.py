"""/pair: a person approves or denies the browser that shows a code."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.errors import (
    AccessError,
    InvalidFields,
    PairingNotFound,
    TooManyAttempts,
)
from crmlink.access.pairing import (
    approve_pairing,
    deny_pairing,
    find_pairing,
    format_user_code,
    is_expired,
)
from crmlink.pages.blueprint import blueprint, has_permission
from crmlink.pages.forms import Form, sent
from crmlink.store import Pairing, PairingState
from crmlink.store.quotas import QuotaReached
from crmlink.web.auth import current_access, current_actor, require_permission
from crmlink.web.problems import problem_from_error
from crmlink.web.rate_limits import guessing_code

Reply = str | Response | tuple[str, int]
OPEN_STATES = (PairingState.WAITING, PairingState.NEEDS_ADMIN, PairingState.APPROVED)


@blueprint.get("/pair")
@require_permission("link")
def pair() -> Reply:
    """Show the browser with this code, or a field for the code."""
    code = request.args.get("code", "").strip()
    if not code:
        return render_template("pair_code.html", form=Form())
    try:
        with guessing_code():
            pairing = find_pairing(current_access(), code)
    except PairingNotFound as refused:
        form = Form({"code": code[:20]}, {"code": problem_from_error(refused).detail})
        return render_template("pair_code.html", form=form), 404
    name = pairing.device_name or _suggested_name(pairing)
    return _page(pairing, Form({"name": name}))


@blueprint.post("/pair")
@require_permission("link")
def decide_pairing() -> Reply:
    """Approve the browser under a name, or deny it."""
    code = request.form.get("code", "")
    form = sent("name")
    try:
        with guessing_code():
            _decide(code, form)
    except InvalidFields as refused:
        form.add_error(refused)
        return _page(find_pairing(current_access(), code), form), 422
    except QuotaReached as refused:
        form.errors[""] = problem_from_error(refused).detail
        return _page(find_pairing(current_access(), code), form), 409
    except PairingNotFound as refused:
        unknown = Form({"code": code[:20]}, {"code": problem_from_error(refused).detail})
        return render_template("pair_code.html", form=unknown), 404
    except TooManyAttempts:
        raise
    except AccessError as refused:  # decided or expired in the meantime: the page shows its state
        return _page(find_pairing(current_access(), code), form), problem_from_error(refused).status
    return redirect(url_for("pages.pair", code=code), 303)


def _decide(code: str, form: Form) -> None:
    if request.form.get("answer") == "deny":
        deny_pairing(current_access(), current_actor(), code)
    else:
        approve_pairing(current_access(), current_actor(), code, form.values["name"])


def _page(pairing: Pairing, form: Form) -> str:
    return render_template(
        "pair.html",
        pairing=pairing,
        form=form,
        code=format_user_code(pairing.user_code),
        state=_state(pairing),
        ours=pairing.person is None or pairing.person.id == _own_id(),
    )


def _state(pairing: Pairing) -> str:
    """Return the pairing's state for the page: an undecided one may have expired."""
    if pairing.state in OPEN_STATES and is_expired(pairing):
        return "over"
    if pairing.state is PairingState.NEEDS_ADMIN and has_permission("admin"):
        return "asks_admin"
    return pairing.state.value


def _suggested_name(pairing: Pairing) -> str:
    """Return a suggested name: «Chrome on Windows, Anna»."""
    person = current_actor().person
    first = person.name.split()[0] if person else ""
    return f"{pairing.browser}, {first}".strip(", ")


def _own_id() -> int | None:
    person = current_actor().person
    return person.id if person else None
