"""An installation with sample data and its people, for the pages' tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from crmlink.installation import Installation
from support.databases import sqlite_database
from support.page_client import PageClient, anonymous_client, signed_in_client
from support.sample_data import SampleData, populate
from support.sandbox import SandboxHandle


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what the pages ask of a database is asked of both kinds in other tests."""
    return sqlite_database(tmp_path)


@pytest.fixture
def sample(installation: Installation, sandbox: SandboxHandle) -> SampleData:
    return populate(installation, sandbox)


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
def anonymous(app: Flask) -> PageClient:
    return anonymous_client(app)
