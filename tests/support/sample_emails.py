"""Emails of an installation with sample data: a mail server that is entered, and an outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.mail.server import MailServer, Security
from crmlink.store import MailKind, MailState
from crmlink.store.base import utc_now
from crmlink.store.mail import queue_message
from support.sample_data import SampleData

PROBLEMS = {
    MailState.WAITING: {"code": "busy", "reply": "451 4.3.2"},
    MailState.FAILED: {"code": "recipient-refused", "reply": "550 5.1.1"},
    MailState.UNKNOWN: {"code": "unclear", "reply": ""},
    MailState.CANCELLED: {"code": "seen", "reply": ""},
}


def switch_emails_on(installation: Installation, sample: SampleData) -> None:
    """Enter a mail server that nothing answers at, and fill the outbox with each state."""
    installation.first.mail = replace(
        installation.mail, public_url="https://crmlink.firm.example", practice=lambda: False
    )
    server = MailServer(
        "localhost", 25, Security.NONE, "crmlink", "a secret", "crmlink@firm.example", "crmlink"
    )
    installation.mail.save_server(command_line_actor(installation.access), server)
    people = (sample.clerk, sample.manager, sample.admin)
    with installation.database.writing() as session:
        for number, state in enumerate(MailState):
            kind = list(MailKind)[number % len(MailKind)]
            message = queue_message(
                session, installation.access.workspace_id, kind, people[number % len(people)]
            )
            message.state, message.problem = state, PROBLEMS.get(state)
            message.due_at = utc_now() + timedelta(minutes=5)
