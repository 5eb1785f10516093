"""People of a workspace: invitations, roles, removal and authentication."""

from __future__ import annotations

import re
from typing import cast

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import end_browsers, ended_browsers
from crmlink.access.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidFields,
    InvalidInvitation,
    LastAdmin,
    PersonNeeded,
    PersonNotFound,
)
from crmlink.access.invitations import (
    INVITATION,
    create_invitation,
    end_invitations,
    find_open_invitation,
)
from crmlink.access.logins import database_of_login, rows_of_login
from crmlink.access.passwords import hash_password, verify_password
from crmlink.folding import normalise_login_email
from crmlink.store import Device, Invitation, Person, Role, WebSession, Workspace
from crmlink.store.base import utc_now
from crmlink.store.quotas import Quota, require_room

MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 100, 254
RANKS = {role: rank for rank, role in enumerate(Role)}
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")


def list_people(access: AccessContext) -> list[Person]:
    """Return all people who were not removed, by name."""
    query = (
        select(Person)
        .filter_by(workspace_id=access.workspace_id, removed_at=None)
        .order_by(func.lower(Person.name), Person.id)
    )
    with access.database.reading() as session:
        return list(session.scalars(query))


def find_person(access: AccessContext, public_id: str) -> Person:
    """Return one person who was not removed; raises PersonNotFound."""
    with access.database.reading() as session:
        return _person(session, access, public_id)


def invite(
    access: AccessContext,
    actor: Actor,
    name: str,
    email: str,
    role: str,
    *,
    by_email: bool = False,
) -> tuple[Person, str]:
    """Return a new person, and the token of their one-time link; ``by_email`` also emails it.

    Raises InvalidFields, EmailTaken or QuotaReached; PersonNeeded for a script.
    """
    _refuse_script(actor)
    name, email, known_role = checked_name(name), checked_email(email), _role(role)
    with access.database.writing() as session:
        require_free_email(session, access, email)
        require_room(session, access.workspace_id, Quota.PEOPLE)
        person = Person(workspace_id=access.workspace_id, name=name, email=email, role=known_role)
        session.add(person)
        session.flush()
        emailed = {"emailed": True} if by_email else {}
        record_audit(
            session, access, actor, "person.invited", person.public_id, role=known_role, **emailed
        )
        token = create_invitation(session, access, person, by_email=by_email)
    return person, token


def new_invitation(
    access: AccessContext, actor: Actor, public_id: str, *, by_email: bool = False
) -> str:
    """Return another one-time link for a person, as after a forgotten password.

    Older ones become invalid. Raises PersonNotFound; PersonNeeded for a script.
    """
    _refuse_script(actor)
    with access.database.writing() as session:
        person = _person(session, access, public_id)
        emailed = {"emailed": True} if by_email else {}
        record_audit(session, access, actor, "person.invited_again", public_id, **emailed)
        return create_invitation(session, access, person, by_email=by_email)


def has_open_invitation(access: AccessContext, public_id: str) -> bool:
    """Return whether a person has a valid one-time link. Raises PersonNotFound."""
    with access.database.reading() as session:
        person = _person(session, access, public_id)
        query = select(Invitation.id).where(
            Invitation.workspace_id == access.workspace_id,
            Invitation.person_id == person.id,
            Invitation.used_at.is_(None),
            Invitation.expires_at > utc_now(),
        )
        return session.scalar(query.limit(1)) is not None


def has_admin(access: AccessContext) -> bool:
    """Return whether an admin has joined; until then the first link is shown at start."""
    with access.database.reading() as session:
        return _admins(session, access) > 0


def create_first_admin_invitation(access: AccessContext, prefix: str = INVITATION) -> str | None:
    """Return a new one-time token for the first admin; None once there is an admin.

    ``prefix`` tells a link from a set-up code. Older ones stay valid until then: a second server
    must not invalidate the first one's.
    """
    with access.database.writing() as session:
        if _admins(session, access):
            return None
        return create_invitation(session, access, None, prefix)


def find_invitation(access: AccessContext, token: str) -> Invitation:
    """Return the invitation of a valid one-time link; raises InvalidInvitation."""
    with access.database.reading() as session:
        return valid_invitation(session, access, token)


def person_by_email(access: AccessContext, email: str) -> Person | None:
    """Return the person with this email who was not removed."""
    with access.database.reading() as session:
        return session.scalar(_by_email(access, email))


def people_by_email(access: KeyedContext, email: str) -> list[Person]:
    """Return who has this email in any active workspace, in the workspaces' order."""
    query = (
        select(Person)
        .join(Workspace, Workspace.id == Person.workspace_id)
        .where(
            Workspace.suspended_at.is_(None),
            Person.removed_at.is_(None),
            Person.email_key == normalise_login_email(email),
        )
        .order_by(Person.workspace_id)
    )
    with access.database.reading() as session:
        return list(session.scalars(query))


def workspaces_of_sso(access: KeyedContext, subject: str, email: str) -> list[int]:
    """Return the ids of the workspaces with a person of this subject, or of this email."""
    by_email = people_by_email(access, email) if email else []
    with access.database.reading() as session:
        by_subject = set(
            session.scalars(
                select(Person.workspace_id)
                .join(Workspace, Workspace.id == Person.workspace_id)
                .where(
                    Workspace.suspended_at.is_(None),
                    Person.removed_at.is_(None),
                    Person.sso_subject == subject,
                )
            )
        )
    return sorted(by_subject | {person.workspace_id for person in by_email})


def authenticate_password(
    access: AccessContext, email: str, password: str, *, has_failed: bool = False
) -> Person:
    """Return the person with this email and password; raises InvalidCredentials.

    It takes equally long in both cases. ``has_failed`` says that the client failed shortly before.
    """
    person = person_by_email(access, email)
    kept = person.password_hash if person else None
    if not verify_password(password, kept, has_failed=has_failed):
        raise InvalidCredentials
    return cast("Person", person)


def change_password(
    access: AccessContext, actor: Actor, old: str, new: str, *, browsers_too: bool = False
) -> None:
    """Set a person's own password; ends all sessions, and with ``browsers_too`` all browsers.

    In all firms of their login. Raises InvalidCredentials or WeakPassword.
    """
    person = actor.person
    if person is None or not verify_password(old, person.password_hash):
        raise InvalidCredentials
    password_hash = hash_password(new, person.name, person.email)
    with database_of_login(access, person).writing() as session:
        _person(session, access, person.public_id)
        for row in rows_of_login(session, person):
            row.password_hash = password_hash
            end_web_sessions(session, row)
            ended = end_browsers(session, row) if browsers_too else []
            by = actor if row.id == person.id else None  # whose device is of this firm
            record_audit(
                session, access.of(row.workspace_id), by, "person.password_changed",
                row.public_id, **ended_browsers(ended),
            )  # fmt: skip


def rename_person(access: AccessContext, actor: Actor, public_id: str, name: str) -> Person:
    """Change a person's name. Raises InvalidFields or PersonNotFound."""
    name = checked_name(name)
    with access.database.writing() as session:
        person = _person(session, access, public_id)
        person.name = name
        record_audit(session, access, actor, "person.renamed", public_id)
    return person


def change_role(access: AccessContext, actor: Actor, public_id: str, role: str) -> Person:
    """Change a person's role.

    Raises InvalidFields, PersonNotFound or LastAdmin; PersonNeeded for a script that would
    raise it.
    """
    known_role = _role(role)
    with access.database.writing() as session:
        person = _person(session, access, public_id)
        before, person.role = person.role, known_role
        if RANKS[known_role] > RANKS[before]:
            _refuse_script(actor)
        session.flush()
        if before is Role.ADMIN:
            _require_admin_left(session, access)
        record_audit(
            session, access, actor, "person.role", public_id, before=before, after=known_role
        )
    return person


def remove_person(
    access: AccessContext, actor: Actor, public_id: str, action: str = "person.removed"
) -> None:
    """Remove a person: their sessions, browsers and the tokens they created end at once.

    Their actions stay recorded. Raises PersonNotFound or LastAdmin.
    """
    with access.database.writing() as session:
        person = _person(session, access, public_id)
        person.removed_at = utc_now()
        person.password_hash = person.sso_subject = person.login = person.operator_since = None
        session.flush()
        if person.role is Role.ADMIN:
            _require_admin_left(session, access)
        end_web_sessions(session, person)
        session.execute(
            update(Device)
            .where(Device.person_id == person.id, Device.revoked_at.is_(None))
            .values(revoked_at=utc_now(), revoked_because="person-removed")
        )
        end_invitations(session, access, person)
        record_audit(session, access, actor, action, public_id)


def end_web_sessions(session: Session, person: Person, but: int | None = None) -> None:
    """End all of a person's web sessions but one, in a writing session."""
    session.execute(
        update(WebSession)
        .where(
            WebSession.person_id == person.id,
            WebSession.ended_at.is_(None),
            WebSession.id != (but or 0),
        )
        .values(ended_at=utc_now())
    )


def authenticate_sso(access: AccessContext, subject: str, email: str) -> Person:
    """Return the person identified by single sign-on: by email once, then by subject.

    Only invited people may sign in so. Raises InvalidCredentials.
    """
    with access.database.writing() as session:
        person = session.scalar(
            select(Person).filter_by(
                workspace_id=access.workspace_id, sso_subject=subject, removed_at=None
            )
        )
        if person is None:
            person = session.scalar(_by_email(access, email)) if email else None
            if person is None or person.sso_subject is not None:
                raise InvalidCredentials
            person.sso_subject = subject
            person.joined_at = person.joined_at or utc_now()
            record_audit(
                session, access, None, "person.joined", person.public_id, by="single sign-on"
            )
    return person


def _refuse_script(actor: Actor) -> None:
    """Raise PersonNeeded for a token, whose result would outlast it."""
    if actor.is_script:
        raise PersonNeeded


def _person(session: Session, access: AccessContext, public_id: str) -> Person:
    person = session.scalar(
        select(Person).filter_by(
            workspace_id=access.workspace_id, public_id=public_id, removed_at=None
        )
    )
    if person is None:
        raise PersonNotFound
    return person


def _by_email(access: AccessContext, email: str) -> Select[Person]:
    return select(Person).filter_by(
        workspace_id=access.workspace_id,
        removed_at=None,
        email_key=normalise_login_email(email),
    )


def require_free_email(session: Session, access: AccessContext, email: str) -> None:
    """Raise EmailTaken where a person of the firm has an email."""
    if session.scalar(_by_email(access, email)):
        raise EmailTaken


def _admins(session: Session, access: AccessContext) -> int:
    """Return how many admins could sign in now."""
    query = (
        select(func.count())
        .select_from(Person)
        .filter_by(workspace_id=access.workspace_id, role=Role.ADMIN, removed_at=None)
        .where(Person.joined_at.is_not(None))
    )
    return session.scalar(query) or 0


def _require_admin_left(session: Session, access: AccessContext) -> None:
    if not _admins(session, access):
        raise LastAdmin


def valid_invitation(session: Session, access: AccessContext, token: str) -> Invitation:
    """Return the invitation of a valid one-time link; raises InvalidInvitation."""
    invitation = find_open_invitation(session, access, token)
    if invitation.person is None and _admins(session, access):
        raise InvalidInvitation
    return invitation


def checked_name(text: str) -> str:
    """Return a name as it is stored. Raises InvalidFields."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidFields(errors=["name: Enter a name of up to 100 characters."])
    return name


def checked_email(text: str) -> str:
    """Return an email as it is stored. Raises InvalidFields."""
    email = text.strip()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise InvalidFields(errors=["email: Enter an email address like anna@firm.example."])
    return email


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InvalidFields(errors=[f"role: Choose one of {', '.join(Role)}."]) from None
