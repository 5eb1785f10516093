"""/forgotten: a new password by email; /unsubscribe: an end to optional emails. Both are public."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response

from crmlink.access.new_passwords import request_new_password
from crmlink.installation import CLI_PATH
from crmlink.mail.unsubscribe import kind_of_token
from crmlink.mail.unsubscribe import unsubscribe as end_emails
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import Form, sent
from crmlink.web.auth import current_access, current_installation
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
    if not current_installation().mail.sends:
        return _page(form), 409
    count_password_request(form.values["email"])
    request_new_password(current_access(), form.values["email"])
    current_installation().wake_workers()
    return _page(form, asked=True)


@blueprint.get("/unsubscribe/<signed>")
def unsubscribe(signed: str) -> Reply:
    """Ask before an optional email is ended: programs that check links only open them."""
    kind = kind_of_token(current_access(), signed)
    page = render_template("unsubscribe.html", kind=kind, done=False)
    return (page, 200) if kind else (page, 404)


@blueprint.post("/unsubscribe/<signed>")
def end_optional_emails(signed: str) -> Reply:
    """End an optional email, by the page's button or by a mail program (RFC 8058)."""
    kind = end_emails(current_access(), signed)
    page = render_template("unsubscribe.html", kind=kind, done=True)
    return (page, 200) if kind else (page, 404)


def _page(form: Form, *, asked: bool = False) -> str:
    return render_template(
        "forgotten.html",
        form=form,
        asked=asked,
        sends=current_installation().mail.sends,
        command=CLI_PATH.name,
    )
