"""The work of matching a batch: rows read, asked about in bulk, judged together, and written back.

Reasons go to the rows as they come, so that only what the judgement needs stays in memory.
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
from crmlink.batches.row_details import dump_suggestions, row_details
from crmlink.batches.state import LeaseLost, keep_lease, leased
from crmlink.folding import fold
from crmlink.linking.context import LiveMatcher
from crmlink.linking.suggest import MIN_PROBABILITY, records_by_id
from crmlink.matching import Details, Matcher, is_retired
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
from crmlink.store.base import now

PAGE = 2_000  # rows read at once
PARCEL = 500  # rows written in one transaction
OFFERED = 5
SAMPLED = 2_000  # contacts that the share with a record is estimated from
POLITE = 10  # steps behind the server, which people wait for
TOLD_EVERY = 0.5  # seconds between two words on how far it is


@dataclass(frozen=True, slots=True)
class MatchJob:
    """Which batch, and the lease under which it is worked on."""

    connection_id: int
    batch_id: str
    lease: str


def match_in_process(address: str, job: MatchJob) -> None:
    """All of it, in a process that was started for it and has nothing yet."""
    if hasattr(os, "nice"):
        os.nice(POLITE)
    database = Database(address, pooled=False)  # others are forked from here: they inherit none
    try:
        matcher = LiveMatcher(database, job.connection_id).matcher()
        match_rows(database, job, matcher)
    finally:
        database.close()


def match_rows(
    database: Database,
    job: MatchJob,
    matcher: Matcher,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Match the undecided rows; False when it was stopped on the way."""
    progress = _Progress(database, job, stopping)
    try:
        progress.report(force=True)
        share = matcher.estimate_share(_sample(database, job))
        asked = _suggest_rows(database, job, matcher.with_match_rate(share), progress)
        _write_judgements(database, job, _judged(database, job, asked), progress)
    except LeaseLost:
        return False
    return keep_lease(
        database, job.batch_id, job.lease, BatchState.MATCHING, state=BatchState.REVIEW,
        share=share, matched_at=now(), changed_at=now(), trouble=None,
    )  # fmt: skip


class _Progress:
    """Notes how far matching is, and finds out whether it may go on."""

    def __init__(self, database: Database, job: MatchJob, stopping: Callable[[], bool]) -> None:
        self._database, self._job, self._stopping = database, job, stopping
        self._done, self._told = 0, 0.0

    def add(self, rows: int) -> None:
        self._done += rows
        self.report()

    def report(self, *, force: bool = False) -> None:
        """Raises LeaseLost."""
        if self._stopping():
            raise LeaseLost
        if not force and time.monotonic() - self._told < TOLD_EVERY:
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


def _sample(database: Database, job: MatchJob) -> list[Details]:
    """Contacts spread evenly over the list."""
    with database.reading() as session:
        count = session.scalar(select(func.count()).where(*_undecided(job))) or 0
        step = max(1, count // SAMPLED)
        rows = session.scalars(
            select(BatchRow).where(*_undecided(job), BatchRow.position % step == 0)
        )
        return [row_details(row) for row in rows]


def _contacts(database: Database, job: MatchJob) -> Iterator[BatchRow]:
    """The undecided rows in order; no session is open while one is being worked on."""
    last = 0
    while True:
        with database.reading() as session:
            rows = session.scalars(
                select(BatchRow)
                .where(*_undecided(job), BatchRow.position > last)
                .order_by(BatchRow.position)
                .limit(PAGE)
            ).all()
        if not rows:
            return
        last = rows[-1].position
        yield from rows


def _suggest_rows(
    database: Database, job: MatchJob, matcher: Matcher, progress: _Progress
) -> list[MatchedRow]:
    """Suggestions for every row, kept in the rows; returned without their reasons."""
    asked: list[MatchedRow] = []
    ids: dict[str, str] = {}  # one text for each record, however often it is offered
    held = _holders(database, job)
    named: dict[str, tuple[int, str, bool]] = {}

    def contacts() -> Iterator[tuple[str, Details]]:
        for row in _contacts(database, job):
            asked_for = row_details(row)
            named[str(row.id)] = (row.position, row.reference, is_retired(asked_for))
            yield str(row.id), asked_for

    parcel: list[dict[str, Any]] = []
    with closing(suggest_many(matcher, contacts(), OFFERED)) as answers:
        for row_id, found in answers:
            position, reference, retired = named.pop(row_id)
            parcel.append(
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
            if len(parcel) >= PARCEL:
                _store(database, job, parcel)
                progress.add(len(parcel))
                parcel = []
    _store(database, job, parcel)
    progress.add(len(parcel))
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
    """The records that carry each row's reference by the mirror, of the row's kind."""
    rows = select(BatchRow.id, BatchRow.kind, BatchRow.reference).where(
        *_undecided(job), BatchRow.reference != ""
    )
    records = select(MirroredRecord.reference, MirroredRecord.kind, MirroredRecord.number).where(
        MirroredRecord.connection_id == job.connection_id,
        MirroredRecord.gone_at.is_(None),
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
                    MirroredRecord.gone_at.is_(None),
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
    for start in range(0, len(judgements), PARCEL):
        _store(database, job, judgements[start : start + PARCEL])
        progress.report()


def _store(database: Database, job: MatchJob, rows: list[dict[str, Any]]) -> None:
    """Write what was found into rows. Raises LeaseLost when another worker has the batch now."""
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
    """The records that were found for rows, as they are now."""
    mentioned = {item[0] for row in rows for item in row.get("suggestions", ())}
    mentioned |= {(row.get("conflict") or {}).get("record", "") for row in rows}
    return records_by_id(session, job.connection_id, sorted(mentioned))


def _without_erased(row: dict[str, Any], present: dict[str, MirroredRecord]) -> dict[str, Any]:
    """What was found for a row, without what it tells of records erased since they were read."""
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
