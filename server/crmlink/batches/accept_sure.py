"""Acceptance of all *sure* rows at once, after a random sample was shown."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from crmlink.batches.rows import ReviewRow, list_rows_at
from crmlink.batches.state import DECIDABLE, editing_batch
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import SampleRequired
from crmlink.linking.overrides import Overrides
from crmlink.store import Batch, BatchRow, Choice, RowState, Verdict
from crmlink.store.base import utc_now

SAMPLE = 12


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows drawn at random from all ``of`` sure ones; ``token`` proves that they were shown."""

    token: str
    rows: tuple[ReviewRow, ...]
    of: int


@dataclass(frozen=True, slots=True)
class AcceptResult:
    """Number of rows accepted, and of sure rows left because another row chose their record."""

    accepted: int
    left: int


def draw_sample(ctx: WorkspaceContext, batch_id: str, size: int = SAMPLE) -> Sample:
    """Draw undecided sure rows to show to the user before accepting all.

    Raises BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        positions = list(session.scalars(select(BatchRow.position).where(*_sure(batch))))
        drawn = sorted(random.SystemRandom().sample(positions, min(size, len(positions))))
        token = secrets.token_hex(8)
        batch.sample = {
            "token": token, "positions": drawn, "of": len(positions),
            "matched_at": batch.matched_at.isoformat() if batch.matched_at else None,
        }  # fmt: skip
    return Sample(token, tuple(list_rows_at(ctx, batch_id, drawn)), len(positions))


def accept_sure(ctx: WorkspaceContext, device_id: int, batch_id: str, token: str) -> AcceptResult:
    """Accept every undecided sure row.

    ``token`` is that of the last sample. Raises SampleRequired if there was none, or the batch was
    matched again since; BatchNotFound, InvalidBatchState.
    """
    with editing_batch(ctx, batch_id, *DECIDABLE) as (session, batch):
        sample = batch.sample or {}
        matched = batch.matched_at.isoformat() if batch.matched_at else None
        fits = sample.get("token") == token and sample.get("matched_at") == matched
        if not token or not fits or "decision" in sample:  # that sample was for another decision
            raise SampleRequired
        accepted = session.scalars(
            update(BatchRow)
            .where(*_sure(batch), BatchRow.best.is_not(None))
            .where(_of_its_kind(), ~_chosen_in_other_row())
            .values(
                choice=Choice.RECORD, record_id=BatchRow.best, decided_by_id=device_id,
                decided_at=utc_now(), version=BatchRow.version + 1,
                agreed=Overrides().as_dict() | {"differences": []},
            )
            .returning(BatchRow.id)
            .execution_options(synchronize_session=False)
        ).all()  # fmt: skip
        left = session.scalar(select(func.count()).where(*_sure(batch))) or 0
        batch.sample = None
        record_audit(
            session, ctx.workspace_id, device_id, "batch.sure_accepted", batch_id,
            contacts=len(accepted), left=left, shown=sample["positions"],
        )  # fmt: skip
    return AcceptResult(len(accepted), left)


def _sure(batch: Batch) -> list[ColumnElement[bool]]:
    return [
        BatchRow.batch_id == batch.id,
        BatchRow.verdict == Verdict.SURE,
        BatchRow.choice == Choice.OPEN,
        BatchRow.state == RowState.IDLE,
    ]


def _of_its_kind() -> ColumnElement[bool]:
    """Return the condition that the best record is of the row's kind, or that is unknown."""
    return or_(BatchRow.kind == "", BatchRow.best.startswith(BatchRow.kind + "-"))


def _chosen_in_other_row() -> ColumnElement[bool]:
    """Return the condition that another row of the batch has chosen the record.

    Or is as sure of it: an interrupted matching may leave two such rows.
    """
    other = aliased(BatchRow)
    chosen = and_(other.choice == Choice.RECORD, other.record_id == BatchRow.best)
    rival = and_(
        other.id != BatchRow.id, other.choice == Choice.OPEN,
        other.verdict == Verdict.SURE, other.best == BatchRow.best,
    )  # fmt: skip
    return or_(
        exists().where(other.batch_id == BatchRow.batch_id, chosen),
        exists().where(other.batch_id == BatchRow.batch_id, rival),
    )
