"""Tables of workspaces, of their packages' hosts, and of fields shown on Commusoft's pages."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CompoundSelect, ForeignKey, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now
from crmlink.store.database import Database


class Writes(enum.StrEnum):
    """How a workspace writes references; the last: on the pages where the API refuses."""

    API = "api"
    PAGES = "pages"
    API_THEN_PAGES = "api-then-pages"


class Workspace(Base):
    """One firm: its people, devices, settings and audit; its connection may change.

    ``name`` is for people who belong to several, and for the operator; empty where there is one.
    ``limits`` is by ``quotas.Quota``, with no entry for what has none.
    """

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    name: Mapped[str] = mapped_column(default="", server_default="")
    suspended_at: Mapped[datetime | None]
    limits: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    preferences: Mapped[dict[str, Any] | None]
    writes: Mapped[Writes] = mapped_column(default=Writes.API)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class PackageHost(Base):
    """A host of the firm where a package runs, such as Sage 200 on its premises."""

    __tablename__ = "package_host"
    __table_args__ = (UniqueConstraint("workspace_id", "package", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    package: Mapped[str]
    host: Mapped[str]


class RecordField(Base):
    """The field of the reference on a record's page, as an admin showed it to crmlink.

    ``selector`` is a CSS selector within the page; ``label`` is the text beside the field, which
    must still be there for the rule to count. ``section`` is empty: the heading above may name the
    record's person. It is there for an older server during a rolling restart.
    """

    __tablename__ = "record_field"
    __table_args__ = (UniqueConstraint("workspace_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    kind: Mapped[Kind]
    host: Mapped[str]
    selector: Mapped[str]
    label: Mapped[str]
    section: Mapped[str] = mapped_column(default="")
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    device: Mapped[Device] = relationship(lazy="joined")


def list_workspaces(database: Database) -> list[Workspace]:
    """Return all workspaces, the first one first."""
    with database.reading() as session:
        return list(session.scalars(select(Workspace).order_by(Workspace.id)))


def active_workspaces(
    database: Database, among: Select[int] | CompoundSelect[int] | None = None
) -> list[int]:
    """Return the ids of workspaces that are not suspended, or of those among a query's ids."""
    query = select(Workspace.id).where(Workspace.suspended_at.is_(None)).order_by(Workspace.id)
    if among is not None:
        query = query.where(Workspace.id.in_(among))
    with database.reading() as session:
        return list(session.scalars(query))


def has_several_workspaces(database: Database) -> bool:
    """Return whether there is more than one workspace, without reading them all."""
    with database.reading() as session:
        return len(session.scalars(select(Workspace.id).limit(2)).all()) > 1


def has_several_active(database: Database) -> bool:
    """Return whether more than one workspace is not suspended."""
    query = select(Workspace.id).where(Workspace.suspended_at.is_(None)).limit(2)
    with database.reading() as session:
        return len(session.scalars(query).all()) > 1


def workspace_by_public_id(database: Database, public_id: str) -> Workspace | None:
    """Return the workspace with a public id."""
    with database.reading() as session:
        return session.scalar(select(Workspace).filter_by(public_id=public_id))


def find_workspace(database: Database, workspace_id: int) -> Workspace:
    """Return a workspace. Raises NoResultFound."""
    with database.reading() as session:
        return session.get_one(Workspace, workspace_id)
