"""Tables of whole lists: batches, their rows, and receipts."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from crmlink.kinds import Kind
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now
from crmlink.store.contact_columns import ContactColumns
from crmlink.store.links import Link


class BatchState(enum.StrEnum):
    """State of a batch: draft → matching → review → writing ⇄ paused → done, or cancelled.

    While ``importing`` it is incomplete and hidden. Between ``writing`` and ``done`` it is
    ``filling`` while links of it wait to be saved on Commusoft's page; between ``undoing`` and
    ``undone`` likewise ``reverting``.
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
    FILLING = "filling"
    REVERTING = "reverting"


class BatchSource(enum.StrEnum):
    """Origin of a batch's first contacts."""

    LIST_PAGE = "list_page"
    FILE = "file"
    API = "api"
    COMMAND_LINE = "command_line"
    LIVE = "live"  # read from the accounting package


class Verdict(enum.StrEnum):
    """Result of matching a row; ``new`` before matching."""

    NEW = "new"
    SURE = "sure"
    CHECK = "check"
    NONE = "none"
    LINKED = "linked"
    CONFLICT = "conflict"


class Choice(enum.StrEnum):
    """A user's decision on a row: this record, no record, or open."""

    OPEN = "open"
    RECORD = "record"
    NONE = "none"


class RowState(enum.StrEnum):
    """State of writing a row; ``idle`` until it is requested.

    ``written``: Commusoft accepted its reference, and no read has shown it yet.
    ``filling``: its link, or the undo of its link, waits to be saved on Commusoft's page.
    """

    IDLE = "idle"
    WAITING = "waiting"
    PROCESSING = "processing"
    WRITTEN = "written"
    FAILED = "failed"
    SUCCESSFUL = "successful"
    UNDOING = "undoing"
    UNDONE = "undone"
    FILLING = "filling"


class Batch(Base):
    """Contacts to be linked together.

    ``package`` is empty while unknown, ``recognised`` the detected format of a file. While a worker
    processes the batch, ``lease`` is its lease and ``lease_owner_id`` its process; ``lease_until``
    is for versions without owners. ``progress`` of ``progress_of`` measures matching, ``rate`` is
    in rows per second, ``last_error`` the reason for a pause. ``helped`` counts rows that other
    processes wrote. ``version`` grows with every visible change.
    """

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_state", "state"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    package: Mapped[str]
    organisation: Mapped[str]
    kind: Mapped[Kind | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    name: Mapped[str] = mapped_column(default="")
    source: Mapped[BatchSource] = mapped_column(default=BatchSource.LIST_PAGE)
    file_name: Mapped[str] = mapped_column(default="")
    recognised: Mapped[dict[str, Any] | None]
    bad_rows: Mapped[int] = mapped_column(default=0)

    state: Mapped[BatchState] = mapped_column(default=BatchState.DRAFT)
    version: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column("changed_at", default=utc_now)
    lease: Mapped[str] = mapped_column(default="")
    lease_owner_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]

    sure_bound: Mapped[float | None]
    share: Mapped[float | None]
    progress: Mapped[int] = mapped_column(default=0)
    progress_of: Mapped[int] = mapped_column(default=0)
    matched_at: Mapped[datetime | None]
    sample: Mapped[dict[str, Any] | None]  # sure rows shown to the user, see batches/accept_sure.py

    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # by the person who started it
    rate: Mapped[float | None]
    helped: Mapped[int | None]
    last_error: Mapped[dict[str, Any] | None] = mapped_column("trouble")

    device: Mapped[Device] = relationship(lazy="joined", foreign_keys=[device_id])
    started_by: Mapped[Device | None] = relationship(lazy="joined", foreign_keys=[started_by_id])


NO_REFERENCE = text("reference = ''")


class BatchRow(ContactColumns, Base):
    """One contact of a batch, with the result of matching, the decision and the outcome.

    ``retired``: the package keeps the contact but no longer uses it. ``completed_by``
    tells by which field ("email", "name") a list page's contact was identified. ``erased_at`` is
    set for a person erased since; a row that is only old has lost its name alone. ``suggestions``
    are encoded by batches/row_details.py. ``best`` is the record assigned by one-to-one assignment.
    ``agreed`` holds the user's overrides. ``version`` grows with every decision. ``writer_id`` is
    the process that writes the row while another one has the batch's lease.
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
        Index(
            "ix_batch_row_without_reference",
            "batch_id",
            sqlite_where=NO_REFERENCE,
            postgresql_where=NO_REFERENCE,
        ),
        Index("ix_batch_row_counts", "batch_id", "verdict", "choice", "state"),
        Index("ix_batch_row_best", "best"),
        Index("ix_batch_row_link_id", "link_id"),
        Index(
            "ix_batch_row_writer_id",
            "writer_id",
            sqlite_where=text("writer_id IS NOT NULL"),
            postgresql_where=text("writer_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    position: Mapped[int]
    line: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(8))  # "" if the list does not say
    completed_by: Mapped[str] = mapped_column(String(8), default="")

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
    writer_id: Mapped[str | None]
    link_id: Mapped[str | None] = mapped_column(ForeignKey("link.id"))
    failure: Mapped[dict[str, Any] | None]
    settled_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    decided_by: Mapped[Device | None] = relationship(foreign_keys=[decided_by_id])
    claimed_by: Mapped[Device | None] = relationship(foreign_keys=[claimed_by_id])
    link: Mapped[Link | None] = relationship()


def show_as_undone(session: Session, link_id: str) -> None:
    """Mark the rows of an undone link as undone."""
    states = (RowState.SUCCESSFUL, RowState.UNDOING, RowState.FILLING)
    _settle_rows(session, link_id, states, state=RowState.UNDONE, failure=None)


def show_as_filled(
    session: Session, link_id: str, state: RowState, failure: dict[str, Any] | None
) -> None:
    """Settle the rows of a link whose value, or whose undo's value, waited on a page."""
    _settle_rows(session, link_id, (RowState.FILLING,), state=state, failure=failure)


def _settle_rows(
    session: Session, link_id: str, states: tuple[RowState, ...], **values: Any
) -> None:
    batch_ids = session.scalars(
        update(BatchRow)
        .where(BatchRow.link_id == link_id, BatchRow.state.in_(states))
        .values(settled_at=utc_now(), **values)
        .returning(BatchRow.batch_id)
        .execution_options(synchronize_session=False)
    ).all()
    if batch_ids:
        session.execute(
            update(Batch)
            .where(Batch.id.in_(batch_ids))
            .values(version=Batch.version + 1, updated_at=utc_now())
        )


class RejectedBatchRow(Base):
    """A line of a file that is no contact; ``accounting.exports.messages`` renders the reason."""

    __tablename__ = "batch_bad_row"
    __table_args__ = (Index("ix_batch_bad_row_batch_id_line", "batch_id", "line"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"))
    line: Mapped[int]
    code: Mapped[str]
    args: Mapped[dict[str, Any]]


class AppendReceipt(Base):
    """An appended list page by its key; a repeated request gets the same response."""

    __tablename__ = "batch_page"
    __table_args__ = (UniqueConstraint("connection_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]
    fingerprint: Mapped[str]
    added: Mapped[int]
    completed: Mapped[int] = mapped_column(default=0)
