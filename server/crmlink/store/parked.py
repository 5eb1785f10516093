"""Table of parked contacts: those without a record in Commusoft yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now


class ParkedContact(Base):
    """A contact without a record, kept until it is linked or removed.

    ``kind`` and ``organisation`` are empty if its URL does not give them.
    """

    __tablename__ = "parked_contact"
    __table_args__ = (
        UniqueConstraint(
            "connection_id",
            "package",
            "organisation",
            "kind",
            "reference",
            name="uq_parked_contact_identity",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))

    package: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")
    reference: Mapped[str]

    name: Mapped[str] = mapped_column(default="")
    company: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    town: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phones: Mapped[list[str]] = mapped_column(default=list)

    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    device: Mapped[Device] = relationship(lazy="joined")

    @property
    def label(self) -> str:
        """Display name: the company, else the person."""
        return self.company or self.name or self.reference
