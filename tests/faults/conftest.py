"""A database for a whole file of tests, of each of the two kinds."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
import pytest
from psycopg import sql


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting_database_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty database that the tests of one file share."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'crmlink.sqlite'}"
    address: str = request.getfixturevalue("postgresql")
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return address.format(name).replace("postgresql://", "postgresql+psycopg://")
