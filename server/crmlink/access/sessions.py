"""Web sessions: a random cookie, stored as a keyed hash."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import contains_eager

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.access.devices import end_browsers, ended_browsers, web_device
from crmlink.access.errors import InvalidToken, NotAllowed, SessionNotFound
from crmlink.access.logins import database_of_login, rows_of_login
from crmlink.access.owner import find_shown
from crmlink.access.people import end_web_sessions, find_person
from crmlink.access.roles import role_permissions
from crmlink.access.token_format import generate_token, is_well_formed
from crmlink.store import Person, WebSession, Workspace
from crmlink.store.base import utc_now

SESSION_TOKEN_PREFIX = "crms_"  # noqa: S105 - names the kind, is no secret
IDLE_TIMEOUT = timedelta(hours=12)
ABSOLUTE_TIMEOUT = timedelta(days=14)
TOUCH_INTERVAL = timedelta(minutes=1)
_SHOWN = (
    select(WebSession, Workspace.suspended_at)
    .join(WebSession.person)
    .join(Workspace, Workspace.id == Person.workspace_id)
    .where(WebSession.token_hash == bindparam("shown"))
    .options(contains_eager(WebSession.person))
)  # built once: every request for a page asks it


def create_session(
    access: AccessContext,
    person: Person,
    address: str,
    browser: str,
    continued: WebSession | None = None,
) -> str:
    """Sign a person in; returns the cookie's value, which cannot be read again.

    ``continued`` is the session of another firm that this one continues, and does not outlast.
    """
    token = generate_token(SESSION_TOKEN_PREFIX)
    with access.database.writing() as session:
        row = session.get_one(Person, person.id)
        row.last_seen_at = utc_now()
        begun = WebSession(
            person=row,
            token_hash=access.keyed_hash("session", token).hex(),
            browser=browser[:100],
            address=address,
        )
        if continued is not None:
            begun.created_at = continued.created_at
        session.add(begun)
        session.flush()
        record_audit(session, access, None, "session.begun", row.public_id, log_in=begun.public_id)
    return token


def authenticate_session(context: KeyedContext, token: str) -> tuple[WebSession, Actor]:
    """Return the session of a cookie, and its actor; raises InvalidToken or WorkspaceSuspended."""
    if not is_well_formed(token, SESSION_TOKEN_PREFIX):
        raise InvalidToken
    found = find_shown(context, _SHOWN, context.keyed_hash("session", token).hex())
    person, moment = found.person, utc_now()
    access = context.of(person.workspace_id)
    if not _is_active(found, moment, access):
        raise InvalidToken
    if abs(moment - found.last_seen_at) > TOUCH_INTERVAL:
        with access.database.writing() as session:
            row = session.get_one(WebSession, found.id)
            row.last_seen_at = row.person.last_seen_at = moment
    actor = Actor(web_device(access, person), person, role_permissions(person), found.address)
    return found, actor


def list_sessions(access: AccessContext, person: Person) -> list[WebSession]:
    """Return a person's valid sessions, latest first."""
    query = (
        select(WebSession)
        .filter_by(person_id=person.id, ended_at=None)
        .order_by(WebSession.last_seen_at.desc())
    )
    with access.database.reading() as session:
        return [found for found in session.scalars(query) if _is_active(found, utc_now(), access)]


def end_session(access: AccessContext, actor: Actor, public_id: str) -> None:
    """End a session: one's own, or as an admin anyone's. Raises SessionNotFound or NotAllowed."""
    with access.database.writing() as session:
        found = session.scalar(select(WebSession).filter_by(public_id=public_id))
        if found is None or found.person.workspace_id != access.workspace_id:
            raise SessionNotFound
        own = actor.person is not None and found.person_id == actor.person.id
        if not own and "admin" not in actor.permissions:
            raise NotAllowed
        if found.ended_at is None:
            found.ended_at = utc_now()
            record_audit(
                session, access, actor, "session.ended", found.person.public_id, log_in=public_id
            )


def end_sessions(
    access: AccessContext,
    actor: Actor,
    person_public_id: str,
    *,
    browsers_too: bool = False,
    but: WebSession | None = None,
) -> int:
    """End all sessions of a person but one, and with ``browsers_too`` all their browsers.

    One's own, in all firms of the login, or as an admin anyone's in this firm; a script has no
    person. Returns how many browsers ended.
    Raises PersonNotFound or NotAllowed.
    """
    person = find_person(access, person_public_id)
    own = actor.person is not None and person.id == actor.person.id and not actor.is_script
    if not own and "admin" not in actor.permissions:
        raise NotAllowed
    count = 0
    database = database_of_login(access, person) if own else access.database
    with database.writing() as session:
        for row in rows_of_login(session, person) if own else [person]:
            end_web_sessions(session, row, but.id if but else None)
            ended = end_browsers(session, row) if browsers_too else []
            count += len(ended)
            by = actor if row.id == person.id else None  # whose device is of this firm
            details = ended_browsers(ended)
            here = access.of(row.workspace_id)
            record_audit(session, here, by, "session.all_ended", row.public_id, **details)
    return count


def _is_active(found: WebSession, moment: datetime, access: AccessContext) -> bool:
    return (
        found.ended_at is None
        and found.person.removed_at is None
        and found.person.workspace_id == access.workspace_id
        and moment - found.last_seen_at < IDLE_TIMEOUT
        and moment - found.created_at < ABSOLUTE_TIMEOUT
    )
