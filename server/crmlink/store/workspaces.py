"""Tables of workspaces and of their packages' hosts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crmlink.store.base import Base, now


class Workspace(Base):
    """One firm: its people, devices, settings and audit; its connection may change."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    preferences: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class PackageHost(Base):
    """A host of the firm where a package runs, such as Sage 200 on its premises."""

    __tablename__ = "package_host"
    __table_args__ = (UniqueConstraint("workspace_id", "package", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    package: Mapped[str]
    host: Mapped[str]
