"""Table of deleted workspaces: the operator's record of them, without names."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from crmlink.store.base import Base, utc_now


class DeletedWorkspace(Base):
    """What stays of a workspace: its number, which no other gets, and figures.

    ``entries`` is how many entries its audit had, ``last_hash`` the last one's, by which an export
    made before can be recognised. ``deleted_by`` is the public id of the operator, None on the
    command line.
    """

    __tablename__ = "deleted_workspace"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    public_id: Mapped[str]
    people: Mapped[int]
    records: Mapped[int]
    links: Mapped[int]
    entries: Mapped[int]
    last_hash: Mapped[str]
    deleted_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_by: Mapped[str | None]
