"""Reclassification of rows that got their reference or kind after matching."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.batches.classify import CLAIM_PROBABILITY
from crmlink.folding import fold
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import records_by_id
from crmlink.store import BatchRow, Choice, MirroredRecord, Verdict
from crmlink.store.folded import carried_in


def recheck(session: Session, connection_id: int, rows: Sequence[BatchRow]) -> None:
    """Classify matched rows again by the records with their reference, and their best one's.

    A decision for a record that turns out to be of the other kind is reset for the user: it was
    made before the kind was known.
    """
    taken_back = [row for row in rows if _take_back_other_kind(row)]
    for row in rows:
        if row not in taken_back:
            _forget_other_kind(row)
    matched = [row for row in rows if row.verdict is not Verdict.NEW and row not in taken_back]
    holders = _holders(session, connection_id, {row.reference for row in matched})
    bests = records_by_id(session, connection_id, [row.best or "" for row in matched])
    for row in matched:
        found = [record for record in holders[fold(row.reference)]
                 if not row.kind or record.kind == row.kind]  # fmt: skip
        conflict = _conflict(row, found, bests.get(row.best or ""))
        if conflict:
            row.verdict, row.conflict = Verdict.CONFLICT, conflict
            row.best = conflict.get("record", row.best)
        elif found:
            row.verdict, row.conflict, row.best = Verdict.LINKED, None, found[0].public_id


def _take_back_other_kind(row: BatchRow) -> bool:
    chosen = row.record_id
    if row.choice is not Choice.RECORD or not chosen or not _is_other_kind(row, chosen):
        return False
    if Overrides.from_dict(row.agreed).accepts_kind:
        return False
    row.choice, row.record_id, row.agreed = Choice.OPEN, None, None
    row.verdict, row.conflict = Verdict.CONFLICT, {"code": "kind-differs", "record": chosen}
    row.best = chosen
    row.version += 1
    return True


def _is_other_kind(row: BatchRow, record_id: str) -> bool:
    return bool(row.kind) and not record_id.startswith(f"{row.kind}-")


def _forget_other_kind(row: BatchRow) -> None:
    """Remove the results of a row that turns out to be of the other kind."""
    if row.choice is Choice.OPEN and row.best and _is_other_kind(row, row.best):
        row.verdict, row.conflict, row.suggestions = Verdict.NEW, None, []
        row.best = row.probability = row.none_probability = None


def _conflict(
    row: BatchRow, holders: Sequence[MirroredRecord], best: MirroredRecord | None
) -> dict[str, Any] | None:
    ids = [record.public_id for record in holders]
    likely = best is not None and (row.probability or 0.0) >= CLAIM_PROBABILITY
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
    session: Session, connection_id: int, references: set[str]
) -> defaultdict[str, list[MirroredRecord]]:
    found: defaultdict[str, list[MirroredRecord]] = defaultdict(list)
    query = select(MirroredRecord).where(
        carried_in(connection_id, MirroredRecord.reference, references),
        MirroredRecord.deleted_at.is_(None),
    )
    for record in session.scalars(query.order_by(MirroredRecord.id)):
        found[fold(record.reference or "")].append(record)
    return found
