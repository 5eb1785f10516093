"""Script tokens: created by an admin, shown once, stored as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, or_, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import also_ended, revoke_in, validate_device_name
from crmlink.access.errors import BeyondToken, DeviceNotFound, InvalidFields, InvalidToken
from crmlink.access.owner import find_shown
from crmlink.access.roles import SCOPES, permissions_of_scopes
from crmlink.access.token_format import generate_token, is_well_formed
from crmlink.store import Device, DeviceType, Person, Workspace
from crmlink.store.base import utc_now
from crmlink.store.quotas import Quota, require_room

PREFIX = "crm_"
DISPLAY_PREFIX_LENGTH = len(PREFIX) + 8  # displayed prefix of a token
DEFAULT_SCOPES = ("suggest", "link", "read", "batch")
DEFAULT_DAYS = 90
MAX_DAYS = 365
_SHOWN = (
    select(Device, Workspace.suspended_at)
    .join(Workspace, Workspace.id == Device.workspace_id)
    .where(
        Device.sort == DeviceType.SCRIPT,
        or_(Device.token_hash == bindparam("shown"), Device.previous_hash == bindparam("shown")),
    )
)  # built once: every request of a script asks it


def create_api_token(
    access: AccessContext,
    actor: Actor,
    name: str,
    scopes: tuple[str, ...] = DEFAULT_SCOPES,
    days: int | None = None,
) -> tuple[Device, str]:
    """Return a new token's device, and the token, which cannot be shown again.

    Without ``days`` it gets the default lifetime, but no more than a token that creates it. Raises
    InvalidFields or QuotaReached; BeyondToken for a script that requests more scopes or a later end
    than its own.
    """
    name = validate_device_name(name)
    errors = []
    if not scopes or set(scopes) - set(SCOPES):
        errors.append(f"scopes: Choose one or more of {', '.join(SCOPES)}.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        errors.append(f"days: Choose from 1 to {MAX_DAYS} days.")
    if errors:
        raise InvalidFields(errors=errors)
    _refuse_more_scopes(actor, scopes)
    expires_at = utc_now() + timedelta(days=DEFAULT_DAYS if days is None else days)
    if actor.ends_at and expires_at > actor.ends_at:
        if days is not None:
            raise BeyondToken
        expires_at = actor.ends_at
    token = generate_token(PREFIX)
    with access.database.writing() as session:
        require_room(session, access.workspace_id, Quota.DEVICES)
        device = Device(
            workspace_id=access.workspace_id,
            made_by_id=actor.device.id if actor.is_script else None,
            person=session.get_one(Person, actor.person.id) if actor.person else None,
            sort=DeviceType.SCRIPT,
            name=name,
            prefix=token[:DISPLAY_PREFIX_LENGTH],
            token_hash=_hash(access, token),
            scopes=sorted(set(scopes), key=SCOPES.index),
            expires_at=expires_at,
        )
        session.add(device)
        session.flush()
        record_audit(
            session, access, actor, "token.created", device.public_id,
            scopes=device.scopes, until=expires_at.date().isoformat(),
        )  # fmt: skip
    return device, token


def list_tokens(access: AccessContext) -> list[Device]:
    """Return the tokens of a workspace, newest first, revoked ones included."""
    query = _tokens(access).order_by(Device.id.desc())
    with access.database.reading() as session:
        return list(session.scalars(query))


def authenticate_api_token(access: KeyedContext, token: str, address: str) -> Actor:
    """Return the actor of a script's token; raises InvalidToken or WorkspaceSuspended."""
    if not is_well_formed(token, PREFIX):
        raise InvalidToken
    shown = _hash(access, token)
    device = find_shown(access, _SHOWN, shown)
    if device.revoked_at or _expires_at(device, shown) <= utc_now():
        raise InvalidToken
    if device.person and device.person.removed_at:
        raise InvalidToken
    if device.previous_hash and device.token_hash == shown:
        _retire_previous(access.of(device.workspace_id), device)
    permissions = permissions_of_scopes(device.scopes, device.person)
    return Actor(device, device.person, permissions, address, _expires_at(device, shown))


def rotate_token(access: AccessContext, actor: Actor, public_id: str) -> tuple[Device, str]:
    """Return a token's device with a new token that replaces the previous one.

    The previous one stays valid until the new one is first used, or its end. The new one gets the
    old one's original lifetime, limited by a token that requests it. If the old one was never used,
    its predecessor stays valid: the script still has that. Raises DeviceNotFound; BeyondToken for a
    script that rotates a token other than itself and those it created, or that has fewer scopes or
    an earlier end; QuotaReached for an expired token, which would count again.
    """
    token = generate_token(PREFIX)
    with access.database.writing() as session:
        device = _find(session, access, public_id)
        if device.revoked_at:
            raise DeviceNotFound
        if actor.is_script and not _was_made_with(session, device, actor.device):
            raise BeyondToken
        _refuse_more_scopes(actor, device.scopes)
        if actor.ends_at and device.expires_at > actor.ends_at and not actor.owns(device):
            raise BeyondToken
        if device.expires_at <= utc_now():
            require_room(session, access.workspace_id, Quota.DEVICES)
        lifetime = device.expires_at - (device.rotated_at or device.created_at)
        if device.previous_expires_at is None or device.previous_expires_at <= utc_now():
            device.previous_hash, device.previous_expires_at = device.token_hash, device.expires_at
        device.token_hash, device.prefix = _hash(access, token), token[:DISPLAY_PREFIX_LENGTH]
        device.rotated_at = utc_now()
        device.expires_at = utc_now() + lifetime
        if actor.ends_at:
            device.expires_at = min(device.expires_at, actor.ends_at)
        record_audit(session, access, actor, "token.rotated", device.public_id)
    return device, token


def revoke_token(access: AccessContext, actor: Actor, name: str) -> Device:
    """Revoke a token, given by its id or its prefix; raises DeviceNotFound."""
    with access.database.writing() as session:
        device = _find(session, access, name)
        if device.revoked_at is None:
            also = revoke_in(session, device, "revoked")
            record_audit(
                session, access, actor, "token.revoked", device.public_id, **also_ended(also)
            )
    return device


def revoke_all_tokens(access: AccessContext, actor: Actor) -> int:
    """Revoke every token of the workspace; returns how many were valid."""
    with access.database.writing() as session:
        ended = session.scalars(
            update(Device)
            .where(
                Device.workspace_id == access.workspace_id,
                Device.sort == DeviceType.SCRIPT,
                Device.revoked_at.is_(None),
            )
            .values(revoked_at=utc_now(), revoked_because="revoked")
            .returning(Device.public_id)
        ).all()
        record_audit(session, access, actor, "token.all_revoked", "workspace", tokens=sorted(ended))
    return len(ended)


def _refuse_more_scopes(actor: Actor, scopes: Iterable[str]) -> None:
    if actor.is_script and not set(scopes) <= set(actor.device.scopes):
        raise BeyondToken


def _was_made_with(session: Session, device: Device, maker: Device) -> bool:
    """Return whether a token is the creator itself, or was created with it, also indirectly."""
    link: Device | None = device
    while link is not None and link.id != maker.id:
        link = session.get(Device, link.made_by_id) if link.made_by_id else None
    return link is not None


def _retire_previous(access: AccessContext, device: Device) -> None:
    with access.database.writing() as session:
        session.execute(
            update(Device)
            .where(Device.id == device.id, Device.token_hash == device.token_hash)
            .values(previous_hash=None, previous_expires_at=None)
        )


def _expires_at(device: Device, shown: str) -> datetime:
    """Return the end of the token with this hash: the current one's or the previous one's."""
    previous = device.previous_expires_at if shown == device.previous_hash else None
    return previous or device.expires_at


def _find(session: Session, access: AccessContext, name: str) -> Device:
    begins = Device.prefix.startswith(name[:DISPLAY_PREFIX_LENGTH], autoescape=True)
    found = session.scalars(_tokens(access).where(or_(Device.public_id == name, begins))).all()
    if len(found) != 1 or len(name) <= len(PREFIX):
        raise DeviceNotFound
    return found[0]


def _tokens(access: AccessContext) -> Select[Device]:
    return select(Device).filter_by(workspace_id=access.workspace_id, sort=DeviceType.SCRIPT)


def _hash(access: KeyedContext, token: str) -> str:
    return hmac.new(access.secret_key.encode(), token.encode(), hashlib.sha256).hexdigest()
