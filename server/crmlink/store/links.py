"""Table of links: decisions to write a reference to a record, and their state."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crmlink.folding import fold
from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now


class LinkState(enum.StrEnum):
    """State of a link: intended → linked (→ undone), or failed, or conflict."""

    INTENDED = "intended"
    LINKED = "linked"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNDONE = "undone"


class LinkMethod(enum.StrEnum):
    """How a link is written: by Commusoft's API, or by a person on Commusoft's own pages."""

    API = "api"
    PAGES = "pages"


IS_INTENDED = text(f"state = '{LinkState.INTENDED.value}'")
IS_UNDO = text("undoes_id IS NOT NULL")
NEWEST = "coalesce(created_at, attempted_at)"


def _same_kind(context: Any) -> str:
    """Return the record's kind, the default for the contact's."""
    return str(context.get_current_parameters()["kind"])


class Link(Base):
    """One decision to write a reference to a record; an undo is a link too.

    ``kind`` is the record's kind; ``contact_kind`` the contact's, which differs only if a user
    agreed to it. ``target`` is the reference to write (None clears it), ``target_key`` its folded
    form (see crmlink/folding.py), ``prior`` the reference before; ``differences`` are those between
    contact and record that the user saw and accepted. While a link is intended, no second one to
    the same record or contact may be in progress.

    ``attempt_id`` is the current attempt's, empty without one, and ``owner_id`` that attempt's
    process (None: of a version without owners). ``writes`` counts the PUTs begun, ``writes_over``
    those that Commusoft can no longer carry out. ``written_at`` is set while an accepted PUT waits
    to be checked by a read of a whole list. A link of the method ``pages`` has none of these:
    it stays intended until a page of Commusoft showed the target, or a user gave it up; ``also_on``
    are the records that may keep the reference too, checked again before it is filled in.
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("connection_id", "idempotency_key"),
        Index(
            "uq_link_record_on_its_way",
            "connection_id",
            "kind",
            "record_number",
            unique=True,
            sqlite_where=IS_INTENDED,
            postgresql_where=IS_INTENDED,
        ),
        Index(
            "uq_link_contact_on_its_way",
            "connection_id",
            "package",
            "organisation",
            "contact_kind",
            "reference",
            unique=True,
            sqlite_where=IS_INTENDED,
            postgresql_where=IS_INTENDED,
        ),
        Index("ix_link_connection_id_reference", "connection_id", "package", "reference"),
        Index("ix_link_connection_id_target", "connection_id", text("lower(target)")),
        Index("ix_link_connection_id_target_key", "connection_id", "target_key"),
        Index("ix_link_connection_id_record", "connection_id", "kind", "record_number"),
        Index("ix_link_undoes_id", "undoes_id", sqlite_where=IS_UNDO, postgresql_where=IS_UNDO),
        Index("ix_link_connection_id_newest", "connection_id", text(NEWEST), "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    idempotency_key: Mapped[str]
    fingerprint: Mapped[str]

    package: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    kind: Mapped[Kind]
    contact_kind: Mapped[Kind] = mapped_column(default=_same_kind)
    reference: Mapped[str]
    contact_name: Mapped[str]

    record_number: Mapped[str]
    record_uuid: Mapped[str | None]
    record_label: Mapped[str]

    prior: Mapped[str | None]
    target: Mapped[str | None]
    target_key: Mapped[str | None]
    undoes_id: Mapped[str | None] = mapped_column(ForeignKey("link.id"))

    differences: Mapped[list[dict[str, str]]] = mapped_column(default=list)

    method: Mapped[LinkMethod] = mapped_column(default=LinkMethod.API)
    also_on: Mapped[list[str]] = mapped_column(default=list)

    state: Mapped[LinkState] = mapped_column(default=LinkState.INTENDED)
    attempt_id: Mapped[str] = mapped_column(default=new_id)
    owner_id: Mapped[str | None]
    writes: Mapped[int] = mapped_column(default=0)
    writes_over: Mapped[int] = mapped_column(default=0)
    written_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    attempted_at: Mapped[datetime] = mapped_column(default=utc_now)
    settled_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="joined")

    @validates("target")
    def _fold_target(self, _name: str, target: str | None) -> str | None:
        self.target_key = None if target is None else fold(target)
        return target

    @property
    def is_to_be_checked(self) -> bool:
        """Whether it is written, and only the read that shows it is missing."""
        return self.state is LinkState.INTENDED and self.written_at is not None

    @property
    def is_restored(self) -> bool:
        """Whether a backup brought it back on its way: it may have ended since, and be undone."""
        return self.is_to_be_checked and not self.writes

    @property
    def record_id(self) -> str:
        """Public id of the record."""
        return f"{self.kind}-{self.record_number}"


# The time of a link, for lists of all links alone. By an index on the column itself SQLite, which
# has no statistics, would look for the latest link of one record through all links.
BY_TIME = func.coalesce(Link.created_at, Link.attempted_at)
