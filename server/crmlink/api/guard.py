"""Nothing gets in without a valid token, unless it is on the list below."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, request

from crmlink.access.tokens import TokenRefused, device_of
from crmlink.house import House
from crmlink.linking.desk import Desk
from crmlink.store import Device

# The only routes that answer without a token. None of them shows a record, a link or a person.
PUBLIC = {
    "pages.start",
    "pages.docs",
    "pages.health",
    "pages.ready",
    "static",
    "api-docs.openapi_json",
}

P = ParamSpec("P")
R = TypeVar("R")


class ScopeMissing(Exception):
    """The token is valid, but was not given this scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


def register_guard(app: Flask) -> None:
    app.before_request(_authenticate)


def needs(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a token with this scope."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if scope not in device().scopes:
                raise ScopeMissing(scope)
            return view(*args, **kwargs)

        return guarded

    return decorate


def device() -> Device:
    """The device whose token came with this request."""
    return cast("Device", g.device)


def house() -> House:
    """The installation this application serves."""
    return cast("House", current_app.extensions["crmlink"])


def desk() -> Desk:
    """The desk of the workspace that the device belongs to."""
    return house().desk


def _authenticate() -> None:
    """Refuse every request without a valid token, also one to an address that does not exist."""
    if request.endpoint in PUBLIC:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused
    found = device_of(house().database, house().settings.secret_key, token.strip())
    if found.workspace_id != house().desk.workspace_id:
        raise TokenRefused
    g.device = found
