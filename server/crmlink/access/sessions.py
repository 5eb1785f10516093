"""Log-ins to the pages: a random cookie, of which the database keeps a keyed hash."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from crmlink.access.context import Actor, Office, note
from crmlink.access.devices import end_browsers, ended_browsers, pages_device
from crmlink.access.errors import NotAllowed, SessionUnknown, TokenRefused
from crmlink.access.people import end_log_ins, find_person
from crmlink.access.roles import permissions_of
from crmlink.access.token_format import is_well_formed, new_secret
from crmlink.store import PageSession, Person
from crmlink.store.base import now

COOKIE = "crms_"
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)


def begin_session(office: Office, person: Person, address: str, browser: str) -> str:
    """Log a person in; returns the cookie's value, which cannot be seen again."""
    token = new_secret(COOKIE)
    with office.database.writing() as session:
        row = session.get_one(Person, person.id)
        row.last_seen_at = now()
        begun = PageSession(
            person=row,
            token_hash=office.keyed("session", token).hex(),
            browser=browser[:100],
            address=address,
        )
        session.add(begun)
        session.flush()
        note(session, office, None, "session.begun", row.public_id, log_in=begun.public_id)
    return token


def session_of(office: Office, token: str) -> tuple[PageSession, Actor]:
    """The log-in that a cookie belongs to, and who acts by it; raises TokenRefused."""
    if not is_well_formed(token, COOKIE):
        raise TokenRefused
    query = select(PageSession).filter_by(token_hash=office.keyed("session", token).hex())
    with office.database.reading() as session:
        found = session.scalar(query)
    moment = now()
    if found is None or not _is_good(found, moment, office):
        raise TokenRefused
    if abs(moment - found.last_seen_at) > SEEN_EVERY:
        with office.database.writing() as session:
            row = session.get_one(PageSession, found.id)
            row.last_seen_at = row.person.last_seen_at = moment
    person = found.person
    actor = Actor(pages_device(office, person), person, permissions_of(person), found.address)
    return found, actor


def list_sessions(office: Office, person: Person) -> list[PageSession]:
    """A person's log-ins that are still good, the latest first."""
    query = (
        select(PageSession)
        .filter_by(person_id=person.id, ended_at=None)
        .order_by(PageSession.last_seen_at.desc())
    )
    with office.database.reading() as session:
        return [found for found in session.scalars(query) if _is_good(found, now(), office)]


def end_session(office: Office, actor: Actor, public_id: str) -> None:
    """End a log-in: one's own, or as an admin anybody's. Raises SessionUnknown or NotAllowed."""
    with office.database.writing() as session:
        found = session.scalar(select(PageSession).filter_by(public_id=public_id))
        if found is None or found.person.workspace_id != office.workspace_id:
            raise SessionUnknown
        own = actor.person is not None and found.person_id == actor.person.id
        if not own and "admin" not in actor.permissions:
            raise NotAllowed
        if found.ended_at is None:
            found.ended_at = now()
            note(session, office, actor, "session.ended", found.person.public_id, log_in=public_id)


def end_sessions(
    office: Office,
    actor: Actor,
    person_public_id: str,
    *,
    browsers_too: bool = False,
    but: PageSession | None = None,
) -> int:
    """End all log-ins of a person but one, and with ``browsers_too`` all their browsers.

    One's own, or as an admin anybody's; a script's own is no person. Return how many browsers
    ended. Raises PersonUnknown or NotAllowed.
    """
    person = find_person(office, person_public_id)
    own = actor.person is not None and person.id == actor.person.id and not actor.is_script
    if not own and "admin" not in actor.permissions:
        raise NotAllowed
    with office.database.writing() as session:
        end_log_ins(session, person, but.id if but else None)
        ended = end_browsers(session, person) if browsers_too else []
        note(session, office, actor, "session.all_ended", person_public_id, **ended_browsers(ended))
    return len(ended)


def _is_good(found: PageSession, moment: datetime, office: Office) -> bool:
    return (
        found.ended_at is None
        and found.person.removed_at is None
        and found.person.workspace_id == office.workspace_id
        and moment - found.last_seen_at < IDLE
        and moment - found.created_at < LONGEST
    )
