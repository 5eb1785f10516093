"""A database for a whole file of tests, of each of the two kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.databases import KINDS, new_database


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module", params=KINDS)
def lasting_database_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty database that the tests of one file share."""
    return new_database(request, folder)
