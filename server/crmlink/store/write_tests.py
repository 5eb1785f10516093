"""Table of the doctor's open write checks: values to restore."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now


class WriteTest(Base):
    """A record in a write check by the doctor; the row is deleted when the check has ended.

    ``prior`` is the record's reference, ``trial`` a value that may be on it until ``prior`` is
    restored. Until then no link to the record is decided. ``dialect`` is the one last used to
    write. ``before`` is the whole record as it was, where a form is proved that may empty other
    fields; it is deleted with the row, and with the person if they are erased.

    ``attempt_id`` is the current attempt's, empty without one, and ``owner_id`` that attempt's
    process. ``writes`` counts the PUTs begun, ``writes_over`` those that Commusoft can no longer
    carry out.
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
    before: Mapped[dict[str, Any] | None]
    attempt_id: Mapped[str] = mapped_column(default=new_id)
    owner_id: Mapped[str | None]
    writes: Mapped[int] = mapped_column(default=0)
    writes_over: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    device: Mapped[Device] = relationship(lazy="joined")

    @property
    def record_id(self) -> str:
        """Public id of the record."""
        return f"{self.kind}-{self.record_number}"
