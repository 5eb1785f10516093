"""/forgotten: a new password by email; /unsubscribe: an end to optional emails. Both are public."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response

from crmlink.access.new_passwords import request_new_password
from crmlink.access.people import people_by_email
from crmlink.installation import CLI_PATH
from crmlink.mail.unsubscribe import kind_of_token
from crmlink.mail.unsubscribe import unsubscribe as end_emails
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import Form, sent
from crmlink.web.auth import current_installation, sign_in_context
from crmlink.web.rate_limits import count_password_request

Reply = str | Response | tuple[str, int]


@blueprint.route("/forgotten", methods=["GET"])
def forgotten() -> str:
    """Show how to get back in."""
    return _page(Form())


@blueprint.post("/forgotten")
def ask_new_password() -> Reply:
    """Ask for a link by email; the answer is the same whether or not the address is known."""
    form = sent("email")
    if not _sends():
        return _page(form), 409
    count_password_request(form.values["email"])
    _request(form.values["email"])
    current_installation().wake_workers()
    return _page(form, asked=True)


@blueprint.get("/unsubscribe/<signed>")
def unsubscribe(signed: str) -> Reply:
    """Ask before an optional email is ended: programs that check links only open them."""
    kind = kind_of_token(sign_in_context(), signed)
    page = render_template("unsubscribe.html", kind=kind, done=False)
    return (page, 200) if kind else (page, 404)


@blueprint.post("/unsubscribe/<signed>")
def end_optional_emails(signed: str) -> Reply:
    """End an optional email, by the page's button or by a mail program (RFC 8058)."""
    kind = end_emails(sign_in_context(), signed)
    page = render_template("unsubscribe.html", kind=kind, done=True)
    return (page, 200) if kind else (page, 404)


def _request(email: str) -> None:
    """Ask for a link in each workspace with a person of this address; in one where it has none."""
    installation = current_installation()
    owners = [person.workspace_id for person in people_by_email(installation.sign_in, email)]
    for workspace_id in owners or installation.active_workspaces()[:1]:
        request_new_password(installation.sign_in.of(workspace_id), email)


def _sends() -> bool:
    """Return whether a link may be sent; which of several firms send emails is not said here."""
    return current_installation().has_several or current_installation().mail.sends


def _page(form: Form, *, asked: bool = False) -> str:
    return render_template(
        "forgotten.html",
        form=form,
        asked=asked,
        sends=_sends(),
        command=CLI_PATH.name,
    )
