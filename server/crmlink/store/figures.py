"""Figures of a whole installation for its operator: counts and ages, no contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crmlink.store.base import utc_now
from crmlink.store.batches import Batch, BatchState
from crmlink.store.connections import ConnectionKind, WorkspaceConnection
from crmlink.store.database import Database
from crmlink.store.links import Link, LinkMethod, LinkState
from crmlink.store.mail import MailMessage, MailState
from crmlink.store.processes import Process, ProcessRole
from crmlink.store.workspaces import Workspace

_ACTIVE = select(Workspace.id).where(Workspace.suspended_at.is_(None))
_IS_IN_USE = (
    WorkspaceConnection.ended_at.is_(None),
    WorkspaceConnection.workspace_id.in_(_ACTIVE),  # nothing is done for suspended firms
)
_IN_USE = select(WorkspaceConnection.id).where(*_IS_IN_USE)
_WORKED_ON = (BatchState.MATCHING, BatchState.WRITING, BatchState.UNDOING)
_OLDEST: Mapping[str, Select[Any]] = {
    "lists": select(func.min(Batch.updated_at)).where(
        Batch.state.in_(_WORKED_ON), Batch.connection_id.in_(_IN_USE)
    ),
    "links": select(func.min(Link.created_at)).where(
        Link.state == LinkState.INTENDED,
        Link.method == LinkMethod.API,  # others wait for a person
        Link.connection_id.in_(_IN_USE),
    ),
    "emails": select(func.min(MailMessage.due_at)).where(
        MailMessage.state == MailState.WAITING, MailMessage.workspace_id.in_(_ACTIVE)
    ),
}
_OLDEST_MIRROR = select(
    func.min(func.coalesce(WorkspaceConnection.synced_at, WorkspaceConnection.connected_at))
).where(
    *_IS_IN_USE,
    WorkspaceConnection.kind != ConnectionKind.PAGES,  # imported by a person
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Links and lists by state, ages in seconds, and the servers and workers that are alive.

    ``waiting`` is by kind of background work how long the oldest has waited, 0.0 for none: a list
    since its last row, a link since it was decided, an email since it was due. ``mirror`` is the
    age of the oldest copy of records; 0.0 where no copy is kept by an API.
    """

    links: Mapping[str, int]
    lists: Mapping[str, int]
    waiting: Mapping[str, float]
    mirror: float
    servers: int


def read_figures(database: Database) -> Figures:
    """Return the figures of all firms together."""
    with database.reading() as session:
        lists = select(Batch.state, func.count()).group_by(Batch.state)
        links = select(Link.state, func.count()).group_by(Link.state)
        servers = select(func.count()).select_from(Process).filter_by(role=ProcessRole.SERVER)
        return Figures(
            links=dict.fromkeys(map(str, LinkState), 0) | _counts(session, links),
            lists=dict.fromkeys(map(str, BatchState), 0) | _counts(session, lists),
            waiting={kind: _age(session, query) for kind, query in _OLDEST.items()},
            mirror=_age(session, _OLDEST_MIRROR),
            servers=session.scalar(servers) or 0,
        )


def _counts(session: Session, query: Select[Any, int]) -> dict[str, int]:
    return {str(state): int(number) for state, number in session.execute(query)}


def _age(session: Session, query: Select[Any]) -> float:
    """Return the seconds since the time that a query finds; 0.0 if it finds none."""
    since: datetime | None = session.scalar(query)
    return max(0.0, (utc_now() - since).total_seconds()) if since else 0.0
