"""Health checks have a limit of their own, which no database has to count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.settings import Settings
from crmlink.web.reachability import PROBE_HEADER
from support.statements import asked_of


@pytest.fixture
def app(settings: Settings, installation: Installation) -> Flask:
    return create_app(replace(settings, requests_per_minute=5), installation)


@pytest.fixture
def asked(installation: Installation) -> Iterator[list[str]]:
    with asked_of(installation.database) as seen:
        yield seen


def statuses(client: FlaskClient, path: str, count: int, **headers: str) -> list[int]:
    return [client.get(path, headers=headers).status_code for _ in range(count)]


def test_a_health_check_asks_the_database_nothing(app: Flask, asked: list[str]) -> None:
    assert statuses(app.test_client(), "/healthz", 6) == [200] * 5 + [429]
    assert asked == []


def test_readiness_asks_only_what_it_reports(app: Flask, asked: list[str]) -> None:
    assert statuses(app.test_client(), "/readyz", 2) == [200, 200]
    assert "connected" in asked
    assert not [each for each in asked if "request_count" in each or "INSERT" in each]


def test_who_asks_too_often_hears_when_to_ask_again(app: Flask) -> None:
    client = app.test_client()
    statuses(client, "/healthz", 4)
    statuses(client, "/readyz", 1)
    refused = client.get("/readyz")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    other = {"REMOTE_ADDR": "203.0.113.7"}
    assert client.get("/readyz", environ_base=other).status_code == 200
    assert client.get("/log-in").status_code == 200  # has another limit


def test_a_probe_of_an_address_counts_as_a_request(app: Flask) -> None:
    client = app.test_client()
    assert statuses(client, "/healthz", 6, **{PROBE_HEADER: "guessed"}) == [200] * 5 + [429]
    assert client.get("/healthz").status_code == 200
