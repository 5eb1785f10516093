"""The firms of an installation, for its operator: made, named, suspended, counted.

The operator is no person of any of them, and sees figures only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.access.context import SignInContext, note
from crmlink.access.devices import command_line_actor
from crmlink.access.errors import InvalidFields
from crmlink.access.people import create_first_admin_invitation
from crmlink.store import (
    DeletedWorkspace,
    Device,
    Link,
    LinkState,
    MirroredRecord,
    Person,
    Workspace,
    WorkspaceConnection,
)
from crmlink.store.base import utc_now
from crmlink.store.workspaces import list_workspaces

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class WorkspaceFigures:
    """A workspace and what is in it, in figures; ``last_used_at`` by any of its devices."""

    workspace: Workspace
    people: int
    records: int
    links: int
    last_used_at: datetime | None


def make_workspace(context: SignInContext, name: str) -> tuple[Workspace, str]:
    """Return a new workspace, and the token of its first admin's one-time link.

    Raises InvalidFields, also while another workspace has no name: people could not tell them
    apart.
    """
    name = _free_name(context, name)
    if any(not row.name for row in list_workspaces(context.database)):
        raise InvalidFields(errors=["name: Name the first firm before you make another."])
    with context.database.writing() as session:
        workspace = Workspace(id=_free_number(session), name=name)
        session.add(workspace)
    access = context.of(workspace.id)
    actor = command_line_actor(access)
    with context.database.writing() as session:
        note(session, access, actor, "workspace.made", "workspace")
    token = create_first_admin_invitation(access)
    assert token is not None  # noqa: S101 # no one has joined a new workspace
    return workspace, token


def rename_workspace(context: SignInContext, workspace: Workspace, name: str) -> None:
    """Name a workspace. Raises InvalidFields."""
    name = _free_name(context, name, workspace.id)
    access = context.of(workspace.id)
    actor = command_line_actor(access)
    with context.database.writing() as session:
        session.get_one(Workspace, workspace.id).name = name
        note(session, access, actor, "workspace.renamed", "workspace")


def suspend_workspace(context: SignInContext, workspace: Workspace, *, suspended: bool) -> None:
    """Suspend a workspace, or let it work again; everything in it stays.

    While it is suspended no one of it gets in, and nothing is done for it.
    """
    access = context.of(workspace.id)
    actor = command_line_actor(access)
    with context.database.writing() as session:
        row = session.get_one(Workspace, workspace.id)
        if (row.suspended_at is not None) != suspended:
            row.suspended_at = utc_now() if suspended else None
            action = "workspace.suspended" if suspended else "workspace.resumed"
            note(session, access, actor, action, "workspace")


def note_export(context: SignInContext, workspace: Workspace) -> None:
    """Record in a workspace's audit that everything in it was exported."""
    access = context.of(workspace.id)
    actor = command_line_actor(access)
    with context.database.writing() as session:
        note(session, access, actor, "workspace.exported", "workspace")


def list_figures(context: SignInContext) -> list[WorkspaceFigures]:
    """Return all workspaces with their figures, the first one first."""
    of_connection = WorkspaceConnection.workspace_id
    people = select(Person.workspace_id, func.count()).filter_by(removed_at=None)
    records = (
        select(of_connection, func.count())
        .join(MirroredRecord, MirroredRecord.connection_id == WorkspaceConnection.id)
        .where(MirroredRecord.deleted_at.is_(None))
    )
    links = (
        select(of_connection, func.count())
        .join(Link, Link.connection_id == WorkspaceConnection.id)
        .where(Link.state == LinkState.LINKED)
    )
    used = select(Device.workspace_id, func.max(Device.last_used_at))
    with context.database.reading() as session:
        rows = session.scalars(select(Workspace).order_by(Workspace.id)).all()
        people_in, records_in, links_in = (
            {int(key): int(count) for key, count in session.execute(query)}
            for query in (
                people.group_by(Person.workspace_id),
                records.group_by(of_connection),
                links.group_by(of_connection),
            )
        )
        last = {int(key): at for key, at in session.execute(used.group_by(Device.workspace_id))}
    return [
        WorkspaceFigures(
            row,
            people=people_in.get(row.id, 0),
            records=records_in.get(row.id, 0),
            links=links_in.get(row.id, 0),
            last_used_at=last.get(row.id),
        )
        for row in rows
    ]


def list_deleted(context: SignInContext) -> list[DeletedWorkspace]:
    """Return what stays of deleted workspaces, in the order of their numbers."""
    with context.database.reading() as session:
        return list(session.scalars(select(DeletedWorkspace).order_by(DeletedWorkspace.id)))


def _free_number(session: Session) -> int:
    """Return a number that no workspace has or had: the anchors of a deleted one are still there.

    In a writing session, which holds the lock of all writers.
    """
    highest = (session.scalar(select(func.max(each.id))) for each in (Workspace, DeletedWorkspace))
    return 1 + max(number or 0 for number in highest)


def _free_name(context: SignInContext, text: str, own_id: int = 0) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidFields(errors=["name: Enter a name of up to 100 characters."])
    if any(row.name == name and row.id != own_id for row in list_workspaces(context.database)):
        raise InvalidFields(errors=["name: Another firm has this name."])
    return name
