"""Mirror: the local copy of Commusoft's records, kept current for matching and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import cast

from sqlalchemy import String, Table, bindparam, func, select, update
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import ConnectionEnded, InvalidCommusoftResponse
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.store import Database, MirroredRecord, Ownership, WorkspaceConnection
from crmlink.store.base import new_id, utc_now
from crmlink.store.connections import MARKS_LENGTH, note_workspace, random_mark
from crmlink.store.erased import ErasedPeople, Signs, erased_people_of
from crmlink.store.records import empty_details
from crmlink.values import Address

LEASE_TTL = timedelta(minutes=10)  # a sync of a version without owners counts as dead after this
CLOCK_OVERLAP = timedelta(days=2)  # Commusoft's clock and time zone are unknown
FULL_SYNC_INTERVAL = timedelta(hours=12)  # deleted records leave the mirror within a day
CHUNK_SIZE = 1_000  # records per transaction, which readers and links wait for
IDENTIFYING_FIELDS = ("uuid", "reference")  # kept for an erased person too


# Built once: every step of a link asks them.
_ROW = select(MirroredRecord).where(
    MirroredRecord.connection_id == bindparam("connection_id"),
    MirroredRecord.kind == bindparam("kind"),
    MirroredRecord.number == bindparam("number"),
)
_CONNECTIONS = cast("Table", WorkspaceConnection.__table__)
_NEXT_MARK = as_type(_CONNECTIONS.c.mirror_version + 1, String) + bindparam("mark")
_MARKS = _NEXT_MARK + "," + func.coalesce(_CONNECTIONS.c.recent_marks, "")
_COUNT_VERSION = (
    update(_CONNECTIONS)
    .where(_CONNECTIONS.c.id == bindparam("connection_id"))
    .values(
        mirror_version=_CONNECTIONS.c.mirror_version + 1,
        mirror_mark=_NEXT_MARK,
        recent_marks=func.substr(_MARKS, 1, MARKS_LENGTH),
    )
    .returning(_CONNECTIONS.c.mirror_version, _CONNECTIONS.c.workspace_id)
)


class SyncInProgress(Exception):
    """Another sync of this connection is in progress, or has taken over."""


@dataclass
class SyncResult:
    """Numbers of records read, and of rows added, changed and cleared by a sync."""

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
    """Update the mirror from Commusoft's lists; one sync of a connection at a time.

    A full sync compares all records and clears missing ones; another requests only records created
    since the last sync, where the API can filter. A record that a link changed during the sync
    keeps the value the link read back. Raises SyncInProgress, or CommusoftError if a list is
    incomplete; then no record is cleared.
    """
    lease = _SyncLease(database, connection_id, ownership)
    with lease.hold() as since:
        result = SyncResult()
        for kind in KINDS:
            partial = not full and since and commusoft.dialect.ways(kind).created_filter
            _sync_kind(lease, commusoft, kind, since if partial else None, result, progress)
        lease.record_completion(full=full)
    return result


def is_syncing(session: Session, connection: WorkspaceConnection, ownership: Ownership) -> bool:
    """Return whether a running process syncs the connection."""
    if connection.sync_lease:
        return ownership.is_worked_on(session, connection.sync_owner_id, connection.sync_lease)
    until = connection.syncing_until  # set by a version without owners
    return until is not None and utc_now() < until <= utc_now() + LEASE_TTL


def full_sync_is_due(database: Database, connection_id: int) -> bool:
    """Return whether the last full sync is older than FULL_SYNC_INTERVAL."""
    with database.reading() as session:
        last = session.get_one(WorkspaceConnection, connection_id).fully_synced_at
    return last is None or not utc_now() - FULL_SYNC_INTERVAL < last <= utc_now()


def upsert_record(session: Session, connection_id: int, record: Record) -> MirroredRecord:
    """Write one record as just read from Commusoft; returns its row."""
    version = _next_version(session, connection_id)
    reading = _Reading(session, connection_id)
    row = _row(session, connection_id, record.kind, record.number)
    if row is None:
        row = _new_row(connection_id, record)
        session.add(row)
    _fill(row, record, reading, version)
    return row


def is_mirrored(session: Session, connection_id: int, record: Record) -> bool:
    """Return whether the mirror has a record already as it was just read."""
    row = _row(session, connection_id, record.kind, record.number)
    if row is None or row.reference_seen_at is not None:
        return False
    reading = _Reading(session, connection_id)
    if row.erased_at is None and is_erased_person(record, reading.erased, is_new=False):
        return False
    return not _differs(row, record, reading)


def show_reference(
    session: Session, connection_id: int, kind: Kind, number: str, reference: str | None
) -> None:
    """Write the reference that a page of Commusoft showed just now to a record's row."""
    row = _row(session, connection_id, kind, number)
    if row is None or row.deleted_at is not None:
        return
    erased = erased_people_of(session, connection_id)
    hide = erased.pseudonyms.hidden if row.erased_at else erased.hidden
    row.reference, row.reference_seen_at = hide(reference), utc_now()
    row.mirror_version = _next_version(session, connection_id)


def api_shows_references(session: Session, connection_id: int, kind: Kind) -> bool:
    """Return whether the API showed a reference on any record of a kind.

    If so, an absent one is empty.
    """
    query = select(MirroredRecord.id).filter_by(
        connection_id=connection_id, kind=kind, reference_seen_at=None
    )
    return session.scalar(query.where(MirroredRecord.reference.is_not(None)).limit(1)) is not None


def mark_deleted(session: Session, connection_id: int, kind: Kind, number: str) -> None:
    """Clear the row of a record that no longer exists in Commusoft."""
    row = _row(session, connection_id, kind, number)
    if row:
        clear_row(row, _next_version(session, connection_id))


def _row(session: Session, connection_id: int, kind: Kind, number: str) -> MirroredRecord | None:
    asked = {"connection_id": connection_id, "kind": kind, "number": number}
    return session.scalar(_ROW, asked)


class _SyncLease:
    """Lease of a connection for one sync; only its holder writes list results."""

    def __init__(self, database: Database, connection_id: int, ownership: Ownership) -> None:
        self._database, self._ownership = database, ownership
        self.connection_id = connection_id
        self._lease = new_id()

    @contextmanager
    def hold(self) -> Iterator[datetime | None]:
        """Acquire and release the lease; yields the time to request new records from."""
        self._ownership.working_on.add(self._lease)
        try:
            yield self._acquire()
        finally:
            self._ownership.working_on.discard(self._lease)
            self._release()

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, WorkspaceConnection]]:
        """Yield a writing session and the connection.

        Raises SyncInProgress if another sync has the lease, or ConnectionEnded.
        """
        with self._database.writing() as session:
            connection = _connection_in_use(session, self.connection_id)
            if connection.sync_lease != self._lease:
                raise SyncInProgress
            yield session, connection

    def mirror_version(self) -> int:
        """Return the connection's current mirror version."""
        with self._database.reading() as session:
            return _connection_in_use(session, self.connection_id).mirror_version

    def record_completion(self, *, full: bool) -> None:
        """Store the time of a completed sync."""
        with self.writing() as (_, connection):
            connection.synced_at = utc_now()
            if full:
                connection.fully_synced_at = utc_now()

    def _acquire(self) -> datetime | None:
        with self._database.writing() as session:
            connection = _connection_in_use(session, self.connection_id)
            if is_syncing(session, connection, self._ownership):
                raise SyncInProgress
            connection.sync_lease = self._lease
            connection.sync_owner_id = self._ownership.register(session)
            connection.syncing_until = utc_now() + LEASE_TTL
            return connection.synced_at - CLOCK_OVERLAP if connection.synced_at else None

    def _release(self) -> None:
        with self._database.writing() as session:
            session.execute(
                update(WorkspaceConnection)
                .where(
                    WorkspaceConnection.id == self.connection_id,
                    WorkspaceConnection.sync_lease == self._lease,
                )
                .values(sync_lease="", sync_owner_id=None, syncing_until=None)
            )


def _connection_in_use(session: Session, connection_id: int) -> WorkspaceConnection:
    """Return a connection that is in use; raises ConnectionEnded."""
    connection = session.get(WorkspaceConnection, connection_id)
    if connection is None or connection.ended_at:
        raise ConnectionEnded
    return connection


def _sync_kind(
    lease: _SyncLease,
    commusoft: CommusoftClient,
    kind: Kind,
    created_after: datetime | None,
    result: SyncResult,
    progress: Callable[[SyncResult], None],
) -> None:
    start = lease.mirror_version()
    numbers: set[str] = set()
    for batch in _batches(commusoft.records(kind, created_after)):
        present = {record.number: record for record in batch if not record.deleted}
        numbers.update(present)
        result.read[kind] += len(batch)
        with lease.writing() as (session, connection):
            connection.syncing_until = utc_now() + LEASE_TTL
            _apply(session, lease.connection_id, kind, present, start, result)
        progress(result)
    if created_after is None:
        with lease.writing() as (session, _):
            _clear_unseen(session, lease.connection_id, kind, numbers, start, result)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while batch := list(islice(iterator, CHUNK_SIZE)):
        yield batch


def _next_version(session: Session, connection_id: int) -> int:
    """Count the mirror's version up. A connection that the session has loaded keeps the old one."""
    values = {"connection_id": connection_id, "mark": f" {random_mark()}"}
    counted = session.execute(_COUNT_VERSION, values).first()
    if counted is None:
        raise ConnectionEnded
    note_workspace(session, connection_id, counted.workspace_id)
    return int(counted.mirror_version)


def _apply(
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
    reading = _Reading(session, connection_id)
    touched = [
        record
        for number, record in present.items()
        if number not in rows
        or (rows[number].mirror_version <= start and _differs(rows[number], record, reading))
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
        _fill(row, record, reading, version)


def _clear_unseen(
    session: Session,
    connection_id: int,
    kind: Kind,
    listed: set[str],
    start: int,
    result: SyncResult,
) -> None:
    """Clear the rows whose record is missing from the list or flagged deleted."""
    mirrored = session.scalars(
        select(MirroredRecord.number)
        .filter_by(connection_id=connection_id, kind=kind, deleted_at=None)
        .where(MirroredRecord.mirror_version <= start)
    ).all()
    if mirrored and not listed:
        raise InvalidCommusoftResponse(f"the list of {kind}s came back empty")
    missing = [number for number in mirrored if number not in listed]
    if not missing:
        return
    version = _next_version(session, connection_id)
    for number in missing:
        row = _row(session, connection_id, kind, number)
        if row:
            clear_row(row, version)
    result.gone += len(missing)


class _Reading:
    """What one transaction needs to know to write records of the API to the mirror."""

    def __init__(self, session: Session, connection_id: int) -> None:
        self._session, self._connection_id = session, connection_id
        self._shown: dict[Kind, bool] = {}
        self.erased = erased_people_of(session, connection_id)

    def keeps_page_value(self, row: MirroredRecord, record: Record) -> bool:
        """Return whether a page showed the reference, and the API shows none of this kind."""
        if record.reference_shown or row.reference_seen_at is None:
            return False
        if record.kind not in self._shown:
            shown = api_shows_references(self._session, self._connection_id, record.kind)
            self._shown[record.kind] = shown
        return not self._shown[record.kind]


def _new_row(connection_id: int, record: Record) -> MirroredRecord:
    return MirroredRecord(connection_id=connection_id, kind=record.kind, number=record.number)


def is_erased_person(record: Record, erased: ErasedPeople, *, is_new: bool) -> bool:
    """Return whether a record is, or has become, that of an erased person.

    Only a new record is identified by its reference: on others a user may have written it.
    """
    names = (record.name, record.company)
    reference = (record.reference or "") if is_new else ""
    return erased.are(Signs.of(record, names, reference=reference))


def _fill(row: MirroredRecord, record: Record, reading: _Reading, version: int) -> None:
    erased = reading.erased
    if row.erased_at is None and is_erased_person(record, erased, is_new=row.id is None):
        row.erased_at = utc_now()
    if not reading.keeps_page_value(row, record):
        row.reference_seen_at = None
    for name, value in _values(row, record, erased).items():
        if name != "reference" or row.reference_seen_at is None:
            setattr(row, name, value)
    row.mirror_version = version
    row.deleted_at = None


def clear_row(row: MirroredRecord, version: int) -> None:
    """Clear the row of a record that no longer exists."""
    for name, value in empty_details().items():
        setattr(row, name, value)
    row.reference = row.reference_seen_at = None
    row.mirror_version, row.deleted_at = version, utc_now()


def _differs(row: MirroredRecord, record: Record, reading: _Reading) -> bool:
    if row.deleted_at is not None:
        return True
    values = _values(row, record, reading.erased)
    if reading.keeps_page_value(row, record):
        del values["reference"]
    return any(getattr(row, name) != value for name, value in values.items())


def _values(row: MirroredRecord, record: Record, erased: ErasedPeople) -> dict[str, object]:
    """Return a row's values for a record; for an erased person without personal details."""
    values: dict[str, object] = {name: getattr(record, name) for name in IDENTIFYING_FIELDS}
    hide = erased.pseudonyms.hidden if row.erased_at else erased.hidden
    values["reference"] = hide(record.reference)
    if row.erased_at:
        return values | empty_details()
    return values | {name: stored_value(getattr(record, name)) for name in empty_details()}


def stored_value(value: str | tuple[str | Address, ...]) -> object:
    """Return a record's field in the form of its column."""
    if isinstance(value, str):
        return value
    return [asdict(item) if isinstance(item, Address) else item for item in value]
