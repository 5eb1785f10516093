"""The tables. Times are aware UTC; numbers that are ids stay inside the server."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    cast,
    false,
    func,
    or_,
    text,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    mapped_column,
    relationship,
)

from crmlink.kinds import Kind

if TYPE_CHECKING:
    from crmlink.store.people import Person


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh opaque id."""
    return uuid.uuid4().hex


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also where the database keeps no zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class LinkState(enum.StrEnum):
    """A link's life: intended → linked (→ undone), or failed, or conflict."""

    INTENDED = "intended"
    LINKED = "linked"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNDONE = "undone"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        Kind: String(8),
        enum.StrEnum: Enum(
            enum.StrEnum, native_enum=False, values_callable=lambda e: [s.value for s in e]
        ),
        list[str]: JSON(),
        list[Any]: JSON(),
        dict[str, Any]: JSON(),
        list[dict[str, str]]: JSON(),
    }


class Workspace(Base):
    """One firm: its people, devices, settings and audit. How it reaches Commusoft may change."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    preferences: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DeviceSort(enum.StrEnum):
    """What acts: a paired browser, a script's token, the pages, or the server's command line."""

    BROWSER = "browser"
    SCRIPT = "script"
    PAGES = "pages"
    COMMAND_LINE = "command_line"


class Device(Base):
    """What acts for a person; a script's token itself is never kept.

    ``prefix`` is what lists show of a script's token, for the others a name that nobody sees.
    While a rotated token waits for its first use, ``previous_hash`` is the old one's, good until
    its own end, ``previous_expires_at``. ``made_by_id`` is the token that made
    this one, if one did. ``key_thumbprint`` (RFC 7638) is of the key that a browser's tokens are
    bound to, ``copy_seen_at`` when they were last shown without it.
    """

    __tablename__ = "device"
    __table_args__ = (Index("uq_device_public_id", "public_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sort: Mapped[DeviceSort] = mapped_column(default=DeviceSort.SCRIPT)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    previous_hash: Mapped[str | None]
    previous_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None]
    use_count: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    rotated_at: Mapped[datetime | None]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    key_thumbprint: Mapped[str | None]
    copy_seen_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="joined")

    @property
    def who(self) -> str:
        """Who acts by it, as people call them."""
        return self.person.name if self.person else self.name


class MirroredRecord(Base):
    """Our copy of one Commusoft record: only what matching and screens use.

    Where Commusoft has several, ``email`` and ``address`` are the first; ``other_addresses`` have
    the keys address, town and postcode.

    ``changed`` is the mirror version that last touched the row, so that an index can follow.
    A record that left Commusoft keeps its row, emptied, with ``gone_at``.
    """

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "number"),
        Index("ix_record_connection_id_reference", "connection_id", text("lower(reference)")),
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
    changed: Mapped[int]
    gone_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]  # a person asked: details never come back

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
    """The condition that one of a row's emails is one of these, whatever their case."""
    emails = {each.lower() for each in wanted} - {""}
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


UNSETTLED = text(f"state = '{LinkState.INTENDED.value}'")


def _same_kind(context: Any) -> str:
    """A link's contact is of its record's kind where nothing else is said."""
    return str(context.get_current_parameters()["kind"])


class Link(Base):
    """One decision to put a reference on a record; an undo is a link too.

    ``kind`` is the record's; ``contact_kind`` what the contact is, which is the other one only
    where a person agreed to that. ``target`` is the value to stand on the record (None clears it),
    ``prior`` what stood there;
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

    @property
    def record_id(self) -> str:
        return f"{self.kind}-{self.record_number}"


class PackageHost(Base):
    """An address of the firm's own where a package runs, such as Sage 200 on its premises."""

    __tablename__ = "package_host"
    __table_args__ = (UniqueConstraint("workspace_id", "package", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    package: Mapped[str]
    host: Mapped[str]
