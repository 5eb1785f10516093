"""Table of the checklist's answers: what an admin found out about Commusoft."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.store.access import Device
from crmlink.store.base import Base, utc_now


class ChecklistAnswer(Base):
    """An answer to one question, see commusoft/checklist; it holds no customer's data."""

    __tablename__ = "checklist_answer"
    __table_args__ = (UniqueConstraint("workspace_id", "question"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    question: Mapped[str]
    choice: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    answered_at: Mapped[datetime] = mapped_column(default=utc_now)

    device: Mapped[Device] = relationship(lazy="joined")
