"""/account: a person's own password, sessions and browsers."""

from __future__ import annotations

from flask import abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.devices import list_devices, rename_device, revoke_device
from crmlink.access.errors import (
    AccessError,
    DeviceNotFound,
    InvalidCredentials,
    InvalidFields,
    LastAdmin,
    TooManyAttempts,
)
from crmlink.access.joining import leave_firm
from crmlink.access.logins import other_memberships
from crmlink.access.people import change_password
from crmlink.access.sessions import end_session, end_sessions, list_sessions
from crmlink.mail.unsubscribe import CHOICES, choose
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, is_ticked, sent
from crmlink.pages.sign_in import start_session
from crmlink.store import Person
from crmlink.store.workspaces import find_workspace
from crmlink.web.auth import (
    SESSION_COOKIE,
    current_access,
    current_actor,
    current_installation,
    current_open_workspace,
    require_permission,
    sign_in_context,
)
from crmlink.web.problems import problem_from_error
from crmlink.web.rate_limits import guessing_own_password

Reply = str | Response | tuple[str, int]


@blueprint.get("/account")
@require_permission("read")
def account() -> str:
    """Show the person's own account and sessions."""
    return _page(Form())


@blueprint.post("/account/password")
@require_permission("read")
def new_password() -> Reply:
    """Change the own password; ends other sessions, and on request all browsers."""
    form = sent("old", "password", "again", "browsers")
    if form.values["password"] != form.values["again"]:
        form.errors["again"] = "The two passwords don't match."
        return _page(form), 422
    try:
        with guessing_own_password():
            change_password(
                current_access(),
                current_actor(),
                form.values["old"],
                form.values["password"],
                browsers_too=is_ticked("browsers"),
            )
    except InvalidCredentials:
        form.errors["old"] = "Wrong current password."
        return _page(form), 422
    except TooManyAttempts:
        raise
    except AccessError as refused:
        form.add_error(refused)
        return _page(form), 422
    flash_message(
        "Your password is changed. You have been signed out everywhere else."
        + (" Your browsers are disconnected." if is_ticked("browsers") else "")
    )
    return start_session(_me(), url_for("pages.account"))


@blueprint.post("/account/log-ins/end-all")
@require_permission("read")
def end_everything() -> Response:
    """End the own other sessions, and on request all browsers."""
    browsers_too = is_ticked("browsers")
    end_sessions(
        current_access(), current_actor(), _me().public_id, browsers_too=browsers_too, but=g.log_in
    )
    also = " Your browsers are disconnected." if browsers_too else ""
    flash_message(f"You have been signed out everywhere else.{also}")
    return redirect_to("pages.account")


@blueprint.post("/account/log-ins/<session_id>/end")
@require_permission("read")
def end_log_in(session_id: str) -> Response:
    """End one session."""
    end_session(current_access(), current_actor(), session_id)
    flash_message("Signed out there.")
    return redirect_to("pages.account")


@blueprint.post("/account/browsers/<device_id>/name")
@require_permission("read")
def rename_own(device_id: str) -> Response:
    """Rename one of the own browsers."""
    try:
        rename_device(current_access(), current_actor(), device_id, request.form.get("name", ""))
    except InvalidFields as refused:
        flash_message(str(refused.facts["errors"][0]).partition(": ")[2], "stop")
    else:
        flash_message("The browser has a new name.")
    return redirect(url_for("pages.account", _anchor="browsers"), 303)


@blueprint.get("/account/browsers/<device_id>/disconnect")
@require_permission("read")
def ask_disconnect_own(device_id: str) -> str:
    """Show what disconnecting means."""
    own = {device.public_id: device for device in list_devices(current_access(), _me())}
    if device_id not in own:
        raise DeviceNotFound
    return confirmation_page(
        Confirmation(
            title=f"Disconnect {own[device_id].name}?",
            sentences=("Links made with it stay.",),
            consequences=("The extension in that browser will say so.",),
            button="Disconnect",
            back=url_for("pages.account"),
        )
    )


@blueprint.post("/account/browsers/<device_id>/disconnect")
@require_permission("read")
def disconnect_own(device_id: str) -> Response:
    """Revoke one of the own browsers."""
    revoke_device(current_access(), current_actor(), device_id)
    flash_message("That browser is disconnected.")
    return redirect_to("pages.account")


@blueprint.get("/account/leave")
@require_permission("read")
def ask_leave() -> str:
    """Show what leaving the firm means; with one firm there is no such page."""
    if not current_installation().has_several:
        abort(404)
    here = find_workspace(current_installation().database, current_access().workspace_id)
    return confirmation_page(
        Confirmation(
            title=f"Leave {here.name}?",
            sentences=("Your links stay, and so do your entries in the audit log.",),
            consequences=(
                "You can no longer sign in to this firm. An admin of it can invite you again.",
                "Your browsers and tokens of this firm stop.",
                "Your other firms stay as they are.",
            ),
            button="Leave the firm",
            back=url_for("pages.account"),
        )
    )


@blueprint.post("/account/leave")
@require_permission("read")
def leave() -> Response:
    """Leave the firm, and go to another of the login if there is one."""
    if not current_installation().has_several:
        abort(404)
    if request.args.get("place") != _me().public_id:  # they went to another firm in another tab
        return redirect_to("pages.account")
    others = other_memberships(sign_in_context(), _me())
    try:
        leave_firm(current_access(), current_actor())
    except LastAdmin as refused:
        flash_message(problem_from_error(refused).detail, "stop")
        return redirect_to("pages.account")
    if others:
        flash_message("You have left the firm.")
        return start_session(others[0][0], url_for("pages.overview"), g.log_in)
    reply = redirect(url_for("pages.sign_in"), 303)
    reply.delete_cookie(SESSION_COOKIE)
    return reply


@blueprint.post("/account/emails")
@require_permission("read")
def choose_emails() -> Response:
    """Choose the optional emails."""
    access, me = current_access(), _me()
    with access.database.writing() as session:
        row = session.get_one(Person, me.id)
        wanted = {kind: is_ticked(name) for kind, name in CHOICES.items()}
        choose(session, access, current_actor(), row, wanted)
    flash_message("Saved.")
    return redirect(url_for("pages.account", _anchor="emails"), 303)


def _page(form: Form) -> str:
    me = _me()
    return render_template(
        "account.html",
        form=form,
        sends=current_open_workspace().mail.sends,
        log_ins=list_sessions(current_access(), me),
        this_log_in=g.log_in.public_id,
        several=current_installation().has_several,
        devices=[device for device in list_devices(current_access(), me) if not device.revoked_at],
    )


def _me() -> Person:
    person = current_actor().person
    assert person is not None  # noqa: S101 # a web session always has a person
    return person
