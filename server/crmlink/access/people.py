"""The people of a workspace: invited, with a role, removed; and how they prove who they are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import cast

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import Actor, Office, note
from crmlink.access.devices import end_browsers, ended_browsers
from crmlink.access.errors import (
    EmailTaken,
    FieldsWrong,
    InvitationRefused,
    LastAdmin,
    LogInRefused,
    PersonNeeded,
    PersonUnknown,
)
from crmlink.access.passwords import fits, hash_password
from crmlink.access.token_format import is_well_formed, new_secret
from crmlink.store import Device, Invitation, PageSession, Person, Role
from crmlink.store.base import now

INVITATION = "crmi_"
INVITED_FOR = timedelta(days=7)
LONGEST_NAME, LONGEST_EMAIL = 100, 254
RANKS = {role: rank for rank, role in enumerate(Role)}
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")


def list_people(office: Office) -> list[Person]:
    """Everybody who was not removed, by name."""
    query = (
        select(Person)
        .filter_by(workspace_id=office.workspace_id, removed_at=None)
        .order_by(func.lower(Person.name), Person.id)
    )
    with office.database.reading() as session:
        return list(session.scalars(query))


def find_person(office: Office, public_id: str) -> Person:
    """One person who was not removed; raises PersonUnknown."""
    with office.database.reading() as session:
        return _person(session, office, public_id)


def invite(office: Office, actor: Actor, name: str, email: str, role: str) -> tuple[Person, str]:
    """A new person, and the token of the one-time link that lets them in.

    Raises FieldsWrong or EmailTaken; PersonNeeded for a script.
    """
    _refuse_script(actor)
    name, email, known_role = _name(name), _email(email), _role(role)
    with office.database.writing() as session:
        _refuse_taken(session, office, email)
        person = Person(workspace_id=office.workspace_id, name=name, email=email, role=known_role)
        session.add(person)
        session.flush()
        note(session, office, actor, "person.invited", person.public_id, role=known_role)
        token = _invitation(session, office, person)
    return person, token


def new_invitation(office: Office, actor: Actor, public_id: str) -> str:
    """Another one-time link for somebody, such as after a forgotten password; ends the older.

    Raises PersonUnknown; PersonNeeded for a script.
    """
    _refuse_script(actor)
    with office.database.writing() as session:
        person = _person(session, office, public_id)
        note(session, office, actor, "person.invited_again", public_id)
        return _invitation(session, office, person)


def has_open_invitation(office: Office, public_id: str) -> bool:
    """Return whether a person has a one-time link that still works. Raises PersonUnknown."""
    with office.database.reading() as session:
        person = _person(session, office, public_id)
        query = select(Invitation.id).where(
            Invitation.workspace_id == office.workspace_id,
            Invitation.person_id == person.id,
            Invitation.used_at.is_(None),
            Invitation.expires_at > now(),
        )
        return session.scalar(query.limit(1)) is not None


def has_admin(office: Office) -> bool:
    """Return whether an admin has joined; until then the first link is shown at the start."""
    with office.database.reading() as session:
        return _admins(session, office) > 0


def first_admin_invitation(office: Office) -> str | None:
    """The one-time link of the first admin, a new one each time; None once there is an admin.

    Older ones stay good until then: what a second server prints must not end the first one's.
    """
    with office.database.writing() as session:
        if _admins(session, office):
            return None
        return _invitation(session, office, None)


def invitation_of(office: Office, token: str) -> Invitation:
    """The invitation of a one-time link that is still good; raises InvitationRefused."""
    with office.database.reading() as session:
        return _good_invitation(session, office, token)


def accept_invitation(
    office: Office,
    token: str,
    password: str,
    name: str = "",
    email: str = "",
    *,
    browsers_too: bool = False,
) -> Person:
    """Set the password of who was invited; the first admin also says who they are.

    A new password ends every log-in made with the old one, and with ``browsers_too`` every browser
    of theirs. Raises InvitationRefused, PasswordWeak, FieldsWrong or EmailTaken.
    """
    person = invitation_of(office, token).person
    name = person.name if person else _name(name)
    email = person.email if person else _email(email)
    password_hash = hash_password(password, name, email)
    with office.database.writing() as session:
        invitation = _good_invitation(session, office, token)
        invitation.used_at = now()
        person = invitation.person
        if person is None:
            _refuse_taken(session, office, email)
            person = Person(
                workspace_id=office.workspace_id, name=name, email=email, role=Role.ADMIN
            )
            session.add(person)
            session.flush()
        person.password_hash = password_hash
        person.joined_at = person.joined_at or now()
        end_log_ins(session, person)
        ended = end_browsers(session, person) if browsers_too else []
        note(
            session, office, None, "person.joined", person.public_id,
            role=person.role, **ended_browsers(ended),
        )  # fmt: skip
    return person


def person_by_email(office: Office, email: str) -> Person | None:
    """Return who has this email and was not removed."""
    with office.database.reading() as session:
        return session.scalar(_by_email(office, email))


def log_in(office: Office, email: str, password: str) -> Person:
    """Who an email and a password belong to; raises LogInRefused, after the same work."""
    person = person_by_email(office, email)
    if not fits(password, person.password_hash if person else None):
        raise LogInRefused
    return cast("Person", person)


def change_password(
    office: Office, actor: Actor, old: str, new: str, *, browsers_too: bool = False
) -> None:
    """Set a person's own new password; all log-ins end, and with ``browsers_too`` all browsers.

    Raises LogInRefused or PasswordWeak.
    """
    person = actor.person
    if person is None or not fits(old, person.password_hash):
        raise LogInRefused
    password_hash = hash_password(new, person.name, person.email)
    with office.database.writing() as session:
        row = _person(session, office, person.public_id)
        row.password_hash = password_hash
        end_log_ins(session, row)
        ended = end_browsers(session, row) if browsers_too else []
        note(
            session, office, actor, "person.password_changed", person.public_id,
            **ended_browsers(ended),
        )  # fmt: skip


def rename_person(office: Office, actor: Actor, public_id: str, name: str) -> Person:
    """Correct a name. Raises FieldsWrong or PersonUnknown."""
    name = _name(name)
    with office.database.writing() as session:
        person = _person(session, office, public_id)
        person.name = name
        note(session, office, actor, "person.renamed", public_id)
    return person


def change_role(office: Office, actor: Actor, public_id: str, role: str) -> Person:
    """Give a person another role.

    Raises FieldsWrong, PersonUnknown or LastAdmin; PersonNeeded for a script that would raise it.
    """
    known_role = _role(role)
    with office.database.writing() as session:
        person = _person(session, office, public_id)
        before, person.role = person.role, known_role
        if RANKS[known_role] > RANKS[before]:
            _refuse_script(actor)
        session.flush()
        if before is Role.ADMIN:
            _refuse_without_admin(session, office)
        note(session, office, actor, "person.role", public_id, before=before, after=known_role)
    return person


def remove_person(office: Office, actor: Actor, public_id: str) -> None:
    """Let somebody in no more: their log-ins, browsers and the tokens they made stop at once.

    What they did stays. Raises PersonUnknown or LastAdmin.
    """
    with office.database.writing() as session:
        person = _person(session, office, public_id)
        person.removed_at = now()
        person.password_hash = person.sso_subject = None
        session.flush()
        if person.role is Role.ADMIN:
            _refuse_without_admin(session, office)
        end_log_ins(session, person)
        session.execute(
            update(Device)
            .where(Device.person_id == person.id, Device.revoked_at.is_(None))
            .values(revoked_at=now(), revoked_because="person-removed")
        )
        _end_invitations(session, office, person)
        note(session, office, actor, "person.removed", public_id)


def end_log_ins(session: Session, person: Person, but: int | None = None) -> None:
    """End all of a person's log-ins to the pages but one, in a writing session."""
    session.execute(
        update(PageSession)
        .where(
            PageSession.person_id == person.id,
            PageSession.ended_at.is_(None),
            PageSession.id != (but or 0),
        )
        .values(ended_at=now())
    )


def person_of_sso(office: Office, subject: str, email: str) -> Person:
    """Who single sign-on has shown to be there; an email counts once, then the subject.

    Only people who were invited may enter so. Raises LogInRefused.
    """
    with office.database.writing() as session:
        person = session.scalar(
            select(Person).filter_by(
                workspace_id=office.workspace_id, sso_subject=subject, removed_at=None
            )
        )
        if person is None:
            person = session.scalar(_by_email(office, email)) if email else None
            if person is None or person.sso_subject is not None:
                raise LogInRefused
            person.sso_subject = subject
            person.joined_at = person.joined_at or now()
            note(session, office, None, "person.joined", person.public_id, by="single sign-on")
    return person


def _refuse_script(actor: Actor) -> None:
    """Raise PersonNeeded for a token: what it made would outlast it."""
    if actor.is_script:
        raise PersonNeeded


def _person(session: Session, office: Office, public_id: str) -> Person:
    person = session.scalar(
        select(Person).filter_by(
            workspace_id=office.workspace_id, public_id=public_id, removed_at=None
        )
    )
    if person is None:
        raise PersonUnknown
    return person


def _by_email(office: Office, email: str) -> Select[Person]:
    return (
        select(Person)
        .filter_by(workspace_id=office.workspace_id, removed_at=None)
        .where(func.lower(Person.email) == func.lower(email.strip()))
    )


def _refuse_taken(session: Session, office: Office, email: str) -> None:
    if session.scalar(_by_email(office, email)):
        raise EmailTaken


def _admins(session: Session, office: Office) -> int:
    """How many admins could log in now."""
    query = (
        select(func.count())
        .select_from(Person)
        .filter_by(workspace_id=office.workspace_id, role=Role.ADMIN, removed_at=None)
        .where(Person.joined_at.is_not(None))
    )
    return session.scalar(query) or 0


def _refuse_without_admin(session: Session, office: Office) -> None:
    if not _admins(session, office):
        raise LastAdmin


def _invitation(session: Session, office: Office, person: Person | None) -> str:
    """A new one-time link, the only one that is good for a person who is known."""
    if person:
        _end_invitations(session, office, person)
    token = new_secret(INVITATION)
    session.add(
        Invitation(
            workspace_id=office.workspace_id,
            person_id=person.id if person else None,
            token_hash=office.keyed("invitation", token).hex(),
            expires_at=now() + INVITED_FOR,
        )
    )
    return token


def _end_invitations(session: Session, office: Office, person: Person) -> None:
    session.execute(
        update(Invitation)
        .where(
            Invitation.workspace_id == office.workspace_id,
            Invitation.person_id == person.id,
            Invitation.used_at.is_(None),
        )
        .values(used_at=now())
    )


def _good_invitation(session: Session, office: Office, token: str) -> Invitation:
    if not is_well_formed(token, INVITATION):
        raise InvitationRefused
    invitation = session.scalar(
        select(Invitation).filter_by(
            workspace_id=office.workspace_id,
            token_hash=office.keyed("invitation", token).hex(),
            used_at=None,
        )
    )
    if invitation is None or invitation.expires_at <= now():
        raise InvitationRefused
    if invitation.person is None and _admins(session, office):
        raise InvitationRefused
    return invitation


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise FieldsWrong(errors=["name: Say who it is, in up to 100 letters."])
    return name


def _email(text: str) -> str:
    email = text.strip()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise FieldsWrong(errors=["email: This is no email address."])
    return email


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise FieldsWrong(errors=[f"role: Choose one of {', '.join(Role)}."]) from None
