"""No browser and no proxy keeps an answer that holds data, whatever part of the server made it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response

from security.attack_fixture import make_target, new_batch
from support.access_factories import logged_in
from support.installations import open_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with open_app(tmp_path) as app:
        yield app


def test_tables_and_pages_are_not_stored(app: Flask) -> None:
    target = make_target(app)
    batch = new_batch(target, None)
    admin = logged_in(app, target.access, target.people["admin"])
    for path in (f"/lists/{batch}/results.csv", f"/lists/{batch}", "/audit.csv", "/records"):
        reply = admin.get(path)
        assert reply.status_code == 200
        assert reply.headers["Cache-Control"] == "no-store", path
        assert "ETag" not in reply.headers


def test_whatever_a_view_says_of_it(app: Flask) -> None:
    app.view_functions["pages.sign_in"] = lambda: Response(
        "x", headers={"Cache-Control": "public, max-age=60"}
    )
    assert app.test_client().get("/log-in").headers["Cache-Control"] == "no-store"


def test_static_files_are_kept(app: Flask) -> None:
    reply = app.test_client().get("/static/base.css")
    assert "no-store" not in reply.headers["Cache-Control"]
    assert reply.headers["ETag"]
