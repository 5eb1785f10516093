"""Sign-in, sign-out and invitation pages; the only pages open to anonymous users."""

from __future__ import annotations

from typing import cast

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.context import AccessContext
from crmlink.access.errors import (
    AccessError,
    InvalidCredentials,
    InvalidInvitation,
    TooManyAttempts,
)
from crmlink.access.invitations import SET_UP_CODE, workspace_of_invitation
from crmlink.access.joining import accept_invitation, join_with_login
from crmlink.access.known_browsers import KNOWN_BROWSER_TTL, remember
from crmlink.access.logins import find_membership, join_logins
from crmlink.access.people import find_invitation, has_admin
from crmlink.access.sessions import ABSOLUTE_TIMEOUT, create_session, end_session
from crmlink.access.sign_in import people_of_password
from crmlink.pages.blueprint import blueprint
from crmlink.pages.choose_firm import choice_page, chosen_person
from crmlink.pages.forms import Form, is_ticked, sent
from crmlink.pages.sso import handle_callback, is_callback, provider_name, redirect_to_provider
from crmlink.store import Invitation, Person, Role, WebSession
from crmlink.web.auth import (
    SESSION_COOKIE,
    current_access,
    current_actor,
    current_installation,
    require_permission,
    sign_in_context,
)
from crmlink.web.hosts import is_from_this_computer
from crmlink.web.problems import problem_from_error
from crmlink.web.rate_limits import (
    KNOWN_BROWSER,
    count_sso_step,
    guessing_link,
    guessing_password,
)
from crmlink.web.set_up_file import remove_set_up_file, set_up_file

ELSEWHERE = "This code only works on the computer where crmlink is installed."
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
def sign_in() -> Reply:
    """Sign in by email and password, or by single sign-on."""
    if request.method == "GET":
        return _enter_by_sso() if is_callback() else _log_in_page(Form())
    if request.form.get("with") == "sso":
        return _leave_for_sso()
    if request.form.get("with") == "firm":
        return _enter_firm()
    form = sent("email", "password")
    try:
        with guessing_password(form.values["email"]) as has_failed:
            people = people_of_password(
                sign_in_context(),
                form.values["email"],
                form.values["password"],
                has_failed=has_failed,
            )
    except InvalidCredentials as refused:
        form.add_error(refused)
        return _log_in_page(form), problem_from_error(refused).status
    join_logins(sign_in_context(), people)
    return _enter(people, _wanted())


@blueprint.route("/welcome", methods=["GET", "POST"])
def welcome() -> Reply:
    """Accept a one-time link: its secret is sent by the form only, then the password."""
    if request.method == "GET":
        return render_template("welcome.html", form=Form(), invitation=None)
    form = sent("token", "name", "email", "password", "again", "browsers")
    form.values["token"] = form.values["token"].rpartition("#")[2].strip()
    if form.values["token"].startswith(SET_UP_CODE) and not is_from_this_computer():
        form.errors["token"] = ELSEWHERE
        return render_template("welcome.html", form=form, invitation=None), 403
    try:
        with guessing_link():
            access = _access_of_link(form.values["token"])
            invitation = find_invitation(access, form.values["token"])
    except InvalidInvitation as refused:
        form.errors["token"] = problem_from_error(refused).detail
        return render_template("welcome.html", form=form, invitation=None), 422
    if request.form.get("with") == "login":
        return _join_with_login(access, form, invitation)
    if "password" not in request.form:
        return _welcome_page(form, invitation)
    if form.values["password"] != form.values["again"]:
        form.errors["again"] = "The two passwords don't match."
        return _welcome_page(form, invitation), 422
    return _accept_invitation(access, form, invitation)


@blueprint.post("/log-out")
def sign_out() -> Response:
    """End this session."""
    end_session(current_access(), current_actor(), g.log_in.public_id)
    reply = redirect(url_for("pages.sign_in"), 303)
    reply.delete_cookie(SESSION_COOKIE)
    return reply


@blueprint.post("/firm")
@require_permission("read")
def change_firm() -> Response:
    """Go on in another firm of the person's login."""
    actor, here = current_actor(), g.log_in
    me = cast("Person", actor.person)
    person = find_membership(sign_in_context(), me, request.form.get("person", ""))
    end_session(current_access(), actor, here.public_id)
    return start_session(person, url_for("pages.overview"), here)


def start_session(person: Person, then: str, continued: WebSession | None = None) -> Response:
    """Create a session for a person and redirect to a page; see ``create_session``."""
    access = sign_in_context().of(person.workspace_id)
    cookie = create_session(access, person, request.remote_addr or "", browser_name(), continued)
    known = remember(access, request.cookies.get(KNOWN_BROWSER, ""), person.id)
    reply = redirect(then, 303)
    for name, value, max_age in (
        (SESSION_COOKIE, cookie, ABSOLUTE_TIMEOUT),
        (KNOWN_BROWSER, known, KNOWN_BROWSER_TTL),
    ):
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
    """Return this browser's display name: «Chrome on Windows»."""
    agent = request.user_agent.string
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), None)
    return f"{browser} on {system}" if system else browser


def _enter(people: list[Person], then: str) -> Reply:
    """Sign in the one person that was proved, or ask in which of several firms."""
    return start_session(people[0], then) if len(people) == 1 else choice_page(people, then)


def _enter_firm() -> Reply:
    try:
        person, wanted = chosen_person(request.form.get("person", ""))
    except InvalidCredentials as refused:
        form = Form()
        form.errors[""] = "Sign in again: the choice took too long."
        return _log_in_page(form), problem_from_error(refused).status
    return start_session(person, wanted)


def _access_of_link(token: str) -> AccessContext:
    """Return the access context of a one-time link; raises InvalidInvitation."""
    return sign_in_context().of(workspace_of_invitation(sign_in_context(), token))


def _leave_for_sso() -> Reply:
    count_sso_step()
    try:
        return redirect_to_provider(_wanted())
    except AccessError as refused:
        return _sso_failed(refused)


def _enter_by_sso() -> Reply:
    count_sso_step()
    try:
        people, wanted = handle_callback()
    except AccessError as refused:
        return _sso_failed(refused)
    return _enter(people, wanted)


def _sso_failed(refused: AccessError) -> Reply:
    form = Form()
    form.add_error(refused)
    return _log_in_page(form), problem_from_error(refused).status


def _join_with_login(access: AccessContext, form: Form, invitation: Invitation) -> Reply:
    """Join with the email and password of another firm, or show the form for them."""
    context, values = sign_in_context(), form.values
    if not current_installation().has_several:
        return _welcome_page(form, invitation)
    if "password" not in request.form:
        values["email"] = invitation.person.email if invitation.person else ""
        return _join_page(form)
    try:
        with guessing_password(values["email"]) as has_failed:
            people = people_of_password(
                context, values["email"], values["password"], has_failed=has_failed
            )
        person = join_with_login(context, access, values["token"], people)
    except TooManyAttempts:
        raise
    except AccessError as refused:
        form.add_error(refused)
        return _join_page(form), 422
    return start_session(person, url_for("pages.overview"))


def _join_page(form: Form) -> str:
    return render_template("join.html", form=form)


def _accept_invitation(access: AccessContext, form: Form, invitation: Invitation) -> Reply:
    values = form.values
    try:
        person = accept_invitation(
            access,
            values["token"],
            values["password"],
            values["name"],
            values["email"],
            browsers_too=is_ticked("browsers"),
        )
    except AccessError as refused:
        form.add_error(refused)
        return _welcome_page(form, invitation), 422
    if person.role is not Role.ADMIN:
        return start_session(person, url_for("pages.overview"))
    remove_set_up_file(current_installation().settings.data_dir)
    return start_session(person, url_for("pages.start"))


def _log_in_page(form: Form) -> str:
    if not has_admin(current_installation().access):
        return _set_up_page()
    return render_template(
        "log_in.html",
        form=form,
        wanted=_wanted(),
        sso=provider_name(),
    )


def _set_up_page() -> str:
    """Return what the first person sees; where the code is, only this computer says."""
    here = is_from_this_computer()
    file = set_up_file(current_installation().settings.data_dir) if here else None
    return render_template("set_up.html", form=Form(), file=file, here=here)


def _welcome_page(form: Form, invitation: Invitation) -> str:
    several = current_installation().has_several
    return render_template("welcome.html", form=form, invitation=invitation, several=several)


def _wanted() -> str:
    """Return the page requested before the sign-in; never one of another site."""
    wanted = request.values.get("next", "")
    inside = wanted.startswith("/") and not wanted.startswith("//")
    if not inside or not wanted.isprintable() or "\\" in wanted:
        return url_for("pages.overview")
    return wanted
