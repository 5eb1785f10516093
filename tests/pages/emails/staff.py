"""The office of two whose emails are set up, and its outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crmlink.installation import Installation
from crmlink.mail.sender import MailSender
from crmlink.mail.server import MailServer
from crmlink.store import MailMessage, Person

PUBLIC_URL = "https://crmlink.firm.example"
Configure = Callable[[MailServer | None], None]


@dataclass(frozen=True)
class Staff:
    """An office of two."""

    admin: Person
    clerk: Person


def messages(installation: Installation) -> list[MailMessage]:
    with installation.database.reading() as session:
        return session.query(MailMessage).order_by(MailMessage.id).all()


def send(installation: Installation) -> int:
    return MailSender(installation.mail, installation.ownership).send_due()
