"""docs/access.md says who may do what; each cell of its table is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crmlink.access import roles
from crmlink.access.roles import SCOPES
from crmlink.store import Role
from security.attack_fixture import ROLES, AttackFixture
from security.permission_probe import SCRIPT, Reach
from security.routes import Route, every_route

DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
YES, OWN, NO = "yes", "own", "no"


@dataclass(frozen=True)
class Row:
    """What one request is allowed: for each role and each scope YES, OWN or NO."""

    name: str
    cells: dict[str, str]

    @property
    def knows_owners(self) -> bool:
        return OWN in self.cells.values()


def rows(text: str) -> Iterator[Row]:
    """The rows of the document's table, one for each request."""
    table = text.partition("| what | request |")[2].splitlines()[2:]
    for line in table:
        _, requests, *words, scopes = (cell.strip() for cell in line.strip("| ").split(" | "))
        cells = dict(zip(ROLES, words, strict=True)) | _scopes(scopes)
        assert set(cells.values()) <= {YES, OWN, NO}, line
        for name in re.findall("`([^`]+)`", requests):
            yield Row(name, cells)


def _scopes(text: str) -> dict[str, str]:
    if text == "any":
        return {SCRIPT + scope: YES for scope in SCOPES}
    given = {} if text == NO else dict(_scope(word) for word in text.split(", "))
    assert set(given) <= set(SCOPES), text
    return {SCRIPT + scope: given.get(scope, NO) for scope in SCOPES}


def _scope(word: str) -> tuple[str, str]:
    return (word.removesuffix(" (own)"), OWN) if word.endswith(" (own)") else (word, YES)


@pytest.fixture(scope="module")
def table() -> dict[str, Row]:
    return {row.name: row for row in rows(DOCUMENT.read_text())}


@pytest.fixture(scope="module")
def routes(target: AttackFixture) -> list[Route]:
    return [route for route in every_route(target.app) if not route.is_public]


def differences(target: AttackFixture, table: dict[str, Row], routes: list[Route]) -> list[str]:
    """Cells that are not as the server does, as «who: request: own or others'»."""
    reach, found = Reach(target), []
    for route in routes:
        row = table[route.name]
        for who, word in row.cells.items():
            if who.startswith(SCRIPT) and not route.in_api:
                continue
            for own in (True, False) if row.knows_owners else (False,):
                allowed = word == YES or (word == OWN and own)
                harmless = not allowed or route.method == "GET"
                if reach.may(route, who, own=own, harmless=harmless) is not allowed:
                    found.append(f"{who}: {route.name}: {'own' if own else 'others'}")
    return found


def test_every_request_is_in_the_table_once(table: dict[str, Row], routes: list[Route]) -> None:
    assert {route.name for route in routes} == set(table)
    assert len(list(rows(DOCUMENT.read_text()))) == len(table)


def test_pages_take_no_scripts(table: dict[str, Row], routes: list[Route]) -> None:
    for route in routes:
        if not route.in_api:
            scripts = {word for who, word in table[route.name].cells.items() if SCRIPT in who}
            assert scripts == {NO}, route.name


def test_the_server_does_what_the_table_says(
    target: AttackFixture, table: dict[str, Row], routes: list[Route]
) -> None:
    assert differences(target, table, routes) == []


def test_a_server_that_does_otherwise_is_caught(
    target: AttackFixture,
    table: dict[str, Row],
    routes: list[Route],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generous = roles.ROLE_PERMISSIONS | {Role.CLERK: roles.MANAGER, Role.MANAGER: roles.CLERK}
    monkeypatch.setattr(roles, "ROLE_PERMISSIONS", generous)
    asked = [route for route in routes if "/links/<link_id>/undo" in route.name]
    found = differences(target, table, asked)
    assert "clerk: POST /api/v1/links/<link_id>/undo: others" in found
    assert "manager: POST /links/<link_id>/undo: others" in found
