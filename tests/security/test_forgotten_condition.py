"""A route that forgets the firm reaches another one on SQLite, and does not on PostgreSQL.

There is no such route (test_two_firms): row-level security is for the day that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext
from crmlink.access.errors import DeviceNotFound
from crmlink.store import Device, Person
from security.attack_fixture import AttackFixture, make_target
from support.access_factories import logged_in, make_person, pair
from support.browser_client import browser_client
from support.installations import installation_of, open_app

OWN_NAME, OTHER_NAME = "Robin of this firm", "Quillfeather of the other"


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    with open_app(tmp_path, database_url=database_url) as app:
        yield app


@pytest.fixture
def target(app: Flask) -> AttackFixture:
    target = make_target(app)
    make_person(target.access, "clerk", OTHER_NAME)
    return target


def test_a_list_of_people_without_a_condition(
    app: Flask, target: AttackFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_people(access: AccessContext) -> list[Person]:
        with access.database.reading() as session:
            return list(session.scalars(select(Person)))

    client = logged_in(app, target.other, make_person(target.other, "admin", OWN_NAME))
    assert OTHER_NAME not in client.get("/people").text
    monkeypatch.setattr("crmlink.pages.people.list_people", list_people)
    page = client.get("/people").text
    assert OWN_NAME in page
    assert (OTHER_NAME in page) is (not installation_of(app).database.is_shared)


def test_a_browser_that_is_ended_by_its_id_alone(
    app: Flask, target: AttackFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revocable(session: Session, _access: object, _actor: object, public_id: str) -> Device:
        device = session.scalar(select(Device).filter_by(public_id=public_id))
        if device is None:
            raise DeviceNotFound
        return device

    device = target.browsers["clerk"].device
    grant = pair(target.other, make_person(target.other, "admin"))
    client = browser_client(app, grant.access_token)
    monkeypatch.setattr("crmlink.access.devices._revocable", revocable)
    reply = client.delete(f"/api/v1/devices/{device.public_id}")
    database = installation_of(app).database
    with database.reading() as session:
        revoked = session.get_one(Device, device.id).revoked_at
    assert (reply.status_code == 404) is database.is_shared
    assert (revoked is None) is database.is_shared
