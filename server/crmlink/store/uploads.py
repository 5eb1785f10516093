"""Tables of uploaded files that wait to be imported, for all machines of a PostgreSQL database.

Unused on SQLite, whose one server has them in its data folder. They are in no backup.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from crmlink.store.base import Base, utc_now


class Upload(Base):
    """A file by its token; ``description`` is what its sender chose, and what became of it."""

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), index=True)
    description: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class UploadPart(Base):
    """A part of a file's content; there is none once the file was saved or had to be deleted."""

    __tablename__ = "upload_part"

    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
