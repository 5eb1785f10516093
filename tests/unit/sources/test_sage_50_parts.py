"""The parts of a reading that ``crmlink agent sage50`` sends, and what else its token may do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from crmlink.installation import Installation
from crmlink.store import ContactSource, ContactState, Device
from support.access_factories import make_person, make_token, with_token
from unit.sources.test_sage_50 import PATH, stored


@pytest.fixture
def token(installation: Installation) -> str:
    return make_token(installation.access, "contacts")


def part(number: int, *references: str, last: bool = False, **more: Any) -> dict[str, Any]:
    contacts = [{"kind": "customer", "reference": each, "name": each} for each in references]
    return {"company": "Office Ltd", "reading": "reading-1", "part": number, "last": last,
            "contacts": contacts} | more  # fmt: skip


@pytest.fixture
def send(app: Flask, token: str) -> Any:
    client = with_token(app, token)
    return lambda body: client.post(PATH, json=body)


def test_parts_come_in_order_and_a_repeated_one_once(installation: Installation, send: Any) -> None:
    assert send(part(2, "B")).status_code == 409
    assert send(part(1, "A")).get_json() == {"contacts": 1, "complete": False}
    assert send(part(1, "A")).get_json() == {"contacts": 1, "complete": False}
    assert send(part(3, "C")).status_code == 409
    assert send(part(2, "B", reading="reading-2")).status_code == 409
    for _ in range(2):  # the answer to the first was lost
        assert send(part(2, "B", last=True)).get_json() == {"contacts": 2, "complete": True}
    with installation.database.reading() as session:
        assert session.scalars(select(ContactSource.round)).one() == 1


def test_of_two_agents_at_once_one_list_is_whole_and_nothing_is_deleted(
    installation: Installation, send: Any
) -> None:
    send(part(1, "A", "B", last=True))
    assert send(part(1, "A", reading="reading-2")).status_code == 200
    assert send(part(1, "A", reading="reading-3")).status_code == 200
    assert send(part(2, "B", last=True, reading="reading-2")).status_code == 409
    done = send(part(2, "B", last=True, reading="reading-3"))
    assert done.get_json() == {"contacts": 2, "complete": True}
    assert send(part(1, "A", reading="reading-4")).status_code == 200  # half a list, and no more
    assert {each.state for each in stored(installation).values()} == {ContactState.ACTIVE}
    with installation.database.reading() as session:
        assert session.scalars(select(ContactSource.round)).one() == 2


def test_a_contact_is_deleted_when_two_complete_lists_lack_it(
    installation: Installation, send: Any
) -> None:
    send(part(1, "A", "B", last=True))
    states = []
    for number in (2, 3):
        send(part(1, "A", last=True, reading=f"reading-{number}"))
        states.append(stored(installation)["customer", "B"].state)
    assert states == [ContactState.ACTIVE, ContactState.DELETED]
    assert send(part(1, last=True, reading="reading-4")).status_code == 502
    assert stored(installation)["customer", "A"].state is ContactState.ACTIVE


def test_a_misused_token_does_not_fill_the_page_of_companies(
    installation: Installation, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.sources.agent_parts.MAX_COMPANIES", 2)
    for company in ("Office", "Shop"):
        assert send(part(1, "A", last=True, company=company)).status_code == 200
    refused = send(part(1, "A", last=True, company="Third"))
    assert (refused.status_code, refused.get_json()["title"]) == (409, "Too many companies")
    assert send(part(1, "A", company="Shop", reading="reading-2")).status_code == 200
    with installation.database.reading() as session:
        assert sorted(session.scalars(select(ContactSource.name))) == ["Office", "Shop"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"company": "  "}, {"company": "x" * 201}, {"reading": "../../etc"}, {"part": 0},
        {"part": True}, {"last": "yes"}, {"contacts": [{"kind": "other", "reference": "A"}]},
        {"contacts": [{"kind": "customer"}]}, {"more": 1},
        {"contacts": [{"kind": "customer", "reference": "A"}] * 1_001},
        {"contacts": [{"kind": "customer", "reference": "A", "state": "merged"}]},
    ],
)  # fmt: skip
def test_what_is_no_part_is_refused(
    installation: Installation, send: Any, wrong: dict[str, Any]
) -> None:
    assert send(part(1, "A", last=True) | wrong).status_code == 422
    assert stored(installation) == {}


def test_the_token_of_an_agent_changes_nothing_by_another_route(
    app: Flask, installation: Installation, token: str, device_id: int
) -> None:
    """Of devices and people the ids are real ones: a token may end itself alone."""
    person = make_person(installation.access)
    with installation.database.reading() as session:
        device = session.get_one(Device, device_id).public_id
    real = {"<device_id>": device, "<person_id>": person.public_id}
    client, stranger, allowed = with_token(app, token), app.test_client(), set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        path = rule.rule
        for name, value in real.items():
            path = path.replace(name, value)
        path = re.sub("<[^>]+>", "customer-1001", re.sub("<int:[^>]+>", "1", path))
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            bodies: list[dict[str, Any]] = [{}, {"name": "mine now"}]
            for body in bodies:
                reply = client.open(path, method=method, json=body)
                public = stranger.open(path, method=method, json=body).status_code
                if reply.status_code not in (401, 403, public):
                    allowed.add((method, rule.rule, reply.status_code))
    checked_first = {  # what is sent, before who sends it
        ("PATCH", "/api/v1/devices/<device_id>", 422),
        ("POST", "/api/v1/people/<person_id>/log-outs", 422),
    }
    assert allowed == {("POST", PATH, 422), *checked_first}


def test_the_token_of_an_agent_can_do_nothing_else(
    app: Flask, installation: Installation, token: str
) -> None:
    """Whatever a GET can read is asked for, with the id of something where one is needed."""
    client, allowed = with_token(app, token), set()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/api/"):
            path = re.sub("<int:[^>]+>", "1", rule.rule)
            if client.get(re.sub("<[^>]+>", "customer-1001", path)).status_code not in (
                303,
                401,
                403,
            ):
                allowed.add(rule.rule)
    assert allowed == {"/api/openapi.json", "/api/v1/packages", "/api/v1/workspace"}
    told = json.dumps(client.get("/api/v1/workspace").get_json())
    assert '"customers"' in told
    assert "Holloway" not in told
    assert (
        with_token(app, make_token(installation.access, "batch"))
        .post(PATH, json=part(1))
        .status_code
        == 403
    )


DATA, OTHER = "a" * 32, "b" * 32


def test_two_companies_of_one_name_are_told_apart(installation: Installation, send: Any) -> None:
    assert send(part(1, "A", data=DATA)).status_code == 200
    refused = send(part(1, "A", last=True, reading="reading-2", data=OTHER))
    assert refused.status_code == 409
    assert "--company" in refused.get_json()["detail"]
    assert send(part(1, "A", last=True, reading="reading-2")).status_code == 409  # it does not say
    assert send(part(2, "B", last=True, data=DATA)).get_json()["contacts"] == 2
    again = part(1, "A", last=True, reading="reading-3", data=OTHER)
    again["contacts"][0]["name"] = "Another firm"
    assert send(again).status_code == 409
    assert stored(installation)["customer", "A"].name == "A"
    with installation.database.reading() as session:
        source = session.scalars(select(ContactSource)).one()
    assert source.problem == "source-other-data"
    assert source.round == 1
    assert send(again | {"company": "Another"}).status_code == 200


def test_data_that_has_moved_is_taken_once_a_person_says_so(
    installation: Installation, send: Any
) -> None:
    send(part(1, "A", last=True, data=DATA))
    moved = part(1, "A", "B", last=True, reading="reading-2", data=OTHER, moved=True)
    for _ in range(2):
        assert send(moved).get_json() == {"contacts": 2, "complete": True}
    assert send(part(1, "A", last=True, reading="reading-3", data=OTHER)).status_code == 200
    assert send(part(1, "A", last=True, reading="reading-4", data=DATA)).status_code == 409


def test_a_client_that_never_says_which_data_goes_on_and_one_that_begins_to_is_bound(
    installation: Installation, send: Any
) -> None:
    for number in (1, 2):
        body = part(1, "A", last=True, reading=f"reading-{number}")
        assert send(body).status_code == 200
    assert send(part(1, "A", last=True, reading="reading-3", data=DATA)).status_code == 200
    assert send(part(1, "A", last=True, reading="reading-4")).status_code == 409


@pytest.mark.parametrize("data", ["x" * 65, "a b", "a\n", 7, None])
def test_what_cannot_be_an_identity_is_refused(send: Any, data: Any) -> None:
    assert send(part(1, "A", last=True, data=data)).status_code == 422
