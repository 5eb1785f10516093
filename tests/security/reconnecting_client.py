"""A way into the application that stays open, whatever the requests before have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.wsgi import get_current_url

from crmlink.access.dpop import new_nonce
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.store import Device, Person
from support.access_factories import make_person, pair
from support.browser_client import key_of, prove
from support.browser_key import BrowserKey
from support.installations import installation_of

MARK = "Bearer whoever-this-role-is-now"
PROOF_MARK = "a-proof-of-this-key"  # no generator makes one
KEY = BrowserKey()
DOORS = {"POST /api/v1/pairings", "POST /api/v1/token"}  # which take no token, but want a proof
RENEWED_AFTER = 300.0  # seconds; an access token lives for ten minutes


class AlwaysConnected:
    """A WSGI application that puts a good token of a role in place of MARK, a proof of PROOF_MARK.

    A fuzzed admin finds ways to disconnect, remove or demote themselves: then someone else of the
    same role goes on.
    """

    def __init__(self, app: Flask, role: str) -> None:
        self._app, self._role = app, role
        self._access = installation_of(app).access
        self._grant, self._since = self._connect(), time.monotonic()
        self.requests = 0

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.requests += 1
        if environ.get("HTTP_AUTHORIZATION") == MARK and _asked(environ) not in DOORS:
            if not self._is_alive():
                self._grant, self._since = self._connect(), time.monotonic()
            token = self._grant.access_token
            prove(self._app, environ, token, key_of(token))
        if environ.get("HTTP_DPOP") == PROOF_MARK:
            address = get_current_url(environ, strip_querystring=True)
            nonce = new_nonce(self._access)
            environ["HTTP_DPOP"] = KEY.proof(environ["REQUEST_METHOD"], address, nonce)
        return self._app(environ, start_response)

    def _connect(self) -> TokenResponse:
        return pair(self._access, make_person(self._access, self._role))

    def _is_alive(self) -> bool:
        with self._access.database.reading() as session:
            device = session.get_one(Device, self._grant.device.id)
            person = session.get_one(Person, self._grant.person.id)
        return (
            time.monotonic() - self._since < RENEWED_AFTER
            and device.revoked_at is None
            and person.removed_at is None
            and person.role == self._role
        )


def _asked(environ: dict[str, Any]) -> str:
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
