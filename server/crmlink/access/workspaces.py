"""The firms of an installation, for its operators: made, named, suspended, counted.

An operator, on the command line or a person with that right, sees figures only. Each act is in the
firm's own audit; that of a person with their id alone, as they may be of another firm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, SignInContext, record_audit
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

MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class WorkspaceFigures:
    """A workspace and what is in it, in figures; ``last_used_at`` on its pages or by a device.

    ``links`` counts those that are linked now, ``states`` all by state. ``synced_at`` is the last
    sync of the connection in use.
    """

    workspace: Workspace
    people: int
    records: int
    states: Mapping[str, int]
    synced_at: datetime | None
    last_used_at: datetime | None

    @property
    def links(self) -> int:
        """How many links are linked now."""
        return self.states.get(LinkState.LINKED, 0)


def make_workspace(
    context: SignInContext, name: str, by: Actor | None = None
) -> tuple[Workspace, str]:
    """Return a new workspace, and the token of its first admin's one-time link.

    ``by`` is an operator on a page, None the command line, here and below. Raises InvalidFields,
    also while another workspace has no name: people could not tell them apart.
    """
    name = _free_name(context, name)
    for row in list_workspaces(context.database):
        if not row.name:
            how = f'crmlink workspace rename {row.public_id} "NAME"'
            raise InvalidFields(errors=[f"name: First name the firm that is there: {how}"])
    with context.database.writing() as session:
        workspace = Workspace(id=_free_number(session), name=name)
        session.add(workspace)
    access = context.of(workspace.id)
    _record(access, by, "workspace.made")
    token = create_first_admin_invitation(access)
    assert token is not None  # noqa: S101 # no one has joined a new workspace
    return workspace, token


def rename_workspace(
    context: SignInContext, workspace: Workspace, name: str, by: Actor | None = None
) -> None:
    """Name a workspace. Raises InvalidFields."""
    name = _free_name(context, name, workspace.id)
    access = context.of(workspace.id)
    actor = actor_there(access, by)
    with context.database.writing() as session:
        session.get_one(Workspace, workspace.id).name = name
        record_audit(
            session, access, actor, "workspace.renamed", "workspace", **facts_of_operator(by)
        )


def suspend_workspace(
    context: SignInContext, workspace: Workspace, by: Actor | None = None, *, suspended: bool
) -> None:
    """Suspend a workspace, or let it work again; everything in it stays.

    While it is suspended no one of it gets in, and nothing is done for it.
    """
    access = context.of(workspace.id)
    actor = actor_there(access, by)
    with context.database.writing() as session:
        row = session.get_one(Workspace, workspace.id)
        if (row.suspended_at is not None) != suspended:
            row.suspended_at = utc_now() if suspended else None
            action = "workspace.suspended" if suspended else "workspace.resumed"
            record_audit(session, access, actor, action, "workspace", **facts_of_operator(by))


def note_export(context: SignInContext, workspace: Workspace, by: Actor | None = None) -> None:
    """Record in a workspace's audit that everything in it was exported."""
    _record(context.of(workspace.id), by, "workspace.exported")


def list_figures(context: SignInContext, only: int | None = None) -> list[WorkspaceFigures]:
    """Return all workspaces, or one by its id, with their figures, the first one first."""
    of = WorkspaceConnection.workspace_id
    used = union_all(
        select(Device.workspace_id, Device.last_used_at.label("at")),
        select(Person.workspace_id, Person.last_seen_at),  # on the pages
    ).subquery()
    queries: dict[str, tuple[Any, Select[int, Any]]] = {
        "people": (
            Person.workspace_id,
            select(Person.workspace_id, func.count()).filter_by(removed_at=None),
        ),
        "records": (
            of,
            select(of, func.count())
            .join(MirroredRecord, MirroredRecord.connection_id == WorkspaceConnection.id)
            .where(MirroredRecord.deleted_at.is_(None)),
        ),
        "synced_at": (of, select(of, func.max(WorkspaceConnection.synced_at))),
        "last_used_at": (
            used.c.workspace_id,
            select(used.c.workspace_id, func.max(used.c.at)),
        ),
    }
    links = select(of, Link.state, func.count()).join(
        Link, Link.connection_id == WorkspaceConnection.id
    )
    found: dict[str, dict[int, Any]] = {}
    states: dict[int, dict[str, int]] = {}
    workspaces = select(Workspace).order_by(Workspace.id)
    if only is not None:
        workspaces, links = workspaces.filter_by(id=only), links.where(of == only)
    with context.database.reading() as session:
        rows = session.scalars(workspaces).all()
        for name, (column, query) in queries.items():
            chosen = query if only is None else query.where(column == only)
            found[name] = {row[0]: row[1] for row in session.execute(chosen.group_by(column))}
        for key, state, count in session.execute(links.group_by(of, Link.state)):
            states.setdefault(key, {})[str(state)] = count
    return [
        WorkspaceFigures(
            row,
            people=found["people"].get(row.id, 0),
            records=found["records"].get(row.id, 0),
            states=states.get(row.id, {}),
            synced_at=found["synced_at"].get(row.id),
            last_used_at=found["last_used_at"].get(row.id),
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
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidFields(errors=["name: Enter a name of up to 100 characters."])
    others = (row for row in list_workspaces(context.database) if row.id != own_id)
    if any(row.name.casefold() == name.casefold() for row in others):
        raise InvalidFields(errors=["name: Another firm has this name."])
    return name


def _record(access: AccessContext, by: Actor | None, action: str) -> None:
    actor = actor_there(access, by)
    with access.database.writing() as session:
        record_audit(session, access, actor, action, "workspace", **facts_of_operator(by))


def actor_there(access: AccessContext, by: Actor | None) -> Actor | None:
    """Return who acts in a firm's audit: None where the device is another firm's."""
    if by is None:
        return command_line_actor(access)
    return by if by.device.workspace_id == access.workspace_id else None


def facts_of_operator(by: Actor | None) -> dict[str, str]:
    """Return how an operator on a page is named in a firm's audit."""
    return {"operator": by.person.public_id} if by and by.person else {}
