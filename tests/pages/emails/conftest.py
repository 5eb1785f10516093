"""A server whose emails are set up, and an office of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from crmlink.installation import Installation
from crmlink.mail.server import MailServer
from pages.emails.staff import PUBLIC_URL, Configure, Staff
from support.access_factories import make_person
from support.installations import installation_of, open_app
from support.mail_servers import FaultyMailServer


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """A server that needs no Commusoft: emails do not."""
    with open_app(tmp_path) as found:
        yield found


@pytest.fixture
def installation(app: Flask) -> Installation:
    return installation_of(app)


@pytest.fixture
def sample(installation: Installation) -> Staff:
    return Staff(*(make_person(installation.access, role) for role in ("admin", "clerk")))


@pytest.fixture
def configure(installation: Installation) -> Configure:
    """Let emails be sent by a server, or by the one that is entered."""

    def change(server: MailServer | None) -> None:
        first = installation.first
        first.mail = replace(first.mail, environment=server, public_url=PUBLIC_URL)

    return change


@pytest.fixture
def faulty(configure: Configure) -> Iterator[FaultyMailServer]:
    """A mail server, set by the environment."""
    with FaultyMailServer() as found:
        configure(found.server)
        yield found
