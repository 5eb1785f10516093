"""Installations for tests that need no Commusoft: quick to open, on a database of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from support.databases import sqlite_database
from support.sandbox import FAST_LIMITS, connection_to

NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port
PLENTY = 1_000_000  # requests a minute


@contextmanager
def open_app(folder: Path, commusoft: str = NOWHERE, **more: Any) -> Iterator[Flask]:
    """The whole server over SQLite, unbounded unless told otherwise."""
    connection = connection_to(commusoft)
    settings = replace(
        Settings(
            data_dir=folder,
            database_url=sqlite_database(folder),
            secret_key=secrets.token_urlsafe(48),
            commusoft=connection,
            requests_per_minute=PLENTY,
        ),
        **more,
    )
    installation = open_installation(settings, CommusoftClient(connection, limits=FAST_LIMITS))
    app = create_app(settings, installation)
    app.testing = False
    yield app
    installation.close()


def installation_of(app: Flask) -> Installation:
    """The installation that an application serves."""
    installation: Installation = app.extensions["crmlink"]
    return installation
