"""A server that needs no Commusoft, for tests of people, devices and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.context import AccessContext
from crmlink.store import Person
from support.access_factories import make_person, pair, with_token
from support.databases import sqlite_database
from support.installations import installation_of, open_app


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is asked of a database is asked of both kinds in `unit/`."""
    return sqlite_database(tmp_path)


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole server over SQLite."""
    with open_app(tmp_path_factory.mktemp("shared")) as app:
        yield app


@pytest.fixture(scope="module")
def access(shared_app: Flask) -> AccessContext:
    return installation_of(shared_app).access


@pytest.fixture(scope="module")
def admin_person(access: AccessContext) -> Person:
    """An admin."""
    return make_person(access, "admin", "Alex Boss")


@pytest.fixture
def admin(shared_app: Flask, access: AccessContext, admin_person: Person) -> FlaskClient:
    """A client with an admin's browser."""
    return with_token(shared_app, pair(access, admin_person, "Boss's desk").access_token)
