"""Empty databases for tests, of each of the two kinds."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

KINDS = ("sqlite", "postgresql")


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a new database of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'crmlink.sqlite'}"
    address: str = request.getfixturevalue("postgresql")
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return address.format(name).replace("postgresql://", "postgresql+psycopg://")
