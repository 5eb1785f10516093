"""Two firms in one installation: every route, asked by each role of one about things of the other.

The answer is that about a thing that never was, nothing of the other firm is shown, and none of its
rows changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext
from crmlink.access.sessions import create_session
from crmlink.sources.agent_parts import ContactPart, store_part
from crmlink.sources.contact import ReadContact
from crmlink.store import Device, MirroredRecord, SourceContact
from crmlink.store.base import new_id
from crmlink.values.contact_details import ContactDetails
from crmlink.web import auth as guard
from security.attack import forms_of
from security.attack_fixture import ROLES, AttackFixture, everything, make_target
from security.credentials import Credential, bearer, bound, cookie
from security.routes import BODIES, Route, every_route
from support.access_factories import make_person, make_token, pair
from support.browser_client import browser_client
from support.installations import installation_of, open_app

NAME = "Quillfeather Anvil Works"  # of a record and a contact of the other firm
ID = re.compile(r"\b[0-9a-f]{32}\b")
EMAIL = re.compile(r"[\w.]+@firm\.example")
OF_A_FIRM = {  # parameters that name a thing of one firm, by an id that only crmlink has given out
    "batch_id", "device_id", "link_id", "message_id", "parked_id", "person_id", "session_id",
    "source_id", "token_id",
}  # fmt: skip
# Rows of the installation itself: which processes live, how often was asked.
OF_THE_INSTALLATION = {"process", "request_count", "counted_attempt", "seen_proof"}
SAGE = "/api/v1/sources/sage_50/contacts"
TRIED = {"/people", "/api/v1/devices/<device_id>", SAGE}  # by broken twins
COMPANY = BODIES[f"POST {SAGE}"]["company"]
SCOPES = ("suggest", "link", "read", "batch", "contacts", "admin")


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
    with two_firms(tmp_path_factory.mktemp("firms")) as firms:
        yield firms


@contextmanager
def two_firms(folder: Path) -> Iterator[Firms]:
    """An installation with something of everything in one firm, and people in another."""
    with open_app(folder) as app:
        target = make_target(app)
        with target.access.database.writing() as session:
            session.execute(update(MirroredRecord).values(name=NAME))
        bring_from_sage(target, COMPANY)
        for route in every_route(app):
            route.path(target)  # makes what it speaks of, of the firm that is asked about
        with target.access.database.writing() as session:
            session.execute(update(SourceContact).values(name=NAME))
        rows = everything(target.access.database)
        rows["workspace"] = [
            row for row in rows["workspace"] if row[0] != target.other.workspace_id
        ]
        text = repr(rows)
        yield Firms(target, rows, frozenset([NAME, *ID.findall(text), *EMAIL.findall(text)]))


def bring_from_sage(target: AttackFixture, company: str) -> None:
    """The contacts of a company, of which the asking firm brings others by the same name."""
    details = ContactDetails(kind="customer", name="Pipes")
    contact = ReadContact("customer/PIPE01", "PIPE01", details)
    part = ContactPart("sage_50", company, "reading-0", 1, is_last=True, contacts=[contact])
    sources = installation_of(target.app).sources
    store_part(sources, target.browsers["admin"].device, part)


def credential(firms: Firms, role: str, route: Route) -> Credential:
    """A new one of the asking firm for each request: some requests end theirs."""
    access = firms.asking
    if role == "script":
        return bearer(make_token(access, *SCOPES))
    person = make_person(access, role)
    if route.in_api:
        return bound(pair(access, person).access_token)
    return cookie(create_session(access, person, "127.0.0.1", "A test"))


def ask(firms: Firms, route: Route, path: str, credential: Credential) -> tuple[int, str, str]:
    """Return the status of an answer, where it leads and its body, without the id in the path."""
    app = firms.target.app
    client = browser_client(app, *credential.bound) if credential.bound else app.test_client()
    kept, csrf = forms_of(app.test_client())
    client.set_cookie("crmlink_forms", kept)
    for name, value in credential.cookies.items():
        client.set_cookie(name, value)
    headers = credential.headers | ({} if route.in_api else {"X-CSRFToken": csrf})
    reply = route.send(client, path, content_of(firms, route), headers=headers)
    body = reply.get_data().decode(errors="replace")  # packages are no text
    where = reply.headers.get("Location", "")
    for asked in ID.findall(path):
        body, where = body.replace(asked, ""), where.replace(asked, "")
    return reply.status_code, where, body


def content_of(firms: Firms, route: Route) -> dict[str, Any]:
    """What a request of the asking firm carries: its own connection, not the other's."""
    content = route.content(firms.target)
    if "connection_id" in content.get("json", {}):
        with installation_of(firms.target.app).workspaces.use(firms.asking.workspace_id) as own:
            content["json"] = content["json"] | {"connection_id": own.context.public_connection_id}
    return content


def findings(firms: Firms, role: str, routes: list[Route]) -> list[str]:
    """What crossed, as «role: route: why»."""
    found = []
    for route in routes:
        path, name = route.path(firms.target), f"{role}: {route.name}"
        status, where, body = ask(firms, route, path, credential(firms, role, route))
        if shown := {mark for mark in firms.marks if mark in body}:
            found.append(f"{name}: shows {sorted(shown)[:3]}")
        if status == 401:
            found.append(f"{name}: its own person is not let in")
        if OF_A_FIRM & set(route.rule.arguments):
            never = ID.sub(lambda _: new_id(), path)
            expected = ask(firms, route, never, credential(firms, role, route))
            if (status, where) != expected[:2] or status == 200:
                found.append(f"{name}: answered {status}, and {expected[0]} about nothing")
    after = everything(firms.target.access.database)
    for table, rows in firms.rows.items():
        if table not in OF_THE_INSTALLATION and not all(row in after[table] for row in rows):
            found.append(f"{role}: rows of {table} changed")
    return found


def routes_of(app: Flask, role: str) -> list[Route]:
    """The routes that are not public, for a script those of the API."""
    return [
        route
        for route in every_route(app)
        if not route.is_public and (route.in_api or role != "script")
    ]


@pytest.mark.parametrize(("role", "least"), [*((role, 60) for role in ROLES), ("script", 25)])
def test_nothing_of_one_firm_opens_to_another(firms: Firms, role: str, least: int) -> None:
    routes = routes_of(firms.target.app, role)
    assert len([route for route in routes if OF_A_FIRM & set(route.rule.arguments)]) >= least
    found = findings(firms, role, routes)
    assert not found, "\n".join(found)


def first_firm_for_all(patch: pytest.MonkeyPatch) -> None:
    """A server whose process chooses the firm, as before there were several."""
    patch.setattr(guard, "current_open_workspace", lambda: guard.current_installation().first)


def any_device(patch: pytest.MonkeyPatch) -> None:
    """A server that revokes a browser by its id alone."""

    def revocable(session: Session, _access: object, _actor: object, public_id: str) -> Device:
        return session.scalars(select(Device).filter_by(public_id=public_id)).one()

    patch.setattr("crmlink.access.devices._revocable", revocable)


def first_firms_sources(patch: pytest.MonkeyPatch) -> None:
    """A server that stores what agents bring in the process's own firm."""
    patch.setattr(
        "crmlink.api.sources.current_open_workspace", lambda: guard.current_installation().first
    )


@pytest.mark.parametrize(
    ("twin", "caught"),
    [
        (first_firms_sources, "admin: rows of contact_source changed"),
        (first_firm_for_all, "GET /people: shows"),
        (any_device, "PATCH /api/v1/devices/<device_id>: answered 200"),
    ],
)
def test_a_server_with_a_hole_is_caught(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    twin: Callable[[pytest.MonkeyPatch], None],
    caught: str,
) -> None:
    with two_firms(tmp_path) as firms:
        routes = [
            route for route in routes_of(firms.target.app, "admin") if route.rule.rule in TRIED
        ]
        assert findings(firms, "admin", routes) == []
        twin(monkeypatch)
        found = findings(firms, "admin", routes)
    assert any(caught in one for one in found), found
