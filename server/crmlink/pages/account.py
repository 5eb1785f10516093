"""/account: one's own password, log-ins and browsers."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.devices import list_devices, rename_device, revoke_device
from crmlink.access.errors import (
    AccessFailure,
    DeviceUnknown,
    FieldsWrong,
    LogInRefused,
    TooManyAttempts,
)
from crmlink.access.people import change_password
from crmlink.access.sessions import end_session, end_sessions, list_sessions
from crmlink.pages.blueprint import Ask, ask, blueprint, here
from crmlink.pages.forms import Form, is_ticked, sent, tell
from crmlink.pages.sign_in import enter
from crmlink.store import Person
from crmlink.web.auth import actor, needs, office
from crmlink.web.rate_limits import guessing_own_password

Reply = str | Response | tuple[str, int]


@blueprint.get("/account")
@needs("read")
def account() -> str:
    """Who one is here, and where one is logged in."""
    return _page(Form())


@blueprint.post("/account/password")
@needs("read")
def new_password() -> Reply:
    """Change one's own password; every other log-in ends, and on request every browser."""
    form = sent("old", "password", "again", "browsers")
    if form.values["password"] != form.values["again"]:
        form.errors["again"] = "The two passwords are not the same."
        return _page(form), 422
    try:
        with guessing_own_password():
            change_password(
                office(),
                actor(),
                form.values["old"],
                form.values["password"],
                browsers_too=is_ticked("browsers"),
            )
    except LogInRefused:
        form.errors["old"] = "This is not your present password."
        return _page(form), 422
    except TooManyAttempts:
        raise
    except AccessFailure as refused:
        form.refuse(refused)
        return _page(form), 422
    tell(
        "Your password is changed. Wherever else you were logged in, you are not any more."
        + (" Your browsers are disconnected." if is_ticked("browsers") else "")
    )
    return enter(_me(), url_for("pages.account"))


@blueprint.post("/account/log-ins/end-all")
@needs("read")
def end_everything() -> Response:
    """End one's other log-ins, and on request one's browsers."""
    browsers_too = is_ticked("browsers")
    end_sessions(office(), actor(), _me().public_id, browsers_too=browsers_too, but=g.log_in)
    also = " Your browsers are disconnected." if browsers_too else ""
    tell(f"Wherever else you were logged in, you are not any more.{also}")
    return here("pages.account")


@blueprint.post("/account/log-ins/<session_id>/end")
@needs("read")
def end_log_in(session_id: str) -> Response:
    """End one log-in."""
    end_session(office(), actor(), session_id)
    tell("That log-in is ended.")
    return here("pages.account")


@blueprint.post("/account/browsers/<device_id>/name")
@needs("read")
def rename_own(device_id: str) -> Response:
    """Give one of one's own browsers another name."""
    try:
        rename_device(office(), actor(), device_id, request.form.get("name", ""))
    except FieldsWrong as refused:
        tell(str(refused.facts["errors"][0]).partition(": ")[2], "stop")
    else:
        tell("The browser has a new name.")
    return redirect(url_for("pages.account", _anchor="browsers"), 303)


@blueprint.get("/account/browsers/<device_id>/disconnect")
@needs("read")
def ask_disconnect_own(device_id: str) -> str:
    """What disconnecting means, before it is done."""
    own = {device.public_id: device for device in list_devices(office(), _me())}
    if device_id not in own:
        raise DeviceUnknown
    return ask(
        Ask(
            title=f"Disconnect {own[device_id].name}?",
            sentences=("Links that were made with it stay as they are.",),
            consequences=("The extension in that browser says that it was disconnected.",),
            button="Disconnect",
            back=url_for("pages.account"),
        )
    )


@blueprint.post("/account/browsers/<device_id>/disconnect")
@needs("read")
def disconnect_own(device_id: str) -> Response:
    """End one of one's own browsers."""
    revoke_device(office(), actor(), device_id)
    tell("That browser is disconnected.")
    return here("pages.account")


def _page(form: Form) -> str:
    me = _me()
    return render_template(
        "account.html",
        form=form,
        log_ins=list_sessions(office(), me),
        this_log_in=g.log_in.public_id,
        devices=[device for device in list_devices(office(), me) if not device.revoked_at],
    )


def _me() -> Person:
    person = actor().person
    assert person is not None  # noqa: S101 # a log-in to the pages is always somebody's
    return person
