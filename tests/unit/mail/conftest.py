"""An outbox over an empty database, and what sends it to a mail server of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crmlink.access.context import AccessContext, Actor
from crmlink.access.devices import command_line_actor
from crmlink.access.people import invite
from crmlink.installation import open_database
from crmlink.linking.connections import get_or_create_workspace
from crmlink.mail.sender import MailSender
from crmlink.mail.server import MailServer
from crmlink.mail.service import MailService
from crmlink.settings import Settings
from crmlink.store import MailMessage, MailState, Ownership, Person
from crmlink.store.base import utc_now

PUBLIC_URL = "https://crmlink.firm.example"
KEY = "k" * 48


@dataclass
class Outbox:
    """The outbox of one office; ``server`` is set for emails to leave it."""

    access: AccessContext
    ownership: Ownership
    folder: Path
    server: MailServer | None = None
    public_url: str = PUBLIC_URL
    practice: bool = False
    actor: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.actor = command_line_actor(self.access)

    @property
    def service(self) -> MailService:
        return MailService(
            self.access,
            self.server,
            self.public_url,
            self.folder / "credential.keys",
            lambda: self.practice,
        )

    def send(self, ownership: Ownership | None = None) -> int:
        return MailSender(self.service, ownership or self.ownership).send_due()

    def invite(self, email: str = "kim@firm.example", name: str = "Kim Osei") -> Person:
        return invite(self.access, self.actor, name, email, "clerk", by_email=True)[0]

    def messages(self) -> list[MailMessage]:
        with self.access.database.reading() as session:
            return session.query(MailMessage).order_by(MailMessage.id).all()

    def states(self) -> list[tuple[MailState, str]]:
        """State and problem of each email."""
        return [(each.state, (each.problem or {}).get("code", "")) for each in self.messages()]

    def change(self, **values: object) -> None:
        """Change all emails, as time or a fault would."""
        with self.access.database.writing() as session:
            session.query(MailMessage).update(values)  # type: ignore[arg-type]

    def make_due(self) -> None:
        """Let the pause of all emails be over."""
        self.change(due_at=utc_now())


@pytest.fixture
def outbox(database_url: str, tmp_path: Path) -> Iterator[Outbox]:
    database = open_database(Settings(tmp_path, database_url, KEY))
    access = AccessContext(database, get_or_create_workspace(database).id, KEY)
    ownership = Ownership(database, beat_every=None)
    yield Outbox(access, ownership, tmp_path)
    ownership.close()
    database.close()


@pytest.fixture
def another_process(outbox: Outbox) -> Callable[[], Ownership]:
    """Another process with the same database."""
    return lambda: Ownership(outbox.access.database, beat_every=None)
