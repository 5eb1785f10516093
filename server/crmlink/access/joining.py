"""Joining a firm by a one-time link, by a new password or a login of another firm; leaving it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import end_browsers, ended_browsers
from crmlink.access.errors import InvalidCredentials
from crmlink.access.invitations import end_invitations
from crmlink.access.logins import enter_login, join_logins, leave_login
from crmlink.access.operators import begin_operating
from crmlink.access.passwords import hash_password
from crmlink.access.people import (
    checked_email,
    checked_name,
    end_web_sessions,
    find_invitation,
    remove_person,
    require_free_email,
    valid_invitation,
)
from crmlink.store import Person, Role
from crmlink.store.base import utc_now


def accept_invitation(
    access: AccessContext,
    token: str,
    password: str,
    name: str = "",
    email: str = "",
    *,
    browsers_too: bool = False,
) -> Person:
    """Set the password of an invited person; the first admin also gives name and email.

    Ends all sessions of the old password, and with ``browsers_too`` all their browsers. An admin
    of the firm may have the link, so it sets no password of another firm: the person leaves their
    login. Raises InvalidInvitation, WeakPassword, InvalidFields or EmailTaken.
    """
    person = find_invitation(access, token).person
    name = person.name if person else checked_name(name)
    email = person.email if person else checked_email(email)
    password_hash = hash_password(password, name, email)
    with access.database.writing() as session:
        person, is_first = _use_link(session, access, token, name, email)
        person.password_hash = password_hash
        _note_joined(session, access, person, browsers_too=browsers_too)
        if is_first:
            begin_operating(session, person)
    return person


def join_with_login(
    context: KeyedContext,
    access: AccessContext,
    token: str,
    people: Sequence[Person],
    *,
    browsers_too: bool = False,
) -> Person:
    """Let an invited person join with a login that they have: no second password is set.

    ``people`` are those whose password a sign-in has just proved. The first admin of a firm has
    the name and the email of that login. Raises InvalidCredentials where none of them is of
    another firm, or none is any more, InvalidInvitation or EmailTaken.
    """
    elsewhere = [person for person in people if person.workspace_id != access.workspace_id]
    if not elsewhere:
        raise InvalidCredentials
    join_logins(context, elsewhere)
    proved = elsewhere[0]
    with context.database.writing() as session:
        row = session.get_one(Person, proved.id)
        if row.removed_at is not None or row.password_hash != proved.password_hash:
            raise InvalidCredentials
        person, _ = _use_link(session, access, token, row.name, row.email)
        enter_login(session, person, row)
        _note_joined(session, access, person, browsers_too=browsers_too)
    return person


def leave_firm(access: AccessContext, actor: Actor) -> None:
    """End the actor's own place in a firm, as a removal does. Raises LastAdmin."""
    assert actor.person is not None  # noqa: S101 # pages are for people
    remove_person(access, actor, actor.person.public_id, "person.left")


def _use_link(
    session: Session, access: AccessContext, token: str, name: str, email: str
) -> tuple[Person, bool]:
    """Return the person of a one-time link, who leaves their login, and whether they are new."""
    invitation = valid_invitation(session, access, token)
    invitation.used_at = utc_now()
    person = invitation.person
    is_new = person is None
    if person is None:
        require_free_email(session, access, email)
        person = Person(workspace_id=access.workspace_id, name=name, email=email, role=Role.ADMIN)
        session.add(person)
        session.flush()
    end_invitations(session, access, person)
    leave_login(session, person)
    return person, is_new


def _note_joined(
    session: Session, access: AccessContext, person: Person, *, browsers_too: bool
) -> None:
    person.joined_at = person.joined_at or utc_now()
    end_web_sessions(session, person)
    ended = end_browsers(session, person) if browsers_too else []
    record_audit(
        session, access, None, "person.joined", person.public_id,
        role=person.role, **ended_browsers(ended),
    )  # fmt: skip
