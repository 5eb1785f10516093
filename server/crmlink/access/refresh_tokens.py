"""Refresh tokens of a paired browser, rotated with each use, and short-lived access tokens.

A browser that got no response repeats the request with the token it has. The same token therefore
yields the same successor, however often responses are lost, until the browser has used either the
successor or an access token issued with it. From then on the old token is invalid, and presenting
it is reuse of a token copied with the browser's key (reuse detection): the whole device, its token
family, is revoked, because the copy cannot be distinguished from the original. A request that
arrived before that use and had to wait is no reuse.

All tokens are bound to the key that started the pairing (DPoP, see dpop.py). Presented without it
they are copies: rejected and recorded in the audit, while the browser continues to work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session, contains_eager

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import revoke_in
from crmlink.access.dpop import is_first_use, remember_proof
from crmlink.access.errors import (
    DeviceExpired,
    DeviceRevoked,
    InvalidGrant,
    InvalidToken,
    ProofRefused,
    TokenRequestError,
    TokenReused,
)
from crmlink.access.owner import find_owner, find_shown, owner_query
from crmlink.access.proofs import Proof
from crmlink.access.roles import role_permissions
from crmlink.access.token_format import derive_token, is_well_formed
from crmlink.store import Device, DeviceType, Pairing, Person, RefreshToken, Workspace
from crmlink.store.base import CLOCK_SKEW, new_id, utc_now

REFRESH_TOKEN_PREFIX = "crmr_"  # noqa: S105 - names the kind, is no secret
ACCESS_TOKEN_TTL = timedelta(minutes=10)
DEVICE_IDLE_TTL = timedelta(days=60)  # without use
ALGORITHM = "HS256"
JWT_TYPE = "at+jwt"  # RFC 9068
ISSUER, AUDIENCE = "crmlink", "crmlink-api"
REQUIRED_CLAIMS = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "cnf"]
_ISSUED = (
    select(RefreshToken, Workspace.suspended_at)
    .join(RefreshToken.device)
    .join(Workspace, Workspace.id == Device.workspace_id)
    .where(RefreshToken.public_id == bindparam("shown"))
    .options(contains_eager(RefreshToken.device))
)  # built once: every request of a browser asks it
_OWNER_OF_REFRESH = owner_query(
    select(Device.workspace_id)
    .join(RefreshToken, RefreshToken.device_id == Device.id)
    .where(RefreshToken.token_hash == bindparam("shown"))
)
COPY_AUDIT_INTERVAL = timedelta(days=1)  # a copy is recorded at most once in this time


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """Tokens for a browser; ``expires_in`` is the access token's lifetime in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    device: Device
    person: Person


def issue_first_tokens(
    session: Session, access: AccessContext, pairing: Pairing, device_code: str
) -> TokenResponse:
    """Create the device of an approved pairing, and its first tokens, in a writing session."""
    mark = f"browser {new_id()}"
    device = Device(
        workspace_id=access.workspace_id,
        person=pairing.person,
        sort=DeviceType.BROWSER,
        name=pairing.device_name,
        prefix=mark,
        token_hash=mark,
        scopes=[],
        expires_at=utc_now() + DEVICE_IDLE_TTL,
        key_thumbprint=pairing.key_thumbprint,
    )
    session.add(device)
    session.flush()
    person = pairing.person.public_id if pairing.person else None
    record_audit(session, access, None, "device.paired", device.public_id, person=person)
    return _issue_successor(session, access, device, device_code, 1)


def reissue_first_tokens(
    session: Session, access: AccessContext, device: Device, device_code: str
) -> TokenResponse:
    """Return the first tokens again, in a writing session; raises a TokenRequestError."""
    _require_active(device)
    return _issue_successor(session, access, device, device_code, 1)


def first_tokens_used(session: Session, device: Device) -> bool:
    """Return whether a browser has used its first tokens."""
    return (
        session.scalar(
            select(RefreshToken.id).where(
                RefreshToken.device_id == device.id, RefreshToken.received_at.is_not(None)
            )
        )
        is not None
    )


def workspace_of_refresh_token(access: KeyedContext, refresh_token: str) -> int:
    """Return the id of the workspace of a refresh token; raises InvalidGrant."""
    if not is_well_formed(refresh_token, REFRESH_TOKEN_PREFIX):
        raise InvalidGrant
    shown = _refresh_hash(access, refresh_token)
    return find_owner(access, _OWNER_OF_REFRESH, shown, InvalidGrant)


def rotate_refresh_token(access: AccessContext, refresh_token: str, proof: Proof) -> TokenResponse:
    """Return new tokens for a browser's refresh token and a proof of its key.

    Raises a TokenRequestError with the reason.
    """
    if not is_well_formed(refresh_token, REFRESH_TOKEN_PREFIX):
        raise InvalidGrant
    asked_at = utc_now()
    with access.database.writing() as session:
        outcome = _rotate(session, access, refresh_token, proof, asked_at)
    if isinstance(outcome, TokenRequestError):
        raise outcome
    return outcome


def _rotate(
    session: Session, access: AccessContext, refresh_token: str, proof: Proof, asked_at: datetime
) -> TokenResponse | TokenRequestError:
    """Return the tokens or the failure; raising it would roll the transaction back."""
    shown = session.scalar(
        select(RefreshToken).filter_by(token_hash=_refresh_hash(access, refresh_token))
    )
    if shown is None or shown.device.workspace_id != access.workspace_id:
        return InvalidGrant()
    device = shown.device
    if proof.thumbprint != device.key_thumbprint:
        _note_copy(session, access, device)
        return InvalidGrant()
    if not remember_proof(session, proof):
        return ProofRefused()
    try:
        _require_active(device)
    except TokenRequestError as failure:
        return failure
    following = _generation(session, device, shown.generation + 1)
    if following and following.received_at and following.received_at < asked_at:
        revoke_in(session, device, TokenReused.code)
        record_audit(session, access, None, "device.token_reused", device.public_id)
        return TokenReused()
    shown.received_at = shown.received_at or utc_now()
    device.expires_at = utc_now() + DEVICE_IDLE_TTL
    return _issue_successor(session, access, device, refresh_token, shown.generation + 1)


def authenticate_access_token(
    access: KeyedContext, access_token: str, proof: Proof, address: str
) -> Actor:
    """Return the actor of an access token whose key made the proof.

    The device is looked up each time. Raises InvalidToken or WorkspaceSuspended.
    """
    claims = _claims(access, access_token)
    if claims["cnf"] != {"jkt": proof.thumbprint} or not proof.is_about(access_token):
        raise InvalidToken
    refresh = find_shown(access, _ISSUED, claims["jti"])
    device = refresh.device
    if device.public_id != claims["sub"] or device.key_thumbprint != proof.thumbprint:
        raise InvalidToken
    if not is_first_use(access.of(device.workspace_id), proof):
        raise InvalidToken
    try:
        person = _require_active(device)
    except TokenRequestError:
        raise InvalidToken from None
    if refresh.received_at is None:
        _mark_used(access.of(device.workspace_id), refresh)
    return Actor(device, person, role_permissions(person), address)


def is_own_access_token(access: KeyedContext, access_token: str) -> bool:
    """Return whether crmlink signed a still valid access token, whichever client presents it."""
    try:
        _claims(access, access_token)
    except InvalidToken:
        return False
    return True


def delete_expired_refresh_tokens(access: AccessContext) -> int:
    """Delete tokens that can neither be used nor reveal a copy; returns how many."""
    with access.database.writing() as session:
        result = session.execute(
            delete(RefreshToken).where(
                RefreshToken.created_at < utc_now() - DEVICE_IDLE_TTL,
                RefreshToken.device_id.in_(
                    select(Device.id).where(
                        Device.workspace_id == access.workspace_id, Device.expires_at < utc_now()
                    )
                ),
            )
        )
    return int(result.rowcount)  # type: ignore[attr-defined] # a delete's result has it


def _note_copy(session: Session, access: AccessContext, device: Device) -> None:
    """Record that a browser's token was presented with another key, at most once a day."""
    moment, before = utc_now(), device.copy_seen_at
    if before is None or abs(moment - before) > COPY_AUDIT_INTERVAL:
        device.copy_seen_at = moment
        record_audit(session, access, None, "device.token_copied", device.public_id)


def _require_active(device: Device) -> Person:
    """Return the person a device acts for; raises DeviceRevoked or DeviceExpired."""
    person = device.person
    if device.revoked_at:
        raise TokenReused if device.revoked_because == TokenReused.code else DeviceRevoked
    if person is None or person.removed_at:
        raise DeviceRevoked
    if device.expires_at <= utc_now():
        raise DeviceExpired
    return person


def _issue_successor(
    session: Session, access: AccessContext, device: Device, secret: str, generation: int
) -> TokenResponse:
    """Return the tokens derived from a presented secret: the same ones each time."""
    token = derive_token(REFRESH_TOKEN_PREFIX, access.keyed_hash("following refresh token", secret))
    refresh = _generation(session, device, generation)
    if refresh is None:
        refresh = RefreshToken(
            device=device, generation=generation, token_hash=_refresh_hash(access, token)
        )
        session.add(refresh)
        session.flush()
    return TokenResponse(
        access_token=_access_token(access, refresh),
        refresh_token=token,
        expires_in=int(ACCESS_TOKEN_TTL.total_seconds()),
        device=device,
        person=_require_active(device),
    )


def _generation(session: Session, device: Device, generation: int) -> RefreshToken | None:
    return session.scalar(
        select(RefreshToken).filter_by(device_id=device.id, generation=generation)
    )


def _mark_used(access: AccessContext, refresh: RefreshToken) -> None:
    with access.database.writing() as session:
        row = session.get_one(RefreshToken, refresh.id)
        row.received_at = row.received_at or utc_now()


def _access_token(access: AccessContext, refresh: RefreshToken) -> str:
    moment = utc_now()
    begins = moment - CLOCK_SKEW  # for a server whose clock is behind this one's
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": refresh.device.public_id,
        "jti": refresh.public_id,
        "cnf": {"jkt": refresh.device.key_thumbprint},
        "iat": begins,
        "nbf": begins,
        "exp": moment + ACCESS_TOKEN_TTL,
    }
    return jwt.encode(claims, _key(access), ALGORITHM, headers={"typ": JWT_TYPE})


def _claims(access: KeyedContext, token: str) -> dict[str, Any]:
    try:
        if jwt.get_unverified_header(token).get("typ") != JWT_TYPE:
            raise InvalidToken
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(access),
            [ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": REQUIRED_CLAIMS, "strict_aud": True},
        )
    except (jwt.InvalidTokenError, ValueError):
        raise InvalidToken from None
    return claims


def _key(access: KeyedContext) -> bytes:
    """Return the signing key of access tokens, used for nothing else."""
    kdf = HKDF(hashes.SHA256(), 32, salt=None, info=b"crmlink access token")
    return kdf.derive(access.secret_key.encode())


def _refresh_hash(access: KeyedContext, token: str) -> str:
    return access.keyed_hash("refresh token", token).hex()
