"""Table of Web Connectors: what QuickBooks Desktop's computer signs in with, and its session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.store.base import Base
from crmlink.store.sources import ContactSource


class WebConnector(Base):
    """The Web Connector of one source.

    ``owner_id`` and ``file_id`` are GUIDs that must stay the same. ``file_hash`` is of the path of
    the company file that was read first. A session is known by the hash of its ticket, and ends
    with it; ``error`` is the code of what went wrong in it.
    """

    __tablename__ = "web_connector"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("contact_source.id"), unique=True)
    user_name: Mapped[str]
    password_hash: Mapped[str]
    owner_id: Mapped[str]
    file_id: Mapped[str]
    file_hash: Mapped[str] = mapped_column(default="")
    ticket_hash: Mapped[str] = mapped_column(default="", index=True)
    seen_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")

    source: Mapped[ContactSource] = relationship(lazy="joined")
