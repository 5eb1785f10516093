"""Import of records into the mirror, for accounts without an API: new, changed, gone.

An import may be older than what crmlink knows: a file exported in the morning, a page read at noon.
Each row therefore keeps when it was read, and an import changes only what was read before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.mirror import clear_row, is_erased_person, stored_value
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.base import utc_now
from crmlink.store.erased import erased_people_of
from crmlink.store.records import empty_details

CHUNK_SIZE = 500  # records looked up at once


@dataclass(slots=True)
class ImportCounts:
    """Numbers of records that an import adds, changes, leaves alone, or finds older than known."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0


@dataclass(slots=True)
class _Unchanged:
    """Ids of rows that an import found unchanged, and of those whose reference it showed."""

    rows: list[int] = field(default_factory=list)
    references: list[int] = field(default_factory=list)


class MirrorImport:
    """An import into a connection's mirror, in one writing session.

    ``read_at`` is when Commusoft showed the records. With ``dry`` nothing is changed.
    """

    def __init__(
        self, session: Session, connection_id: int, read_at: datetime, *, dry: bool = False
    ) -> None:
        self._session = session
        self._connection_id = connection_id
        self._read_at = read_at
        self._dry = dry
        self._erased = erased_people_of(session, connection_id)
        self._version: int | None = None

    def apply(self, records: Sequence[Record]) -> ImportCounts:
        """Add and change rows; a record whose reference was not shown keeps the one it has."""
        counts = ImportCounts()
        for some in _chunks(records):
            rows = self._rows(some)
            same = _Unchanged()
            for record in some:
                self._take(record, rows.get((record.kind, record.number)), counts, same)
            if not self._dry:
                self._note_read(same)
        return counts

    def missing(self, present: Iterable[str], kinds: Iterable[Kind]) -> list[int]:
        """Return the row ids of records of these kinds that are not among the public ids."""
        listed = set(present)
        mirrored = self._session.execute(
            select(MirroredRecord.id, MirroredRecord.kind, MirroredRecord.number).where(
                *self._current(kinds),
                or_(MirroredRecord.read_at.is_(None), MirroredRecord.read_at <= self._read_at),
            )
        )
        return [row_id for row_id, kind, number in mirrored if f"{kind}-{number}" not in listed]

    def remove(self, row_ids: Sequence[int]) -> None:
        """Clear rows of records that no longer exist."""
        for start in range(0, len(row_ids), CHUNK_SIZE):
            some = MirroredRecord.id.in_(row_ids[start : start + CHUNK_SIZE])
            for row in self._session.scalars(select(MirroredRecord).where(some)):
                clear_row(row, self._next_version())
                row.read_at = self._read_at  # an older import must not bring it back
            self._session.flush()

    def known(self, kinds: Iterable[Kind]) -> int:
        """Return the number of current records of these kinds."""
        query = select(func.count()).select_from(MirroredRecord).where(*self._current(kinds))
        return self._session.scalar(query) or 0

    def _current(self, kinds: Iterable[Kind]) -> list[ColumnElement[bool]]:
        return [
            MirroredRecord.connection_id == self._connection_id,
            MirroredRecord.deleted_at.is_(None),
            MirroredRecord.kind.in_(list(kinds)),
        ]

    def _rows(self, records: Sequence[Record]) -> dict[tuple[Kind, str], MirroredRecord]:
        found = {}
        for kind in KINDS:
            numbers = [record.number for record in records if record.kind == kind]
            if numbers:
                query = select(MirroredRecord).filter_by(
                    connection_id=self._connection_id, kind=kind
                )
                for row in self._session.scalars(query.where(MirroredRecord.number.in_(numbers))):
                    found[row.kind, row.number] = row
        return found

    def _take(
        self, record: Record, row: MirroredRecord | None, counts: ImportCounts, same: _Unchanged
    ) -> None:
        if row is None:
            counts.added += 1
            if not self._dry:
                self._add(record)
            return
        if row.read_at and row.read_at > self._read_at:
            counts.older += 1
            return
        erased = is_erased_person(record, self._erased, is_new=False)
        values = self._values(record, row, is_erased=bool(row.erased_at) or erased)
        if row.deleted_at is None and all(getattr(row, name) == it for name, it in values.items()):
            counts.unchanged += 1
            same.rows.append(row.id)
            if "reference" in values:
                same.references.append(row.id)
            return
        if row.deleted_at is None:
            counts.changed += 1
        else:
            counts.added += 1
        if not self._dry:
            self._fill(row, values, is_erased=erased)

    def _add(self, record: Record) -> None:
        row = MirroredRecord(
            connection_id=self._connection_id, kind=record.kind, number=record.number
        )
        is_erased = is_erased_person(record, self._erased, is_new=True)
        self._fill(row, self._values(record, row, is_erased=is_erased), is_erased=is_erased)
        self._session.add(row)

    def _values(self, record: Record, row: MirroredRecord, *, is_erased: bool) -> dict[str, object]:
        """Return a row's values for a record; the reference only if it was shown later."""
        values: dict[str, object] = empty_details()
        if not is_erased:
            values = {name: stored_value(getattr(record, name)) for name in values}
        seen_at = row.reference_seen_at
        if record.reference_shown and (seen_at is None or seen_at <= self._read_at):
            hide = self._erased.pseudonyms.hidden if is_erased else self._erased.hidden
            values["reference"] = hide(record.reference)
        return values

    def _fill(self, row: MirroredRecord, values: dict[str, object], *, is_erased: bool) -> None:
        if is_erased and row.erased_at is None:
            row.erased_at = utc_now()
        for name, value in values.items():
            setattr(row, name, value)
        if "reference" in values:
            row.reference_seen_at = self._read_at
        row.read_at = self._read_at
        row.mirror_version, row.deleted_at = self._next_version(), None

    def _note_read(self, same: _Unchanged) -> None:
        for row_ids, column in ((same.rows, "read_at"), (same.references, "reference_seen_at")):
            if row_ids:
                among = MirroredRecord.id.in_(row_ids)
                self._session.execute(
                    update(MirroredRecord).where(among).values({column: self._read_at})
                )

    def _next_version(self) -> int:
        """Return the mirror's version of this import, counted up at its first change."""
        if self._version is None:
            connection = self._session.get_one(WorkspaceConnection, self._connection_id)
            connection.mirror_version += 1
            self._version = connection.mirror_version
        return self._version


def _chunks(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), CHUNK_SIZE):
        yield records[start : start + CHUNK_SIZE]
