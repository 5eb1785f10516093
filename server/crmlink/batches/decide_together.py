"""Decisions on many rows of a batch: ticked ones, or all that match a filter.

No override is given here: a row that needs one is left as it is.
"""

from __future__ import annotations

import enum
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from crmlink.batches.review import SETTLED_STATES, find_obstacle, mark_decided, seen_differences
from crmlink.batches.rows import ReviewRow, RowFilter, filter_conditions, list_rows_at
from crmlink.batches.state import DECIDABLE, editing_batch
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import CountChanged, RecordUnknown, SampleRequired
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import find_record
from crmlink.store import Batch, BatchRow, Choice, RowState, Verdict

SAMPLE = 12
MAX_SELECTED = 2_000
CHUNK_SIZE = 200  # rows that one transaction decides


class GroupDecision(enum.StrEnum):
    """Decision on many rows."""

    ACCEPT = "accept"
    NONE = "none"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class TickedRow:
    """A row as shown when it was ticked: its version, and its first suggestion."""

    position: int
    version: int
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class GroupPreview:
    """Number of rows to decide, a sample of them, and a token that they were shown."""

    contacts: int
    rows: tuple[ReviewRow, ...]
    token: str


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """What the user agreed to: the number of rows, and the token, of a preview."""

    contacts: int
    token: str


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Number of rows decided, and of rows left: changed since, or in need of an override."""

    decided: int
    left: int


def preview_group(
    ctx: WorkspaceContext, batch_id: str, decision: GroupDecision, wanted: RowFilter
) -> GroupPreview:
    """Return what deciding all matching rows would decide, with a random sample.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        positions = _positions(session, batch_id, decision, wanted)
        drawn = sorted(random.SystemRandom().sample(positions, min(SAMPLE, len(positions))))
        token = secrets.token_hex(8)
        batch.sample = _proof(batch, decision, token, drawn, len(positions))
    rows = list_rows_at(ctx, batch_id, drawn)
    return GroupPreview(len(positions), tuple(rows), token)


def decide_group(
    ctx: WorkspaceContext,
    device_id: int,
    batch_id: str,
    decision: GroupDecision,
    wanted: RowFilter,
    agreed: GroupAgreement,
) -> GroupResult:
    """Decide all matching rows, as many as the user agreed to.

    Raises CountChanged if the number differs by now, SampleRequired if the token is not that of the
    last preview or the batch was matched since, BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        shown = batch.sample or {}
        proof = _proof(batch, decision, agreed.token, shown.get("positions", []), agreed.contacts)
        if not agreed.token or shown != proof:
            raise SampleRequired
        rows = _ticked(session, batch_id, decision, wanted)
        if len(rows) != agreed.contacts:
            raise CountChanged(contacts=len(rows))
        batch.sample = None
    return decide_ticked(ctx, device_id, batch_id, decision, rows)


def decide_ticked(
    ctx: WorkspaceContext,
    device_id: int,
    batch_id: str,
    decision: GroupDecision,
    ticked: Sequence[TickedRow],
) -> GroupResult:
    """Decide each of these rows as it was shown; rows changed since are left.

    Raises BatchNotFound, InvalidBatchState.
    """
    decided = 0
    for start in range(0, len(ticked), CHUNK_SIZE):
        with editing_batch(ctx, batch_id, *DECIDABLE) as (session, _):
            some = ticked[start : start + CHUNK_SIZE]
            found = _rows(session, batch_id, decision, some)
            done = [
                row.position
                for shown in some
                if (row := found.get(shown.position)) is not None
                and row.version == shown.version
                and _decide(session, ctx, row, decision, shown.record_id, device_id)
            ]
            if done:
                record_audit(
                    session, ctx.workspace_id, device_id, "batch.decided_together", batch_id,
                    decision=decision.value, contacts=len(done), rows=done,
                )  # fmt: skip
            decided += len(done)
    return GroupResult(decided, len(ticked) - decided)


def _decide(
    session: Session,
    ctx: WorkspaceContext,
    row: BatchRow,
    decision: GroupDecision,
    record_id: str,
    device_id: int,
) -> bool:
    """Decide one row; returns False if it needs an override."""
    if decision is GroupDecision.ACCEPT:
        if row.best != record_id or _chosen_in_other_row(session, row):
            return False
        try:
            record = find_record(session, ctx.connection_id, record_id)
        except RecordUnknown:
            return False
        if find_obstacle(session, ctx, row, record, Overrides()):
            return False
        row.choice, row.record_id = Choice.RECORD, record.public_id
        row.agreed = Overrides().as_dict() | {"differences": seen_differences(row, record_id)}
    else:
        none = decision is GroupDecision.NONE
        row.choice, row.record_id, row.agreed = Choice.NONE if none else Choice.OPEN, None, None
    mark_decided(session, row, device_id)
    return True


def _positions(
    session: Session, batch_id: str, decision: GroupDecision, wanted: RowFilter
) -> list[int]:
    conditions = _conditions(batch_id, decision, wanted)
    query = select(BatchRow.position).where(*conditions).order_by(BatchRow.position)
    return list(session.scalars(query))


def _ticked(
    session: Session, batch_id: str, decision: GroupDecision, wanted: RowFilter
) -> list[TickedRow]:
    query = select(BatchRow.position, BatchRow.version, BatchRow.best)
    rows = query.where(*_conditions(batch_id, decision, wanted)).order_by(BatchRow.position)
    return [TickedRow(place, version, best or "") for place, version, best in session.execute(rows)]


def _rows(
    session: Session, batch_id: str, decision: GroupDecision, some: Sequence[TickedRow]
) -> dict[int, BatchRow]:
    """Return the rows among these that can be decided so, by position."""
    query = select(BatchRow).where(
        *_conditions(batch_id, decision, RowFilter()),
        BatchRow.position.in_([shown.position for shown in some]),
    )
    return {row.position: row for row in session.scalars(query)}


def _conditions(
    batch_id: str, decision: GroupDecision, wanted: RowFilter
) -> list[ColumnElement[bool]]:
    """Return the conditions for rows that can be decided so without an override."""
    found = [*filter_conditions(batch_id, wanted), BatchRow.state.in_(SETTLED_STATES)]
    match decision:
        case GroupDecision.ACCEPT:
            found += [
                BatchRow.choice == Choice.OPEN,
                BatchRow.verdict.in_((Verdict.SURE, Verdict.CHECK)),
                BatchRow.best.is_not(None),
                or_(BatchRow.kind == "", BatchRow.best.startswith(BatchRow.kind + "-")),
            ]
        case GroupDecision.NONE:
            found += [
                BatchRow.choice == Choice.OPEN,
                BatchRow.verdict.not_in((Verdict.NEW, Verdict.LINKED)),
            ]
        case GroupDecision.REOPEN:
            found += [BatchRow.choice != Choice.OPEN, BatchRow.state != RowState.FAILED]
    return found


def _chosen_in_other_row(session: Session, row: BatchRow) -> bool:
    query = select(BatchRow.id).where(
        BatchRow.batch_id == row.batch_id,
        BatchRow.choice == Choice.RECORD,
        BatchRow.record_id == row.best,
    )
    return session.scalar(query.limit(1)) is not None


def _proof(
    batch: Batch, decision: GroupDecision, token: str, positions: list[int], contacts: int
) -> dict[str, object]:
    return {
        "token": token, "decision": decision.value, "positions": positions, "of": contacts,
        "matched_at": batch.matched_at.isoformat() if batch.matched_at else None,
    }  # fmt: skip
