"""A furnished house and its people, for the pages' tests."""

from __future__ import annotations

import pytest
from flask import Flask

from crmlink.installation import House
from support.page_client import Visitor, stranger, visit_as
from support.sample_data import Scene, furnish
from support.sandbox import Playing


@pytest.fixture
def database_url(tmp_path: str) -> str:
    """SQLite alone: what the pages ask of a database is asked of both kinds in other tests."""
    return f"sqlite:///{tmp_path}/crmlink.sqlite"


@pytest.fixture
def scene(house: House, sandbox: Playing) -> Scene:
    return furnish(house, sandbox)


@pytest.fixture
def clerk(app: Flask, house: House, scene: Scene) -> Visitor:
    return visit_as(app, house, scene.clerk)


@pytest.fixture
def manager(app: Flask, house: House, scene: Scene) -> Visitor:
    return visit_as(app, house, scene.manager)


@pytest.fixture
def admin(app: Flask, house: House, scene: Scene) -> Visitor:
    return visit_as(app, house, scene.admin)


@pytest.fixture
def nobody(app: Flask) -> Visitor:
    return stranger(app)
