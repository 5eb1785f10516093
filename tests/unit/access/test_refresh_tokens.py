"""A browser's tokens: lost answers lock no one out, and a copied token never goes unnoticed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.access import refresh_tokens as grants
from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor, revoke_device
from crmlink.access.errors import (
    DeviceExpired,
    DeviceRevoked,
    InvalidGrant,
    InvalidToken,
    ProofRefused,
    TokenRequestError,
    TokenReused,
)
from crmlink.access.refresh_tokens import (
    TokenResponse,
    authenticate_access_token,
    delete_expired_refresh_tokens,
    rotate_refresh_token,
)
from crmlink.access.token_format import derive_token
from crmlink.store import AuditEntry, Database, Device, RefreshToken
from crmlink.store.base import utc_now
from support.access_factories import enter, make_person, pair, renew
from support.browser_client import proven

ROUNDS = 200


@pytest.fixture
def grant(access: AccessContext) -> TokenResponse:
    return pair(access, make_person(access))


def keep_on(
    access: AccessContext,
    first: TokenResponse,
    exchange: Callable[[AccessContext, TokenResponse], TokenResponse],
) -> int:
    """How often a browser gets through, when every answer is lost up to four times.

    It asks again with what it has; late copies of what it asked arrive in any order.
    """
    draw = random.Random(11)
    held, through = first, 0
    for _ in range(ROUNDS):
        try:
            for _ in range(draw.randrange(1, 5)):
                exchange(access, held)
            got = exchange(access, held)
            exchange(access, held)
            enter(access, got)
        except (TokenRequestError, InvalidToken):
            return through
        held, through = got, through + 1
    return through


def hasty_rotation(access: AccessContext, held: TokenResponse) -> TokenResponse:
    """The broken twin: the old token is over as soon as a new one was made."""
    got = renew(access, held)
    enter(access, got)
    return got


@pytest.mark.slow
def test_two_hundred_rotations_with_lost_answers_lock_no_one_out(
    access: AccessContext, grant: TokenResponse
) -> None:
    assert keep_on(access, grant, renew) == ROUNDS


def test_the_harness_catches_a_rotation_that_ends_the_old_token_at_once(
    access: AccessContext, grant: TokenResponse
) -> None:
    assert keep_on(access, grant, hasty_rotation) == 0


def reused(access: AccessContext) -> Iterator[TokenResponse]:
    """Browsers whose token was copied, each time after another number of rotations."""
    person = make_person(access)
    for number in range(ROUNDS):
        held = pair(access, person)
        for _ in range(number % 4):
            enter(access, held)
            held = renew(access, held)
        yield held


@pytest.mark.slow
def test_a_copied_token_ends_its_family_two_hundred_times_of_two_hundred(
    access: AccessContext,
) -> None:
    caught = 0
    for number, stolen in enumerate(reused(access)):
        owner = renew(access, stolen)
        if number % 2:
            enter(access, owner)
        else:
            owner = renew(access, owner)
        with pytest.raises(TokenReused):
            renew(access, stolen)
        with pytest.raises(InvalidToken):
            enter(access, owner)
        with pytest.raises(TokenReused):
            renew(access, owner)
        caught += 1
    assert caught == ROUNDS


@pytest.mark.slow
def test_a_copy_without_the_key_gets_nothing_and_ends_nothing_two_hundred_times_of_two_hundred(
    access: AccessContext,
) -> None:
    held_off = 0
    for number, copied in enumerate(reused(access)):
        owner = renew(access, copied) if number % 2 else copied
        for shown in (copied, owner):
            with pytest.raises(InvalidGrant):
                rotate_refresh_token(access, shown.refresh_token, proven("the thief's"))
            with pytest.raises(InvalidToken):
                authenticate_access_token(
                    access, shown.access_token, proven("the thief's", shown.access_token), ""
                )
        enter(access, owner)
        renew(access, owner)
        held_off += 1
    assert held_off == ROUNDS


def test_a_copy_is_noted_in_the_audit_once_a_day(
    access: AccessContext, grant: TokenResponse
) -> None:
    for _ in range(5):
        with pytest.raises(InvalidGrant):
            rotate_refresh_token(access, grant.refresh_token, proven("the thief's"))
    assert noted_copies(access, grant) == 1
    with access.database.writing() as session:
        session.execute(update(Device).values(copy_seen_at=utc_now() - timedelta(days=2)))
    with pytest.raises(InvalidGrant):
        rotate_refresh_token(access, grant.refresh_token, proven("the thief's"))
    assert noted_copies(access, grant) == 2


def noted_copies(access: AccessContext, grant: TokenResponse) -> int:
    with access.database.reading() as session:
        noted = session.scalars(select(AuditEntry).filter_by(action="device.token_copied")).all()
    assert {entry.subject for entry in noted} == {grant.device.public_id}
    return len(noted)


def test_a_browser_without_a_key_is_let_in_by_no_proof(
    access: AccessContext, grant: TokenResponse
) -> None:
    with access.database.writing() as session:
        session.execute(update(Device).values(key_thumbprint=None))
    for thumbprint in ("", "None", grant.device.key_thumbprint):
        with pytest.raises(InvalidGrant):
            rotate_refresh_token(access, grant.refresh_token, proven(thumbprint))
        with pytest.raises(InvalidToken):
            authenticate_access_token(
                access, grant.access_token, proven(thumbprint, grant.access_token), ""
            )


def test_no_proof_counts_twice(access: AccessContext, grant: TokenResponse) -> None:
    proof = proven(grant.device.key_thumbprint)
    held = rotate_refresh_token(access, grant.refresh_token, proof)
    with pytest.raises(ProofRefused):
        rotate_refresh_token(access, grant.refresh_token, proof)
    about = proven(grant.device.key_thumbprint, held.access_token)
    authenticate_access_token(access, held.access_token, about, "")
    with pytest.raises(InvalidToken):
        authenticate_access_token(access, held.access_token, about, "")


def test_a_proof_about_another_token_opens_nothing(
    access: AccessContext, grant: TokenResponse
) -> None:
    for token in ("", grant.refresh_token, renew(access, grant).access_token[:-1]):
        with pytest.raises(InvalidToken):
            authenticate_access_token(
                access, grant.access_token, proven(grant.device.key_thumbprint, token), ""
            )


def test_a_thief_who_keeps_step_is_noticed_as_soon_as_one_of_the_two_goes_on(
    access: AccessContext, grant: TokenResponse
) -> None:
    thief, owner = renew(access, grant), renew(access, grant)
    assert thief.refresh_token == owner.refresh_token
    enter(access, renew(access, thief))
    with pytest.raises(TokenReused):
        renew(access, owner)


class Crowded:
    """A database whose writers wait, while someone who came later goes first."""

    def __init__(self, database: Database, first: Callable[[], object]) -> None:
        self._database, self._first = database, first

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._first()
        with self._database.writing() as session:
            yield session


def test_a_request_that_waited_while_its_browser_asked_again_and_went_on_ends_nothing(
    access: AccessContext, grant: TokenResponse
) -> None:
    def asks_again() -> None:
        enter(access, renew(access, grant))

    crowded: Any = Crowded(access.database, asks_again)
    late = renew(replace(access, database=crowded), grant)
    enter(access, late)
    renew(access, late)


def test_an_admin_ends_a_browser_at_once_and_it_learns_that(
    access: AccessContext, grant: TokenResponse
) -> None:
    enter(access, grant)
    revoke_device(access, command_line_actor(access), grant.device.public_id)
    with pytest.raises(InvalidToken):
        enter(access, grant)
    with pytest.raises(DeviceRevoked):
        renew(access, grant)


def test_a_browser_that_was_not_used_for_long_must_connect_again(
    access: AccessContext, grant: TokenResponse
) -> None:
    with access.database.writing() as session:
        session.execute(update(Device).values(expires_at=utc_now() - timedelta(seconds=1)))
    with pytest.raises(DeviceExpired):
        renew(access, grant)
    assert delete_expired_refresh_tokens(access) == 0
    with access.database.writing() as session:
        session.execute(update(RefreshToken).values(created_at=utc_now() - timedelta(days=61)))
    assert delete_expired_refresh_tokens(access) == 1


@pytest.mark.parametrize("token", ["", "crmr_", "garbage", "crmr_" + "é" * 38])
def test_what_is_no_refresh_token_gets_nothing(access: AccessContext, token: str) -> None:
    with pytest.raises(InvalidGrant):
        rotate_refresh_token(access, token, proven("any"))
    with pytest.raises(InvalidGrant):
        rotate_refresh_token(access, derive_token("crmr_", bytes(32)), proven("any"))


def forged(access: AccessContext, grant: TokenResponse, **changes: object) -> str:
    """An access token with some claims changed (None: left out); ``key``, ``alg``, ``typ`` too."""
    real = jwt.decode(grant.access_token, options={"verify_signature": False})
    key, alg = changes.pop("key", grants._key(access)), changes.pop("alg", "HS256")
    typ = changes.pop("typ", grants.JWT_TYPE)
    claims = {name: value for name, value in (real | changes).items() if value is not None}
    return jwt.encode(claims, key, str(alg) if alg else None, headers={"typ": typ})  # type: ignore[arg-type] # on purpose


def test_the_harness_forges_what_passes_when_nothing_is_changed(
    access: AccessContext, grant: TokenResponse
) -> None:
    token = forged(access, grant)
    authenticate_access_token(access, token, proven(grant.device.key_thumbprint, token), "")


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
        {"cnf": {}},
        {"cnf": {"jkt": "another"}},
        {"cnf": "jkt"},
        *({claim: None} for claim in grants.REQUIRED_CLAIMS),
    ],
    ids=str,
)
def test_a_forged_access_token_opens_nothing(
    access: AccessContext, grant: TokenResponse, changes: dict[str, object]
) -> None:
    token = forged(access, grant, **dict(changes))
    with pytest.raises(InvalidToken):
        authenticate_access_token(access, token, proven(grant.device.key_thumbprint, token), "")


def test_a_refresh_token_is_no_access_token(access: AccessContext, grant: TokenResponse) -> None:
    with pytest.raises(InvalidToken):
        authenticate_access_token(
            access, grant.refresh_token, proven(grant.device.key_thumbprint), ""
        )
    with pytest.raises(InvalidGrant):
        rotate_refresh_token(access, grant.access_token, proven(grant.device.key_thumbprint))
