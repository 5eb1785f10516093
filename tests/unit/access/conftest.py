"""An office over an empty database: access needs neither Commusoft nor a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crmlink.access.context import Actor, Office
from crmlink.access.devices import command_line_actor
from crmlink.linking.connections import get_or_create_workspace
from crmlink.store import Database


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    database.migrate()
    yield Office(database, get_or_create_workspace(database).id, "k" * 48)
    database.close()


@pytest.fixture
def server(office: Office) -> Actor:
    """Who sits at the server's command line."""
    return command_line_actor(office)
