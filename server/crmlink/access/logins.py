"""Logins: the memberships of several firms that one person has proved to be theirs.

Each is a row of ``person`` in its firm, with the same ``login`` and a copy of one password hash. An
equal email proves nothing, as any admin can enter it: memberships are joined once one sign-in has
proved the passwords of all. A membership whose hash was replaced alone, as by an older server
during a rolling restart, is no part of the login any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, KeyedContext
from crmlink.access.errors import PersonNotFound
from crmlink.store import Database, Person, Workspace, audit
from crmlink.store.base import new_id


def join_logins(context: KeyedContext, people: Sequence[Person]) -> None:
    """Make one login of people whose passwords one sign-in has just proved, one of each firm."""
    first = people[0]
    if all(_is_of_login(person, first) for person in people[1:]):
        return
    proved = {person.id: person.password_hash for person in people}
    login = next((person.login for person in people if person.login), None) or new_id()
    with context.database.writing() as session:
        rows = session.scalars(select(Person).where(Person.id.in_(proved))).all()
        if any(row.removed_at or row.password_hash != proved[row.id] for row in rows):
            return  # meanwhile it is no longer proved
        for row in rows:
            row.login, row.password_hash = login, first.password_hash
            _record(session, row, "person.login_joined")


def leave_login(session: Session, person: Person) -> None:
    """Take a person out of their login, in a writing session: their password is their own.

    It ends an operator's right as well: an admin of the firm may have chosen the password.
    """
    if person.login is not None:
        person.login = None
        _record(session, person, "person.login_left")
    if person.operator_since is not None:
        person.operator_since = None
        _record(session, person, "person.operator_ended")


def enter_login(session: Session, person: Person, proved: Person) -> None:
    """Make a person part of the login of one who has proved theirs, in a writing session."""
    if proved.login is None:
        proved.login = new_id()
        _record(session, proved, "person.login_joined")
    person.login, person.password_hash = proved.login, proved.password_hash
    _record(session, person, "person.login_joined")


def other_memberships(context: KeyedContext, person: Person) -> list[tuple[Person, str]]:
    """Return the login's people in other active firms, with the firms' names."""
    if person.login is None:
        return []
    query = (
        select(Person, Workspace.name)
        .join(Workspace, Workspace.id == Person.workspace_id)
        .where(of_login(person), Person.id != person.id, Workspace.suspended_at.is_(None))
        .order_by(Person.workspace_id)
    )
    with context.database.reading() as session:
        return [(row.Person, row.name) for row in session.execute(query)]


def find_membership(context: KeyedContext, person: Person, public_id: str) -> Person:
    """Return one of ``other_memberships``. Raises PersonNotFound."""
    for other, _ in other_memberships(context, person):
        if other.public_id == public_id:
            return other
    raise PersonNotFound


def database_of_login(access: AccessContext, person: Person) -> Database:
    """Return the database for what concerns all of a person's memberships."""
    return access.database if person.login is None else access.database.of_installation


def rows_of_login(session: Session, person: Person) -> list[Person]:
    """Return all memberships of a person's login, that of ``person`` first."""
    own = session.get_one(Person, person.id)
    if own.login is None:
        return [own]
    others = select(Person).where(of_login(own), Person.id != own.id).order_by(Person.id)
    return [own, *session.scalars(others)]


def of_login(person: Person) -> ColumnElement[bool]:
    """Return the condition for all memberships of a person's login."""
    return and_(
        Person.login == person.login,
        Person.password_hash == person.password_hash,
        Person.removed_at.is_(None),
    )


def _is_of_login(person: Person, other: Person) -> bool:
    same = person.login == other.login and person.password_hash == other.password_hash
    return same and person.login is not None


def _record(session: Session, person: Person, action: str) -> None:
    audit.append_entry(session, person.workspace_id, action, person.public_id)
