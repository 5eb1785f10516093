"""Tables of email: the outbox, and the mail server that an admin entered."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from crmlink.store.access import Person
from crmlink.store.base import Base, new_id, utc_now


class MailKind(enum.StrEnum):
    """What an email says; the last two are optional for each person."""

    INVITATION = "invitation"
    NEW_PASSWORD = "new_password"  # noqa: S105 - a kind, no secret
    LIST_ENDED = "list_ended"
    WEEKLY = "weekly"


class MailState(enum.StrEnum):
    """State of an email: waiting → sending → handing_over → sent.

    While ``sending`` the mail server cannot have accepted it, so it may be sent again. From
    ``handing_over`` on it may have: without an answer it ends as ``unknown``. ``failed`` was given
    up, ``cancelled`` is not wanted any more.
    """

    WAITING = "waiting"
    SENDING = "sending"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


RETRY_WINDOWS = {
    MailKind.INVITATION: timedelta(days=3),
    MailKind.NEW_PASSWORD: timedelta(hours=1),
    MailKind.LIST_ENDED: timedelta(days=1),
    MailKind.WEEKLY: timedelta(days=1),
}


class MailMessage(Base):
    """An email to one person, stored with what it speaks of in one transaction.

    ``event`` is what it speaks of, which has one email at most. ``facts`` has figures and ids, no
    names or addresses and no secrets: a link's token is derived from ``public_id``. Without a
    person a new password was asked for with an address that is not known. ``problem`` has the code
    of the last failure, and the mail server's reply code.
    """

    __tablename__ = "mail_message"
    __table_args__ = (
        UniqueConstraint("workspace_id", "event"),
        Index("ix_mail_message_state", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[MailKind]
    event: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[MailState] = mapped_column(default=MailState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    problem: Mapped[dict[str, Any] | None]
    lease: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[str | None]

    person: Mapped[Person | None] = relationship(lazy="joined")


class MailSettings(Base):
    """A workspace's mail server, if an admin entered one, and when weekly summaries are sent.

    ``password`` is encrypted, see commusoft/vault.py. ``weekly_day`` is 0 for Monday,
    ``weekly_hour`` of the server's clock.
    """

    __tablename__ = "mail_settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), unique=True)
    host: Mapped[str] = mapped_column(default="")
    port: Mapped[int] = mapped_column(default=587)
    security: Mapped[str] = mapped_column(default="")
    username: Mapped[str] = mapped_column(default="")
    password: Mapped[str] = mapped_column(default="")
    sender: Mapped[str] = mapped_column(default="")
    sender_name: Mapped[str] = mapped_column(default="")
    weekly_day: Mapped[int] = mapped_column(default=0)
    weekly_hour: Mapped[int] = mapped_column(default=8)


def queue_message(
    session: Session,
    workspace_id: int,
    kind: MailKind,
    person: Person | None,
    *,
    event: str = "",
    delay: timedelta = timedelta(0),
    **facts: Any,
) -> MailMessage:
    """Add an email to the outbox in a writing session, with what it speaks of.

    Without an event it is one by itself.
    """
    moment, public_id = utc_now(), new_id()
    message = MailMessage(
        public_id=public_id,
        workspace_id=workspace_id,
        kind=kind,
        person_id=person.id if person else None,
        event=event or f"{kind}:{public_id}",
        facts=facts,
        due_at=moment + delay,
        expires_at=moment + RETRY_WINDOWS[kind],
    )
    session.add(message)
    return message
