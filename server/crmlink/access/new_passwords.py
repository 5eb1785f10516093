"""Forgotten passwords: a one-time link by email, asked for by an address.

The request is the same work whether or not anyone has the address: one row in the outbox. The
worker finds out later, when the answer is no longer waited for.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, record_audit
from crmlink.access.errors import TooManyAttempts
from crmlink.access.invitations import add_invitation, emailed_token, open_invitation_until
from crmlink.access.people import person_by_email
from crmlink.store import MailKind, MailMessage, MailState
from crmlink.store.mail import RETRY_WINDOWS, queue_message

RESET_LINK_TTL = RETRY_WINDOWS[MailKind.NEW_PASSWORD]
MAX_WAITING = 500  # requests that the worker has not looked at
MAX_AN_HOUR = 3  # emails to one person


def request_new_password(access: AccessContext, email: str) -> None:
    """Ask for an email with a one-time link, if this is a person's address.

    Raises TooManyAttempts while very many requests wait.
    """
    person = person_by_email(access, email)
    waiting = (
        select(func.count())
        .select_from(MailMessage)
        .filter_by(
            workspace_id=access.workspace_id, kind=MailKind.NEW_PASSWORD, state=MailState.WAITING
        )
    )
    with access.database.writing() as session:
        if (session.scalar(waiting) or 0) >= MAX_WAITING:
            raise TooManyAttempts(retry_after=60)
        queue_message(session, access.workspace_id, MailKind.NEW_PASSWORD, person)


def open_link(session: Session, access: AccessContext, message: MailMessage) -> str | None:
    """Make the link of a requested email valid; returns why the email is not to be sent, or None.

    Links that an admin made stay valid: a stranger's request must not end them. Who signs in by
    single sign-on alone gets no password, or leaving the firm would not end it.
    """
    person = message.person
    if person is None or person.removed_at is not None:
        return "no-person"
    if person.joined_at is not None and person.password_hash is None:
        return "no-password"
    token = emailed_token(access, message)
    if open_invitation_until(session, access, token):
        return None
    if message.attempts or _recent(session, message) >= MAX_AN_HOUR:
        return "not-needed" if message.attempts else "too-many"
    add_invitation(session, access, person, token, message.created_at + RESET_LINK_TTL)
    record_audit(session, access, None, "person.password_requested", person.public_id)
    return None


def _recent(session: Session, message: MailMessage) -> int:
    """Return how many emails the person was sent, or is about to be sent, in the hour before."""
    return (
        session.scalar(
            select(func.count())
            .select_from(MailMessage)
            .where(
                MailMessage.person_id == message.person_id,
                MailMessage.kind == MailKind.NEW_PASSWORD,
                MailMessage.state != MailState.CANCELLED,
                MailMessage.created_at > message.created_at - timedelta(hours=1),
                MailMessage.id < message.id,
            )
        )
        or 0
    )
