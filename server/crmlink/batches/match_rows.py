"""Matching of a batch's rows: read, suggested in bulk, classified together, stored.

Reasons are stored with the rows as they are found, so that memory holds only what classification
needs.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crmlink.batches.classify import ExistingLinks, MatchedRow, classify_rows
from crmlink.batches.row_details import dump_suggestions
from crmlink.batches.state import LeaseLost, keep_lease, leased
from crmlink.folding import fold
from crmlink.linking.listed_details import row_details
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.linking.suggest import MIN_PROBABILITY, records_by_id
from crmlink.matching import Matcher, is_retired
from crmlink.matching.assignment import suggest_many
from crmlink.matching.details import Suggestions
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    Database,
    MirroredRecord,
    RowState,
)
from crmlink.store.base import utc_now
from crmlink.store.index_files import IndexFiles
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 2_000  # rows read at once
CHUNK_SIZE = 500  # rows written in one transaction
MAX_SUGGESTIONS = 5
SAMPLE_SIZE = 2_000  # contacts used to estimate the match rate
NICENESS = 10  # niceness relative to the server
PROGRESS_INTERVAL = 0.5  # seconds between progress reports


@dataclass(frozen=True, slots=True)
class MatchJob:
    """A batch, and the lease under which it is processed."""

    workspace_id: int
    connection_id: int
    batch_id: str
    lease: str
    index_files: IndexFiles | None = None


def match_in_process(address: str, job: MatchJob) -> None:
    """Match a batch in a process of its own."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    database = Database(address, pooled=False)  # workers forked from here inherit no connection
    try:
        database.separate_workspaces()
        database = database.of(job.workspace_id)
        matcher = LiveMatcher(database, job.connection_id, job.index_files).matcher()
        match_rows(database, job, matcher)
    finally:
        database.close()


def match_rows(
    database: Database,
    job: MatchJob,
    matcher: Matcher,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Match the undecided rows; returns False if stopped."""
    progress = _Progress(database, job, stopping)
    try:
        progress.report(force=True)
        share = matcher.estimate_match_rate(_sample(database, job))
        asked = _suggest_rows(database, job, matcher.with_match_rate(share), progress)
        _write_judgements(database, job, _judged(database, job, asked), progress)
    except LeaseLost:
        return False
    return keep_lease(
        database, job.batch_id, job.lease, BatchState.MATCHING, state=BatchState.REVIEW,
        share=share, matched_at=utc_now(), updated_at=utc_now(), last_error=None,
    )  # fmt: skip


class _Progress:
    """Stores the progress of matching and checks whether it may continue."""

    def __init__(self, database: Database, job: MatchJob, stopping: Callable[[], bool]) -> None:
        self._database, self._job, self._stopping = database, job, stopping
        self._done, self._told = 0, 0.0

    def add(self, rows: int) -> None:
        """Count matched rows."""
        self._done += rows
        self.report()

    def report(self, *, force: bool = False) -> None:
        """Store the progress. Raises LeaseLost."""
        if self._stopping():
            raise LeaseLost
        if not force and time.monotonic() - self._told < PROGRESS_INTERVAL:
            return
        self._told = time.monotonic()
        job = self._job
        if not keep_lease(
            self._database, job.batch_id, job.lease, BatchState.MATCHING, progress=self._done
        ):
            raise LeaseLost


def _undecided(job: MatchJob) -> Any:
    return (
        BatchRow.batch_id == job.batch_id,
        BatchRow.choice == Choice.OPEN,
        BatchRow.state == RowState.IDLE,
    )


def _sample(database: Database, job: MatchJob) -> list[ContactDetails]:
    """Return contacts spread evenly over the list."""
    with database.reading() as session:
        count = session.scalar(select(func.count()).where(*_undecided(job))) or 0
        step = max(1, count // SAMPLE_SIZE)
        rows = session.scalars(
            select(BatchRow).where(*_undecided(job), BatchRow.position % step == 0)
        )
        return [row_details(row) for row in rows]


def _contacts(database: Database, job: MatchJob) -> Iterator[BatchRow]:
    """Yield the undecided rows in order; no session is open meanwhile."""
    last = 0
    while True:
        with database.reading() as session:
            rows = session.scalars(
                select(BatchRow)
                .where(*_undecided(job), BatchRow.position > last)
                .order_by(BatchRow.position)
                .limit(PAGE_SIZE)
            ).all()
        if not rows:
            return
        last = rows[-1].position
        yield from rows


def _suggest_rows(
    database: Database, job: MatchJob, matcher: Matcher, progress: _Progress
) -> list[MatchedRow]:
    """Store suggestions for every row; returns them without reasons."""
    asked: list[MatchedRow] = []
    ids: dict[str, str] = {}  # share one string per record id
    held = _holders(database, job)
    named: dict[str, tuple[int, str, bool]] = {}

    def contacts() -> Iterator[tuple[str, ContactDetails]]:
        for row in _contacts(database, job):
            asked_for = row_details(row)
            named[str(row.id)] = (row.position, row.reference, is_retired(asked_for))
            yield str(row.id), asked_for

    chunk: list[dict[str, Any]] = []
    with closing(suggest_many(matcher, contacts(), MAX_SUGGESTIONS)) as answers:
        for row_id, found in answers:
            position, reference, retired = named.pop(row_id)
            chunk.append(
                {
                    "id": int(row_id),
                    "suggestions": dump_suggestions(found, MIN_PROBABILITY),
                    "none_probability": found.none,
                }
            )
            asked.append(
                MatchedRow(
                    int(row_id),
                    position,
                    reference,
                    _without_reasons(found, ids),
                    held.get(int(row_id), ()),
                    retired,
                )
            )
            if len(chunk) >= CHUNK_SIZE:
                _store(database, job, chunk)
                progress.add(len(chunk))
                chunk = []
    _store(database, job, chunk)
    progress.add(len(chunk))
    return asked


def _without_reasons(found: Suggestions, ids: dict[str, str]) -> Suggestions:
    return replace(
        found,
        items=tuple(
            replace(item, record_id=ids.setdefault(item.record_id, item.record_id), reasons=())
            for item in found.items
            if item.probability >= MIN_PROBABILITY
        ),
    )


def _holders(database: Database, job: MatchJob) -> dict[int, tuple[str, ...]]:
    """Return the records of the row's kind that have each row's reference by the mirror."""
    rows = select(BatchRow.id, BatchRow.kind, BatchRow.reference).where(
        *_undecided(job), BatchRow.reference != ""
    )
    records = select(MirroredRecord.reference, MirroredRecord.kind, MirroredRecord.number).where(
        MirroredRecord.connection_id == job.connection_id,
        MirroredRecord.deleted_at.is_(None),
        MirroredRecord.reference.is_not(None),
    )
    carriers: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    found: dict[int, tuple[str, ...]] = {}
    with database.reading() as session:
        for reference, kind, number in session.execute(records.order_by(MirroredRecord.id)):
            carriers[fold(reference or "")].append((kind, f"{kind}-{number}"))
        for row_id, wanted, reference in session.execute(rows):
            there = carriers.get(fold(reference), ())
            if fitting := tuple(each for kind, each in there if wanted in ("", kind)):
                found[row_id] = fitting
    return found


def _judged(database: Database, job: MatchJob, asked: Sequence[MatchedRow]) -> list[dict[str, Any]]:
    with database.reading() as session:
        references = {
            f"{kind}-{number}": reference or ""
            for kind, number, reference in session.execute(
                select(MirroredRecord.kind, MirroredRecord.number, MirroredRecord.reference).where(
                    MirroredRecord.connection_id == job.connection_id,
                    MirroredRecord.deleted_at.is_(None),
                    MirroredRecord.reference.is_not(None),
                )
            )
        }
        given = {
            record_id: position
            for record_id, position in session.execute(
                select(BatchRow.record_id, BatchRow.position).where(
                    BatchRow.batch_id == job.batch_id, BatchRow.choice == Choice.RECORD
                )
            )
            if record_id
        }
        bound = session.get_one(Batch, job.batch_id).sure_bound or 1.0
    found = classify_rows(asked, ExistingLinks(references, given), bound)
    return [
        {
            "id": row_id,
            "verdict": one.verdict,
            "best": one.best,
            "probability": one.probability,
            "conflict": one.conflict,
        }
        for row_id, one in found.items()
    ]


def _write_judgements(
    database: Database, job: MatchJob, judgements: list[dict[str, Any]], progress: _Progress
) -> None:
    for start in range(0, len(judgements), CHUNK_SIZE):
        _store(database, job, judgements[start : start + CHUNK_SIZE])
        progress.report()


def _store(database: Database, job: MatchJob, rows: list[dict[str, Any]]) -> None:
    """Write results to rows. Raises LeaseLost if another worker has the batch."""
    if not rows:
        return
    with leased(database, job.batch_id, job.lease) as (session, _):
        kept = set(
            session.scalars(
                select(BatchRow.id).where(
                    BatchRow.id.in_([row["id"] for row in rows]), BatchRow.erased_at.is_(None)
                )
            )
        )
        present = _mentioned_records(session, job, rows)
        if still := [_without_erased(row, present) for row in rows if row["id"] in kept]:
            session.execute(update(BatchRow), still)


def _mentioned_records(
    session: Session, job: MatchJob, rows: list[dict[str, Any]]
) -> dict[str, MirroredRecord]:
    """Return the records suggested for rows, in their present state."""
    mentioned = {item[0] for row in rows for item in row.get("suggestions", ())}
    mentioned |= {(row.get("conflict") or {}).get("record", "") for row in rows}
    return records_by_id(session, job.connection_id, sorted(mentioned))


def _without_erased(row: dict[str, Any], present: dict[str, MirroredRecord]) -> dict[str, Any]:
    """Return a row's result without details of records erased since they were read."""
    if "suggestions" in row:
        kept = [
            [*item[:3], []] if (it := present.get(item[0])) and it.erased_at else item
            for item in row["suggestions"]
        ]
        return row | {"suggestions": kept}
    conflict = row["conflict"]
    held = present.get((conflict or {}).get("record", ""))
    if conflict and held and "current_reference" in conflict and holds_pseudonym(held.reference):
        return row | {"conflict": conflict | {"current_reference": held.reference}}
    return row
