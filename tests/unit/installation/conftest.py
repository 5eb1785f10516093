"""What the tests of several processes with one account share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crmlink.commusoft.shared.account import SharedAccount
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings


@pytest.fixture
def shared(settings: Settings) -> Iterator[Installation]:
    """An installation with an account on PostgreSQL, which several processes may share."""
    if settings.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one server, whose memory is enough")
    opened = open_installation(settings)
    assert opened.workspace.has_api
    yield opened
    opened.close()


@pytest.fixture
def accounts(shared: Installation) -> tuple[SharedAccount, SharedAccount]:
    """The account in use, as two processes see it."""
    connection_id = shared.workspace.connection_id
    one, other = (SharedAccount(shared.database, connection_id) for _ in range(2))
    return one, other
