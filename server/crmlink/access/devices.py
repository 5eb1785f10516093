"""What acts for people: paired browsers, the pages themselves, and the server's command line."""

from __future__ import annotations

import enum
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.access.context import Actor, Office, note
from crmlink.access.errors import DeviceUnknown, FieldsWrong, NotAllowed
from crmlink.access.roles import ADMIN
from crmlink.store import Device, DeviceSort, Pairing, PairingState, Person
from crmlink.store.models import new_id, now

LONGEST_NAME = 80
WARNED = timedelta(days=14)  # before a token's end
COPY_TOLD = timedelta(days=14)  # how long admins are told of a copy
MAKER_ENDED = "maker-ended"  # why a token ended that another token had made


class Standing(enum.StrEnum):
    """How a browser or a token stands; only tokens, which no use prolongs, are expiring."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


def standing(device: Device) -> Standing:
    """How a browser or a token stands now."""
    if device.revoked_at:
        return Standing.REVOKED
    left = device.expires_at - now()
    if left <= timedelta(0):
        return Standing.EXPIRED
    warned = device.sort is DeviceSort.SCRIPT and left < WARNED
    return Standing.EXPIRING if warned else Standing.VALID


def was_copied(device: Device) -> bool:
    """Return whether a copy of a browser's tokens was tried lately, and the browser still works."""
    seen = device.copy_seen_at
    return seen is not None and device.revoked_at is None and now() - seen < COPY_TOLD


def list_devices(office: Office, person: Person | None = None) -> list[Device]:
    """The paired browsers of a workspace, or of one person; the newest first, ended ones too."""
    query = (
        select(Device)
        .filter_by(workspace_id=office.workspace_id, sort=DeviceSort.BROWSER)
        .order_by(Device.id.desc())
    )
    if person:
        query = query.filter_by(person_id=person.id)
    with office.database.reading() as session:
        return list(session.scalars(query))


def revoke_device(office: Office, actor: Actor, public_id: str) -> Device:
    """Refuse a browser or a token from now on; its own person may, and an admin.

    Raises DeviceUnknown or NotAllowed.
    """
    with office.database.writing() as session:
        device = _revocable(session, office, actor, public_id)
        if device.revoked_at is None:
            own = device.id == actor.device.id
            also = end_device(session, device, "disconnected" if own else "revoked")
            note(session, office, actor, "device.revoked", public_id, **also_ended(also))
    return device


def rename_device(office: Office, actor: Actor, public_id: str, name: str) -> Device:
    """Give a browser or token another name. Raises DeviceUnknown, NotAllowed or FieldsWrong."""
    name = device_name(name)
    with office.database.writing() as session:
        device = _revocable(session, office, actor, public_id)
        device.name = name
        note(session, office, actor, "device.renamed", public_id)
    return device


def end_device(session: Session, device: Device, because: str) -> list[str]:
    """Refuse a device from now on, and the tokens made with it, in a writing session.

    Return the public ids of those tokens.
    """
    device.revoked_at, device.revoked_because = now(), because
    ended = []
    for made in session.scalars(select(Device).filter_by(made_by_id=device.id, revoked_at=None)):
        ended += [made.public_id, *end_device(session, made, MAKER_ENDED)]
    return ended


def end_browsers(session: Session, person: Person) -> list[str]:
    """End a person's browsers, and what they approved that has not come yet, in a writing session.

    Return the public ids of the browsers.
    """
    browsers = session.scalars(
        select(Device).filter_by(person_id=person.id, sort=DeviceSort.BROWSER, revoked_at=None)
    ).all()
    for browser in browsers:
        end_device(session, browser, "revoked")
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
    """Return the audit's details of browsers that ended with something else."""
    return {"browsers": browsers} if browsers else {}


def also_ended(tokens: list[str]) -> dict[str, list[str]]:
    """Return the audit's details of tokens that ended with the one that made them."""
    return {"also": tokens} if tokens else {}


def device_name(text: str) -> str:
    """A name fit for a device; raises FieldsWrong."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise FieldsWrong(errors=[f"name: Give it a name of up to {LONGEST_NAME} letters."])
    return name


def command_line_actor(office: Office) -> Actor:
    """Whoever sits at the server's own command line, who could read the database anyway."""
    return Actor(_standing(office, DeviceSort.COMMAND_LINE, "Command line", None), None, ADMIN)


def pages_device(office: Office, person: Person) -> Device:
    """The device that acts for a person who works in the pages."""
    return _standing(office, DeviceSort.PAGES, "crmlink's pages", person)


def _standing(office: Office, sort: DeviceSort, name: str, person: Person | None) -> Device:
    """A device without a token, made when it is first needed."""
    query = select(Device).filter_by(
        workspace_id=office.workspace_id, sort=sort, person_id=person.id if person else None
    )
    with office.database.reading() as session:
        device = session.scalar(query)
    if device:
        return device
    with office.database.writing() as session:
        device = session.scalar(query)
        if device is None:
            mark = f"{sort} {new_id()}"
            device = Device(
                workspace_id=office.workspace_id,
                sort=sort,
                name=name,
                person=session.merge(person, load=False) if person else None,
                prefix=mark,
                token_hash=mark,
                scopes=[],
                expires_at=now(),
            )
            session.add(device)
    return device


def _revocable(session: Session, office: Office, actor: Actor, public_id: str) -> Device:
    device = session.scalar(
        select(Device)
        .filter_by(workspace_id=office.workspace_id, public_id=public_id)
        .where(Device.sort.in_([DeviceSort.BROWSER, DeviceSort.SCRIPT]))
    )
    if device is None:
        raise DeviceUnknown
    if "admin" not in actor.permissions and not actor.owns(device):
        raise NotAllowed
    return device
