"""Table of connections: how a workspace reaches Commusoft, and the owner of its data."""

from __future__ import annotations

import enum
import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from crmlink.store.base import Base, new_id, utc_now

IS_IN_USE = text("ended_at IS NULL")
WORKSPACES = "workspaces_of_connections"  # key in a session's info
MARKS_LENGTH = 8_000  # characters: about 350 marks, as long as a process may be asked nothing


class ConnectionKind(enum.StrEnum):
    """Type of the remote system."""

    SANDBOX = "sandbox"  # fictional data of this installation
    API = "api"
    PAGES = "pages"  # an account without an API: base_url is its web application's origin


def random_mark() -> str:
    """Return what tells a version of a mirror from one with its number in another database."""
    return secrets.token_hex(8)


class MirrorVersion(NamedTuple):
    """A version of a mirror: a restored database counts to the same number with another mark."""

    number: int
    mark: str  # "" where a server of an older version left the mark as it was

    @classmethod
    def of(cls, number: int, mark: str | None) -> MirrorVersion:
        """Return a connection's version as its row has it."""
        return cls(number, mark if mark and mark.startswith(f"{number} ") else "")


class WorkspaceConnection(Base):
    """A sandbox or account with its records, links and lists; a workspace uses one at a time.

    A disconnected account keeps its row and links for reconnection; practice data is deleted with
    its row. Ids are never reused: a process that has not noticed the change must not write into the
    next connection. ``public_id`` is the id for clients.
    """

    __tablename__ = "connection"
    __table_args__ = (
        UniqueConstraint("workspace_id", "kind", "base_url", "client_id"),
        Index(
            "uq_connection_in_use",
            "workspace_id",
            unique=True,
            sqlite_where=IS_IN_USE,
            postgresql_where=IS_IN_USE,
        ),
        Index("uq_connection_public_id", "public_id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    kind: Mapped[ConnectionKind]
    base_url: Mapped[str] = mapped_column(default="")
    client_id: Mapped[str] = mapped_column(default="")
    credentials: Mapped[str | None]  # encrypted, see commusoft/vault.py; None: from the environment
    dialect: Mapped[dict[str, Any] | None]
    mirror_version: Mapped[int] = mapped_column(default=0)
    mirror_mark: Mapped[str | None]  # of that version; a restored database makes another one
    recent_marks: Mapped[str | None] = mapped_column(deferred=True)  # of the last versions
    index_marks: Mapped[list[str] | None]  # of versions that index files hold, the newest last
    synced_at: Mapped[datetime | None]
    fully_synced_at: Mapped[datetime | None]
    syncing_until: Mapped[datetime | None]
    sync_lease: Mapped[str] = mapped_column(default="")
    sync_owner_id: Mapped[str | None]
    connected_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]

    @property
    def marked_version(self) -> MirrorVersion:
        """The mirror's version with its mark."""
        return MirrorVersion.of(self.mirror_version, self.mirror_mark)

    @validates("mirror_version")
    def _mark_version(self, _name: str, version: int) -> int:
        self.mirror_mark = f"{version} {random_mark()}"
        self.recent_marks = f"{self.mirror_mark},{self.recent_marks or ''}"[:MARKS_LENGTH]
        return version

    @property
    def name(self) -> str:
        """Display name: the account's user name or web application, or the sandbox."""
        host = self.base_url.rpartition("/")[2] if self.kind is ConnectionKind.PAGES else ""
        return self.client_id or host or "Sandbox"


# Built once: every step of a link asks them.
_WORKSPACE = select(WorkspaceConnection.workspace_id).where(
    WorkspaceConnection.id == bindparam("connection_id")
)
_WORKSPACE_USING = _WORKSPACE.where(WorkspaceConnection.ended_at.is_(None))


def is_in_use(session: Session, connection_id: int) -> bool:
    """Return whether a connection is the one its workspace uses."""
    return _noted(session, connection_id, _WORKSPACE_USING)


def workspace_of(session: Session, connection_id: int) -> int | None:
    """Return the id of a connection's workspace, which never changes; None if it was deleted.

    A session asks it once.
    """
    known: dict[int, int] = session.info.setdefault(WORKSPACES, {})
    if connection_id not in known:
        _noted(session, connection_id, _WORKSPACE)
    return known.get(connection_id)


def note_workspace(session: Session, connection_id: int, workspace_id: int) -> None:
    """Note the workspace of a connection, as a session has just read it."""
    session.info.setdefault(WORKSPACES, {})[connection_id] = workspace_id


def _noted(session: Session, connection_id: int, query: Select[int]) -> bool:
    """Note what a query finds as the workspace of a connection; returns whether it found one."""
    workspace_id = session.scalar(query, {"connection_id": connection_id})
    if workspace_id is not None:
        note_workspace(session, connection_id, workspace_id)
    return workspace_id is not None


def connections_of(workspace_id: int) -> Select[int]:
    """Return the query for the ids of a workspace's present and past connections."""
    return select(WorkspaceConnection.id).filter_by(workspace_id=workspace_id)
