"""The mirror: our copy of the records, kept up with Commusoft for matching and screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.commusoft.client import Commusoft
from crmlink.commusoft.errors import CommusoftUnreadable, ConnectionEnded
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.store import Database, MirroredRecord, WorkspaceConnection
from crmlink.store.models import empty_details, now
from crmlink.values import Address

LEASE = timedelta(minutes=10)  # after its last batch a sync counts as dead
OVERLAP = timedelta(days=2)  # clocks and time zones on the other side are not known
FULL_EVERY = timedelta(hours=12)  # so that what is deleted leaves within a day
BATCH = 1_000  # records a transaction: readers and links wait no longer than that takes
KEPT = ("uuid", "reference")  # also of somebody who was erased


class SyncRunning(Exception):
    """Another sync of this connection is under way."""


@dataclass
class SyncResult:
    """How many records a sync read, and how many rows it added, changed and emptied."""

    read: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    added: int = 0
    changed: int = 0
    gone: int = 0


def sync(
    database: Database,
    connection_id: int,
    commusoft: Commusoft,
    progress: Callable[[SyncResult], None] = lambda _result: None,
    *,
    full: bool = True,
) -> SyncResult:
    """Bring the mirror up to Commusoft's lists, one sync of a connection at a time.

    A full one compares everything, and empties what is gone; another asks only for records created
    since the last, where the API can tell. A record that a link touched while a list was being
    read keeps what the link read back. Raises SyncRunning, or CommusoftError when a list does not
    arrive whole; then no record is taken for gone.
    """
    since = _begin(database, connection_id)
    result = SyncResult()
    try:
        for kind in KINDS:
            partial = not full and since and commusoft.dialect.ways(kind).created_filter
            _sync_kind(
                database,
                connection_id,
                commusoft,
                kind,
                since if partial else None,
                result,
                progress,
            )
    except BaseException:
        _end(database, connection_id)
        raise
    _end(database, connection_id, synced=True, full=full)
    return result


def is_syncing(connection: WorkspaceConnection) -> bool:
    """Whether a sync runs in this process or another; one that died counts for ten minutes."""
    until = connection.syncing_until
    return until is not None and now() < until <= now() + LEASE


def full_sync_is_due(database: Database, connection_id: int) -> bool:
    """Whether the last full compare is so long ago that deleted records might stay too long."""
    with database.reading() as session:
        last = session.get_one(WorkspaceConnection, connection_id).fully_synced_at
    return last is None or not now() - FULL_EVERY < last <= now()


def remember(session: Session, connection_id: int, record: Record) -> MirroredRecord:
    """Write into the mirror what Commusoft has just said of one record; returns its row."""
    version = _next_version(session, connection_id)
    row = _row(session, connection_id, record.kind, record.number)
    if row is None:
        row = MirroredRecord(connection_id=connection_id, kind=record.kind, number=record.number)
        session.add(row)
    _fill(row, record, version)
    return row


def forget(session: Session, connection_id: int, kind: Kind, number: str) -> None:
    """Empty the row of a record that left Commusoft."""
    row = _row(session, connection_id, kind, number)
    if row:
        _empty(row, _next_version(session, connection_id))


def _row(session: Session, connection_id: int, kind: Kind, number: str) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(connection_id=connection_id, kind=kind, number=number)
    )


def _begin(database: Database, connection_id: int) -> datetime | None:
    """Take the connection's turn; returns since when new records are to be asked for."""
    with database.writing() as session:
        connection = _live(session, connection_id)
        if is_syncing(connection):
            raise SyncRunning
        connection.syncing_until = now() + LEASE
        return connection.synced_at - OVERLAP if connection.synced_at else None


def _end(
    database: Database, connection_id: int, *, synced: bool = False, full: bool = False
) -> None:
    with database.writing() as session:
        connection = session.get(WorkspaceConnection, connection_id)
        if connection is None:  # practice data that was emptied meanwhile
            return
        connection.syncing_until = None
        if synced:
            connection.synced_at = now()
        if synced and full:
            connection.fully_synced_at = now()


def _live(session: Session, connection_id: int) -> WorkspaceConnection:
    """A connection that is in use; raises ConnectionEnded."""
    connection = session.get(WorkspaceConnection, connection_id)
    if connection is None or connection.ended_at:
        raise ConnectionEnded
    return connection


def _sync_kind(
    database: Database,
    connection_id: int,
    commusoft: Commusoft,
    kind: Kind,
    created_after: datetime | None,
    result: SyncResult,
    progress: Callable[[SyncResult], None],
) -> None:
    with database.reading() as session:
        start = _live(session, connection_id).mirror_version
    seen: set[str] = set()
    for batch in _batches(commusoft.records(kind, created_after)):
        present = {record.number: record for record in batch if not record.deleted}
        seen.update(present)
        result.read[kind] += len(batch)
        with database.writing() as session:
            _live(session, connection_id).syncing_until = now() + LEASE
            _take(session, connection_id, kind, present, start, result)
        progress(result)
    if created_after is None:
        with database.writing() as session:
            _empty_unseen(session, connection_id, kind, seen, start, result)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _next_version(session: Session, connection_id: int) -> int:
    connection = session.get(WorkspaceConnection, connection_id)
    if connection is None:
        raise ConnectionEnded
    connection.mirror_version += 1
    return connection.mirror_version


def _take(
    session: Session,
    connection_id: int,
    kind: Kind,
    present: dict[str, Record],
    start: int,
    result: SyncResult,
) -> None:
    rows = {
        row.number: row
        for row in session.scalars(
            select(MirroredRecord)
            .filter_by(connection_id=connection_id, kind=kind)
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
    version = _next_version(session, connection_id)
    for record in touched:
        row = rows.get(record.number)
        if row is None:
            row = MirroredRecord(connection_id=connection_id, kind=kind, number=record.number)
            session.add(row)
            result.added += 1
        else:
            result.changed += 1
        _fill(row, record, version)


def _empty_unseen(
    session: Session, connection_id: int, kind: Kind, seen: set[str], start: int, result: SyncResult
) -> None:
    """Empty the rows whose record the list no longer has, or flags as deleted."""
    known = session.scalars(
        select(MirroredRecord.number)
        .filter_by(connection_id=connection_id, kind=kind, gone_at=None)
        .where(MirroredRecord.changed <= start)
    ).all()
    if known and not seen:
        raise CommusoftUnreadable(f"the list of {kind}s came back empty")
    gone = [number for number in known if number not in seen]
    if not gone:
        return
    version = _next_version(session, connection_id)
    for number in gone:
        row = _row(session, connection_id, kind, number)
        if row:
            _empty(row, version)
    result.gone += len(gone)


def _fill(row: MirroredRecord, record: Record, version: int) -> None:
    for name, value in _values(row, record).items():
        setattr(row, name, value)
    row.changed = version
    row.gone_at = None


def _empty(row: MirroredRecord, version: int) -> None:
    for name, value in empty_details().items():
        setattr(row, name, value)
    row.reference = None
    row.changed, row.gone_at = version, now()


def _differs(row: MirroredRecord, record: Record) -> bool:
    return row.gone_at is not None or any(
        getattr(row, name) != value for name, value in _values(row, record).items()
    )


def _values(row: MirroredRecord, record: Record) -> dict[str, object]:
    """What a row is to hold of a record: of somebody who was erased, nothing that names them."""
    values: dict[str, object] = {name: getattr(record, name) for name in KEPT}
    if row.erased_at:
        return values | empty_details()
    return values | {name: _stored(getattr(record, name)) for name in empty_details()}


def _stored(value: str | tuple[str | Address, ...]) -> object:
    """A field of a record as its column keeps it."""
    if isinstance(value, str):
        return value
    return [asdict(item) if isinstance(item, Address) else item for item in value]
