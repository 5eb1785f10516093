"""What the tests of links share."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from crmlink.commusoft import sandbox
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings


@pytest.fixture
def practising(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation that has no account yet, its mirror full of a little practice data."""
    few = partial(sandbox.create_sandbox, 60, 12)
    monkeypatch.setattr(sandbox, "create_sandbox", few)
    settings = Settings(
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=secrets.token_urlsafe(48),
        max_calls_per_second=1000,
    )
    installation = open_installation(settings)
    installation.workspace.sync()
    yield installation
    installation.close()
