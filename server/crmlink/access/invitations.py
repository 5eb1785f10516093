"""One-time links: made, emailed, found and ended. The token itself is never stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, KeyedContext
from crmlink.access.errors import InvalidInvitation
from crmlink.access.owner import find_owner, owner_query
from crmlink.access.token_format import derive_token, generate_token, is_well_formed
from crmlink.store import Invitation, MailKind, MailMessage, Person
from crmlink.store.base import utc_now
from crmlink.store.mail import queue_message

INVITATION = "crmi_"
SET_UP_CODE = "crmf_"  # of the first admin, for use on the server's own computer alone
INVITATION_TTL = timedelta(days=7)
_OWNER = owner_query(
    select(Invitation.workspace_id).where(Invitation.token_hash == bindparam("shown"))
)


def workspace_of_invitation(access: KeyedContext, token: str) -> int:
    """Return the id of the workspace of a one-time link; raises InvalidInvitation."""
    return find_owner(access, _OWNER, _hash(access, token), InvalidInvitation)


def create_invitation(
    session: Session,
    access: AccessContext,
    person: Person | None,
    prefix: str = INVITATION,
    *,
    by_email: bool = False,
) -> str:
    """Return a new one-time link's token, the only valid one of a known person."""
    if person:
        end_invitations(session, access, person)
    token = generate_token(prefix)
    if by_email:
        message = queue_message(session, access.workspace_id, MailKind.INVITATION, person)
        token = emailed_token(access, message)
    add_invitation(session, access, person, token, utc_now() + INVITATION_TTL)
    return token


def add_invitation(
    session: Session,
    access: AccessContext,
    person: Person | None,
    token: str,
    expires_at: datetime,
) -> None:
    """Make a token valid as a one-time link, in a writing session."""
    session.add(
        Invitation(
            workspace_id=access.workspace_id,
            person_id=person.id if person else None,
            token_hash=_hash(access, token),
            expires_at=expires_at,
        )
    )


def emailed_token(access: AccessContext, message: MailMessage) -> str:
    """Return the token of the link in an email; only the server can derive it from the outbox."""
    return derive_token(INVITATION, access.keyed_hash("emailed link", message.public_id))


def find_open_invitation(session: Session, access: AccessContext, token: str) -> Invitation:
    """Return the invitation of a link that was not used and has not expired.

    Raises InvalidInvitation.
    """
    if not any(is_well_formed(token, prefix) for prefix in (INVITATION, SET_UP_CODE)):
        raise InvalidInvitation
    invitation = session.scalar(
        select(Invitation).filter_by(
            workspace_id=access.workspace_id,
            token_hash=_hash(access, token),
            used_at=None,
        )
    )
    if invitation is None or invitation.expires_at <= utc_now():
        raise InvalidInvitation
    return invitation


def open_invitation_until(session: Session, access: AccessContext, token: str) -> datetime | None:
    """Return when a one-time link expires; None if it no longer works."""
    try:
        return find_open_invitation(session, access, token).expires_at
    except InvalidInvitation:
        return None


def end_invitations(session: Session, access: AccessContext, person: Person) -> None:
    """End all one-time links of a person, in a writing session."""
    session.execute(
        update(Invitation)
        .where(
            Invitation.workspace_id == access.workspace_id,
            Invitation.person_id == person.id,
            Invitation.used_at.is_(None),
        )
        .values(used_at=utc_now())
    )


def _hash(access: KeyedContext, token: str) -> str:
    return access.keyed_hash("invitation", token).hex()
