"""Connecting a browser, in the shape of RFC 8628: it shows a code, a signed-in person approves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crmlink.access.context import Actor, Office, note
from crmlink.access.devices import device_name
from crmlink.access.dpop import remember_proof
from crmlink.access.errors import (
    GrantRefused,
    NotAllowed,
    PairingDenied,
    PairingHasty,
    PairingOver,
    PairingPending,
    PairingUnknown,
    ProofRefused,
)
from crmlink.access.preferences import read_preferences
from crmlink.access.proofs import Proof
from crmlink.access.refresh_tokens import Grant, first_grant, is_received, repeated_grant
from crmlink.access.token_format import is_well_formed, new_secret
from crmlink.store import Pairing, PairingState
from crmlink.store.models import now

DEVICE_CODE = "crmd_"
LIFE = timedelta(minutes=10)
INTERVAL = 2  # seconds between two questions of a browser
KEPT = timedelta(days=1)  # after its end, so that a late question gets a true answer
CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no words; RFC 8628, section 6.1
OPEN = (PairingState.WAITING, PairingState.NEEDS_ADMIN)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser that asks to be connected is told; times in seconds."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


def begin_pairing(office: Office, browser: str, address: str, proof: Proof) -> Begun:
    """Return a new pairing, good for ten minutes, for the key that made the proof.

    ``browser`` is what it says it is.
    """
    device_code = new_secret(DEVICE_CODE)
    with office.database.writing() as session:
        session.execute(delete(Pairing).where(Pairing.expires_at < now() - KEPT))
        pairing = Pairing(
            workspace_id=office.workspace_id,
            device_code_hash=_hash(office, device_code),
            user_code=_free_code(session),
            browser=" ".join(browser.split()) or "A browser",
            address=address,
            expires_at=now() + LIFE,
            key_thumbprint=proof.thumbprint,
        )
        session.add(pairing)
    return Begun(device_code, shown(pairing.user_code), int(LIFE.total_seconds()), INTERVAL)


def find_pairing(office: Office, user_code: str) -> Pairing:
    """The pairing that shows this code, however it was typed; raises PairingUnknown."""
    with office.database.reading() as session:
        return _by_code(session, office, user_code)


def approve_pairing(office: Office, actor: Actor, user_code: str, name: str) -> Pairing:
    """Let a browser act for the person who approves it; or ask an admin, where that is required.

    An admin who approves one that waits for an admin lets it act for who asked. Raises
    PairingUnknown, PairingOver, FieldsWrong or NotAllowed.
    """
    name = device_name(name)
    admin = "admin" in actor.permissions
    needs_admin = read_preferences(office).pairing_needs_admin and not admin
    with office.database.writing() as session:
        pairing = _open(session, office, user_code)
        if pairing.state is PairingState.NEEDS_ADMIN and not admin:
            raise NotAllowed
        if pairing.state is PairingState.WAITING:
            if actor.person is None:
                raise NotAllowed
            pairing.person_id = actor.person.id
        pairing.device_name = name
        pairing.state = PairingState.NEEDS_ADMIN if needs_admin else PairingState.APPROVED
        note(session, office, actor, f"pairing.{pairing.state}", str(pairing.id))
        session.flush()
        session.refresh(pairing)
    return pairing


def deny_pairing(office: Office, actor: Actor, user_code: str) -> Pairing:
    """Refuse a browser. Raises PairingUnknown, PairingOver or NotAllowed."""
    with office.database.writing() as session:
        pairing = _open(session, office, user_code)
        if pairing.state is PairingState.NEEDS_ADMIN and "admin" not in actor.permissions:
            raise NotAllowed
        pairing.state = PairingState.DENIED
        note(session, office, actor, "pairing.denied", str(pairing.id))
    return pairing


def waiting_for_admin(office: Office) -> list[Pairing]:
    """Pairings that a person approved and that an admin must approve too."""
    query = (
        select(Pairing)
        .filter_by(workspace_id=office.workspace_id, state=PairingState.NEEDS_ADMIN)
        .where(Pairing.expires_at > now())
        .order_by(Pairing.id)
    )
    with office.database.reading() as session:
        return list(session.scalars(query))


def redeem(office: Office, device_code: str, proof: Proof) -> Grant:
    """Return the tokens of an approved browser; the same again until it has used them once.

    Only for the key that the pairing began with. Raises a GrantFailure that says why there are none
    (yet).
    """
    if not is_well_formed(device_code, DEVICE_CODE):
        raise GrantRefused
    with office.database.writing() as session:
        query = select(Pairing).filter_by(
            workspace_id=office.workspace_id, device_code_hash=_hash(office, device_code)
        )
        pairing = session.scalar(query)
        if pairing is None or pairing.key_thumbprint != proof.thumbprint:
            raise GrantRefused
        if not remember_proof(session, proof):
            raise ProofRefused
        hasty = _asked_again_too_soon(pairing)
        pairing.last_polled_at = now()
        if pairing.state is PairingState.APPROVED and not is_over(pairing):
            pairing.state = PairingState.REDEEMED
            grant = first_grant(session, office, pairing, device_code)
            pairing.device_id = grant.device.id
            return grant
        if pairing.state is PairingState.REDEEMED and pairing.device:
            if is_received(session, pairing.device):
                raise GrantRefused
            return repeated_grant(session, office, pairing.device, device_code)
    if pairing.state is PairingState.DENIED:
        raise PairingDenied
    if is_over(pairing):
        raise PairingOver
    raise PairingHasty if hasty else PairingPending


def is_over(pairing: Pairing) -> bool:
    """Whether its ten minutes have passed."""
    return not now() < pairing.expires_at <= now() + LIFE


def shown(user_code: str) -> str:
    """A code as both sides show it: BCDF-GHJK."""
    return f"{user_code[:4]}-{user_code[4:]}"


def _asked_again_too_soon(pairing: Pairing) -> bool:
    last = pairing.last_polled_at
    return last is not None and timedelta() <= now() - last < timedelta(seconds=INTERVAL * 0.75)


def _open(session: Session, office: Office, user_code: str) -> Pairing:
    pairing = _by_code(session, office, user_code)
    if is_over(pairing) or pairing.state not in OPEN:
        raise PairingOver
    return pairing


def _by_code(session: Session, office: Office, user_code: str) -> Pairing:
    code = "".join(letter for letter in user_code.upper() if letter.isalnum())
    pairing = session.scalar(
        select(Pairing).filter_by(workspace_id=office.workspace_id, user_code=code)
    )
    if pairing is None:
        raise PairingUnknown
    return pairing


def _free_code(session: Session) -> str:
    while True:
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
        if session.scalar(select(Pairing.id).filter_by(user_code=code)) is None:
            return code


def _hash(office: Office, device_code: str) -> str:
    return office.keyed("device code", device_code).hex()
