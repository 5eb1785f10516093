"""What was refused a moment ago is refused from memory, until it may come again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.api_tokens import revoke_all_tokens
from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.settings import Settings
from crmlink.web import recent_refusals as module
from crmlink.web.recent_refusals import EXTENSION, RecentRefusals
from support.access_factories import make_token, with_token
from support.clocks import SimulatedClock
from support.statements import asked_of

PATH = "/api/v1/workspace"


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def app(settings: Settings, installation: Installation, clock: SimulatedClock) -> Flask:
    app = create_app(replace(settings, requests_per_minute=2), installation)
    app.extensions[EXTENSION] = RecentRefusals(clock)
    return app


@pytest.fixture
def client(app: Flask, installation: Installation) -> FlaskClient:
    """A device that has been refused once."""
    client = with_token(app, make_token(installation.access))
    assert [client.get(PATH).status_code for _ in range(3)] == [200, 200, 429]
    return client


def test_what_was_refused_is_refused_again_without_asking_the_database(
    client: FlaskClient, installation: Installation, clock: SimulatedClock
) -> None:
    seconds = int(client.get(PATH).headers["Retry-After"])
    clock.now += 10
    with asked_of(installation.database) as asked:
        refused = client.get(PATH)
    assert asked == []
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == seconds - 10
    assert refused.get_json()["type"].endswith("too-many-requests")


def test_it_is_looked_at_again_once_it_may_come(
    client: FlaskClient, installation: Installation, clock: SimulatedClock
) -> None:
    clock.now += 61
    with asked_of(installation.database) as asked:
        client.get(PATH)
    assert asked


def test_another_question_and_another_device_are_looked_at(
    app: Flask, client: FlaskClient, installation: Installation
) -> None:
    assert client.get("/api/v1/links").status_code == 200
    assert with_token(app, make_token(installation.access)).get(PATH).status_code == 200


def test_what_may_not_be_changed_may_still_be_read(app: Flask, installation: Installation) -> None:
    token = make_token(installation.access)
    signed = {"Authorization": f"Bearer {token}"}
    with app.test_request_context("/api/v1/links", method="POST", headers=signed):
        app.extensions[EXTENSION].remember(module._key(), 60)
    client = with_token(app, token)
    assert client.post("/api/v1/links", json={}).status_code == 429
    assert client.get("/api/v1/links").status_code == 200


def test_a_token_that_ended_meanwhile_is_refused_as_such_once_it_may_come(
    client: FlaskClient, installation: Installation, clock: SimulatedClock
) -> None:
    revoke_all_tokens(installation.access, command_line_actor(installation.access))
    assert client.get(PATH).status_code == 429
    clock.now += 61
    assert client.get(PATH).status_code == 401


def test_strangers_leave_nothing_in_memory(app: Flask) -> None:
    stranger = with_token(app, "crm_" + "x" * 40)
    assert [stranger.get(PATH).status_code for _ in range(4)][-1] == 429
    assert not app.extensions[EXTENSION]._ends


def test_only_the_latest_refusals_are_remembered(
    clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    refusals = RecentRefusals(clock)
    for key in (b"first", b"second", b"third"):
        refusals.remember(key, 5)
    assert [refusals.left(key) for key in (b"first", b"second", b"third")] == [0, 5, 5]
