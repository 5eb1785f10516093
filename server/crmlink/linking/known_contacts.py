"""The contacts of kept lists and live sources, in memory, for suggestions from a record."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from crmlink.linking.index_memory import IndexMemory
from crmlink.linking.listed_details import row_details
from crmlink.linking.live_contacts import (
    PREFIX,
    Identity,
    SeenContacts,
    as_rows,
    live_versions,
    unlinked_live,
    versions_of_sources,
)
from crmlink.matching import Matcher
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Database,
    RowState,
    SourceContact,
    Verdict,
)
from crmlink.store.erased import ERASED

MAX_INDEXED = 30_000  # contacts in memory, of the newest lists: about 90 MB and 5 s once
CHUNK_SIZE = 500
USABLE = (BatchRow.reference != "", BatchRow.erased_at.is_(None), BatchRow.name != ERASED)

Mark = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KnownContacts:
    """The contacts of a connection's lists, and of live sources, at one time.

    The matcher's ids are those of rows, of live contacts with a prefix. ``known`` counts contacts
    that are not linked, each once; ``indexed`` those that the matcher holds, linked ones included.
    """

    matcher: Matcher
    known: int
    indexed: int


@dataclass(slots=True)
class _Plan:
    """Which rows the matcher is to hold, newest list first, and how many contacts are open.

    ``live`` holds contacts of live sources that no list has, with their versions.
    """

    rows: dict[int, str] = field(default_factory=dict)  # row id to batch id
    live: dict[int, int] = field(default_factory=dict)
    known: int = 0


class LiveContacts:
    """Index of the contacts of a connection's lists, as changed by any process.

    Only contacts that can be linked: with a reference, of a list whose package is known, not
    erased. Of a contact in several lists the newest list's row is held. Whether a contact is linked
    is for the caller to ask: that changes without any change of its details. ``memory`` bounds what
    the process holds of all indexes.
    """

    def __init__(
        self,
        database: Database,
        workspace_id: int,
        connection_id: int,
        memory: IndexMemory | None = None,
    ) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._connection_id = connection_id
        self._memory = memory
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        """Hold nothing yet."""
        self._matcher = Matcher()
        self._rows: dict[int, str] = {}
        self._live: dict[int, int] = {}
        self._versions: dict[str, int] = {}
        self._source_versions: dict[int, int] = {}
        self._marks: dict[str, Mark] = {}
        self._known = 0

    def forget(self) -> None:
        """Let go of the index: it is read again when it is asked for. Its users keep theirs.

        One that is being updated is in use, and stays.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._begin()
            finally:
                self._lock.release()

    def current(self) -> KnownContacts:
        """Return the contacts, read again where a list has changed."""
        contacts, has_changed = self._current()
        if self._memory is not None:
            self._memory.note_use(self, contacts.matcher.memory() if has_changed else None)
        return contacts

    def _current(self) -> tuple[KnownContacts, bool]:
        """Return the contacts, and whether the index has changed."""
        with self._lock, self._database.reading() as session:
            versions = self._versions_of_lists(session)
            of_sources = versions_of_sources(session, self._workspace_id)
            has_changed = (versions, of_sources) != (self._versions, self._source_versions)
            if has_changed:
                self._follow(session, list(versions))
                self._versions, self._source_versions = versions, of_sources
            indexed = len(self._rows) + len(self._live)
            return KnownContacts(self._matcher, self._known, indexed), has_changed

    def _versions_of_lists(self, session: Session) -> dict[str, int]:
        query = (
            select(Batch.id, Batch.version)
            .where(
                Batch.connection_id == self._connection_id,
                Batch.package != "",
                Batch.state != BatchState.IMPORTING,
            )
            .order_by(Batch.created_at.desc(), Batch.id)
        )
        return dict(session.execute(query).all())

    def _follow(self, session: Session, batch_ids: list[str]) -> None:
        marks = _marks(session, batch_ids)
        plan, seen = _planned(session, batch_ids)
        self._plan_live(session, plan, seen)
        changed = {
            batch_id for batch_id in batch_ids if marks.get(batch_id) != self._marks.get(batch_id)
        }
        stale = [
            row_id
            for row_id, batch_id in self._rows.items()
            if row_id not in plan.rows or batch_id in changed
        ]
        self._matcher.discard(map(str, stale))
        kept = self._rows.keys() - set(stale)
        for rows in _rows(session, [row_id for row_id in plan.rows if row_id not in kept]):
            self._matcher.update((str(row.id), row_details(row)) for row in rows)
        self._follow_live(session, plan.live)
        self._matcher.warm_up()
        self._rows, self._marks, self._known = plan.rows, marks, plan.known

    def _plan_live(self, session: Session, plan: _Plan, seen: SeenContacts) -> None:
        """Add contacts that no list has: a list's row knows what its review decided."""
        conditions = unlinked_live(self._workspace_id, self._connection_id)
        open_ids = set(session.scalars(select(SourceContact.id).where(*conditions)))
        for contact in live_versions(session, self._workspace_id):
            if seen.has(contact.identity):
                continue
            plan.known += contact.id in open_ids
            if len(plan.rows) + len(plan.live) < MAX_INDEXED:
                plan.live[contact.id] = contact.version

    def _follow_live(self, session: Session, live: dict[int, int]) -> None:
        stale = [each for each, version in self._live.items() if live.get(each) != version]
        self._matcher.discard(f"{PREFIX}{each}" for each in stale)
        new = [each for each, version in live.items() if self._live.get(each) != version]
        for start in range(0, len(new), CHUNK_SIZE):
            rows = as_rows(session, new[start : start + CHUNK_SIZE])
            self._matcher.update((f"{PREFIX}{row.id}", row_details(row)) for row, _ in rows)
        self._live = live


def _marks(session: Session, batch_ids: Iterable[str]) -> dict[str, Mark]:
    """Return what changes with the details of each list's contacts, decisions left aside."""
    query = (
        select(BatchRow.batch_id, func.count(), func.max(BatchRow.id))
        .where(BatchRow.batch_id.in_(list(batch_ids)), *USABLE)
        .group_by(BatchRow.batch_id)
    )
    return {batch_id: tuple(mark) for batch_id, *mark in session.execute(query)}


def _planned(session: Session, batch_ids: list[str]) -> tuple[_Plan, SeenContacts]:
    """Return the rows to hold: of each contact the newest list's, at most MAX_INDEXED.

    With them all contacts of the lists.
    """
    plan = _Plan()
    seen: set[Identity] = set()
    for batch_id in batch_ids:
        for row in _identities(session, batch_id):
            identity = (row.package, row.organisation, row.kind, row.reference)
            if identity in seen:
                continue
            seen.add(identity)
            plan.known += row.verdict is not Verdict.LINKED and row.state is not RowState.SUCCESSFUL
            if len(plan.rows) < MAX_INDEXED:
                plan.rows[row.id] = batch_id
    return plan, SeenContacts(seen)


def _identities(
    session: Session, batch_id: str
) -> Iterator[Row[int, str, str, str, str, Verdict, RowState]]:
    query = (
        select(
            BatchRow.id, Batch.package, Batch.organisation, BatchRow.kind, BatchRow.reference,
            BatchRow.verdict, BatchRow.state,
        )
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(BatchRow.batch_id == batch_id, *USABLE)
        .order_by(BatchRow.position)
    )  # fmt: skip
    yield from session.execute(query)


def _rows(session: Session, row_ids: list[int]) -> Iterator[list[BatchRow]]:
    """Yield the rows in chunks."""
    for start in range(0, len(row_ids), CHUNK_SIZE):
        some = row_ids[start : start + CHUNK_SIZE]
        yield list(session.scalars(select(BatchRow).where(BatchRow.id.in_(some))))
        session.expunge_all()  # of a whole list only the chunk in hand is kept
