"""A script's token makes and touches nothing beyond its own scopes, its own end and its own links.

Each test is a token that was stolen, and what a thief would try with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from crmlink.access.api_tokens import create_api_token, list_tokens, revoke_token
from crmlink.access.context import AccessContext
from crmlink.access.people import find_person
from crmlink.store import BatchRow, Device, Link, LinkMethod, LinkState, Person, RowState
from security.attack_fixture import (
    AttackFixture,
    linked_batch,
    make_target,
    new_batch,
    new_link,
    new_parked,
)
from support.access_factories import make_person, page_actor, pair, with_token
from support.installations import installation_of, open_app
from support.sandbox import HOLLOWAY

API = "/api/v1"
URN = "urn:crmlink:problem:"
KEY = {"Idempotency-Key": "a key of a test"}
ALL_SCOPES = ("suggest", "link", "read", "batch", "admin")


@pytest.fixture
def target(tmp_path: Path) -> Iterator[AttackFixture]:
    with open_app(tmp_path) as app:
        yield make_target(app)


@pytest.fixture
def access(target: AttackFixture) -> AccessContext:
    return target.access


@pytest.fixture
def admin_person(target: AttackFixture) -> Person:
    """The admin who made all the tokens."""
    return target.people["admin"]


def token(access: AccessContext, maker: Person, *scopes: str, days: int = 30) -> tuple[Device, str]:
    return create_api_token(access, page_actor(access, maker), "A script", scopes, days)


def script(target: AttackFixture, *scopes: str, days: int = 30) -> tuple[Device, FlaskClient]:
    """A script of the admin with these scopes."""
    device, secret = token(target.access, target.people["admin"], *scopes, days=days)
    return device, with_token(target.app, secret)


def code(reply: TestResponse) -> tuple[int, str]:
    return reply.status_code, reply.get_json()["type"].removeprefix(URN)


def works(app: Flask, secret: str) -> bool:
    return with_token(app, secret).get(f"{API}/workspace").status_code == 200


@pytest.mark.parametrize("scope", ["suggest", "link", "read", "batch"])
def test_it_neither_renames_nor_ends_its_makers_browsers_and_other_tokens(
    target: AttackFixture, access: AccessContext, admin_person: Person, scope: str
) -> None:
    _, thief = script(target, scope)
    browser = pair(access, admin_person)
    stronger, secret = token(access, admin_person, *ALL_SCOPES)
    for device in (browser.device, stronger):
        path = f"{API}/devices/{device.public_id}"
        assert code(thief.patch(path, json={"name": "Mine"})) == (403, "role-too-low")
        assert code(thief.delete(path)) == (403, "role-too-low")
    assert works(target.app, secret)
    assert works(target.app, browser.access_token)


def test_it_renames_and_ends_itself(target: AttackFixture) -> None:
    device, own = script(target, "suggest")
    assert own.patch(f"{API}/devices/me", json={"name": "Mine"}).get_json()["name"] == "Mine"
    assert own.delete(f"{API}/devices/{device.public_id}").status_code == 204
    assert own.get(f"{API}/workspace").status_code == 401


def ends_at(reply: TestResponse) -> datetime:
    return datetime.fromisoformat(reply.get_json()["expires_at"])


def test_an_admin_token_makes_none_with_more_scopes_or_a_later_end(
    target: AttackFixture, access: AccessContext
) -> None:
    own, thief = script(target, "admin", "read", days=10)
    before = len(list_tokens(access))
    for more in (
        {"name": "More", "scopes": ["admin", "link"], "days": 1},
        {"name": "More", "scopes": ["suggest"], "days": 1},
        {"name": "More", "days": 1},  # the usual scopes
    ):
        assert code(thief.post(f"{API}/tokens", json=more)) == (403, "beyond-token"), more
    later = thief.post(f"{API}/tokens", json={"name": "Later", "scopes": ["read"], "days": 11})
    assert code(later) == (403, "beyond-token")
    assert len(list_tokens(access)) == before

    less: tuple[dict[str, int], ...] = ({"days": 9}, {})
    for body in less:
        made = thief.post(f"{API}/tokens", json={"name": "Less", "scopes": ["read"]} | body)
        assert made.status_code == 201
        assert ends_at(made) <= own.expires_at


def test_a_token_that_another_token_made_ends_with_it(
    target: AttackFixture, access: AccessContext
) -> None:
    own, thief = script(target, "admin", "read")
    body = {"name": "Child", "scopes": ["admin", "read"]}
    child = thief.post(f"{API}/tokens", json=body).get_json()["token"]
    grandchild = with_token(target.app, child).post(f"{API}/tokens", json=body).get_json()["token"]
    assert works(target.app, grandchild)
    revoke_token(access, page_actor(access, target.people["admin"]), own.public_id)
    assert not works(target.app, child)
    assert not works(target.app, grandchild)
    assert {one.name for one in list_tokens(access) if one.revoked_at} >= {"A script", "Child"}


def test_an_admin_token_makes_none_anew_that_is_stronger_and_none_that_lasts_longer(
    target: AttackFixture, access: AccessContext, admin_person: Person
) -> None:
    own, thief = script(target, "admin", "read", days=10)
    stronger, secret = token(access, admin_person, "admin", "link")
    rotations = f"{API}/tokens/{stronger.public_id}/rotations"
    assert code(thief.post(rotations)) == (403, "beyond-token")
    assert works(target.app, secret)

    longer, secret = token(access, admin_person, "read", days=300)
    assert code(thief.post(f"{API}/tokens/{longer.public_id}/rotations")) == (403, "beyond-token")
    assert works(target.app, secret)

    weaker, secret = token(access, admin_person, "read", days=5)
    assert code(thief.post(f"{API}/tokens/{weaker.public_id}/rotations")) == (403, "beyond-token")
    assert works(target.app, secret)

    reply = thief.post(f"{API}/tokens/{own.public_id}/rotations")
    assert (reply.status_code, ends_at(reply)) == (201, own.expires_at)
    with access.database.reading() as session:
        assert session.get_one(Device, own.id).expires_at == own.expires_at


def test_a_token_that_was_made_anew_ends_with_the_one_that_did_it(
    target: AttackFixture, access: AccessContext
) -> None:
    """A thief must not go on as another script once the stolen token is revoked."""
    own, thief = script(target, "admin", "read")
    body = {"name": "Child", "scopes": ["admin", "read"]}
    child = thief.post(f"{API}/tokens", json=body).get_json()
    grandchild = with_token(target.app, child["token"]).post(f"{API}/tokens", json=body).get_json()
    anew = [
        thief.post(f"{API}/tokens/{made['id']}/rotations").get_json()["token"]
        for made in (child, grandchild, {"id": own.public_id})
    ]
    assert all(works(target.app, secret) for secret in anew)
    revoke_token(access, page_actor(access, target.people["admin"]), own.public_id)
    assert not any(works(target.app, secret) for secret in anew)


def test_it_throws_no_list_away_but_its_own(target: AttackFixture, access: AccessContext) -> None:
    own, thief = script(target, "batch")
    for others in (target.people["manager"], token(access, target.people["admin"], "batch")[0]):
        batch_id = new_batch(target, others)
        assert code(thief.delete(f"{API}/batches/{batch_id}")) == (403, "not-your-list")
    assert thief.delete(f"{API}/batches/{new_batch(target, own)}").status_code == 204
    manager = with_token(target.app, target.browsers["manager"].access_token)
    assert manager.delete(f"{API}/batches/{batch_id}").status_code == 204


@pytest.mark.parametrize("scopes", [("link",), ALL_SCOPES])
def test_it_neither_removes_nor_renames_parked_contacts_of_others(
    target: AttackFixture, access: AccessContext, scopes: tuple[str, ...]
) -> None:
    own, thief = script(target, *scopes)
    contact = {"package": "sage_50", "reference": "H001", "name": "Margaret Holloway"}
    manager = with_token(target.app, target.browsers["manager"].access_token)
    kept = manager.post(f"{API}/parked", json=contact).get_json()
    renamed = thief.post(f"{API}/parked", json=contact | {"name": "Angela Baker"})
    assert (renamed.status_code, renamed.get_json()["name"]) == (201, "Margaret Holloway")
    path = f"{API}/parked/{kept['id']}"
    assert code(thief.delete(path)) == (403, "not-your-parked-contact")
    assert thief.delete(f"{API}/parked/{new_parked(target, own)}").status_code == 204
    clerk = with_token(target.app, target.browsers["clerk"].access_token)
    assert clerk.delete(path).status_code == 204


def test_an_admin_token_lets_no_one_in(target: AttackFixture, access: AccessContext) -> None:
    """A person has no end, so a token that could make one would outlive itself."""
    _, thief = script(target, *ALL_SCOPES)
    clerk, manager = make_person(access), make_person(access, "manager")
    eve = {"name": "Eve", "email": "eve@firm.example"}
    for role in ("clerk", "admin"):
        refused = thief.post(f"{API}/people", json=eve | {"role": role})
        assert code(refused) == (403, "person-needed")
    path = f"{API}/people/{manager.public_id}"
    assert code(thief.post(f"{path}/invitations")) == (403, "person-needed")
    assert code(thief.patch(path, json={"role": "admin"})) == (403, "person-needed")
    assert code(thief.patch(f"{API}/people/{clerk.public_id}", json={"role": "manager"})) == (
        403, "person-needed",
    )  # fmt: skip
    assert find_person(access, manager.public_id).role == "manager"
    assert thief.patch(path, json={"role": "clerk", "name": "Less"}).status_code == 200
    assert thief.delete(path).status_code == 204


@pytest.mark.parametrize("scopes", [("link",), ("link", "batch"), ALL_SCOPES])
def test_it_undoes_no_link_but_its_own(
    target: AttackFixture, access: AccessContext, admin_person: Person, scopes: tuple[str, ...]
) -> None:
    own, thief = script(target, *scopes)
    for device in (pair(access, admin_person).device, token(access, admin_person, "link")[0]):
        path = f"{API}/links/{new_link(target, device)}/undo"
        assert code(thief.post(path, json={}, headers=KEY)) == (403, "not-yours")
    mine = thief.post(f"{API}/links/{new_link(target, own)}/undo", json={}, headers=KEY)
    assert mine.status_code != 403


@pytest.mark.parametrize("scopes", [("link",), ALL_SCOPES])
def test_it_says_of_no_link_but_its_own_what_a_page_showed(
    target: AttackFixture, access: AccessContext, admin_person: Person, scopes: tuple[str, ...]
) -> None:
    """What is said settles a link: linked though nothing was saved, or a conflict."""
    own, thief = script(target, *scopes)
    ctx = installation_of(target.app).workspace
    seen = {"connection_id": ctx.public_connection_id, "stage": "after", "value": HOLLOWAY}
    for device, answer in (
        (pair(access, admin_person).device, (403, "not-yours")),
        (token(access, admin_person, "link")[0], (403, "not-yours")),
        (own, None),
    ):
        link_id = new_link(target, device)
        with access.database.writing() as session:
            link = session.get_one(Link, link_id)
            link.state, link.settled_at = LinkState.INTENDED, None
            link.method, link.record_number = LinkMethod.PAGES, link_id
        reply = thief.post(f"{API}/links/{link_id}/observations", json=seen)
        with access.database.reading() as session:
            state = session.get_one(Link, link_id).state
        assert state is (LinkState.INTENDED if answer else LinkState.LINKED)
        assert code(reply) == answer if answer else reply.status_code == 200
        with access.database.writing() as session:
            session.get_one(Link, link_id).state = LinkState.UNDONE


def test_it_says_of_no_list_what_a_table_showed_of_others_links(
    target: AttackFixture, access: AccessContext, admin_person: Person
) -> None:
    own, thief = script(target, "batch")
    ctx = installation_of(target.app).workspace
    path = f"{API}/batches/{new_batch(target, own)}/table/observations"
    for device, forbidden in ((token(access, admin_person, "link")[0], True), (own, False)):
        rows = [{"link_id": "none"}, {"link_id": new_link(target, device)}]
        seen = {
            "connection_id": ctx.public_connection_id,
            "stage": "after",
            "rows": [row | {"value": HOLLOWAY} for row in rows],
        }
        reply = thief.post(path, json=seen)
        assert (reply.status_code == 403) is forbidden, reply.get_json()


def states(target: AttackFixture, batch_id: str) -> set[Any]:
    with target.access.database.reading() as session:
        return set(session.scalars(select(BatchRow.state).filter_by(batch_id=batch_id)))


@pytest.mark.parametrize("scopes", [("batch",), ALL_SCOPES])
def test_it_undoes_no_list_in_which_others_linked(
    target: AttackFixture, access: AccessContext, admin_person: Person, scopes: tuple[str, ...]
) -> None:
    own, thief = script(target, *scopes)
    ctx = pair(access, admin_person).device
    for others in ((ctx,), (own, ctx), (token(access, admin_person, "batch")[0],)):
        batch_id = linked_batch(target, *others)
        assert code(thief.post(f"{API}/batches/{batch_id}/undo")) == (403, "not-yours")
        assert states(target, batch_id) == {RowState.SUCCESSFUL}
    mine = linked_batch(target, own, own)
    assert thief.post(f"{API}/batches/{mine}/undo").get_json() == {"contacts": 2}


def test_people_undo_lists_as_before(
    target: AttackFixture, access: AccessContext, admin_person: Person
) -> None:
    manager = with_token(target.app, target.browsers["manager"].access_token)
    batch_id = linked_batch(target, pair(access, admin_person).device)
    assert manager.post(f"{API}/batches/{batch_id}/undo").get_json() == {"contacts": 1}


def test_what_a_thief_made_is_over_when_the_token_is(
    target: AttackFixture, access: AccessContext
) -> None:
    """Everything that a token with every scope can make, after the token was revoked."""
    own, thief = script(target, *ALL_SCOPES, days=365)
    made = [
        thief.post(f"{API}/tokens", json={"name": "Kept", "scopes": [scope], "days": 300})
        for scope in ALL_SCOPES
    ]
    kept = [reply.get_json()["token"] for reply in made if reply.status_code == 201]
    assert len(kept) == len(ALL_SCOPES)
    revoke_token(access, page_actor(access, target.people["admin"]), own.public_id)
    assert [secret for secret in kept if works(target.app, secret)] == []
    with access.database.reading() as session:
        links = session.scalars(select(Link.id)).all()
    assert links == []


def test_its_end_is_the_earliest_of_those_it_hangs_on(
    target: AttackFixture, access: AccessContext
) -> None:
    own, thief = script(target, "admin", days=5)
    made = thief.post(f"{API}/tokens", json={"name": "Child", "scopes": ["admin"]})
    assert ends_at(made) == own.expires_at
    rotated = thief.post(f"{API}/tokens/{made.get_json()['id']}/rotations")
    assert ends_at(rotated) == own.expires_at
