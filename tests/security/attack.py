"""Ask for every route with one credential, and tell what came back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from crmlink.web.auth import SESSION_COOKIE
from security.attack_fixture import AttackFixture
from security.credentials import Credential
from security.routes import Route
from support.browser_client import browser_client

REQUEST_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Refusal:
    """What a stranger learns from an answer, but for the request's id and the page they wanted."""

    status: int
    where: str
    body: str
    kind: str
    realm: str


class Attacker:
    """Somebody who has looked at the log-in page, so that no form's token is what stops them."""

    def __init__(self, target: AttackFixture, routes: Iterable[Route]) -> None:
        self._target = target
        self._cookie, self._csrf = forms_of(target.app.test_client())
        self._aims: list[tuple[Route, str, dict[str, Any]]] = [
            (route, route.path(target), route.content(target)) for route in routes
        ]

    def ask_all(self, credential: Credential) -> dict[str, Refusal]:
        """The answer of each route, by its name."""
        return {
            route.name: self._ask(route, path, content, credential)
            for route, path, content in self._aims
        }

    def _ask(
        self, route: Route, path: str, content: dict[str, Any], credential: Credential
    ) -> Refusal:
        app = self._target.app
        client = browser_client(app, *credential.bound) if credential.bound else app.test_client()
        client.set_cookie("crmlink_forms", self._cookie)
        for name, value in credential.cookies.items():
            client.set_cookie(name, value)
        headers = credential.headers | ({} if route.in_api else {"X-CSRFToken": self._csrf})
        for name, value in credential.query.items():
            path += ("&" if "?" in path else "?") + f"{name}={value}"
        reply = route.send(client, path, content, headers=headers)
        assert SESSION_COOKIE not in "".join(reply.headers.getlist("Set-Cookie"))
        body = reply.data.decode(errors="replace")  # packages are no text
        if reply.status_code == 303:  # it repeats the page that was wanted
            body = ""
        return Refusal(
            reply.status_code,
            reply.headers.get("Location", "").partition("?")[0],
            REQUEST_ID.sub("", body),
            reply.content_type or "",
            reply.headers.get("WWW-Authenticate", ""),
        )


def forms_of(client: FlaskClient) -> tuple[str, str]:
    """The cookie of the log-in page, and the token that its form carries."""
    page = client.get("/log-in").get_data(as_text=True)
    kept = client.get_cookie("crmlink_forms")
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert kept
    assert token
    return kept.value, token
