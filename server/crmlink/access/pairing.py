"""Pairing of a browser as in RFC 8628: it shows a code, a signed-in person approves it.

Of several workspaces it belongs to none until then: to the person's who approves or denies it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import validate_device_name
from crmlink.access.dpop import remember_proof
from crmlink.access.errors import (
    InvalidGrant,
    NotAllowed,
    PairingDenied,
    PairingExpired,
    PairingNotFound,
    PairingPending,
    PairingSlowDown,
    ProofRefused,
    WorkspaceSuspended,
)
from crmlink.access.preferences import read_preferences
from crmlink.access.proofs import Proof
from crmlink.access.refresh_tokens import (
    TokenResponse,
    first_tokens_used,
    issue_first_tokens,
    reissue_first_tokens,
)
from crmlink.access.token_format import generate_token, is_well_formed
from crmlink.store import Pairing, PairingState, Workspace
from crmlink.store.base import CLOCK_SKEW, utc_now
from crmlink.store.quotas import Quota, require_room

DEVICE_CODE = "crmd_"
PAIRING_TTL = timedelta(minutes=10)
POLL_INTERVAL = 2  # seconds between polls of a browser
RETENTION = timedelta(days=1)  # kept after its end, so that a late poll gets the right error
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words (RFC 8628, section 6.1)
OPEN_STATES = (PairingState.WAITING, PairingState.NEEDS_ADMIN)


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """Response to a browser that requests pairing; times in seconds."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


def start_pairing(
    access: KeyedContext, browser: str, address: str, proof: Proof
) -> DeviceAuthorization:
    """Return a new pairing, valid for ten minutes, for the key that made the proof.

    ``browser`` is the browser's own name.
    """
    device_code = generate_token(DEVICE_CODE)
    with access.database.writing() as session:
        session.execute(delete(Pairing).where(Pairing.expires_at < utc_now() - RETENTION))
        pairing = Pairing(
            workspace_id=_only_workspace(session),
            device_code_hash=_hash(access, device_code),
            user_code=_new_user_code(session),
            browser=" ".join(browser.split()) or "A browser",
            address=address,
            expires_at=utc_now() + PAIRING_TTL,
            key_thumbprint=proof.thumbprint,
        )
        session.add(pairing)
    return DeviceAuthorization(
        device_code,
        format_user_code(pairing.user_code),
        int(PAIRING_TTL.total_seconds()),
        POLL_INTERVAL,
    )


def find_pairing(access: AccessContext, user_code: str) -> Pairing:
    """Return the pairing with this code, in any spelling; raises PairingNotFound."""
    with access.database.reading() as session:
        return _by_code(session, access, user_code)


def approve_pairing(access: AccessContext, actor: Actor, user_code: str, name: str) -> Pairing:
    """Approve a browser for the acting person, or request an admin's approval if required.

    An admin's approval of a requested one lets it act for the requesting person. Raises
    PairingNotFound, PairingExpired, InvalidFields, NotAllowed or QuotaReached.
    """
    name = validate_device_name(name)
    admin = "admin" in actor.permissions
    needs_admin = read_preferences(access).pairing_needs_admin and not admin
    with access.database.writing() as session:
        pairing = _open(session, access, user_code)
        if pairing.state is PairingState.NEEDS_ADMIN and not admin:
            raise NotAllowed
        if pairing.state is PairingState.WAITING:
            if actor.person is None:
                raise NotAllowed
            pairing.person_id, pairing.workspace_id = actor.person.id, access.workspace_id
        if not needs_admin:
            require_room(session, access.workspace_id, Quota.DEVICES)
        pairing.device_name = name
        pairing.state = PairingState.NEEDS_ADMIN if needs_admin else PairingState.APPROVED
        record_audit(session, access, actor, f"pairing.{pairing.state}", str(pairing.id))
        session.flush()
        session.refresh(pairing)
    return pairing


def deny_pairing(access: AccessContext, actor: Actor, user_code: str) -> Pairing:
    """Deny a pairing. Raises PairingNotFound, PairingExpired or NotAllowed."""
    with access.database.writing() as session:
        pairing = _open(session, access, user_code)
        if pairing.state is PairingState.NEEDS_ADMIN and "admin" not in actor.permissions:
            raise NotAllowed
        pairing.state, pairing.workspace_id = PairingState.DENIED, access.workspace_id
        record_audit(session, access, actor, "pairing.denied", str(pairing.id))
    return pairing


def list_awaiting_admin(access: AccessContext) -> list[Pairing]:
    """Return pairings approved by a person that an admin must approve too."""
    query = (
        select(Pairing)
        .filter_by(workspace_id=access.workspace_id, state=PairingState.NEEDS_ADMIN)
        .where(Pairing.expires_at > utc_now())
        .order_by(Pairing.id)
    )
    with access.database.reading() as session:
        return list(session.scalars(query))


def exchange_device_code(access: KeyedContext, device_code: str, proof: Proof) -> TokenResponse:
    """Return the tokens of an approved browser; the same ones until it has used them.

    Only for the key that started the pairing. Raises a TokenRequestError with the reason, or
    WorkspaceSuspended.
    """
    if not is_well_formed(device_code, DEVICE_CODE):
        raise InvalidGrant
    with access.database.writing() as session:
        query = select(Pairing).filter_by(device_code_hash=_hash(access, device_code))
        pairing = session.scalar(query)
        if pairing is None or pairing.key_thumbprint != proof.thumbprint:
            raise InvalidGrant
        if not remember_proof(session, proof):
            raise ProofRefused
        hasty = _polls_too_fast(pairing)
        pairing.last_polled_at = utc_now()
        if pairing.workspace_id is not None:
            if session.get_one(Workspace, pairing.workspace_id).suspended_at:
                raise WorkspaceSuspended
            own = access.of(pairing.workspace_id)
            if grant := _tokens_of(session, own, pairing, device_code):
                return grant
    if pairing.state is PairingState.DENIED:
        raise PairingDenied
    if is_expired(pairing):
        raise PairingExpired
    raise PairingSlowDown if hasty else PairingPending


def _tokens_of(
    session: Session, access: AccessContext, pairing: Pairing, device_code: str
) -> TokenResponse | None:
    """Return the first tokens of an approved pairing; None before, and where it was denied."""
    if pairing.state is PairingState.APPROVED and not is_expired(pairing):
        pairing.state = PairingState.REDEEMED
        grant = issue_first_tokens(session, access, pairing, device_code)
        pairing.device_id = grant.device.id
        return grant
    if pairing.state is PairingState.REDEEMED and pairing.device:
        if first_tokens_used(session, pairing.device):
            raise InvalidGrant
        return reissue_first_tokens(session, access, pairing.device, device_code)
    return None


def is_expired(pairing: Pairing) -> bool:
    """Return whether its ten minutes have passed."""
    return not utc_now() < pairing.expires_at <= utc_now() + PAIRING_TTL + CLOCK_SKEW


def format_user_code(user_code: str) -> str:
    """Return a code as displayed: BCDF-GHJK."""
    return f"{user_code[:4]}-{user_code[4:]}"


def _polls_too_fast(pairing: Pairing) -> bool:
    last = pairing.last_polled_at
    return last is not None and timedelta() <= utc_now() - last < timedelta(
        seconds=POLL_INTERVAL * 0.75
    )


def _open(session: Session, access: AccessContext, user_code: str) -> Pairing:
    pairing = _by_code(session, access, user_code)
    if is_expired(pairing) or pairing.state not in OPEN_STATES:
        raise PairingExpired
    return pairing


def _by_code(session: Session, access: AccessContext, user_code: str) -> Pairing:
    code = "".join(letter for letter in user_code.upper() if letter.isalnum())
    mine = or_(Pairing.workspace_id.is_(None), Pairing.workspace_id == access.workspace_id)
    pairing = session.scalar(select(Pairing).where(mine, Pairing.user_code == code))
    if pairing is None:
        raise PairingNotFound
    return pairing


def _only_workspace(session: Session) -> int | None:
    """Return the id of the only workspace, None where there are several."""
    ids = session.scalars(select(Workspace.id).limit(2)).all()
    return ids[0] if len(ids) == 1 else None


def _new_user_code(session: Session) -> str:
    while True:
        code = "".join(secrets.choice(USER_CODE_ALPHABET) for _ in range(8))
        if session.scalar(select(Pairing.id).filter_by(user_code=code)) is None:
            return code


def _hash(access: KeyedContext, device_code: str) -> str:
    return access.keyed_hash("device code", device_code).hex()
