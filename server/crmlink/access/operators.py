"""Operators: people who manage an installation's firms on pages, and see figures of them alone.

The command line gives the right, and the set-up of the installation to its first admin. It counts
in every firm of a login. A one-time link ends it: an admin of the person's firm may have the link.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, KeyedContext, SignInContext, record_audit
from crmlink.access.devices import command_line_actor
from crmlink.access.logins import of_login
from crmlink.store import AuditEntry, Person, Workspace, audit
from crmlink.store.base import utc_now

ACTS = tuple(
    f"workspace.{act}" for act in ("made", "renamed", "suspended", "resumed", "exported", "limited")
)
MAX_ACTS = 50  # acts shown of a firm


def is_operator(context: KeyedContext, person: Person) -> bool:
    """Return whether a person, or another membership of their login, is an operator's."""
    if person.operator_since is not None:
        return True
    if person.login is None:
        return False
    query = (
        select(Person.id)
        .join(Workspace, Workspace.id == Person.workspace_id)
        .where(
            of_login(person),
            Person.operator_since.is_not(None),
            Workspace.suspended_at.is_(None),
        )
    )
    with context.database.reading() as session:
        return session.scalar(query.limit(1)) is not None


def set_operator(access: AccessContext, person: Person, *, operates: bool) -> None:
    """Give a person the right of an operator, or take it, as the command line."""
    actor = command_line_actor(access)
    with access.database.writing() as session:
        row = session.get_one(Person, person.id)
        if (row.operator_since is not None) != operates:
            row.operator_since = utc_now() if operates else None
            action = "person.operator_made" if operates else "person.operator_ended"
            record_audit(session, access, actor, action, row.public_id)


def begin_operating(session: Session, person: Person) -> None:
    """Make the installation's first admin an operator, in the session that lets them in."""
    first = session.scalar(select(Workspace.id).order_by(Workspace.id).limit(1))
    is_known = session.scalar(select(Person.id).where(Person.operator_since.is_not(None)).limit(1))
    if person.workspace_id == first and is_known is None:
        person.operator_since = utc_now()
        audit.append_entry(session, person.workspace_id, "person.operator_made", person.public_id)


def list_operators(context: SignInContext) -> list[tuple[Person, str]]:
    """Return the people with the right, with the names of their firms."""
    query = (
        select(Person, Workspace.name)
        .join(Workspace, Workspace.id == Person.workspace_id)
        .where(Person.operator_since.is_not(None), Person.removed_at.is_(None))
        .order_by(Person.id)
    )
    with context.database.reading() as session:
        return [(row.Person, row.name) for row in session.execute(query)]


def acts_on(access: AccessContext) -> list[tuple[AuditEntry, str]]:
    """Return what operators did with a firm, latest first, with their names.

    The name is "" for the command line, and where the operator is removed.
    """
    query = (
        select(AuditEntry)
        .filter_by(workspace_id=access.workspace_id, subject="workspace")
        .where(AuditEntry.action.in_(ACTS))
        .order_by(AuditEntry.position.desc())
        .limit(MAX_ACTS)
    )
    with access.database.of_installation.reading() as session:
        entries = session.scalars(query).all()
        ids = {str(entry.details.get("operator", "")) for entry in entries}
        people = session.scalars(select(Person).where(Person.public_id.in_(ids)))
        names = {person.public_id: person.name for person in people}
    return [(entry, names.get(str(entry.details.get("operator", "")), "")) for entry in entries]
