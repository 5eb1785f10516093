"""The mirror: our copy of the Commusoft records of a connection."""

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
    """Our copy of one Commusoft record: only what matching and screens use.

    ``reference_key`` is the reference as it is compared, see crmlink/folding.py.

    Where Commusoft has several, ``email`` and ``address`` are the first; ``other_addresses`` have
    the keys address, town and postcode.

    ``changed`` is the mirror version that last touched the row, so that an index can follow.
    A record that left Commusoft keeps its row, emptied, with ``gone_at``.
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
    changed: Mapped[int]
    gone_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]  # a person asked: details never come back

    @validates("reference")
    def _fold_reference(self, _name: str, reference: str | None) -> str | None:
        self.reference_key = None if reference is None else fold(reference)
        return reference

    @property
    def public_id(self) -> str:
        return f"{self.kind}-{self.number}"

    @property
    def label(self) -> str:
        return self.company or self.name or f"{self.kind} {self.number}"


def holds_email(
    email: InstrumentedAttribute[str],
    others: InstrumentedAttribute[list[str]],
    wanted: Iterable[str],
) -> ColumnElement[bool]:
    """The condition that one of a record's emails is one of these, whatever their case.

    What is read from Commusoft as an email has ASCII's letters alone, see values/emails.py.
    """
    emails = {fold(each) for each in wanted} - {""}
    among = func.lower(cast(others, String))
    return or_(
        false(),
        func.lower(email).in_(emails),
        *(among.contains(json.dumps(each), autoescape=True) for each in sorted(emails)),
    )


def empty_details() -> dict[str, Any]:
    """The columns of a mirrored record that tell about its person or firm, each as when empty."""
    texts = ("name", "company", "email", "address", "town", "postcode", "account_number")
    lists: dict[str, Any] = {"phones": [], "other_emails": [], "other_addresses": []}
    return dict.fromkeys(texts, "") | lists
