"""What emails say, and sentences about mail servers and the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmlink.mail.letters import Figure, Letter
from crmlink.mail.transport import MailProblem
from crmlink.store import MailKind, MailMessage, MailState
from crmlink.values.moments import format_moment

KINDS = {
    MailKind.INVITATION: "One-time link",
    MailKind.NEW_PASSWORD: "Forgotten password",
    MailKind.LIST_ENDED: "List finished",
    MailKind.WEEKLY: "Weekly summary",
}
OBSTACLES = {
    "no-server": "No mail server is set up, so crmlink sends no emails. Everything works without.",
    "no-public-url": "crmlink doesn't know the address that people type to reach it, so it can't "
    "put links into emails and sends none. Set CRMLINK_PUBLIC_URL where crmlink is started.",
    "practice": "crmlink is showing practice data, so it sends no emails. It will once your "
    "Commusoft is connected.",
    "key-missing": "The mail server's password can't be read: the key file credential.keys isn't "
    "the one it was stored with. Restore that file, or enter the mail server again.",
}
_PROBLEMS = {
    "unknown-host": "No mail server called {host} was found. Check the name.",
    "address-forbidden": "{host} leads to an address that can't be a mail server. Enter the mail "
    "server's own name.",
    "address-unencrypted": "Without encryption, crmlink only sends inside the office's own "
    "network, and a password only on this computer. Choose STARTTLS or TLS for {host}.",
    "no-route": "Nothing answers at {host}, port {port}. Check the name and port, and that no "
    "firewall is in the way.",
    "timed-out": "{host} didn't answer in time at port {port}. Check the port and the encryption: "
    "587 usually goes with STARTTLS, 465 with TLS. A firewall may also be in the way.",
    "dropped": "{host} ended the connection without an answer. Check the port and the encryption.",
    "certificate": "The certificate of {host} isn't trusted here, or is for another name. Enter "
    "the name that the certificate is for; an authority of your own is set with CRMLINK_SMTP_CA.",
    "tls-failed": "{host} doesn't speak TLS at port {port}. Try STARTTLS: that is usual at port "
    "587.",
    "starttls-missing": "{host} doesn't offer STARTTLS at port {port}, so nothing was sent. Try "
    "TLS at port 465.",
    "login-missing": "{host} doesn't offer to sign in with a user name and password at port "
    "{port}. Try port 587 with STARTTLS, or leave both empty.",
    "login-needed": "{host} wants a user name and password first{reply}.",
    "login-refused": "{host} refused the user name or password{reply}. Some providers need an app "
    "password.",
    "sender-refused": "{host} doesn't let crmlink send as {sender}{reply}. Enter the address of "
    "the account.",
    "recipient-refused": "{host} refused the recipient's address{reply}.",
    "message-refused": "{host} refused the email itself{reply}.",
    "busy": "{host} can't take emails just now{reply}.",
    "not-smtp": "What answers at {host}, port {port}, isn't a mail server, or doesn't let this "
    "computer in{reply}.",
    "unclear": "{host} had the whole email, then didn't answer. It may or may not arrive.",
    "address-unusable": "The recipient's address can't be used for emails.",
    "too-late": "It could not be sent in time, so crmlink stopped trying.",
}
_ENDED = {
    MailState.SENDING: "Being sent.",
    MailState.HANDING_OVER: "Being sent.",
    MailState.SENT: "Sent.",
    MailState.CANCELLED: "Not needed any more.",
    MailState.UNKNOWN: "It may or may not have arrived: there was no answer at the end. crmlink "
    "doesn't send it twice unless you say so.",
}
_NO_FAULT = {
    "not-wanted": "Not sent: the person doesn't want these emails.",
    "seen": "Not sent: the person had seen it already.",
    "no-password": "Not sent: the person signs in with single sign-on.",
    "too-many": "Not sent: this person was sent several in the last hour.",
    "switched-off": "Not sent: email was switched off.",
}
_FIGURES = {
    "customers": ("customer without a reference", "customers without a reference"),
    "suppliers": ("supplier without a reference", "suppliers without a reference"),
    "live-new": (
        "new contact in your accounting software without a record",
        "new contacts in your accounting software without a record",
    ),
    "live": (
        "contact in your accounting software without a record",
        "contacts in your accounting software without a record",
    ),
    "parked": ("parked contact that waits for a record", "parked contacts that wait for a record"),
    "parked-new": ("contact parked in the last week", "contacts parked in the last week"),
    "undecided": ("contact in a list to decide", "contacts in lists to decide"),
}
WHAT = "crmlink puts the references of your accounting software on your customers in Commusoft."
_FOOTER = "Replies aren't read. Sent by crmlink at {base}"


def problem_text(problem: MailProblem, host: str, port: int, sender: str) -> str:
    """Return what went wrong, and what to do; nothing of it is the server's own words."""
    reply = f" (its answer: {problem.reply})" if problem.reply else ""
    return _PROBLEMS[problem.code].format(host=host, port=port, sender=sender, reply=reply)


def message_text(message: MailMessage, host: str, port: int, sender: str) -> str:
    """Return what became of an email, as a sentence or two."""
    kept: Mapping[str, Any] = message.problem or {}
    code = str(kept.get("code", ""))
    if code in _NO_FAULT:
        return _NO_FAULT[code]
    if message.state in _ENDED:
        return _ENDED[message.state]
    why = ""
    if code in _PROBLEMS:
        failure = MailProblem(code, str(kept.get("reply", "")))
        why = problem_text(failure, host, port, sender)
    if message.state is MailState.FAILED:
        return f"Not sent. {why}"
    if not why:
        return "Waiting."
    return f"Not sent yet. {why} Tried again at {format_moment(message.due_at)}."


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who an email is for: name, the one-time link's token and end, and the link to unsubscribe."""

    name: str
    token: str = ""
    expires_at: datetime | None = None
    stop_url: str = ""


def letter_of(kind: MailKind, facts: Mapping[str, Any], base: str, recipient: Recipient) -> Letter:
    """Return the letter of an email; ``base`` is the public URL that its links begin with."""
    footer = _FOOTER.format(base=base)
    until = format_moment(recipient.expires_at) if recipient.expires_at else ""
    greeting, token, stop_url = f"Hello {recipient.name},", recipient.token, recipient.stop_url
    match kind:
        case MailKind.INVITATION:
            return Letter(
                "Your one-time link to crmlink",
                (WHAT, "With this link you choose a password and sign in."),
                greeting,
                "Choose a password",
                f"{base}/welcome#{token}",
                after=(
                    f"It works once, until {until}. Anyone who has it can sign in as you, so "
                    "please don't pass it on.",
                    "If you don't know what this is, do nothing.",
                ),
                footer=footer,
            )
        case MailKind.NEW_PASSWORD:
            return Letter(
                "Choose a new password for crmlink",
                ("A new password was asked for on crmlink's sign-in page.",),
                greeting,
                "Choose a new password",
                f"{base}/welcome#{token}",
                after=(
                    f"It works once, until {until}.",
                    "If that wasn't you, do nothing: your password stays as it is.",
                ),
                footer=footer,
            )
        case MailKind.LIST_ENDED:
            return _list_letter(facts, base, greeting, footer, stop_url)
        case MailKind.WEEKLY:
            return Letter(
                "Still to link, this week",
                ("These wait in crmlink:",),
                greeting,
                figures=tuple(_figure(each, base) for each in facts.get("figures", ())),
                footer=footer,
                stop_text="Stop weekly summaries",
                stop_url=stop_url,
            )


def test_letter(base: str, name: str) -> Letter:
    """Return the letter that the button sends."""
    return Letter(
        "A test email from crmlink",
        ("Emails from crmlink arrive. There is nothing to do.",),
        f"Hello {name},",
        "Open crmlink",
        base,
        footer=_FOOTER.format(base=base),
    )


def _list_letter(
    facts: Mapping[str, Any], base: str, greeting: str, footer: str, stop_url: str
) -> Letter:
    undone = facts.get("state") == "undone"
    said = [_counted(facts, "undone" if undone else "linked", "undone" if undone else "linked")]
    if facts.get("failed"):
        said.append(_counted(facts, "failed", "not linked, each with a reason"))
    what = "Undoing your list has finished" if undone else "Your list has finished"
    return Letter(
        what,
        (f"{what}: {' and '.join(said)}.",),
        greeting,
        "Open the list",
        f"{base}/lists/{facts.get('list', '')}",
        footer=footer,
        stop_text="Stop emails about lists",
        stop_url=stop_url,
    )


def _counted(facts: Mapping[str, Any], name: str, verb: str) -> str:
    count = int(facts.get(name, 0))
    return f"{count:,} {'contact is' if count == 1 else 'contacts are'} {verb}"


def _figure(kept: Mapping[str, Any], base: str) -> Figure:
    count = int(kept["count"])
    singular, plural = _FIGURES[kept["code"]]
    return Figure(count, singular if count == 1 else plural, base + kept["path"])
