"""The mirror: our copy of the records, kept up with Commusoft for matching and screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import ConnectionEnded, InvalidCommusoftResponse
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.store import Database, MirroredRecord, Ownership, WorkspaceConnection
from crmlink.store.base import new_id, now
from crmlink.store.erased import ErasedPeople, Signs, erased_people_of
from crmlink.store.records import empty_details
from crmlink.values import Address

LEASE = timedelta(minutes=10)  # after it a sync of a version that knows no owners counts as dead
OVERLAP = timedelta(days=2)  # clocks and time zones on the other side are not known
FULL_EVERY = timedelta(hours=12)  # so that what is deleted leaves within a day
BATCH = 1_000  # records a transaction: readers and links wait no longer than that takes
KEPT = ("uuid", "reference")  # also of somebody who was erased


class SyncInProgress(Exception):
    """Another sync of this connection is under way, or took this one's place."""


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
    commusoft: CommusoftClient,
    ownership: Ownership,
    progress: Callable[[SyncResult], None] = lambda _result: None,
    *,
    full: bool = True,
) -> SyncResult:
    """Bring the mirror up to Commusoft's lists, one sync of a connection at a time.

    A full one compares everything, and empties what is gone; another asks only for records created
    since the last, where the API can tell. A record that a link touched while a list was being
    read keeps what the link read back. Raises SyncInProgress, or CommusoftError when a list does
    not arrive whole; then no record is taken for gone.
    """
    turn = _Turn(database, connection_id, ownership)
    with turn.taken() as since:
        result = SyncResult()
        for kind in KINDS:
            partial = not full and since and commusoft.dialect.ways(kind).created_filter
            _sync_kind(turn, commusoft, kind, since if partial else None, result, progress)
        turn.note_end(full=full)
    return result


def is_syncing(session: Session, connection: WorkspaceConnection, ownership: Ownership) -> bool:
    """Whether a living process syncs the connection."""
    if connection.sync_lease:
        return ownership.is_worked_on(session, connection.sync_owner_id, connection.sync_lease)
    until = connection.syncing_until  # of a version that knows no owners
    return until is not None and now() < until <= now() + LEASE


def full_sync_is_due(database: Database, connection_id: int) -> bool:
    """Whether the last full compare is so long ago that deleted records might stay too long."""
    with database.reading() as session:
        last = session.get_one(WorkspaceConnection, connection_id).fully_synced_at
    return last is None or not now() - FULL_EVERY < last <= now()


def upsert_record(session: Session, connection_id: int, record: Record) -> MirroredRecord:
    """Write into the mirror what Commusoft has just said of one record; returns its row."""
    version = _next_version(session, connection_id)
    erased = erased_people_of(session, connection_id)
    row = _row(session, connection_id, record.kind, record.number)
    if row is None:
        row = _new_row(connection_id, record)
        session.add(row)
    _fill(row, record, erased, version)
    return row


def mark_deleted(session: Session, connection_id: int, kind: Kind, number: str) -> None:
    """Empty the row of a record that left Commusoft."""
    row = _row(session, connection_id, kind, number)
    if row:
        _clear(row, _next_version(session, connection_id))


def _row(session: Session, connection_id: int, kind: Kind, number: str) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(connection_id=connection_id, kind=kind, number=number)
    )


class _Turn:
    """One sync's turn with a connection: only who has it writes what a list said."""

    def __init__(self, database: Database, connection_id: int, ownership: Ownership) -> None:
        self._database, self._ownership = database, ownership
        self.connection_id = connection_id
        self._lease = new_id()

    @contextmanager
    def taken(self) -> Iterator[datetime | None]:
        """Take the turn and give it back; yields since when new records are to be asked for."""
        self._ownership.working_on.add(self._lease)
        try:
            yield self._take()
        finally:
            self._ownership.working_on.discard(self._lease)
            self._give_back()

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, WorkspaceConnection]]:
        """A writing session with the connection.

        Raises SyncInProgress when another sync has the turn, or ConnectionEnded.
        """
        with self._database.writing() as session:
            connection = _live(session, self.connection_id)
            if connection.sync_lease != self._lease:
                raise SyncInProgress
            yield session, connection

    def mirror_version(self) -> int:
        with self._database.reading() as session:
            return _live(session, self.connection_id).mirror_version

    def note_end(self, *, full: bool) -> None:
        """Remember that the whole list was taken."""
        with self.writing() as (_, connection):
            connection.synced_at = now()
            if full:
                connection.fully_synced_at = now()

    def _take(self) -> datetime | None:
        with self._database.writing() as session:
            connection = _live(session, self.connection_id)
            if is_syncing(session, connection, self._ownership):
                raise SyncInProgress
            connection.sync_lease = self._lease
            connection.sync_owner_id = self._ownership.register(session)
            connection.syncing_until = now() + LEASE
            return connection.synced_at - OVERLAP if connection.synced_at else None

    def _give_back(self) -> None:
        with self._database.writing() as session:
            session.execute(
                update(WorkspaceConnection)
                .where(
                    WorkspaceConnection.id == self.connection_id,
                    WorkspaceConnection.sync_lease == self._lease,
                )
                .values(sync_lease="", sync_owner_id=None, syncing_until=None)
            )


def _live(session: Session, connection_id: int) -> WorkspaceConnection:
    """A connection that is in use; raises ConnectionEnded."""
    connection = session.get(WorkspaceConnection, connection_id)
    if connection is None or connection.ended_at:
        raise ConnectionEnded
    return connection


def _sync_kind(
    turn: _Turn,
    commusoft: CommusoftClient,
    kind: Kind,
    created_after: datetime | None,
    result: SyncResult,
    progress: Callable[[SyncResult], None],
) -> None:
    start = turn.mirror_version()
    seen: set[str] = set()
    for batch in _batches(commusoft.records(kind, created_after)):
        present = {record.number: record for record in batch if not record.deleted}
        seen.update(present)
        result.read[kind] += len(batch)
        with turn.writing() as (session, connection):
            connection.syncing_until = now() + LEASE
            _take(session, turn.connection_id, kind, present, start, result)
        progress(result)
    if created_after is None:
        with turn.writing() as (session, _):
            _clear_unseen(session, turn.connection_id, kind, seen, start, result)


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
    erased = erased_people_of(session, connection_id)
    touched = [
        record
        for number, record in present.items()
        if number not in rows
        or (rows[number].changed <= start and _differs(rows[number], record, erased))
    ]
    if not touched:
        return
    version = _next_version(session, connection_id)
    for record in touched:
        row = rows.get(record.number)
        if row is None:
            row = _new_row(connection_id, record)
            session.add(row)
            result.added += 1
        else:
            result.changed += 1
        _fill(row, record, erased, version)


def _clear_unseen(
    session: Session, connection_id: int, kind: Kind, seen: set[str], start: int, result: SyncResult
) -> None:
    """Empty the rows whose record the list no longer has, or flags as deleted."""
    known = session.scalars(
        select(MirroredRecord.number)
        .filter_by(connection_id=connection_id, kind=kind, gone_at=None)
        .where(MirroredRecord.changed <= start)
    ).all()
    if known and not seen:
        raise InvalidCommusoftResponse(f"the list of {kind}s came back empty")
    gone = [number for number in known if number not in seen]
    if not gone:
        return
    version = _next_version(session, connection_id)
    for number in gone:
        row = _row(session, connection_id, kind, number)
        if row:
            _clear(row, version)
    result.gone += len(gone)


def _new_row(connection_id: int, record: Record) -> MirroredRecord:
    return MirroredRecord(connection_id=connection_id, kind=record.kind, number=record.number)


def _is_erased(record: Record, erased: ErasedPeople, *, is_new: bool) -> bool:
    """Whether a record is, or has become, that of somebody who was erased.

    A reference tells that of a new record alone: on another one it was perhaps put by a person.
    """
    signs = Signs(
        frozenset((record.name, record.company)),
        (record.email, *record.other_emails), record.postcode,
        tuple(record.phones), reference=(record.reference or "") if is_new else "",
    )  # fmt: skip
    return erased.are(signs)


def _fill(row: MirroredRecord, record: Record, erased: ErasedPeople, version: int) -> None:
    if row.erased_at is None and _is_erased(record, erased, is_new=row.id is None):
        row.erased_at = now()
    for name, value in _values(row, record, erased).items():
        setattr(row, name, value)
    row.changed = version
    row.gone_at = None


def _clear(row: MirroredRecord, version: int) -> None:
    for name, value in empty_details().items():
        setattr(row, name, value)
    row.reference = None
    row.changed, row.gone_at = version, now()


def _differs(row: MirroredRecord, record: Record, erased: ErasedPeople) -> bool:
    return row.gone_at is not None or any(
        getattr(row, name) != value for name, value in _values(row, record, erased).items()
    )


def _values(row: MirroredRecord, record: Record, erased: ErasedPeople) -> dict[str, object]:
    """What a row is to hold of a record: of somebody who was erased, nothing that names them."""
    values: dict[str, object] = {name: getattr(record, name) for name in KEPT}
    hide = erased.pseudonyms.hidden if row.erased_at else erased.hidden
    values["reference"] = hide(record.reference)
    if row.erased_at:
        return values | empty_details()
    return values | {name: _stored(getattr(record, name)) for name in empty_details()}


def _stored(value: str | tuple[str | Address, ...]) -> object:
    """A field of a record as its column keeps it."""
    if isinstance(value, str):
        return value
    return [asdict(item) if isinstance(item, Address) else item for item in value]
