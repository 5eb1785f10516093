"""Review of a batch: users' decisions on its rows. Nothing here writes to Commusoft.

Several users may review one batch: a decision names the version of the row that was shown, and is
rejected with the other decision if another user was faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crmlink.batches.row_details import load_suggestions
from crmlink.batches.rows import CLAIM_SECONDS, ReviewRow, find_row, get_row, is_claimed
from crmlink.batches.state import DECIDABLE, ago, bump_version, get_batch
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    KindMismatch,
    RecordAlreadyChosen,
    RecordHasReference,
    ReferenceTaken,
    RowAlreadyDecided,
    RowInProgress,
)
from crmlink.linking.known_kinds import kind_in_truth
from crmlink.linking.listed_details import kind_of
from crmlink.linking.overrides import Overrides, require_kind
from crmlink.linking.suggest import find_record, holders, records_by_id
from crmlink.store import Batch, BatchRow, Choice, MirroredRecord, RowState
from crmlink.store.base import utc_now
from crmlink.store.erased import pseudonyms_of

SETTLED_STATES = (
    RowState.IDLE,
    RowState.FAILED,
    RowState.UNDONE,
)  # states in which a row may be decided (again)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a batch as it was shown: one that changed since is not decided."""

    batch_id: str
    position: int
    version: int


def claim(ctx: WorkspaceContext, device_id: int, batch_id: str, position: int) -> ReviewRow:
    """Show others for 90 seconds that a user looks at a row; nothing is locked.

    ``claimed_by`` of the result is the first one, who keeps the claim. Raises BatchNotFound.
    """
    with ctx.database.writing() as session:
        row = get_row(session, ctx, batch_id, position)
        if row.claimed_by_id in (None, device_id) or not is_claimed(row):
            row.claimed_by_id, row.claimed_until = device_id, ago(seconds=-CLAIM_SECONDS)
    return find_row(ctx, batch_id, position, device_id)


def accept(
    ctx: WorkspaceContext,
    device_id: int,
    shown: ShownRow,
    record_id: str,
    overrides: Overrides | None = None,
) -> ReviewRow:
    """Decide that a row is a record; nothing is written to Commusoft yet.

    Raises RowAlreadyDecided, RowInProgress, InvalidBatchState, BatchNotFound, RecordUnknown;
    RecordAlreadyChosen if another row of the batch has the record; KindMismatch for the other kind,
    and RecordHasReference and ReferenceTaken by the mirror, unless overridden.
    """
    overrides = overrides or Overrides()
    try:
        with ctx.database.writing() as session:
            row = _decidable(session, ctx, shown)
            record = find_record(session, ctx.connection_id, record_id)
            _require_record_free(session, ctx, row, record, overrides)
            row.choice, row.record_id = Choice.RECORD, record.public_id
            differences = seen_differences(row, record.public_id)
            row.agreed = overrides.as_dict() | {"differences": differences}
            mark_decided(session, row, device_id)
    except IntegrityError:
        raise RecordAlreadyChosen(**_row_with_record(ctx, shown.batch_id, record_id)) from None
    return find_row(ctx, shown.batch_id, shown.position, device_id)


def choose_none(ctx: WorkspaceContext, device_id: int, shown: ShownRow) -> ReviewRow:
    """Decide that no record is the row's.

    Raises RowAlreadyDecided, RowInProgress, InvalidBatchState.
    """
    return _without_record(ctx, device_id, shown, Choice.NONE)


def reopen(ctx: WorkspaceContext, device_id: int, shown: ShownRow) -> ReviewRow:
    """Reset a decision. Raises RowAlreadyDecided, RowInProgress, InvalidBatchState."""
    return _without_record(ctx, device_id, shown, Choice.OPEN)


def _without_record(
    ctx: WorkspaceContext, device_id: int, shown: ShownRow, choice: Choice
) -> ReviewRow:
    with ctx.database.writing() as session:
        row = _decidable(session, ctx, shown)
        row.choice, row.record_id, row.agreed = choice, None, None
        mark_decided(session, row, device_id)
    return find_row(ctx, shown.batch_id, shown.position, device_id)


def mark_decided(session: Session, row: BatchRow, device_id: int) -> None:
    """Record who decided a row; it may be written again, and its claim ends."""
    row.decided_by_id, row.decided_at = device_id, utc_now()
    row.version += 1
    row.state, row.failure, row.settled_at, row.link_id = RowState.IDLE, None, None, None
    row.claimed_by_id = row.claimed_until = None
    session.flush()


def _decidable(session: Session, ctx: WorkspaceContext, shown: ShownRow) -> BatchRow:
    batch = get_batch(session, ctx, shown.batch_id, *DECIDABLE)
    row = get_row(session, ctx, shown.batch_id, shown.position)
    if row.version != shown.version:
        record = records_by_id(session, ctx.connection_id, [row.record_id or ""])
        _keep_readable(session, *record.values())
        raise RowAlreadyDecided(
            by=row.decided_by.actor_name if row.decided_by else None,
            since=row.decided_at,
            choice=row.choice.value,
            **({"record": next(iter(record.values()))} if record else {}),
        )
    if row.state not in SETTLED_STATES:
        raise RowInProgress(state=row.state.value)
    bump_version(batch)
    return row


def _require_record_free(
    session: Session,
    ctx: WorkspaceContext,
    row: BatchRow,
    record: MirroredRecord,
    overrides: Overrides,
) -> None:
    """Raise unless the user has seen all obstacles; Commusoft is asked at writing."""
    if failure := find_obstacle(session, ctx, row, record, overrides):
        session.expunge_all()  # the rollback would expire the records in the failure
        raise failure


def find_obstacle(
    session: Session,
    ctx: WorkspaceContext,
    row: BatchRow,
    record: MirroredRecord,
    overrides: Overrides,
) -> KindMismatch | RecordHasReference | ReferenceTaken | None:
    """Return what a user must agree to before a row gets a record; None for nothing."""
    batch = session.get_one(Batch, row.batch_id)
    contact = (batch.package, batch.organisation, row.reference)
    try:
        require_kind(kind_of(row), record, overrides)
        if row.reference:
            require_kind(kind_in_truth(session, ctx, contact, kind_of(row)), record, overrides)
    except KindMismatch as failure:
        return failure
    if not row.reference:
        return None
    present = record.reference
    same = pseudonyms_of(session).same
    if present and not (same(present, row.reference) or same(present, overrides.replaces)):
        return RecordHasReference(record=record, current_reference=present)
    others = [
        other
        for other in holders(session, ctx.connection_id, row.reference, record.kind)
        if other.id != record.id and other.public_id not in overrides.also_on
    ]
    return ReferenceTaken(holders=others) if others else None


def _keep_readable(session: Session, *records: MirroredRecord) -> None:
    """Detach records from a session, so that a failure can use them after its rollback."""
    for record in records:
        session.expunge(record)


def _row_with_record(ctx: WorkspaceContext, batch_id: str, record_id: str) -> dict[str, Any]:
    with ctx.database.reading() as session:
        row = session.scalar(
            select(BatchRow).filter_by(batch_id=batch_id, record_id=record_id, choice=Choice.RECORD)
        )
    return {
        "contact": row.label if row else "another contact",
        "position": row.position if row else None,
    }


def seen_differences(row: BatchRow, record_id: str) -> list[dict[str, str]]:
    """Return the differences between contact and record that the user saw."""
    found = next(
        (item for item in load_suggestions(row.suggestions) if item.record_id == record_id), None
    )
    return [
        {
            "field": reason.code,
            "contact": reason.args.get("contact", ""),
            "record": reason.args.get("record", ""),
        }
        for reason in (found.reasons if found else ())
        if reason.agrees is False
    ]


def release_claims(ctx: WorkspaceContext, device_id: int, batch_id: str) -> None:
    """Release a user's claims when they leave the page."""
    with ctx.database.writing() as session:
        session.execute(
            update(BatchRow)
            .where(BatchRow.batch_id == batch_id, BatchRow.claimed_by_id == device_id)
            .values(claimed_by_id=None, claimed_until=None)
        )
