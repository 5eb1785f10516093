"""Rows that got their reference after they were matched: does the reference fit what was found?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.batches.classify import LIKELY
from crmlink.linking.suggest import rows_by_id
from crmlink.store import BatchRow, MirroredRecord, Verdict


def recheck(session: Session, workspace_id: int, rows: Sequence[BatchRow]) -> None:
    """Judge matched rows anew: by who carries their reference, and what their best one carries."""
    for row in rows:
        _forget_other_kind(row)
    matched = [row for row in rows if row.verdict is not Verdict.NEW]
    holders = _holders(session, workspace_id, {row.reference for row in matched})
    bests = rows_by_id(session, workspace_id, [row.best or "" for row in matched])
    for row in matched:
        found = [record for record in holders[row.reference.lower()]
                 if not row.kind or record.kind == row.kind]  # fmt: skip
        conflict = _conflict(row, found, bests.get(row.best or ""))
        if conflict:
            row.verdict, row.conflict = Verdict.CONFLICT, conflict
            row.best = conflict.get("record", row.best)
        elif found:
            row.verdict, row.conflict, row.best = Verdict.LINKED, None, found[0].public_id


def _forget_other_kind(row: BatchRow) -> None:
    """What was found for a row that turns out to be of the other kind says nothing of it."""
    if row.kind and row.best and not row.best.startswith(f"{row.kind}-"):
        row.verdict, row.conflict, row.suggestions = Verdict.NEW, None, []
        row.best = row.probability = row.none_probability = None


def _conflict(
    row: BatchRow, holders: Sequence[MirroredRecord], best: MirroredRecord | None
) -> dict[str, Any] | None:
    ids = [record.public_id for record in holders]
    likely = best is not None and (row.probability or 0.0) >= LIKELY
    if len(ids) > 1:
        return {"code": "reference-twice", "records": ids}
    if likely and best and ids and best.public_id not in ids:
        return {"code": "reference-elsewhere", "records": ids}
    present = holders[0] if holders else best if likely else None
    if present is None or present.reference in (None, row.reference):
        return None
    return {
        "code": "record-has-reference",
        "record": present.public_id,
        "current_reference": present.reference,
    }


def _holders(
    session: Session, workspace_id: int, references: set[str]
) -> defaultdict[str, list[MirroredRecord]]:
    found: defaultdict[str, list[MirroredRecord]] = defaultdict(list)
    query = select(MirroredRecord).where(
        MirroredRecord.workspace_id == workspace_id,
        MirroredRecord.gone_at.is_(None),
        func.lower(MirroredRecord.reference).in_([func.lower(each) for each in references]),
    )
    for record in session.scalars(query.order_by(MirroredRecord.id)):
        found[(record.reference or "").lower()].append(record)
    return found
