"""Deletion of all that an installation holds of one firm.

The audit goes too: it tells who in the firm did what, which is the firm's, and the export holds it.
Its triggers are switched off within the one transaction that deletes. An exception in the triggers
themselves, such as for suspended firms, would stay open to any statement. The anchors stay in their
file, as they are numbers and hashes, so no other firm may get the deleted one's number.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crmlink.access.audit.rows import last_row
from crmlink.access.context import Actor, SignInContext
from crmlink.access.workspaces import WorkspaceFigures, list_figures
from crmlink.installation.folders import folder_of
from crmlink.store import Database, DeletedWorkspace, Workspace, WorkspaceConnection
from crmlink.store.audit.unguarded import unguarded
from crmlink.store.belonging import belongs_to, tables_of_workspaces

log = structlog.get_logger()


class NotSuspended(Exception):
    """The firm has not been suspended: it may be at work."""


class FirstWorkspace(Exception):
    """The first firm's files are those of the installation."""


def delete_workspace(
    context: SignInContext, workspace: Workspace, data_dir: Path, by: Actor | None = None
) -> DeletedWorkspace:
    """Delete all rows, files and the index of a suspended firm; return the figures that stay.

    The files go first, so that an interrupted deletion can be repeated. ``by`` is an operator on a
    page, None the command line. Raises NotSuspended, FirstWorkspace, or OSError.
    """
    database = context.database
    figures = next(each for each in list_figures(context) if each.workspace.id == workspace.id)
    with database.reading() as session:
        _require_deletable(session, workspace.id)
    shutil.rmtree(folder_of(data_dir, workspace))
    with database.writing() as session:
        _require_deletable(session, workspace.id)
        stays = _figures_that_stay(session, figures)
        stays.deleted_by = by.person.public_id if by and by.person else None
        with unguarded(session, "delete"):
            for table in reversed(tables_of_workspaces()):
                session.execute(delete(table).where(belongs_to(table, workspace.id)))
        session.add(stays)
        database.mark_purge_due(session)
    _delete_index(database)
    database.purge()
    log.info("workspace deleted", workspace=stays.public_id, links=stays.links)
    return stays


def _require_deletable(session: Session, workspace_id: int) -> None:
    """Raise FirstWorkspace or NotSuspended."""
    if workspace_id == session.scalar(select(Workspace.id).order_by(Workspace.id).limit(1)):
        raise FirstWorkspace
    if session.get_one(Workspace, workspace_id, populate_existing=True).suspended_at is None:
        raise NotSuspended


def _figures_that_stay(session: Session, figures: WorkspaceFigures) -> DeletedWorkspace:
    row = figures.workspace
    last = last_row(session, row.id)
    return DeletedWorkspace(
        id=row.id,
        public_id=row.public_id,
        people=figures.people,
        records=figures.records,
        links=figures.links,
        entries=int(last.position) if last else 0,
        last_hash=str(last.hash) if last else "",
    )


def _delete_index(database: Database) -> None:
    """Delete the index files of connections that are no longer there. Raises OSError."""
    if database.index_files is None:
        return
    with database.reading() as session:
        in_use = session.scalars(select(WorkspaceConnection.public_id).filter_by(ended_at=None))
        database.index_files.delete_others(set(in_use))
