"""Write tests of the doctor that are not at their end: what has to be put back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, now


class WriteTest(Base):
    """A record that the doctor writes to; the row is deleted when that is over.

    ``prior`` is the record's own reference and ``trial`` a value that may be on it until the own
    one is put back. Meanwhile no link to the record is decided. ``dialect`` is how it was last
    written to.

    ``attempt_id`` is that of the work on it, empty when there is none, and ``owner_id`` the process
    that does it. ``writes`` counts the PUTs that were begun, ``writes_over`` those that Commusoft
    cannot carry out any more.
    """

    __tablename__ = "write_test"
    __table_args__ = (UniqueConstraint("connection_id", "kind", "record_number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    kind: Mapped[Kind]
    record_number: Mapped[str]
    record_uuid: Mapped[str | None]
    prior: Mapped[str | None]
    trial: Mapped[str | None]
    dialect: Mapped[dict[str, Any] | None]
    attempt_id: Mapped[str] = mapped_column(default=new_id)
    owner_id: Mapped[str | None]
    writes: Mapped[int] = mapped_column(default=0)
    writes_over: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)

    device: Mapped[Device] = relationship(lazy="joined")

    @property
    def record_id(self) -> str:
        return f"{self.kind}-{self.record_number}"
