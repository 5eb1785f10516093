"""Ways into crmlink for tests: people, paired browsers, scripts and log-ins, made in no time."""

from __future__ import annotations

import itertools

from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.api_tokens import create_token
from crmlink.access.context import Actor, Office
from crmlink.access.devices import command_line_actor
from crmlink.access.pairing import approve_pairing, begin_pairing, redeem
from crmlink.access.passwords import hash_password
from crmlink.access.people import invite
from crmlink.access.refresh_tokens import Grant, actor_of, rotate
from crmlink.access.sessions import begin_session, session_of
from crmlink.store import Person
from crmlink.store.models import now
from crmlink.web.auth import COOKIE
from support.browser_client import browser_client, new_key, proven

PASSWORD = "three wet spanners"
_hash = hash_password(PASSWORD)
_numbers = itertools.count(1)


def make_person(office: Office, role: str = "clerk", name: str = "") -> Person:
    """Somebody who has joined, with PASSWORD."""
    number = next(_numbers)
    actor = command_line_actor(office)
    person, _ = invite(
        office, actor, name or f"Robin {number}", f"robin{number}@firm.example", role
    )
    with office.database.writing() as session:
        row = session.get_one(Person, person.id)
        row.password_hash, row.joined_at = _hash, now()
    return row


def page_actor(office: Office, person: Person) -> Actor:
    """Who acts when a person is logged in to the pages."""
    return session_of(office, begin_session(office, person, "127.0.0.1", "A test"))[1]


def pair(
    office: Office, person: Person, name: str = "Front desk", thumbprint: str | None = None
) -> Grant:
    """A browser that this person connected; its tokens were not used yet.

    ``thumbprint`` is of a key that lies in a real browser.
    """
    thumbprint = thumbprint or new_key().thumbprint
    begun = begin_pairing(office, "Chrome on Windows", "127.0.0.1", proven(thumbprint))
    approve_pairing(office, page_actor(office, person), begun.user_code, name)
    return redeem(office, begun.device_code, proven(thumbprint))


def renew(office: Office, grant: Grant) -> Grant:
    """What a browser's refresh token brings, shown with its key."""
    return rotate(office, grant.refresh_token, proven(grant.device.key_thumbprint))


def enter(office: Office, grant: Grant) -> Actor:
    """Who acts by a browser's access token, shown with its key."""
    token = grant.access_token
    return actor_of(office, token, proven(grant.device.key_thumbprint, token), "127.0.0.1")


def make_token(office: Office, *scopes: str, days: int = 90) -> str:
    """A script's token, with the usual scopes unless some are given."""
    more = {"scopes": scopes} if scopes else {}
    return create_token(office, command_line_actor(office), "Front desk", days=days, **more)[1]


def with_token(app: Flask, token: str) -> FlaskClient:
    """A client that sends a token with every request."""
    if token.count(".") == 2 and token.startswith("eyJ"):
        return browser_client(app, token)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def logged_in(app: Flask, office: Office, person: Person) -> FlaskClient:
    """A client that is logged in to the pages."""
    client = app.test_client()
    client.set_cookie(COOKIE, begin_session(office, person, "127.0.0.1", "A test"))
    return client
