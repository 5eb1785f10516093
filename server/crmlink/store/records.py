"""Table of the mirror: copies of a connection's Commusoft records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    cast,
    false,
    func,
    or_,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, validates

from crmlink.folding import fold
from crmlink.kinds import Kind
from crmlink.store.base import Base


class MirroredRecord(Base):
    """Copy of one Commusoft record: only the fields that matching and pages use.

    ``reference_key`` is the folded reference, see crmlink/folding.py. Of several values ``email``
    and ``address`` are the first; ``other_addresses`` have the keys address, town and postcode.

    ``mirror_version`` is the one that last changed the row, for the index to follow. A record
    that no longer exists keeps its row, cleared, with ``deleted_at``.
    """

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "number"),
        Index("ix_record_connection_id_reference", "connection_id", text("lower(reference)")),
        Index("ix_record_connection_id_reference_key", "connection_id", "reference_key"),
        Index("ix_record_connection_id_changed", "connection_id", "changed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    kind: Mapped[Kind]
    number: Mapped[str]
    uuid: Mapped[str | None]
    name: Mapped[str]
    company: Mapped[str]
    email: Mapped[str]
    phones: Mapped[list[str]]
    address: Mapped[str]
    town: Mapped[str]
    postcode: Mapped[str]
    account_number: Mapped[str]
    other_emails: Mapped[list[str]] = mapped_column(default=list)
    other_addresses: Mapped[list[dict[str, str]]] = mapped_column(default=list)
    reference: Mapped[str | None]
    reference_key: Mapped[str | None]
    reference_seen_at: Mapped[datetime | None]  # on a page or in an import; None: by the API
    read_at: Mapped[datetime | None]  # by an import; None: by the API
    mirror_version: Mapped[int] = mapped_column("changed")
    deleted_at: Mapped[datetime | None] = mapped_column("gone_at")
    erased_at: Mapped[datetime | None]  # on a person's request: details are never stored again

    @validates("reference")
    def _fold_reference(self, _name: str, reference: str | None) -> str | None:
        self.reference_key = None if reference is None else fold(reference)
        return reference

    @property
    def public_id(self) -> str:
        """Id used outside the database, such as `customer-1001`."""
        return f"{self.kind}-{self.number}"

    @property
    def label(self) -> str:
        """Display name: the company, else the person."""
        return self.company or self.name or f"{self.kind} {self.number}"


def holds_email(
    email: InstrumentedAttribute[str],
    others: InstrumentedAttribute[list[str]],
    emails: Iterable[str],
) -> ColumnElement[bool]:
    """Return the condition that a record has one of these emails, ignoring case.

    Emails read from Commusoft have ASCII letters alone, see values/emails.py.
    """
    emails = {fold(value) for value in emails} - {""}
    among = func.lower(cast(others, String))
    return or_(
        false(),
        func.lower(email).in_(emails),
        *(among.contains(json.dumps(other), autoescape=True) for other in sorted(emails)),
    )


def empty_details() -> dict[str, Any]:
    """Return the columns with details of a record's person or company, with their empty values."""
    texts = ("name", "company", "email", "address", "town", "postcode", "account_number")
    lists: dict[str, Any] = {"phones": [], "other_emails": [], "other_addresses": []}
    return dict.fromkeys(texts, "") | lists
