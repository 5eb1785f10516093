"""Ways into crmlink for tests: people, paired browsers, scripts and log-ins, made in no time."""

from __future__ import annotations

import itertools

from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.api_tokens import create_api_token
from crmlink.access.context import AccessContext, Actor
from crmlink.access.devices import command_line_actor
from crmlink.access.pairing import approve_pairing, exchange_device_code, start_pairing
from crmlink.access.passwords import hash_password
from crmlink.access.people import invite
from crmlink.access.refresh_tokens import (
    TokenResponse,
    authenticate_access_token,
    rotate_refresh_token,
)
from crmlink.access.sessions import authenticate_session, create_session
from crmlink.store import Person
from crmlink.store.base import utc_now
from crmlink.web.auth import SESSION_COOKIE
from support.browser_client import browser_client, new_key, proven
from support.quick_passwords import hash_quickly

PASSWORD = "three wet spanners"
hash_quickly()
_hash = hash_password(PASSWORD)
_numbers = itertools.count(1)


def make_person(access: AccessContext, role: str = "clerk", name: str = "") -> Person:
    """Somebody who has joined, with PASSWORD."""
    number = next(_numbers)
    actor = command_line_actor(access)
    person, _ = invite(
        access, actor, name or f"Robin {number}", f"robin{number}@firm.example", role
    )
    with access.database.writing() as session:
        row = session.get_one(Person, person.id)
        row.password_hash, row.joined_at = _hash, utc_now()
    return row


def page_actor(access: AccessContext, person: Person) -> Actor:
    """Who acts when a person is logged in to the pages."""
    return authenticate_session(access, create_session(access, person, "127.0.0.1", "A test"))[1]


def connection_of(client: FlaskClient) -> str:
    """The connection that a decision sent by this client has to name."""
    return str(client.get("/api/v1/workspace").get_json()["connection_id"])


def pair(
    access: AccessContext, person: Person, name: str = "Front desk", thumbprint: str | None = None
) -> TokenResponse:
    """A browser that this person connected; its tokens were not used yet.

    ``thumbprint`` is of a key that lies in a real browser.
    """
    thumbprint = thumbprint or new_key().thumbprint
    begun = start_pairing(access, "Chrome on Windows", "127.0.0.1", proven(thumbprint))
    approve_pairing(access, page_actor(access, person), begun.user_code, name)
    return exchange_device_code(access, begun.device_code, proven(thumbprint))


def renew(access: AccessContext, grant: TokenResponse) -> TokenResponse:
    """What a browser's refresh token brings, shown with its key."""
    return rotate_refresh_token(access, grant.refresh_token, proven(grant.device.key_thumbprint))


def enter(access: AccessContext, grant: TokenResponse) -> Actor:
    """Who acts by a browser's access token, shown with its key."""
    token = grant.access_token
    return authenticate_access_token(
        access, token, proven(grant.device.key_thumbprint, token), "127.0.0.1"
    )


def make_token(access: AccessContext, *scopes: str, days: int = 90) -> str:
    """A script's token, with the usual scopes unless some are given."""
    more = {"scopes": scopes} if scopes else {}
    return create_api_token(access, command_line_actor(access), "Front desk", days=days, **more)[1]


def with_token(app: Flask, token: str) -> FlaskClient:
    """A client that sends a token with every request."""
    if token.count(".") == 2 and token.startswith("eyJ"):
        return browser_client(app, token)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def logged_in(app: Flask, access: AccessContext, person: Person) -> FlaskClient:
    """A client that is logged in to the pages."""
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, create_session(access, person, "127.0.0.1", "A test"))
    return client
