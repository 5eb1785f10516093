"""The matcher of a connection's records: follows the mirror, and is kept in a file.

The file is no second truth. It has a mark of the mirror's version that it was made of. Where the
database had that very version, rows that changed later are read. Otherwise all are: each record in
the file has a stamp of its row, and only those whose row has it now are taken. So a file that is
old, or of a database that was restored since, costs time and never a wrong suggestion. So does an
index in memory while the database is restored: it has the mark of its version too.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Text, bindparam, cast, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crmlink.commusoft.errors import ConnectionEnded
from crmlink.linking.index_memory import IndexMemory
from crmlink.matching import Address, Matcher
from crmlink.matching.index_file import SavedIndex, saved_index
from crmlink.store import Database, ErasedKey, MirroredRecord, WorkspaceConnection
from crmlink.store.connections import MirrorVersion
from crmlink.store.index_files import IndexFiles, delete_file
from crmlink.store.time_limits import OF_PROBES, time_limits
from crmlink.values.contact_details import ContactDetails

log = structlog.get_logger()

CHUNK_SIZE = 5_000
MIN_SAVED_RECORDS = 2_000  # records; with fewer the index is made anew within half a second
CLOCKS_APART = 60.0  # seconds that the clocks of two machines may differ
MAX_MARKS = 50  # of versions that files of several machines hold
SAVED_SHARE = 50  # the file is written again once one record in so many has changed

_VERSION = select(WorkspaceConnection.mirror_version, WorkspaceConnection.mirror_mark).where(
    WorkspaceConnection.id == bindparam("id")
)  # built once: every question asks it
_ROWS = select(
    MirroredRecord.kind,
    MirroredRecord.number,
    MirroredRecord.deleted_at,
    MirroredRecord.name,
    MirroredRecord.company,
    MirroredRecord.email,
    cast(MirroredRecord.phones, Text).label("phones"),  # parsed only where it is needed
    MirroredRecord.address,
    MirroredRecord.town,
    MirroredRecord.postcode,
    MirroredRecord.account_number,
    cast(MirroredRecord.other_emails, Text).label("other_emails"),
    cast(MirroredRecord.other_addresses, Text).label("other_addresses"),
)
NOTHING = MirrorVersion(0, "")
FIRST_DETAIL = 3  # columns before it are no details


class _Mirror(NamedTuple):
    """The mirror's version; ``marks``: of this database's versions, as far as it remembers."""

    version: MirrorVersion
    marks: set[str]


class LiveMatcher:
    """Matcher that follows a connection's mirror, as updated by any process.

    With ``files`` the index is read from one at first; ``save`` writes it. ``memory`` bounds what
    the process holds of all indexes.
    """

    def __init__(
        self,
        database: Database,
        connection_id: int,
        files: IndexFiles | None = None,
        memory: IndexMemory | None = None,
    ) -> None:
        self._database = database
        self._connection_id = connection_id
        self._files, self._memory = files, memory
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        """Hold nothing yet; who sees the new matcher has to see the new version too."""
        self._version = NOTHING
        self._matcher = Matcher()
        self._unsaved = 0  # records added or changed since the file was read or written
        self._has_removed = False  # the file may hold a record that is gone or erased

    def matcher(self, seen: MirrorVersion | None = None) -> Matcher:
        """Return the matcher, updated from the mirror. Raises ConnectionEnded.

        ``seen`` is the mirror's version where it was read just before, and not asked again.
        """
        matcher, has_changed = self._current_matcher(seen)
        if self._memory is not None:
            self._memory.note_use(self, matcher.memory() if has_changed else None)
        if self._unsaved == len(matcher) >= MIN_SAVED_RECORDS:  # made of the records just now
            self.save()
        return matcher

    def forget(self) -> None:
        """Let go of the index: it is read again when it is asked for. Its users keep theirs.

        One that is being updated is in use, and stays.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._try_to_save()
            self._begin()
        finally:
            self._lock.release()

    def _current_matcher(self, seen: MirrorVersion | None) -> tuple[Matcher, bool]:
        """Return the matcher, updated from the mirror, and whether it has changed."""
        matcher, version = self._matcher, self._version  # one may be let go of meanwhile
        if version.number and (self._asked() if seen is None else seen) == version:
            return matcher, False
        with self._lock, self._database.reading() as session:
            mirror = self._mirror(session)
            if mirror.version == self._version:
                return self._matcher, False
            self._read(session, mirror)
            self._version = mirror.version
            return self._matcher, True

    def _read(self, session: Session, mirror: _Mirror) -> None:
        """Take what the matcher lacks."""
        held = self._version
        if held == NOTHING:
            self._begin()  # a start that failed may have left records
            if saved := self._load(session):
                self._catch_up(session, saved, mirror)
            else:
                self._follow(session, held.number)
        elif held.mark in mirror.marks:
            self._follow(session, held.number)
        else:  # the database was restored meanwhile, or remembers no more
            self._version = held._replace(mark="")  # if this fails, it is compared again
            self._compare(session)

    def save(self, *, exactly: bool = False) -> None:
        """Write the index to its file where enough has changed; a failure is logged.

        ``exactly``: wherever the file is of another version of the mirror.
        """
        with self._lock:
            self._try_to_save(exactly)

    def _try_to_save(self, exactly: bool = False) -> None:
        if self._files is None:
            return
        try:
            self._save(self._files, exactly)
        except OSError as error:
            log.warning("matching index not saved", problem=type(error).__name__)

    def follow_erasures(self) -> None:
        """Delete the file if someone was erased, on any machine, since it was written."""
        erased = select(func.max(ErasedKey.created_at)).join(
            WorkspaceConnection, WorkspaceConnection.workspace_id == ErasedKey.workspace_id
        )
        with self._lock, self._database.reading() as session:
            public_id = self._public_ids(session).get(self._connection_id)
            newest = session.scalar(erased.where(WorkspaceConnection.id == self._connection_id))
        if self._files is not None and public_id is not None and newest is not None:
            self._files.delete_older(public_id, newest.timestamp() + CLOCKS_APART)

    def _save(self, files: IndexFiles, exactly: bool) -> None:
        """Write the file. The lock is held, so that it holds one version of the mirror."""
        with self._database.of_installation.reading() as session:
            in_use = self._public_ids(session)
        public_id = in_use.get(self._connection_id)
        if public_id is None or not self._is_worth_saving(files.of(public_id), exactly):
            return
        self._matcher.save(files.of(public_id), self._version.number, self._remember())
        files.delete_others(in_use.values())
        with self._database.reading() as session:
            current = self._current(session)
        if current != self._version:  # an erasure may have deleted the file just before
            delete_file(files.of(public_id))
            return
        self._unsaved, self._has_removed = 0, False

    def _is_worth_saving(self, file: Path, exactly: bool) -> bool:
        if self._version == NOTHING:
            return False
        many = self._unsaved > len(self._matcher) // SAVED_SHARE
        if many or self._has_removed or not exactly:
            return many or self._has_removed or not file.exists()
        saved = saved_index(file)
        return saved is None or (saved.mirror_version, saved.mark) != self._version

    def _remember(self) -> str:
        """Return the mark of the version that is held, once the database remembers it.

        "" if the database has another version now: it may have been restored since.
        """
        mark = self._version.mark
        try:
            with time_limits(OF_PROBES), self._database.writing() as session:
                connection = session.get(WorkspaceConnection, self._connection_id)
                if connection is None or connection.mirror_mark != mark:
                    return ""
                marks = connection.index_marks or []
                if mark not in marks:
                    connection.index_marks = [*marks[1 - MAX_MARKS :], mark]
        except SQLAlchemyError:  # the file is of use without its mark
            return ""
        return mark

    def _load(self, session: Session) -> SavedIndex | None:
        """Read the connection's file; returns None if there was no good one."""
        public_id = self._public_ids(session).get(self._connection_id)
        if self._files is None or public_id is None:
            return None
        try:
            file = self._files.of(public_id)
        except OSError:
            return None
        return self._matcher.load_file(file)

    def _asked(self) -> MirrorVersion:
        with self._database.reading() as session:
            return self._current(session)

    def _current(self, session: Session) -> MirrorVersion:
        row = session.execute(_VERSION, {"id": self._connection_id}).one_or_none()
        if row is None:
            raise ConnectionEnded
        return MirrorVersion.of(*row)

    def _mirror(self, session: Session) -> _Mirror:
        query = select(
            WorkspaceConnection.mirror_version,
            WorkspaceConnection.mirror_mark,
            WorkspaceConnection.recent_marks,
            WorkspaceConnection.index_marks,
        )
        row = session.execute(query.filter_by(id=self._connection_id)).one_or_none()
        if row is None:
            raise ConnectionEnded
        number, mark, recent, saved = row
        marks = {*(recent or "").split(","), *(saved or ())} - {NOTHING.mark}
        return _Mirror(MirrorVersion.of(number, mark), marks)

    def _public_ids(self, session: Session) -> dict[int, str]:
        """Return the public ids of all connections in use, by id."""
        found = select(WorkspaceConnection.id, WorkspaceConnection.public_id)
        return dict(session.execute(found.filter_by(ended_at=None)).all())

    def _catch_up(self, session: Session, saved: SavedIndex, mirror: _Mirror) -> None:
        """Take what has changed since the file was written, in this very database."""
        is_known = saved.mark in mirror.marks
        if is_known:
            self._follow(session, saved.mirror_version)
        if not is_known or len(self._matcher) != self._present(session):
            self._compare(session)

    def _present(self, session: Session) -> int:
        """Return how many records the mirror has."""
        present = select(func.count()).select_from(MirroredRecord)
        mine = present.filter_by(connection_id=self._connection_id, deleted_at=None)
        return session.scalar(mine) or 0

    def _follow(self, session: Session, version: int) -> None:
        """Take the rows that changed after the version that the matcher has."""
        for rows in self._rows(session, MirroredRecord.mirror_version > version):
            gone = [_public_id(row) for row in rows if row.deleted_at]
            self._matcher.discard(gone)
            self._has_removed |= bool(gone) or any(_is_empty(row) for row in rows)
            self._take(row for row in rows if not row.deleted_at)

    def _compare(self, session: Session) -> None:
        """Take the rows that are not as they were when the file was written."""
        held = self._matcher.stamps()
        for rows in self._rows(session, MirroredRecord.deleted_at.is_(None)):
            self._take(row for row in rows if held.pop(_public_id(row), None) != _stamp(row))
        self._matcher.discard(held)
        self._has_removed = bool(held) or self._unsaved > 0

    def _rows(self, session: Session, condition: Any) -> Iterator[list[Any]]:
        query = _ROWS.where(MirroredRecord.connection_id == self._connection_id, condition)
        found = iter(session.execute(query.execution_options(yield_per=CHUNK_SIZE)))
        while rows := list(islice(found, CHUNK_SIZE)):
            yield rows

    def _take(self, rows: Iterable[Any]) -> None:
        taken = {_public_id(row): row for row in rows}
        self._unsaved += len(taken)
        self._matcher.update(
            ((record_id, _details_of_columns(row)) for record_id, row in taken.items()),
            {record_id: _stamp(row) for record_id, row in taken.items()},
        )


def details(row: MirroredRecord) -> ContactDetails:
    """Return a mirrored record's details, for matching."""
    return _details(row, row.phones, row.other_emails, row.other_addresses)


def _details_of_columns(row: Any) -> ContactDetails:
    texts = (row.phones, row.other_emails, row.other_addresses)
    return _details(row, *map(json.loads, texts))


def _details(
    row: Any, phones: list[str], other_emails: list[str], other_addresses: list[dict[str, str]]
) -> ContactDetails:
    return ContactDetails(
        kind=row.kind,
        person=row.name,
        company=row.company,
        address=row.address,
        town=row.town,
        postcode=row.postcode,
        email=row.email,
        phones=tuple(phones),
        account_number=row.account_number,
        other_emails=tuple(other_emails),
        other_addresses=tuple(Address(**address) for address in other_addresses),
    )


def _public_id(row: Any) -> str:
    return f"{row[0]}-{row[1]}"


def _is_empty(row: Any) -> bool:
    """Return whether a row has no details: those of an erased person were deleted."""
    return not any(value for value in row[FIRST_DETAIL:] if value != "[]")


def _stamp(row: Any) -> int:
    """Return a number that changes with any detail of a row."""
    text = repr((row[0], *row[FIRST_DETAIL:])).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
