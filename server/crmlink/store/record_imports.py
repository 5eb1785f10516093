"""Tables of imports of records, for accounts without an API."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crmlink.store.access import Device
from crmlink.store.base import Base, utc_now


class ImportSource(enum.StrEnum):
    """Where the records of an import come from."""

    FILE = "file"
    LIST_PAGE = "list_page"


class RecordImport(Base):
    """One import of records, perhaps of several parts; ``key`` is the client's id for it.

    ``read_at`` is when Commusoft showed the records: an import changes no row that was read later.
    ``complete``: the parts, ``parts`` of them, are all records of their kinds. The counts are those
    of all parts so far. ``customers`` and ``suppliers`` count the records of each kind, changed or
    not. ``finished_at`` is None while a complete import lacks parts or a person's yes.
    """

    __tablename__ = "record_import"
    __table_args__ = (
        UniqueConstraint("connection_id", "key"),
        Index("ix_record_import_connection_id_read_at", "connection_id", "read_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    key: Mapped[str]
    source: Mapped[ImportSource]
    read_at: Mapped[datetime]
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    complete: Mapped[bool] = mapped_column(default=False)
    parts: Mapped[int | None]
    customers: Mapped[int] = mapped_column(default=0)
    suppliers: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)

    device: Mapped[Device] = relationship(lazy="joined")


class RecordImportPart(Base):
    """One part of an import, by its number: what it held, and what it did.

    ``record_ids`` are the public ids of its records, kept until the import is finished.
    """

    __tablename__ = "record_import_part"
    __table_args__ = (UniqueConstraint("import_id", "part"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("record_import.id", ondelete="CASCADE"))
    part: Mapped[int]
    fingerprint: Mapped[str]
    record_ids: Mapped[list[str]]
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    older: Mapped[int]
