"""A browser's tokens: lost answers lock nobody out, and a copied token never goes unnoticed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from crmlink.access import refresh_tokens as grants
from crmlink.access.context import Office
from crmlink.access.devices import command_line_actor, revoke_device
from crmlink.access.errors import (
    DeviceExpired,
    DeviceRevoked,
    GrantFailure,
    GrantRefused,
    TokenRefused,
    TokenReused,
)
from crmlink.access.refresh_tokens import Grant, actor_of, forget_old_tokens, rotate
from crmlink.access.token_format import derived_secret
from crmlink.store import Database, Device, Refresh
from crmlink.store.models import now
from support.access_factories import make_person, pair

ROUNDS = 200


@pytest.fixture
def grant(office: Office) -> Grant:
    return pair(office, make_person(office))


def keep_on(office: Office, first: Grant, exchange: Callable[[Office, str], Grant]) -> int:
    """How often a browser gets through, when every answer is lost up to four times.

    It asks again with what it has; late copies of what it asked arrive in any order.
    """
    draw = random.Random(11)
    held, through = first.refresh_token, 0
    for _ in range(ROUNDS):
        try:
            for _ in range(draw.randrange(1, 5)):
                exchange(office, held)
            got = exchange(office, held)
            exchange(office, held)
            actor_of(office, got.access_token, "")
        except (GrantFailure, TokenRefused):
            return through
        held, through = got.refresh_token, through + 1
    return through


def hasty_rotation(office: Office, refresh_token: str) -> Grant:
    """The broken twin: the old token is over as soon as a new one was made."""
    got = rotate(office, refresh_token)
    actor_of(office, got.access_token, "")
    return got


def test_two_hundred_rotations_with_lost_answers_lock_nobody_out(
    office: Office, grant: Grant
) -> None:
    assert keep_on(office, grant, rotate) == ROUNDS


def test_the_harness_catches_a_rotation_that_ends_the_old_token_at_once(
    office: Office, grant: Grant
) -> None:
    assert keep_on(office, grant, hasty_rotation) == 0


def reused(office: Office) -> Iterator[Grant]:
    """Browsers whose token was copied, each time after another number of rotations."""
    person = make_person(office)
    for number in range(ROUNDS):
        held = pair(office, person)
        for _ in range(number % 4):
            actor_of(office, held.access_token, "")
            held = rotate(office, held.refresh_token)
        yield held


def test_a_copied_token_ends_its_family_two_hundred_times_of_two_hundred(office: Office) -> None:
    caught = 0
    for number, stolen in enumerate(reused(office)):
        owner = rotate(office, stolen.refresh_token)
        if number % 2:
            actor_of(office, owner.access_token, "")
        else:
            owner = rotate(office, owner.refresh_token)
        with pytest.raises(TokenReused):
            rotate(office, stolen.refresh_token)
        with pytest.raises(TokenRefused):
            actor_of(office, owner.access_token, "")
        with pytest.raises(TokenReused):
            rotate(office, owner.refresh_token)
        caught += 1
    assert caught == ROUNDS


def test_a_thief_who_keeps_step_is_noticed_as_soon_as_one_of_the_two_goes_on(
    office: Office, grant: Grant
) -> None:
    thief, owner = rotate(office, grant.refresh_token), rotate(office, grant.refresh_token)
    assert thief.refresh_token == owner.refresh_token
    actor_of(office, rotate(office, thief.refresh_token).access_token, "")
    with pytest.raises(TokenReused):
        rotate(office, owner.refresh_token)


class Crowded:
    """A database whose writers wait, while somebody who came later goes first."""

    def __init__(self, database: Database, first: Callable[[], object]) -> None:
        self._database, self._first = database, first

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._first()
        with self._database.writing() as session:
            yield session


def test_a_request_that_waited_while_its_browser_asked_again_and_went_on_ends_nothing(
    office: Office, grant: Grant
) -> None:
    def asks_again() -> None:
        actor_of(office, rotate(office, grant.refresh_token).access_token, "")

    crowded: Any = Crowded(office.database, asks_again)
    late = rotate(replace(office, database=crowded), grant.refresh_token)
    actor_of(office, late.access_token, "")
    rotate(office, late.refresh_token)


def test_an_admin_ends_a_browser_at_once_and_it_learns_that(office: Office, grant: Grant) -> None:
    actor_of(office, grant.access_token, "")
    revoke_device(office, command_line_actor(office), grant.device.public_id)
    with pytest.raises(TokenRefused):
        actor_of(office, grant.access_token, "")
    with pytest.raises(DeviceRevoked):
        rotate(office, grant.refresh_token)


def test_a_browser_that_was_not_used_for_long_must_connect_again(
    office: Office, grant: Grant
) -> None:
    with office.database.writing() as session:
        session.execute(update(Device).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(DeviceExpired):
        rotate(office, grant.refresh_token)
    assert forget_old_tokens(office) == 0
    with office.database.writing() as session:
        session.execute(update(Refresh).values(created_at=now() - timedelta(days=61)))
    assert forget_old_tokens(office) == 1


@pytest.mark.parametrize("token", ["", "crmr_", "garbage", "crmr_" + "é" * 38])
def test_what_is_no_refresh_token_gets_nothing(office: Office, token: str) -> None:
    with pytest.raises(GrantRefused):
        rotate(office, token)
    with pytest.raises(GrantRefused):
        rotate(office, derived_secret("crmr_", bytes(32)))


def forged(office: Office, grant: Grant, **changes: object) -> str:
    """An access token with some claims changed (None: left out); ``key``, ``alg``, ``typ`` too."""
    real = jwt.decode(grant.access_token, options={"verify_signature": False})
    key, alg = changes.pop("key", grants._key(office)), changes.pop("alg", "HS256")
    typ = changes.pop("typ", grants.TYPE)
    claims = {name: value for name, value in (real | changes).items() if value is not None}
    return jwt.encode(claims, key, str(alg) if alg else None, headers={"typ": typ})  # type: ignore[arg-type] # on purpose


def test_the_harness_forges_what_passes_when_nothing_is_changed(
    office: Office, grant: Grant
) -> None:
    actor_of(office, forged(office, grant), "")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["crmlink-api", "other"]},
        {"typ": "JWT"},
        {"typ": None},
        {"key": b"k" * 32},
        {"alg": "none", "key": ""},
        {"alg": "HS512"},
        {"exp": 1},
        {"nbf": 2**33},
        {"iat": 2**33},
        {"jti": "0" * 32},
        {"sub": "0" * 32},
        *({claim: None} for claim in grants.REQUIRED),
    ],
    ids=str,
)
def test_a_forged_access_token_opens_nothing(
    office: Office, grant: Grant, changes: dict[str, object]
) -> None:
    with pytest.raises(TokenRefused):
        actor_of(office, forged(office, grant, **dict(changes)), "")


def test_a_refresh_token_is_no_access_token(office: Office, grant: Grant) -> None:
    with pytest.raises(TokenRefused):
        actor_of(office, grant.refresh_token, "")
    with pytest.raises(GrantRefused):
        rotate(office, grant.access_token)
