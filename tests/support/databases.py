"""Databases for tests, of each of the two kinds: empty ones, and ones with today's tables.

The tables are made by the migrations once in a process. Each test gets a copy, on PostgreSQL one
that an earlier test gave back: thirty migrations a test would be most of the time that most take.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

import pytest

from crmlink.store import Database
from support.postgresql_pool import PostgresqlPool, create_database

KINDS = ("sqlite", "postgresql")
_templates = tempfile.TemporaryDirectory(prefix="crmlink-template-")  # removed at exit


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a new database without tables, of the kind in the parameter."""
    if request.param == "sqlite":
        return sqlite_address(folder)
    address: str = request.getfixturevalue("postgresql")
    return _postgresql_address(address, create_database(address))


def new_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a new database with today's tables, of the kind in the parameter.

    A database of PostgreSQL is the requesting fixture's until that ends.
    """
    if request.param == "sqlite":
        return sqlite_database(folder)
    address: str = request.getfixturevalue("postgresql")
    pool = postgresql_pool(address)
    name = pool.borrow()
    request.addfinalizer(lambda: pool.give_back(name))
    return _postgresql_address(address, name)


def sqlite_database(folder: Path) -> str:
    """Return the address of a new SQLite database in a folder, with today's tables."""
    shutil.copyfile(_sqlite_template(), folder / "crmlink.sqlite")
    return sqlite_address(folder)


def sqlite_address(folder: Path) -> str:
    """Return the address of the SQLite database in a folder."""
    return f"sqlite:///{folder / 'crmlink.sqlite'}"


@functools.cache
def _sqlite_template() -> Path:
    folder = Path(_templates.name)
    _migrate(sqlite_address(folder))
    assert not list(folder.glob("*-wal")), "a part of the template would not be copied"
    return folder / "crmlink.sqlite"


@functools.cache
def postgresql_pool(address: str) -> PostgresqlPool:
    template = create_database(address)
    _migrate(_postgresql_address(address, template))
    return PostgresqlPool(address, template)


def _postgresql_address(address: str, name: str) -> str:
    return address.format(name).replace("postgresql://", "postgresql+psycopg://")


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.separate_workspaces()
    database.close()
