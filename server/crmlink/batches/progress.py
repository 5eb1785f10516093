"""Batch as a whole: counts, progress, the summary before writing, and all results."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from crmlink.batches.control import rows_ready_to_write
from crmlink.batches.rows import RowFilter, filter_conditions
from crmlink.batches.state import get_batch
from crmlink.csv_safety import escape_formula
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.suggest import records_by_id
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    LinkState,
    MirroredRecord,
    RejectedBatchRow,
    RowState,
    Verdict,
)
from crmlink.store.batches import NO_REFERENCE

CALLS_A_LINK = 2.2  # calls to Commusoft per link: one read, one PUT, and a share of the checks
PAGE_SIZE = 500
COLUMNS = (
    "position", "line", "kind", "reference", "contact", "email", "verdict", "probability",
    "decision", "decided_by", "decided_at", "record", "record_name", "prior_reference", "outcome",
    "why", "when", "link",
)  # fmt: skip
ASKED_FOR = (RowState.WAITING, RowState.PROCESSING, RowState.WRITTEN, RowState.FILLING)
ENDED_STATES = (RowState.SUCCESSFUL, RowState.FAILED, RowState.UNDONE)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of rows by state; ``without_reference`` cannot be linked yet."""

    rows: int
    verdicts: Mapping[Verdict, int]
    choices: Mapping[Choice, int]
    states: Mapping[RowState, int]
    undecided: Mapping[Verdict, int]
    without_reference: int
    bad_rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the present work: ``done`` of ``of`` rows, rows per second, seconds left.

    ``rate`` and ``seconds_left`` are None while unknown; ``problem`` is the code of the obstacle,
    ``next_try`` when Commusoft is asked again.
    """

    done: int
    of: int
    rate: float | None
    seconds_left: float | None
    problem: str | None
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """A batch with its counts and progress."""

    batch: Batch
    counts: Counts
    progress: Progress


@dataclass(frozen=True, slots=True)
class Summary:
    """What writing would link and what it would omit.

    ``sure``: rows whose record was sure and accepted, alone or with all others; the rest was chosen
    by hand. ``replaces``: rows that replace another reference, as agreed; ``also_on``: rows whose
    reference is on another record too; ``other_kind``: rows that go to a record of the other kind.
    ``seconds`` is an estimate by the rate limit.
    """

    to_link: int
    customers: int
    suppliers: int
    sure: int
    replaces: int
    also_on: int
    other_kind: int
    without_reference: int
    none: int
    undecided: int
    undecided_sure: int
    linked_already: int
    conflicts: int
    package_missing: bool
    seconds: float


def overview(ctx: WorkspaceContext, batch_id: str) -> Overview:
    """Return a batch for its page. Raises BatchNotFound."""
    with ctx.database.reading() as session:
        batch = get_batch(session, ctx, batch_id)
        counts = _counts(session, batch)
    return Overview(batch, counts, _progress(batch, counts))


def summary(ctx: WorkspaceContext, batch_id: str) -> Summary:
    """Return the summary to show before writing; its ``to_link`` is for ``start_writing``."""
    with ctx.database.reading() as session:
        batch = get_batch(session, ctx, batch_id)
        counts = _counts(session, batch)
        kinds: Counter[str] = Counter()
        agreed: Counter[str] = Counter()
        as_called = (BatchRow.verdict == Verdict.SURE) & (BatchRow.record_id == BatchRow.best)
        columns = select(BatchRow.record_id, BatchRow.kind, BatchRow.agreed, as_called)
        rows = columns.where(*rows_ready_to_write(batch_id)).execution_options(yield_per=1_000)
        for record_id, contact_kind, kept, sure in session.execute(rows):
            kind = (record_id or "").partition("-")[0]
            kinds[kind] += 1
            agreed["other_kind"] += contact_kind not in ("", kind)
            agreed["sure"] += bool(sure)
            agreed["replaces"] += bool(kept and kept.get("replaces"))
            agreed["also_on"] += bool(kept and kept.get("also_on"))
        to_link = sum(kinds.values())
    per_second = ctx.commusoft.background_per_second
    return Summary(
        to_link=to_link,
        customers=kinds["customer"],
        suppliers=kinds["supplier"],
        sure=agreed["sure"],
        replaces=agreed["replaces"],
        also_on=agreed["also_on"],
        other_kind=agreed["other_kind"],
        without_reference=counts.without_reference,
        none=counts.choices[Choice.NONE],
        undecided=sum(
            number for verdict, number in counts.undecided.items() if verdict is not Verdict.LINKED
        ),
        undecided_sure=counts.undecided[Verdict.SURE],
        linked_already=counts.verdicts[Verdict.LINKED],
        conflicts=counts.undecided[Verdict.CONFLICT],
        package_missing=not batch.package,
        seconds=to_link * CALLS_A_LINK / per_second,
    )


def bad_rows(
    ctx: WorkspaceContext, batch_id: str, after: int = 0, limit: int = 200
) -> list[RejectedBatchRow]:
    """Return the file's lines that are no contacts, by line. Raises BatchNotFound."""
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        query = (
            select(RejectedBatchRow)
            .where(RejectedBatchRow.batch_id == batch_id, RejectedBatchRow.line > after)
            .order_by(RejectedBatchRow.line)
            .limit(limit)
        )
        return list(session.scalars(query))


def write_results(ctx: WorkspaceContext, batch_id: str, out: IO[str], why: Any) -> int:
    """Write every row with its outcome as CSV; returns the number of rows.

    ``why`` renders a stored failure. Values that a spreadsheet would run are escaped. Raises
    BatchNotFound.
    """
    table = csv.writer(out)
    table.writerow(COLUMNS)
    count = 0
    for values in result_rows(ctx, batch_id, why):
        count += 1
        table.writerow(escape_formula(str(values[name])) for name in COLUMNS)
    return count


def result_rows(
    ctx: WorkspaceContext, batch_id: str, why: Any, wanted: RowFilter | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the matching rows of a batch as plain values, in order."""
    conditions = filter_conditions(batch_id, wanted or RowFilter())
    last = 0
    while True:
        with ctx.database.reading() as session:
            get_batch(session, ctx, batch_id)
            rows = session.scalars(
                select(BatchRow)
                .options(joinedload(BatchRow.decided_by), joinedload(BatchRow.link))
                .where(*conditions, BatchRow.position > last)
                .order_by(BatchRow.position)
                .limit(PAGE_SIZE)
            ).all()
            records = records_by_id(
                session, ctx.connection_id, [found for row in rows if (found := _record_of(row))]
            )
        if not rows:
            return
        last = rows[-1].position
        for row in rows:
            yield _result(row, records.get(_record_of(row)), why)


def _record_of(row: BatchRow) -> str:
    if row.record_id:
        return row.record_id
    return (row.best or "") if row.verdict is Verdict.LINKED else ""


def _result(row: BatchRow, record: MirroredRecord | None, why: Any) -> dict[str, Any]:
    link = row.link
    outcome = row.state.value if row.state is not RowState.IDLE else "not linked"
    if row.state is RowState.IDLE and row.verdict is Verdict.LINKED:
        outcome = "linked before"
    if link and link.state is LinkState.UNDONE:  # perhaps alone, from the link's page
        outcome = RowState.UNDONE.value
    return {
        "position": row.position,
        "line": row.line or "",
        "kind": row.kind,
        "reference": row.reference,
        "contact": row.label,
        "email": row.email,
        "verdict": row.verdict.value,
        "probability": "" if row.probability is None else f"{row.probability:.4f}",
        "decision": row.choice.value,
        "decided_by": row.decided_by.actor_name if row.decided_by else "",
        "decided_at": row.decided_at.isoformat() if row.decided_at else "",
        "record": _record_of(row),
        "record_name": record.label if record else (link.record_label if link else ""),
        "prior_reference": (link.prior or "") if link else "",
        "outcome": outcome,
        "why": why(row.failure) if row.failure else "",
        "when": row.settled_at.isoformat() if row.settled_at else "",
        "link": row.link_id or "",
    }


def _counts(session: Session, batch: Batch) -> Counts:
    verdicts: Counter[Verdict] = Counter()
    choices: Counter[Choice] = Counter()
    states: Counter[RowState] = Counter()
    undecided: Counter[Verdict] = Counter()
    groups = (
        select(BatchRow.verdict, BatchRow.choice, BatchRow.state, func.count())
        .where(BatchRow.batch_id == batch.id)
        .group_by(BatchRow.verdict, BatchRow.choice, BatchRow.state)
    )
    for verdict, choice, state, number in session.execute(groups):
        verdicts[verdict] += number
        choices[choice] += number
        states[state] += number
        if choice is Choice.OPEN:
            undecided[verdict] += number
    # Spelt as in the index that has these rows alone.
    bare = select(func.count()).where(BatchRow.batch_id == batch.id, NO_REFERENCE)
    return Counts(
        rows=sum(states.values()),
        verdicts=verdicts,
        choices=choices,
        states=states,
        undecided=undecided,
        without_reference=session.scalar(bare) or 0,
        bad_rows=batch.bad_rows,
    )


def _progress(batch: Batch, counts: Counts) -> Progress:
    problem = (batch.last_error or {}).get("code")
    if batch.state is BatchState.MATCHING:
        return Progress(batch.progress, batch.progress_of, None, None, problem)
    states = counts.states
    if batch.state in (BatchState.UNDOING, BatchState.REVERTING):
        left, done = states[RowState.UNDOING] + states[RowState.FILLING], states[RowState.UNDONE]
    else:
        left = sum(states[state] for state in ASKED_FOR)
        done = sum(states[state] for state in ENDED_STATES)
    written = states[RowState.WRITTEN]
    seconds = (left - written) / batch.rate if batch.rate and left > written else None
    next_at = (batch.last_error or {}).get("next_at")
    next_try = datetime.fromisoformat(next_at) if next_at else None
    return Progress(done, done + left, batch.rate, seconds, problem, next_try)
