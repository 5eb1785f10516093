"""An office over an empty database: access needs neither Commusoft nor a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmlink.access.context import AccessContext, Actor
from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation, open_database
from crmlink.linking.connections import get_or_create_workspace
from crmlink.settings import Settings


@pytest.fixture
def access(database_url: str, tmp_path: Path) -> Iterator[AccessContext]:
    database = open_database(Settings(tmp_path, database_url, "k" * 48))
    yield AccessContext(database, get_or_create_workspace(database).id, "k" * 48)
    database.close()


@pytest.fixture
def server(access: AccessContext) -> Actor:
    """Who sits at the server's command line."""
    return command_line_actor(access)


@pytest.fixture
def actor(installation: Installation) -> Actor:
    """The same, of an installation with a sandbox whose records were read."""
    return command_line_actor(installation.access)
