"""Tables of reports: daily shares linked, and pairs of similar records."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crmlink.kinds import Kind
from crmlink.store.base import Base, utc_now


class ShareSnapshot(Base):
    """Number of records of a kind on a day, and how many had a reference."""

    __tablename__ = "linked_share"
    __table_args__ = (UniqueConstraint("connection_id", "kind", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    kind: Mapped[Kind]
    day: Mapped[date]
    records: Mapped[int]
    linked: Mapped[int]


class SuspectedDuplicate(Base):
    """Two similar records, probably duplicates; ``first_id`` has the lower number.

    A dismissed pair stays dismissed.
    """

    __tablename__ = "lookalike"
    __table_args__ = (UniqueConstraint("connection_id", "first_id", "second_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    first_id: Mapped[str]
    second_id: Mapped[str]
    similarity: Mapped[float] = mapped_column("likeness")
    reasons: Mapped[list[Any]]
    found_at: Mapped[datetime] = mapped_column(default=utc_now)
    dismissed_at: Mapped[datetime | None]
    dismissed_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
