"""/settings/email: the mail server, a test, when summaries are sent, and the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response as HtmlResponse
from flask import abort, render_template, url_for
from werkzeug.wrappers import Response

from crmlink.access.errors import TooManyAttempts
from crmlink.access.slots import Slots
from crmlink.mail.addresses import mailbox
from crmlink.mail.field_texts import FIELDS
from crmlink.mail.letters import Letter, email_of, html_text
from crmlink.mail.sender import list_messages, send_again
from crmlink.mail.server import DEFAULT_PORTS, PORTS, InvalidMailServer, MailServer, Security
from crmlink.mail.service import MailStatus, WeeklyTime
from crmlink.mail.texts import (
    KINDS,
    OBSTACLES,
    Recipient,
    letter_of,
    message_text,
    problem_text,
    test_letter,
)
from crmlink.mail.transport import Envelope, MailProblem, deliver
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, number_in, sent
from crmlink.store import MailKind
from crmlink.store.base import new_id, utc_now
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_open_workspace,
    require_permission,
)

Reply = str | Response | tuple[str, int]
NAMES = ("host", "port", "security", "username", "password", "sender", "sender_name")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SECURITIES = (
    (Security.STARTTLS, "STARTTLS, usually at port 587"),
    (Security.TLS, "TLS, usually at port 465"),
    (Security.NONE, "None: only inside the office's own network"),
)
TEST_SECONDS = 25.0
_tests = Slots(2, 0, 1.0)  # a test may hold a thread of the web server for that long
SAMPLE_FACTS: dict[MailKind, dict[str, Any]] = {
    MailKind.LIST_ENDED: {"state": "done", "linked": 118, "failed": 3},
    MailKind.WEEKLY: {
        "figures": [
            {"code": "customers", "count": 42, "path": "/left/customer"},
            {"code": "suppliers", "count": 1, "path": "/left/supplier"},
            {"code": "live-new", "count": 3, "path": "/left/contacts"},
            {"code": "live", "count": 57, "path": "/left/contacts"},
            {"code": "parked-new", "count": 5, "path": "/parked"},
            {"code": "parked", "count": 12, "path": "/parked"},
            {"code": "undecided", "count": 1204, "path": "/lists"},
        ]
    },
}
SAMPLE_POLICY = "; ".join(
    ("default-src 'none'", "style-src 'unsafe-inline'", "sandbox", "frame-ancestors 'none'")
)


@blueprint.get("/settings/email")
@require_permission("admin")
def email() -> str:
    """Show the mail server and the outbox."""
    return _page()


@blueprint.post("/settings/email")
@require_permission("admin")
def save_email() -> Reply:
    """Store the mail server; an empty password keeps the stored one."""
    mail = current_open_workspace().mail
    form = sent(*NAMES)
    if mail.environment is not None:
        return _page(notice=("stop", "The mail server is set where crmlink is started.")), 409
    server = _server(form, mail.status().server)
    if server is None:
        return _page(form), 422
    mail.save_server(current_actor(), server)
    flash_message("The mail server is saved. Send a test email to try it.")
    return redirect_to("pages.email")


@blueprint.post("/settings/email/test")
@require_permission("admin")
def test_email() -> Reply:
    """Send a test email to the person who asks, and show what the mail server answered."""
    mail = current_open_workspace().mail
    status = mail.status()
    person = current_actor().person
    recipient = mailbox(person.email) if person else None
    if status.server is None or not status.sends or person is None:
        return _page(notice=("stop", OBSTACLES[status.obstacle or "no-server"])), 409
    if recipient is None:
        return _page(notice=("stop", "Your own address can't be used for emails.")), 422
    server = status.server
    content = email_of(test_letter(status.public_url, person.name), server, recipient, new_id())
    envelope = Envelope(server.sender, recipient, mail.own_name)
    try:
        with _tests.one(TooManyAttempts(retry_after=30)):
            deliver(server, envelope, content, seconds=TEST_SECONDS)
    except MailProblem as problem:
        said = problem_text(problem, server.host, server.port, server.sender)
        return _page(notice=("stop", said))
    return _page(
        notice=("good", f"{server.host} accepted the email to {person.email}. Look there.")
    )


@blueprint.get("/settings/email/remove")
@require_permission("admin")
def ask_remove_email() -> str:
    """Show what stops without the mail server."""
    return confirmation_page(
        Confirmation(
            title="Remove the mail server?",
            sentences=("Its password is deleted. Links and lists stay as they are.",),
            consequences=(
                "No emails are sent. Those that wait are not sent later.",
                "You hand out one-time links yourself, as before.",
            ),
            button="Remove",
            back=url_for("pages.email"),
        )
    )


@blueprint.post("/settings/email/remove")
@require_permission("admin")
def remove_email() -> Response:
    """Delete the mail server."""
    current_open_workspace().mail.remove_server(current_actor())
    flash_message("The mail server is removed.")
    return redirect_to("pages.email")


@blueprint.post("/settings/email/weekly")
@require_permission("admin")
def save_weekly() -> Reply:
    """Store when weekly summaries are sent."""
    form = sent("day", "hour")
    day, hour = number_in(form.values["day"], 1), number_in(form.values["hour"], 2)
    if day is None or day > 6 or hour is None or hour > 23:
        form.errors["day" if day is None or day > 6 else "hour"] = "Choose a day and an hour."
        return _page(weekly=form), 422
    current_open_workspace().mail.save_weekly_time(current_actor(), WeeklyTime(day, hour))
    flash_message("Saved.")
    return redirect_to("pages.email")


@blueprint.post("/settings/email/outbox/<message_id>/again")
@require_permission("admin")
def email_again(message_id: str) -> Response:
    """Send an email again that was given up, or of which it is not known whether it arrived."""
    if not send_again(current_access(), current_actor(), message_id):
        abort(404)
    current_installation().wake_workers()
    flash_message("It is being sent again.")
    return redirect_to("pages.email")


@blueprint.get("/settings/email/samples/<kind>")
@require_permission("admin")
def email_sample(kind: str) -> HtmlResponse:
    """Show what an email looks like, with made-up figures; nothing is sent."""
    if kind not in list(MailKind):
        abort(404)
    reply = HtmlResponse(html_text(_sample(MailKind(kind))), mimetype="text/html")
    reply.headers["Content-Security-Policy"] = SAMPLE_POLICY
    return reply


def _sample(kind: MailKind) -> Letter:
    person = current_actor().person
    base = current_open_workspace().mail.public_url or "https://crmlink.firm.example"
    optional = kind in SAMPLE_FACTS
    recipient = Recipient(
        person.name if person else "",
        "" if optional else "an-example",
        utc_now() + timedelta(days=7),
        f"{base}/unsubscribe/an-example" if optional else "",
    )
    return letter_of(kind, SAMPLE_FACTS.get(kind, {}), base, recipient)


def _server(form: Form, kept: MailServer | None) -> MailServer | None:
    """Return the server of a form; None with the form's errors set."""
    values = {name: text.strip() for name, text in form.values.items() if name != "password"}
    password = form.values["password"]
    if not password and kept and (kept.host, kept.username) == (values["host"], values["username"]):
        password = kept.password  # it goes to no other server, and to no other account's
    errors: dict[str, str] = {}
    security = next((one for one in Security if one == values["security"]), None)
    if security is None:
        errors["security"] = FIELDS["security"]
    usual_port = DEFAULT_PORTS[security or Security.STARTTLS]
    port = number_in(values["port"], 5) if values["port"] else usual_port
    if port is None or port not in PORTS:
        errors["port"] = FIELDS["port" if port is None else "port-unusual"]
        port = usual_port
    server = None
    try:  # a wrong port or security hides no other field's error
        server = MailServer(
            values["host"],
            port,
            security or Security.STARTTLS,
            values["username"],
            password,
            values["sender"],
            values["sender_name"],
        )
    except InvalidMailServer as refused:
        errors |= {name: FIELDS[code] for name, code in refused.errors.items()}
    form.errors |= {name: errors[name] for name in NAMES if name in errors}
    return None if errors else server


def _values(status: MailStatus) -> dict[str, str]:
    server = status.server
    if server is None:
        return {"security": Security.STARTTLS, "sender_name": "crmlink"}
    values = {name: str(getattr(server, name)) for name in NAMES if name != "password"}
    return values | {"security": server.security.value}


def _page(
    form: Form | None = None,
    *,
    weekly: Form | None = None,
    notice: tuple[str, str] | None = None,
) -> str:
    mail = current_open_workspace().mail
    status, time = mail.status(), mail.weekly_time()
    server = status.server
    known = (server.host, server.port, server.sender) if server else ("The mail server", 0, "")
    messages = list_messages(current_access())
    return render_template(
        "email.html",
        form=form or Form(_values(status)),
        weekly=weekly or Form({"day": str(time.day), "hour": str(time.hour)}),
        status=status,
        notice=notice,
        obstacle=OBSTACLES.get(status.obstacle, ""),
        securities=[(value.value, text) for value, text in SECURITIES],
        days=[(str(number), name) for number, name in enumerate(DAYS)],
        hours=[(str(hour), f"{hour:02}:00") for hour in range(24)],
        kinds=KINDS,
        messages=[(message, message_text(message, *known)) for message in messages],
    )
