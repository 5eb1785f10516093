"""The table of links: each a decision, with its life."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crmlink.folding import fold
from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, now


class LinkState(enum.StrEnum):
    """A link's life: intended → linked (→ undone), or failed, or conflict."""

    INTENDED = "intended"
    LINKED = "linked"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNDONE = "undone"


UNSETTLED = text(f"state = '{LinkState.INTENDED.value}'")


def _same_kind(context: Any) -> str:
    """A link's contact is of its record's kind where nothing else is said."""
    return str(context.get_current_parameters()["kind"])


class Link(Base):
    """One decision to put a reference on a record; an undo is a link too.

    ``kind`` is the record's; ``contact_kind`` what the contact is, which is the other one only
    where a person agreed to that. ``target`` is the value to stand on the record (None clears it),
    ``prior`` what stood there;
    ``target_key`` the target as it is compared, see crmlink/folding.py;
    ``differences`` are those between contact and record that the person saw and linked over.
    While one is intended, no second link may be on its way to the same record or contact.

    ``attempt_id`` is that of the attempt which works on it, empty when none does, and ``owner_id``
    the process of that attempt (None: it is of a version that knows no owners). ``writes`` counts
    the PUTs that were begun, ``writes_over`` those that Commusoft cannot carry out any more.
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
            sqlite_where=UNSETTLED,
            postgresql_where=UNSETTLED,
        ),
        Index(
            "uq_link_contact_on_its_way",
            "connection_id",
            "package",
            "organisation",
            "contact_kind",
            "reference",
            unique=True,
            sqlite_where=UNSETTLED,
            postgresql_where=UNSETTLED,
        ),
        Index("ix_link_connection_id_reference", "connection_id", "package", "reference"),
        Index("ix_link_connection_id_target", "connection_id", text("lower(target)")),
        Index("ix_link_connection_id_target_key", "connection_id", "target_key"),
        Index("ix_link_connection_id_record", "connection_id", "kind", "record_number"),
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

    state: Mapped[LinkState] = mapped_column(default=LinkState.INTENDED)
    attempt_id: Mapped[str] = mapped_column(default=new_id)
    owner_id: Mapped[str | None]
    writes: Mapped[int] = mapped_column(default=0)
    writes_over: Mapped[int] = mapped_column(default=0)
    failure: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    attempted_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="joined")

    @validates("target")
    def _fold_target(self, _name: str, target: str | None) -> str | None:
        self.target_key = None if target is None else fold(target)
        return target

    @property
    def record_id(self) -> str:
        return f"{self.kind}-{self.record_number}"
