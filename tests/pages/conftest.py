"""An installation with sample data and its people, for the pages' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser

from crmlink.app import create_app
from crmlink.installation import Installation
from support.access_factories import make_person
from support.databases import sqlite_database
from support.live_server import LiveServer, running_server, start_chromium
from support.page_client import PageClient, anonymous_client, signed_in_client
from support.sample_data import SampleData
from support.sample_snapshots import SampleSnapshot, sample_snapshot
from support.sandbox import SandboxHandle


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> SampleSnapshot | None:
    """The sample data, for the tests that take it."""
    return sample_snapshot() if "sample" in request.fixturenames else None


@pytest.fixture
def database_url(tmp_path: Path, sandbox: SandboxHandle, snapshot: SampleSnapshot | None) -> str:
    """SQLite alone: what the pages ask of a database is asked of both kinds in other tests."""
    if snapshot:
        return snapshot.restore(tmp_path, sandbox)
    return sqlite_database(tmp_path)


@pytest.fixture
def sample(installation: Installation, snapshot: SampleSnapshot | None) -> SampleData:
    assert snapshot, "the installation was opened without it"
    return snapshot.sample


@pytest.fixture
def clerk(app: Flask, installation: Installation, sample: SampleData) -> PageClient:
    return signed_in_client(app, installation, sample.clerk)


@pytest.fixture
def manager(app: Flask, installation: Installation, sample: SampleData) -> PageClient:
    return signed_in_client(app, installation, sample.manager)


@pytest.fixture
def admin(app: Flask, installation: Installation, sample: SampleData) -> PageClient:
    return signed_in_client(app, installation, sample.admin)


@pytest.fixture
def pages_app(without_api: Installation) -> Flask:
    """The server of an installation without an API."""
    return create_app(without_api.settings, without_api)


@pytest.fixture
def pages_admin(pages_app: Flask, without_api: Installation) -> PageClient:
    person = make_person(without_api.access, "admin", "Ada Boss")
    return signed_in_client(pages_app, without_api, person)


@pytest.fixture
def anonymous(app: Flask) -> PageClient:
    return anonymous_client(app)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all files; each test takes a profile of its own in it."""
    with start_chromium() as started:
        yield started


@pytest.fixture
def live() -> Iterator[LiveServer]:
    """A server of its own for a test, with the sample data."""
    with running_server() as opened:
        yield opened
