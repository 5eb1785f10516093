"""Databases for tests, of each of the two kinds: empty ones, and ones with today's tables.

The tables are made by the migrations once in a process. Each test gets a copy: thirty migrations a
test would be most of the time that most tests take.
"""

from __future__ import annotations

import functools
import secrets
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from crmlink.store import Database

KINDS = ("sqlite", "postgresql")
_templates = tempfile.TemporaryDirectory(prefix="crmlink-template-")  # removed at exit


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a new database without tables, of the kind in the parameter."""
    if request.param == "sqlite":
        return _sqlite_address(folder)
    return _create_postgresql(request.getfixturevalue("postgresql"))


def new_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a new database with today's tables, of the kind in the parameter."""
    if request.param == "sqlite":
        return sqlite_database(folder)
    address: str = request.getfixturevalue("postgresql")
    return _create_postgresql(address, template=_postgresql_template(address))


def sqlite_database(folder: Path) -> str:
    """Return the address of a new SQLite database in a folder, with today's tables."""
    shutil.copyfile(_sqlite_template(), folder / "crmlink.sqlite")
    return _sqlite_address(folder)


def _sqlite_address(folder: Path) -> str:
    return f"sqlite:///{folder / 'crmlink.sqlite'}"


@functools.cache
def _sqlite_template() -> Path:
    folder = Path(_templates.name)
    _migrate(_sqlite_address(folder))
    assert not list(folder.glob("*-wal")), "a part of the template would not be copied"
    return folder / "crmlink.sqlite"


@functools.cache
def _postgresql_template(address: str) -> str:
    url = _create_postgresql(address)
    _migrate(url)
    return url.partition("?")[0].rpartition("/")[2]


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


def _create_postgresql(address: str, template: str = "template1") -> str:
    name = f"test_{secrets.token_hex(8)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return address.format(name).replace("postgresql://", "postgresql+psycopg://")
