"""The tables of whole lists: batches with their rows, and what is found out about the records."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, now
from crmlink.store.links import Link


class BatchState(enum.StrEnum):
    """A batch's life: draft → matching → review → writing ⇄ paused → done, or cancelled.

    While ``importing``, it is not whole yet and shown to nobody.
    """

    IMPORTING = "importing"
    DRAFT = "draft"
    MATCHING = "matching"
    REVIEW = "review"
    WRITING = "writing"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


class BatchSource(enum.StrEnum):
    """Where a batch's contacts came from first."""

    LIST_PAGE = "list_page"
    FILE = "file"
    API = "api"
    COMMAND_LINE = "command_line"


class Verdict(enum.StrEnum):
    """What matching says of a row; ``new`` before it was asked."""

    NEW = "new"
    SURE = "sure"
    CHECK = "check"
    NONE = "none"
    LINKED = "linked"
    CONFLICT = "conflict"


class Choice(enum.StrEnum):
    """What a person decided for a row: this record, no record, or nothing yet."""

    OPEN = "open"
    RECORD = "record"
    NONE = "none"


class RowState(enum.StrEnum):
    """How far the writing of a row has come; ``idle`` while nobody asked for it."""

    IDLE = "idle"
    WAITING = "waiting"
    PROCESSING = "processing"
    FAILED = "failed"
    SUCCESSFUL = "successful"
    UNDOING = "undoing"
    UNDONE = "undone"


class Batch(Base):
    """Contacts to be linked together.

    ``package`` is empty while nobody knows it, ``recognised`` what a file was taken for. While
    something works on the batch, ``lease`` is that worker's and ``lease_owner_id`` its process;
    ``lease_until`` is for versions that know no owners. ``progress`` of ``progress_of`` tells how
    far matching is, ``rate`` how many rows a second are written, ``trouble`` why nothing moves.
    ``version`` grows with every change that a screen shows.
    """

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_state", "state"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    package: Mapped[str]
    organisation: Mapped[str]
    kind: Mapped[Kind | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    name: Mapped[str] = mapped_column(default="")
    source: Mapped[BatchSource] = mapped_column(default=BatchSource.LIST_PAGE)
    file_name: Mapped[str] = mapped_column(default="")
    recognised: Mapped[dict[str, Any] | None]
    bad_rows: Mapped[int] = mapped_column(default=0)

    state: Mapped[BatchState] = mapped_column(default=BatchState.DRAFT)
    version: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(default=now)
    lease: Mapped[str] = mapped_column(default="")
    lease_owner_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]

    sure_bound: Mapped[float | None]
    share: Mapped[float | None]
    progress: Mapped[int] = mapped_column(default=0)
    progress_of: Mapped[int] = mapped_column(default=0)
    matched_at: Mapped[datetime | None]
    sample: Mapped[dict[str, Any] | None]  # the sure rows that a person was shown, see batch_sure

    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # by the person who started it
    rate: Mapped[float | None]
    trouble: Mapped[dict[str, Any] | None]

    device: Mapped[Device] = relationship(lazy="joined", foreign_keys=[device_id])
    started_by: Mapped[Device | None] = relationship(lazy="joined", foreign_keys=[started_by_id])


class BatchRow(Base):
    """One contact of a batch, what matching says of it, what a person decided, what became of it.

    ``other_addresses`` have the keys address, town and postcode; ``retired`` says that the package
    keeps the contact but does not use it. ``reference`` is empty where the file has none;
    ``completed_by`` says by what ("email", "name") a list page's contact was found to be this one.
    ``erased_at``: it is of somebody who was erased since, while one that only grew old has lost its
    name alone. ``suggestions`` are compact, see batches/row_details.py. ``best`` is the record that
    the list as a whole leaves to this row. ``agreed`` is what the person saw and agreed to.
    ``version`` grows with every decision.
    """

    __tablename__ = "batch_row"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index(
            "uq_batch_row_batch_id_kind_reference",
            "batch_id",
            "kind",
            "reference",
            unique=True,
            sqlite_where=text("reference <> ''"),
            postgresql_where=text("reference <> ''"),
        ),
        Index(
            "uq_batch_row_batch_id_record_id",
            "batch_id",
            "record_id",
            unique=True,
            sqlite_where=text("choice = 'record'"),
            postgresql_where=text("choice = 'record'"),
        ),
        Index("ix_batch_row_batch_id_state_position", "batch_id", "state", "position"),
        Index("ix_batch_row_batch_id_verdict_position", "batch_id", "verdict", "position"),
        Index("ix_batch_row_counts", "batch_id", "verdict", "choice", "state"),
        Index("ix_batch_row_best", "best"),
        Index("ix_batch_row_link_id", "link_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    position: Mapped[int]
    line: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(8))  # "" where the list does not tell
    reference: Mapped[str] = mapped_column(default="")
    completed_by: Mapped[str] = mapped_column(String(8), default="")

    name: Mapped[str] = mapped_column(default="")
    company: Mapped[str] = mapped_column(default="")
    person: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    town: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phones: Mapped[list[str]] = mapped_column(default=list)
    account_number: Mapped[str] = mapped_column(default="")
    other_emails: Mapped[list[str]] = mapped_column(default=list)
    other_addresses: Mapped[list[dict[str, str]]] = mapped_column(default=list)
    retired: Mapped[bool] = mapped_column(default=False)
    open_pence: Mapped[int | None] = mapped_column(BigInteger)
    newest: Mapped[date | None]

    verdict: Mapped[Verdict] = mapped_column(default=Verdict.NEW)
    conflict: Mapped[dict[str, Any] | None]
    suggestions: Mapped[list[Any]] = mapped_column(default=list)
    none_probability: Mapped[float | None]
    best: Mapped[str | None]
    probability: Mapped[float | None]

    choice: Mapped[Choice] = mapped_column(default=Choice.OPEN)
    record_id: Mapped[str | None]
    agreed: Mapped[dict[str, Any] | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    claimed_until: Mapped[datetime | None]

    state: Mapped[RowState] = mapped_column(default=RowState.IDLE)
    attempt: Mapped[int] = mapped_column(default=0)
    link_id: Mapped[str | None] = mapped_column(ForeignKey("link.id"))
    failure: Mapped[dict[str, Any] | None]
    settled_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    decided_by: Mapped[Device | None] = relationship(foreign_keys=[decided_by_id])
    claimed_by: Mapped[Device | None] = relationship(foreign_keys=[claimed_by_id])
    link: Mapped[Link | None] = relationship()


def show_as_undone(session: Session, link_id: str) -> None:
    """Let the rows of a link that was undone say so, whoever undid it and from where."""
    batch_ids = session.scalars(
        update(BatchRow)
        .where(
            BatchRow.link_id == link_id,
            BatchRow.state.in_((RowState.SUCCESSFUL, RowState.UNDOING)),
        )
        .values(state=RowState.UNDONE, failure=None, settled_at=now())
        .returning(BatchRow.batch_id)
        .execution_options(synchronize_session=False)
    ).all()
    if batch_ids:
        session.execute(
            update(Batch)
            .where(Batch.id.in_(batch_ids))
            .values(version=Batch.version + 1, changed_at=now())
        )


class RejectedBatchRow(Base):
    """A line of a file that is no contact, and why; ``accounting.exports.say`` has the words."""

    __tablename__ = "batch_bad_row"
    __table_args__ = (Index("ix_batch_bad_row_batch_id_line", "batch_id", "line"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"))
    line: Mapped[int]
    code: Mapped[str]
    args: Mapped[dict[str, Any]]


class AppendReceipt(Base):
    """A list page that was taken, by its key: sent again, it is told the same."""

    __tablename__ = "batch_page"
    __table_args__ = (UniqueConstraint("connection_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]
    fingerprint: Mapped[str]
    added: Mapped[int]
    completed: Mapped[int] = mapped_column(default=0)
