"""Devices: paired browsers, the web pages, and the server's command line."""

from __future__ import annotations

import enum
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.errors import DeviceNotFound, InvalidFields, NotAllowed
from crmlink.access.roles import ADMIN
from crmlink.store import Device, DeviceType, Pairing, PairingState, Person
from crmlink.store.base import new_id, utc_now

MAX_NAME_LENGTH = 80
EXPIRY_WARNING = timedelta(days=14)  # before a token's end
COPY_WARNING_TTL = timedelta(days=14)  # how long admins are warned of a copy
MAKER_ENDED = "maker-ended"  # reason: the token that created it ended


class DeviceStatus(enum.StrEnum):
    """Status of a browser or token; only tokens, whose use does not extend them, expire."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


def device_status(device: Device) -> DeviceStatus:
    """Return the status of a browser or token."""
    if device.revoked_at:
        return DeviceStatus.REVOKED
    left = device.expires_at - utc_now()
    if left <= timedelta(0):
        return DeviceStatus.EXPIRED
    warned = device.sort is DeviceType.SCRIPT and left < EXPIRY_WARNING
    return DeviceStatus.EXPIRING if warned else DeviceStatus.VALID


def was_copied(device: Device) -> bool:
    """Return whether a copy of an active browser's tokens was used recently."""
    seen = device.copy_seen_at
    return seen is not None and device.revoked_at is None and utc_now() - seen < COPY_WARNING_TTL


def list_devices(access: AccessContext, person: Person | None = None) -> list[Device]:
    """Return the paired browsers of a workspace or person, newest first, ended ones included."""
    query = (
        select(Device)
        .filter_by(workspace_id=access.workspace_id, sort=DeviceType.BROWSER)
        .order_by(Device.id.desc())
    )
    if person:
        query = query.filter_by(person_id=person.id)
    with access.database.reading() as session:
        return list(session.scalars(query))


def revoke_device(access: AccessContext, actor: Actor, public_id: str) -> Device:
    """Revoke a browser or token; allowed for its own person and admins.

    Raises DeviceNotFound or NotAllowed.
    """
    with access.database.writing() as session:
        device = _revocable(session, access, actor, public_id)
        if device.revoked_at is None:
            own = device.id == actor.device.id
            also = revoke_in(session, device, "disconnected" if own else "revoked")
            record_audit(session, access, actor, "device.revoked", public_id, **also_ended(also))
    return device


def rename_device(access: AccessContext, actor: Actor, public_id: str, name: str) -> Device:
    """Rename a browser or token. Raises DeviceNotFound, NotAllowed or InvalidFields."""
    name = validate_device_name(name)
    with access.database.writing() as session:
        device = _revocable(session, access, actor, public_id)
        device.name = name
        record_audit(session, access, actor, "device.renamed", public_id)
    return device


def revoke_in(session: Session, device: Device, because: str) -> list[str]:
    """Revoke a device, and the tokens created with it, in a writing session.

    Returns the public ids of those tokens.
    """
    device.revoked_at, device.revoked_because = utc_now(), because
    ended = []
    for made in session.scalars(select(Device).filter_by(made_by_id=device.id, revoked_at=None)):
        ended += [made.public_id, *revoke_in(session, made, MAKER_ENDED)]
    return ended


def end_browsers(session: Session, person: Person) -> list[str]:
    """Revoke a person's browsers and pairings they approved, in a writing session.

    Returns the public ids of the browsers.
    """
    browsers = session.scalars(
        select(Device).filter_by(person_id=person.id, sort=DeviceType.BROWSER, revoked_at=None)
    ).all()
    for browser in browsers:
        revoke_in(session, browser, "revoked")
    session.execute(
        update(Pairing)
        .where(
            Pairing.person_id == person.id,
            Pairing.state.in_([PairingState.NEEDS_ADMIN, PairingState.APPROVED]),
        )
        .values(state=PairingState.DENIED)
    )
    return [browser.public_id for browser in browsers]


def ended_browsers(browsers: list[str]) -> dict[str, list[str]]:
    """Return the audit details of browsers revoked together with something else."""
    return {"browsers": browsers} if browsers else {}


def also_ended(tokens: list[str]) -> dict[str, list[str]]:
    """Return the audit details of tokens revoked with the one that created them."""
    return {"also": tokens} if tokens else {}


def validate_device_name(text: str) -> str:
    """Return a valid device name; raises InvalidFields."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidFields(errors=[f"name: Enter a name of up to {MAX_NAME_LENGTH} characters."])
    return name


def command_line_actor(access: AccessContext) -> Actor:
    """Return the actor of the server's command line, whose user can read the database anyway."""
    return Actor(
        _get_or_create_device(access, DeviceType.COMMAND_LINE, "Command line", None), None, ADMIN
    )


def web_device(access: AccessContext, person: Person) -> Device:
    """Return the device that acts for a person in the web pages."""
    return _get_or_create_device(access, DeviceType.PAGES, "crmlink's pages", person)


def _get_or_create_device(
    access: AccessContext, sort: DeviceType, name: str, person: Person | None
) -> Device:
    """Return a device without a token, created when first needed."""
    query = select(Device).filter_by(
        workspace_id=access.workspace_id, sort=sort, person_id=person.id if person else None
    )
    with access.database.reading() as session:
        device = session.scalar(query)
    if device:
        return device
    with access.database.writing() as session:
        device = session.scalar(query)
        if device is None:
            mark = f"{sort} {new_id()}"
            device = Device(
                workspace_id=access.workspace_id,
                sort=sort,
                name=name,
                person=session.merge(person, load=False) if person else None,
                prefix=mark,
                token_hash=mark,
                scopes=[],
                expires_at=utc_now(),
            )
            session.add(device)
    return device


def _revocable(session: Session, access: AccessContext, actor: Actor, public_id: str) -> Device:
    device = session.scalar(
        select(Device)
        .filter_by(workspace_id=access.workspace_id, public_id=public_id)
        .where(Device.sort.in_([DeviceType.BROWSER, DeviceType.SCRIPT]))
    )
    if device is None:
        raise DeviceNotFound
    if "admin" not in actor.permissions and not actor.owns(device):
        raise NotAllowed
    return device
