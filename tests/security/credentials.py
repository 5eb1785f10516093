"""Everything that must open nothing, by name: bad tokens for the API, bad cookies for pages."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select, update

from crmlink.access import refresh_tokens as grants
from crmlink.access.api_tokens import (
    authenticate_api_token,
    create_api_token,
    revoke_token,
    rotate_token,
)
from crmlink.access.devices import command_line_actor, revoke_device
from crmlink.access.pairing import start_pairing
from crmlink.access.people import invite, remove_person
from crmlink.access.refresh_tokens import AUDIENCE, JWT_TYPE, TokenResponse
from crmlink.access.sessions import authenticate_session, end_session
from crmlink.access.token_format import generate_token
from crmlink.store import Device, WebSession
from crmlink.store.base import new_id, utc_now
from crmlink.web.auth import SESSION_COOKIE
from security.attack_fixture import AttackFixture
from support.access_factories import make_person, make_token, page_actor, pair
from support.browser_client import key_of, proven
from support.browser_key import BrowserKey

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Credential:
    """What a request carries: headers, and cookies by name."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    bound: tuple[str, BrowserKey] | None = None  # an access token, and the key to prove with it


def bearer(token: str) -> Credential:
    return Credential(headers={"Authorization": f"Bearer {token}"})


def bound(token: str, key: BrowserKey | None = None) -> Credential:
    """An access token with a right proof of its key, or of another one, for each request."""
    return Credential(bound=(token, key or key_of(token)))


def cookie(token: str, name: str = SESSION_COOKIE) -> Credential:
    return Credential(cookies={name: token})


def bad_for_api(target: AttackFixture) -> dict[str, Credential]:
    """All that must not be taken for a token."""
    good = pair(target.access, target.people["admin"])
    session = target.session(target.people["admin"])
    return {
        "no token": Credential(),
        "nothing after Bearer": bearer(""),
        "garbage": bearer("garbage"),
        "three dots": bearer("..."),
        "the log-in's cookie instead of a token": cookie(session),
        "a log-in as token": bearer(session),
        "a token in the address": Credential(query={"access_token": good.access_token}),
        "Basic instead of Bearer": Credential(headers={"Authorization": _basic(good)}),
        "another header": Credential(headers={"X-Auth-Token": good.access_token}),
        "access token as Bearer": bearer(good.access_token),
        "access token without a proof": Credential(
            headers={"Authorization": f"DPoP {good.access_token}"}
        ),
        "access token with another key's proof": bound(good.access_token, BrowserKey()),
        "access token with a proof of the other browser's key": bound(
            good.access_token, key_of(target.browsers["clerk"].access_token)
        ),
        "script token with a proof": bound(make_token(target.access), BrowserKey()),
        "refresh token as access token": bound(good.refresh_token, key_of(good.access_token)),
        "invitation as access token": bearer(_invitation(target)),
        "device code as access token": bearer(
            start_pairing(target.access, "", "", proven("a key")).device_code
        ),
        **{
            name: bound(token, key_of(good.access_token))
            for name, token in _bad_access_tokens(target, good).items()
        },
        **{name: bound(token) for name, token in _once_good_access_tokens(target).items()},
        **{name: bearer(token) for name, token in _bad_script_tokens(target).items()},
    }


def bad_for_pages(target: AttackFixture) -> dict[str, Credential]:
    """All that must not be taken for a log-in."""
    person = target.people["admin"]
    grant = pair(target.access, person)
    good = target.session(person)
    return {
        "no cookie": Credential(),
        "empty": cookie(""),
        "garbage": cookie("garbage"),
        "access token instead of cookie": bound(grant.access_token),
        "script token instead of cookie": bearer(make_token(target.access)),
        "a log-in as Bearer": bearer(good),
        "access token as cookie": cookie(grant.access_token),
        "refresh token as cookie": cookie(grant.refresh_token),
        "script token as cookie": cookie(make_token(target.access)),
        "invitation as cookie": cookie(_invitation(target)),
        "under another name": cookie(good, "session"),
        "tampered": cookie(_other_end(good)),
        "never given out": cookie(generate_token("crms_")),
        "ended": cookie(_ended_session(target)),
        "idle for too long": cookie(_aged_session(target, last_seen_at=utc_now() - 13 * HOUR)),
        "begun too long ago": cookie(_aged_session(target, created_at=utc_now() - 15 * 24 * HOUR)),
        "person removed": cookie(_orphaned_session(target)),
        "another key": cookie(_aged_session(target, token_hash=new_id())),
    }


def _bad_access_tokens(target: AttackFixture, good: TokenResponse) -> dict[str, str]:
    claims = jwt.decode(good.access_token, options={"verify_signature": False})
    key = grants._key(target.access)
    admin_device = target.browsers["admin"].device.public_id
    clerk = pair(target.access, target.people["clerk"])
    clerks = jwt.decode(clerk.access_token, options={"verify_signature": False})

    def forged(head: dict[str, Any] | None = None, alg: str = "HS256", **changed: Any) -> str:
        body = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(body, key, alg, headers={"typ": JWT_TYPE} | (head or {}))

    return {
        "expired": forged(iat=utc_now() - 2 * HOUR, nbf=utc_now() - 2 * HOUR, exp=utc_now() - HOUR),
        "not yet valid": forged(nbf=utc_now() + HOUR, exp=utc_now() + 2 * HOUR),
        "from the future": forged(iat=utc_now() + HOUR),
        "wrong audience": forged(aud="someone-else"),
        "two audiences": forged(aud=[AUDIENCE, "someone-else"]),
        "wrong issuer": forged(iss="someone-else"),
        "wrong typ": forged({"typ": "JWT"}),
        "no typ": forged({"typ": None}),
        "no jti": forged(jti=None),
        "no exp": forged(exp=None),
        "no sub": forged(sub=None),
        "bound to no key": forged(cnf=None),
        "bound to another key": forged(cnf={"jkt": BrowserKey().thumbprint}),
        "jti never given out": forged(jti=new_id()),
        "jti of another browser": forged(jti=clerks["jti"]),
        "sub of another browser": forged(sub=admin_device),
        "alg none": _put_together({"alg": "none", "typ": JWT_TYPE}, claims, ""),
        "alg none with the signature": _put_together(
            {"alg": "none", "typ": JWT_TYPE}, claims, good.access_token.rpartition(".")[2]
        ),
        "another algorithm with our key": forged(alg="HS512"),
        "algorithm confusion": _by_public_key(claims),
        "tampered": _put_together(
            {"alg": "HS256", "typ": JWT_TYPE}, claims | {"sub": admin_device}, _signature(good)
        ),
        "signature tampered": _other_end(good.access_token),
        "signature cut off": good.access_token.rpartition(".")[0] + ".",
        "signed with another key": jwt.encode(claims, "k" * 48, "HS256", headers={"typ": JWT_TYPE}),
        "signed with the secret itself": jwt.encode(
            claims, target.access.secret_key, "HS256", headers={"typ": JWT_TYPE}
        ),
    }  # fmt: skip


def _once_good_access_tokens(target: AttackFixture) -> dict[str, str]:
    """Those of browsers that are not let in any more."""
    return {
        "revoked": _revoked_browser(target),
        "lapsed": _lapsed_browser(target),
        "person removed": _orphaned_browser(target),
    }


def _bad_script_tokens(target: AttackFixture) -> dict[str, str]:
    server = command_line_actor(target.access)
    expired, expired_token = create_api_token(target.access, server, "Expired")
    with target.access.database.writing() as session:
        session.execute(update(Device).filter_by(id=expired.id).values(expires_at=utc_now()))
    revoked, revoked_token = create_api_token(target.access, server, "Revoked")
    revoke_token(target.access, server, revoked.public_id)
    rotated, old_token = create_api_token(target.access, server, "Rotated")
    authenticate_api_token(
        target.access, rotate_token(target.access, server, rotated.public_id)[1], ""
    )
    good = make_token(target.access, "admin", "link", "read", "suggest", "batch")
    return {
        "script: expired": expired_token,
        "script: revoked": revoked_token,
        "script: rotated away": old_token,
        "script: tampered": _other_end(good),
        "script: never given out": generate_token("crm_"),
        "script: maker removed": _orphaned_script(target),
        "script: its hash": _kept_hash(target, good),
    }


def _kept_hash(target: AttackFixture, token: str) -> str:
    with target.access.database.reading() as session:
        return session.scalars(select(Device.token_hash).filter_by(prefix=token[:12])).one()


def _by_public_key(claims: dict[str, Any]) -> str:
    """Signed by the attacker's own key, which the header offers for checking."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    offered = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    head = {"typ": JWT_TYPE, "jwk": offered, "kid": "mine"}
    return jwt.encode(claims, private, "RS256", headers=head)


def _put_together(head: dict[str, Any], claims: dict[str, Any], signature: str) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, claims))
    return ".".join([*(part.decode().rstrip("=") for part in parts), signature])


def _signature(grant: TokenResponse) -> str:
    return grant.access_token.rpartition(".")[2]


def _other_end(token: str) -> str:
    """With another letter near its end; the very last of base64 may hold bits that mean nothing."""
    return token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:]


def _basic(grant: TokenResponse) -> str:
    return "Basic " + base64.b64encode(f"{grant.access_token}:".encode()).decode()


def _invitation(target: AttackFixture) -> str:
    server = command_line_actor(target.access)
    return invite(target.access, server, "Somebody", f"{new_id()}@firm.example", "admin")[1]


def _revoked_browser(target: AttackFixture) -> str:
    grant = pair(target.access, target.people["admin"])
    revoke_device(target.access, command_line_actor(target.access), grant.device.public_id)
    return grant.access_token


def _lapsed_browser(target: AttackFixture) -> str:
    grant = pair(target.access, target.people["admin"])
    with target.access.database.writing() as session:
        session.execute(update(Device).filter_by(id=grant.device.id).values(expires_at=utc_now()))
    return grant.access_token


def _orphaned_browser(target: AttackFixture) -> str:
    person = make_person(target.access, "admin")
    grant = pair(target.access, person)
    remove_person(target.access, command_line_actor(target.access), person.public_id)
    return grant.access_token


def _orphaned_script(target: AttackFixture) -> str:
    person = make_person(target.access, "admin")
    token = create_api_token(target.access, page_actor(target.access, person), "Theirs")[1]
    remove_person(target.access, command_line_actor(target.access), person.public_id)
    return token


def _orphaned_session(target: AttackFixture) -> str:
    person = make_person(target.access, "admin")
    token = target.session(person)
    remove_person(target.access, command_line_actor(target.access), person.public_id)
    return token


def _ended_session(target: AttackFixture) -> str:
    token = target.session(target.people["admin"])
    begun, actor = authenticate_session(target.access, token)
    end_session(target.access, actor, begun.public_id)
    return token


def _aged_session(target: AttackFixture, **changed: Any) -> str:
    token = target.session(target.people["admin"])
    begun, _ = authenticate_session(target.access, token)
    with target.access.database.writing() as session:
        session.execute(update(WebSession).filter_by(id=begun.id).values(changed))
    return token
