"""The mirror: our copy of the records, kept up with Commusoft for matching and screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.commusoft.client import Commusoft
from crmlink.commusoft.errors import CommusoftUnreadable
from crmlink.commusoft.records import Record
from crmlink.store import Database, MirroredRecord, Workspace
from crmlink.store.models import now
from crmlink.words import KINDS, Kind

BATCH = 1_000  # records a transaction: readers and links wait no longer than that takes
KEPT = (
    "uuid", "name", "company", "email", "address",
    "town", "postcode", "account_number", "reference",
)  # fmt: skip


@dataclass
class SyncResult:
    """How many records a sync read, and how many rows it added, changed and emptied."""

    read: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    added: int = 0
    changed: int = 0
    gone: int = 0


def sync(
    database: Database,
    workspace_id: int,
    commusoft: Commusoft,
    progress: Callable[[SyncResult], None] = lambda _result: None,
) -> SyncResult:
    """Compare the whole of Commusoft's lists with the mirror and write what differs.

    A record that a link touched while the list was being read keeps what the link read back.
    Raises CommusoftError when a list does not arrive whole; then no record is taken for gone.
    """
    result = SyncResult()
    for kind in KINDS:
        with database.reading() as session:
            start = session.get_one(Workspace, workspace_id).mirror_version
        seen: set[str] = set()
        for batch in _batches(commusoft.records(kind)):
            present = {record.number: record for record in batch if not record.deleted}
            seen.update(present)
            result.read[kind] += len(batch)
            with database.writing() as session:
                _take(session, workspace_id, kind, present, start, result)
            progress(result)
        with database.writing() as session:
            _empty_unseen(session, workspace_id, kind, seen, start, result)
    with database.writing() as session:
        session.get_one(Workspace, workspace_id).synced_at = now()
    return result


def remember(session: Session, workspace_id: int, record: Record) -> MirroredRecord:
    """Write into the mirror what Commusoft has just said of one record; returns its row."""
    row = _row(session, workspace_id, record.kind, record.number)
    if row is None:
        row = MirroredRecord(workspace_id=workspace_id, kind=record.kind, number=record.number)
        session.add(row)
    _fill(row, record, _next_version(session, workspace_id))
    return row


def forget(session: Session, workspace_id: int, kind: Kind, number: str) -> None:
    """Empty the row of a record that left Commusoft."""
    row = _row(session, workspace_id, kind, number)
    if row:
        _empty(row, _next_version(session, workspace_id))


def _row(session: Session, workspace_id: int, kind: Kind, number: str) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(workspace_id=workspace_id, kind=kind, number=number)
    )


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _next_version(session: Session, workspace_id: int) -> int:
    workspace = session.get_one(Workspace, workspace_id)
    workspace.mirror_version += 1
    return workspace.mirror_version


def _take(
    session: Session,
    workspace_id: int,
    kind: Kind,
    present: dict[str, Record],
    start: int,
    result: SyncResult,
) -> None:
    rows = {
        row.number: row
        for row in session.scalars(
            select(MirroredRecord)
            .filter_by(workspace_id=workspace_id, kind=kind)
            .where(MirroredRecord.number.in_(present))
        )
    }
    touched = [
        record
        for number, record in present.items()
        if number not in rows or (rows[number].changed <= start and _differs(rows[number], record))
    ]
    if not touched:
        return
    version = _next_version(session, workspace_id)
    for record in touched:
        row = rows.get(record.number)
        if row is None:
            row = MirroredRecord(workspace_id=workspace_id, kind=kind, number=record.number)
            session.add(row)
            result.added += 1
        else:
            result.changed += 1
        _fill(row, record, version)


def _empty_unseen(
    session: Session, workspace_id: int, kind: Kind, seen: set[str], start: int, result: SyncResult
) -> None:
    """Empty the rows whose record the list no longer has, or flags as deleted."""
    rows = session.scalars(
        select(MirroredRecord)
        .filter_by(workspace_id=workspace_id, kind=kind, gone_at=None)
        .where(MirroredRecord.changed <= start)
    ).all()
    if rows and not seen:
        raise CommusoftUnreadable(f"the list of {kind}s came back empty")
    gone = [row for row in rows if row.number not in seen]
    if gone:
        version = _next_version(session, workspace_id)
        for row in gone:
            _empty(row, version)
        result.gone += len(gone)


def _fill(row: MirroredRecord, record: Record, version: int) -> None:
    for name in KEPT:
        setattr(row, name, getattr(record, name))
    row.phones = list(record.phones)
    row.changed = version
    row.gone_at = None


def _empty(row: MirroredRecord, version: int) -> None:
    row.name = row.company = row.email = row.address = row.town = ""
    row.postcode = row.account_number = ""
    row.phones, row.reference = [], None
    row.changed, row.gone_at = version, now()


def _differs(row: MirroredRecord, record: Record) -> bool:
    return (
        row.gone_at is not None
        or row.phones != list(record.phones)
        or any(getattr(row, name) != getattr(record, name) for name in KEPT)
    )
