"""How far each role, and each scope of a script's token, reaches: found out by asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import Client, TestResponse

from crmlink.access.api_tokens import create_api_token
from crmlink.access.roles import SCOPES
from crmlink.store import Device, Person
from crmlink.web.auth import SESSION_COOKIE
from crmlink.web.problems import TYPE_PREFIX
from security.attack import forms_of
from security.attack_fixture import ROLES, AttackFixture
from security.routes import Route
from support.access_factories import make_person, page_actor, pair, with_token

SCRIPT = "script: "  # what a script is called here: «script: read»
WHO = (*ROLES, *(SCRIPT + scope for scope in SCOPES))
REFUSALS = {
    TYPE_PREFIX + code
    for code in (
        "scope-missing",
        "role-too-low",
        "not-yours",
        "beyond-token",
        "person-needed",
        "not-your-list",
        "not-your-parked-contact",
    )
}


@dataclass
class Reach:
    """Asks as someone of a role, or as a script with one scope that an admin made."""

    target: AttackFixture
    people: dict[str, Person] = field(default_factory=dict)
    credentials: dict[tuple[str, bool], str] = field(default_factory=dict)
    scripts: dict[str, Device] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = {role: make_person(self.target.access, role) for role in ROLES}
        self._forms, self._csrf = forms_of(self.target.app.test_client())

    def may(self, route: Route, who: str, *, own: bool = False, harmless: bool = True) -> bool:
        """Whether this role or script gets through to its own or to someone else's object.

        ``harmless``: the request changes nothing, so it may be about things that others share.
        """
        reply = self._ask(route, who, own=own, harmless=harmless)
        if _is_stranger(route, reply):  # an earlier request ended the log-in or token
            del self.credentials[who, route.in_api]
            reply = self._ask(route, who, own=own, harmless=harmless)
        assert not _is_stranger(route, reply)
        if reply.status_code == 403 and route.in_api:
            assert reply.get_json()["type"] in REFUSALS
        reply.close()
        return reply.status_code != 403

    def answer(self, route: Route, who: str, path: str, content: dict[str, Any]) -> TestResponse:
        """What comes back from an address of a route for this content."""
        for _ in range(2):
            client, headers = self._client(who, in_api=route.in_api)
            reply = route.send(client, path, content, headers=headers)
            if not _is_stranger(route, reply):
                break
            del self.credentials[who, route.in_api]
        return reply

    def _person(self, who: str) -> Person:
        return self.people.get(who, self.people["admin"])

    def _owner(self, who: str) -> Person | Device:
        """Whose things are one's own: a person's, or the script's itself."""
        return self.scripts[who] if who in self.scripts else self._person(who)

    def _ask(self, route: Route, who: str, *, own: bool, harmless: bool) -> TestResponse:
        client, headers = self._client(who, in_api=route.in_api)
        if harmless and not own:
            path = route.path(self.target)
        else:
            path = route.fresh_path(self.target, self._owner(who) if own else None)
        return route.send(client, path, route.content(self.target), headers=headers)

    def _client(self, who: str, *, in_api: bool) -> tuple[Client, dict[str, str]]:
        if (who, in_api) not in self.credentials:
            self.credentials[who, in_api] = self._credential(who, in_api=in_api)
        credential = self.credentials[who, in_api]
        if in_api:
            return with_token(self.target.app, credential), {}
        client = self.target.app.test_client()
        client.set_cookie(SESSION_COOKIE, credential)
        client.set_cookie("crmlink_forms", self._forms)
        return client, {"X-CSRFToken": self._csrf}

    def _credential(self, who: str, *, in_api: bool) -> str:
        access, person = self.target.access, self._person(who)
        if who.startswith(SCRIPT):
            scope = who.removeprefix(SCRIPT)
            made, token = create_api_token(access, page_actor(access, person), who, (scope,))
            self.scripts[who] = made
            return token
        return pair(access, person).access_token if in_api else self.target.session(person)


def _is_stranger(route: Route, reply: TestResponse) -> bool:
    sent_away = reply.headers.get("Location", "").startswith("/log-in")
    return reply.status_code == 401 or (sent_away and route.rule.endpoint != "pages.sign_out")
