"""Two firms in one installation: every route, asked by each role of one about things of the other.

The ids of the other firm are unknown here, nothing of it is shown, and none of its rows changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from crmlink.access.context import AccessContext
from crmlink.access.sessions import create_session
from crmlink.store import MirroredRecord
from security.attack import forms_of
from security.attack_fixture import ROLES, AttackFixture, everything, make_target
from security.credentials import Credential, bearer, bound, cookie
from security.routes import Route, every_route
from support.access_factories import make_person, make_token, pair
from support.browser_client import browser_client
from support.installations import open_app

NAME = "Quillfeather Anvil Works"  # of a record of the other firm
ID = re.compile(r"\b[0-9a-f]{32}\b")
EMAIL = re.compile(r"[\w.]+@firm\.example")
OF_A_FIRM = {  # parameters that name a thing of one firm, by an id that only crmlink has given out
    "batch_id", "device_id", "link_id", "message_id", "parked_id", "person_id", "session_id",
    "source_id", "token_id",
}  # fmt: skip
# Rows of the installation itself: which processes live, how often was asked.
OF_THE_INSTALLATION = {"process", "request_count", "counted_attempt", "seen_proof"}
SCOPES = ("suggest", "link", "read", "batch", "admin")


@dataclass(frozen=True)
class Firms:
    """The firm that is asked about, and the other one, which asks."""

    target: AttackFixture
    rows: dict[str, list[Any]]
    marks: frozenset[str]

    @property
    def asking(self) -> AccessContext:
        return self.target.other


@pytest.fixture(scope="module")
def firms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firms]:
    with open_app(tmp_path_factory.mktemp("firms")) as app:
        target = make_target(app)
        with target.access.database.writing() as session:
            session.execute(update(MirroredRecord).values(name=NAME))
        for route in every_route(app):
            route.path(target)  # makes what it speaks of, of the firm that is asked about
        rows = everything(target.access.database)
        rows["workspace"] = [
            row for row in rows["workspace"] if row[0] != target.other.workspace_id
        ]
        text = repr(rows)
        yield Firms(target, rows, frozenset([NAME, *ID.findall(text), *EMAIL.findall(text)]))


def credentials(firms: Firms, role: str, *, in_api: bool) -> list[Credential]:
    """New ones of the asking firm for each request: some requests end them."""
    access = firms.asking
    if role == "script":
        return [bearer(make_token(access, *SCOPES))] if in_api else []
    person = make_person(access, role)
    if in_api:
        return [bound(pair(access, person).access_token)]
    return [cookie(create_session(access, person, "127.0.0.1", "A test"))]


def ask(firms: Firms, route: Route, credential: Credential) -> tuple[int, str]:
    """Return the status and the body of an answer, without what was asked."""
    app, target = firms.target.app, firms.target
    client = browser_client(app, *credential.bound) if credential.bound else app.test_client()
    kept, csrf = forms_of(app.test_client())
    client.set_cookie("crmlink_forms", kept)
    for name, value in credential.cookies.items():
        client.set_cookie(name, value)
    headers = credential.headers | ({} if route.in_api else {"X-CSRFToken": csrf})
    path = route.path(target)
    reply = route.send(client, path, route.content(target), headers=headers)
    body = reply.get_data().decode(errors="replace")  # packages are no text
    for asked in ID.findall(path):
        body = body.replace(asked, "")
    return reply.status_code, body


def findings(firms: Firms, role: str, routes: list[Route]) -> list[str]:
    """What crossed, as «role: route: why»."""
    found = []
    for route in routes:
        for credential in credentials(firms, role, in_api=route.in_api):
            status, body = ask(firms, route, credential)
            name = f"{role}: {route.name}"
            if shown := {mark for mark in firms.marks if mark in body}:
                found.append(f"{name}: shows {sorted(shown)[:3]}")
            if OF_A_FIRM & set(route.rule.arguments) and status not in refusals(role):
                found.append(f"{name}: answered {status}")
            if status == 401:
                found.append(f"{name}: its own person is not let in")
    after = everything(firms.target.access.database)
    for table, rows in firms.rows.items():
        if table not in OF_THE_INSTALLATION and not all(row in after[table] for row in rows):
            found.append(f"{role}: rows of {table} changed")
    return found


def refusals(role: str) -> set[int]:
    """404, but for who may not do this with things of their own firm either."""
    return {404} if role == "admin" else {403, 404}


def routes_of(app: Flask) -> list[Route]:
    return [route for route in every_route(app) if not route.is_public]


@pytest.mark.parametrize("role", [*ROLES, "script"])
def test_nothing_of_one_firm_opens_to_another(firms: Firms, role: str) -> None:
    routes = routes_of(firms.target.app)
    assert len(routes) > 100
    assert len([route for route in routes if OF_A_FIRM & set(route.rule.arguments)]) > 40
    assert findings(firms, role, routes) == []
