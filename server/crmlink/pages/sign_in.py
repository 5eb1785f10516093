"""The door: log-in, invitation, log-out. Who is not logged in sees nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.errors import AccessFailure, InvitationRefused, LogInRefused
from crmlink.access.known_browsers import KNOWN_FOR, remember
from crmlink.access.people import accept_invitation, has_admin, invitation_of
from crmlink.access.people import log_in as prove
from crmlink.access.sessions import LONGEST, begin_session, end_session
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import Form, is_ticked, sent
from crmlink.pages.sso import come_back, is_answer, provider_name, set_out
from crmlink.store import Invitation, Person, Role
from crmlink.web.auth import COOKIE, actor, office
from crmlink.web.problems import problem_of
from crmlink.web.rate_limits import (
    KNOWN_BROWSER,
    count_sso_step,
    guessing_link,
    guessing_password,
)

Reply = str | Response | tuple[str, int]
BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@blueprint.route("/log-in", methods=["GET", "POST"])
def log_in() -> Reply:
    """Email and password, once; or the way by single sign-on, and back."""
    if request.method == "GET":
        return _enter_by_sso() if is_answer() else _log_in_page(Form())
    if request.form.get("with") == "sso":
        return _leave_for_sso()
    form = sent("email", "password")
    try:
        with guessing_password(form.values["email"]):
            person = prove(office(), form.values["email"], form.values["password"])
    except LogInRefused as refused:
        form.refuse(refused)
        return _log_in_page(form), problem_of(refused).status
    return enter(person, _wanted())


@blueprint.route("/welcome", methods=["GET", "POST"])
def welcome() -> Reply:
    """A one-time link: first its secret, which only the form carries, then a password."""
    if request.method == "GET":
        return render_template("welcome.html", form=Form(), invitation=None)
    form = sent("token", "name", "email", "password", "again", "browsers")
    form.values["token"] = form.values["token"].rpartition("#")[2].strip()
    try:
        with guessing_link():
            invitation = invitation_of(office(), form.values["token"])
    except InvitationRefused as refused:
        form.errors["token"] = problem_of(refused).detail
        return render_template("welcome.html", form=form, invitation=None), 422
    if "password" not in request.form:
        return _welcome_page(form, invitation)
    if form.values["password"] != form.values["again"]:
        form.errors["again"] = "The two passwords are not the same."
        return _welcome_page(form, invitation), 422
    return _join(form, invitation)


@blueprint.post("/log-out")
def log_out() -> Response:
    """End this log-in."""
    end_session(office(), actor(), g.log_in.public_id)
    reply = redirect(url_for("pages.log_in"), 303)
    reply.delete_cookie(COOKIE)
    return reply


def enter(person: Person, then: str) -> Response:
    """Log a person in and go on to a page."""
    cookie = begin_session(office(), person, request.remote_addr or "", browser_name())
    known = remember(office(), request.cookies.get(KNOWN_BROWSER, ""), person.id)
    reply = redirect(then, 303)
    for name, value, max_age in ((COOKIE, cookie, LONGEST), (KNOWN_BROWSER, known, KNOWN_FOR)):
        reply.set_cookie(
            name,
            value,
            max_age=max_age,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return reply


def browser_name() -> str:
    """What people call this browser: «Chrome on Windows»."""
    agent = request.user_agent.string
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), None)
    return f"{browser} on {system}" if system else browser


def _leave_for_sso() -> Reply:
    count_sso_step()
    try:
        return set_out(_wanted())
    except AccessFailure as refused:
        return _not_by_sso(refused)


def _enter_by_sso() -> Reply:
    count_sso_step()
    try:
        person, wanted = come_back()
    except AccessFailure as refused:
        return _not_by_sso(refused)
    return enter(person, wanted)


def _not_by_sso(refused: AccessFailure) -> Reply:
    form = Form()
    form.refuse(refused)
    return _log_in_page(form), problem_of(refused).status


def _join(form: Form, invitation: Invitation) -> Reply:
    values = form.values
    try:
        person = accept_invitation(
            office(),
            values["token"],
            values["password"],
            values["name"],
            values["email"],
            browsers_too=is_ticked("browsers"),
        )
    except AccessFailure as refused:
        form.refuse(refused)
        return _welcome_page(form, invitation), 422
    return enter(person, url_for("pages.start" if person.role is Role.ADMIN else "pages.overview"))


def _log_in_page(form: Form) -> str:
    return render_template(
        "log_in.html",
        form=form,
        has_admin=has_admin(office()),
        wanted=_wanted(),
        sso=provider_name(),
    )


def _welcome_page(form: Form, invitation: Invitation) -> str:
    return render_template("welcome.html", form=form, invitation=invitation)


def _wanted() -> str:
    """The page that was wanted before the log-in; never one of somebody else's site."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    if not inside or parts.scheme or parts.netloc or not wanted.isprintable() or "\\" in wanted:
        return url_for("pages.overview")
    return wanted
