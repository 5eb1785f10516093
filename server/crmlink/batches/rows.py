"""Rows of a batch for review: queried, with their suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from crmlink.batches.row_details import load_suggestions
from crmlink.batches.state import ago, get_batch
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchNotFound
from crmlink.linking.suggest import records_by_id
from crmlink.matching import Suggestion
from crmlink.store import BatchRow, Choice, Device, MirroredRecord, RowState, Verdict
from crmlink.store.base import utc_now

CLAIM_SECONDS = 90
MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Filter of rows; None and "" mean all.

    ``search`` is part of a name, email, town or reference.
    """

    verdict: Verdict | None = None
    choice: Choice | None = None
    state: RowState | None = None
    kind: Kind | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class RowSuggestion:
    """One suggested record; ``holder`` is another row of the batch that has chosen it."""

    record: MirroredRecord
    suggestion: Suggestion | None
    holder: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A row for review.

    ``offers`` are best first, starting with the record assigned to this row; ``chosen`` is the
    accepted record. ``others`` are records of a conflict. ``claimed_by`` is another user looking at
    the row. ``twin`` is the row in use of a retired contact's row.
    """

    row: BatchRow
    offers: tuple[RowSuggestion, ...]
    chosen: MirroredRecord | None
    referenced_records: tuple[MirroredRecord, ...]
    decided_by: str | None
    claimed_by: str | None
    twin: BatchRow | None = None


@dataclass(frozen=True, slots=True)
class RowPage:
    """A page of rows by position: those after one, or the last ones before one."""

    after: int = 0
    before: int | None = None
    limit: int = 100


FIRST_PAGE = RowPage()


def list_rows(
    ctx: WorkspaceContext,
    batch_id: str,
    wanted: RowFilter | None = None,
    page: RowPage = FIRST_PAGE,
    *,
    device_id: int | None = None,
) -> list[ReviewRow]:
    """Return a page of the matching rows; ``device_id`` is the viewer's. Raises BatchNotFound."""
    query = _with_people().where(*filter_conditions(batch_id, wanted or RowFilter()))
    if page.before is not None:
        query = query.where(BatchRow.position < page.before).order_by(BatchRow.position.desc())
    else:
        query = query.where(BatchRow.position > page.after).order_by(BatchRow.position)
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        rows = list(session.scalars(query.limit(min(page.limit, MAX_ROWS))))
        rows.sort(key=lambda row: row.position)
        return _reviewed(session, ctx, rows, device_id)


def list_rows_at(
    ctx: WorkspaceContext, batch_id: str, positions: list[int], device_id: int | None = None
) -> list[ReviewRow]:
    """Return the rows at these positions, in their order. Raises BatchNotFound."""
    query = _with_people().where(
        BatchRow.batch_id == batch_id, BatchRow.position.in_(positions[:MAX_ROWS])
    )
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        found = {row.position: row for row in session.scalars(query)}
        rows = [found[position] for position in dict.fromkeys(positions) if position in found]
        return _reviewed(session, ctx, rows, device_id)


def count_rows(ctx: WorkspaceContext, batch_id: str, wanted: RowFilter) -> int:
    """Return the number of matching rows."""
    with ctx.database.reading() as session:
        return session.scalar(select(func.count()).where(*filter_conditions(batch_id, wanted))) or 0


def find_row(
    ctx: WorkspaceContext, batch_id: str, position: int, device_id: int | None = None
) -> ReviewRow:
    """Return one row; raises BatchNotFound."""
    with ctx.database.reading() as session:
        row = get_row(session, ctx, batch_id, position)
        return _reviewed(session, ctx, [row], device_id)[0]


def get_row(session: Session, ctx: WorkspaceContext, batch_id: str, position: int) -> BatchRow:
    """Return a row of a batch of this workspace; raises BatchNotFound."""
    get_batch(session, ctx, batch_id)
    row = session.scalar(_with_people().filter_by(batch_id=batch_id, position=position))
    if row is None:
        raise BatchNotFound
    return row


def _with_people() -> Select[BatchRow]:
    return select(BatchRow).options(
        joinedload(BatchRow.decided_by), joinedload(BatchRow.claimed_by), joinedload(BatchRow.link)
    )


def filter_conditions(batch_id: str, wanted: RowFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on a batch's rows."""
    conditions: list[ColumnElement[bool]] = [BatchRow.batch_id == batch_id]
    for column, value in (
        (BatchRow.verdict, wanted.verdict),
        (BatchRow.choice, wanted.choice),
        (BatchRow.state, wanted.state),
        (BatchRow.kind, wanted.kind),
    ):
        if value is not None:
            conditions.append(column == value)
    for word in wanted.search.split():
        conditions.append(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (
                        BatchRow.name,
                        BatchRow.company,
                        BatchRow.person,
                        BatchRow.email,
                        BatchRow.town,
                        BatchRow.postcode,
                        BatchRow.reference,
                    )
                )
            )
        )
    return conditions


def _reviewed(
    session: Session, ctx: WorkspaceContext, rows: list[BatchRow], device_id: int | None
) -> list[ReviewRow]:
    """Return rows with their records, fetched together."""
    offered = {row.id: load_suggestions(row.suggestions) for row in rows}
    wanted: set[str] = set()
    for row in rows:
        wanted.update(item.record_id for item in offered[row.id])
        wanted.update(filter(None, (row.best, row.record_id)), _in_conflict(row))
    records = records_by_id(session, ctx.connection_id, sorted(wanted))
    chosen = _chosen_in(session, rows, wanted)
    twins = _twins(session, rows)
    return [
        replace(_review(row, offered[row.id], records, chosen, device_id), twin=twins.get(row.id))
        for row in rows
    ]


def _twins(session: Session, rows: list[BatchRow]) -> dict[int, BatchRow]:
    """Return for rows of retired contacts the first row named as the one in use."""
    named = {
        row.id: row.conflict["rows"][0]
        for row in rows
        if row.conflict and row.conflict["code"] == "retired-twin" and row.conflict["rows"]
    }
    if not named:
        return {}
    query = select(BatchRow).where(
        BatchRow.batch_id == rows[0].batch_id, BatchRow.position.in_(set(named.values()))
    )
    found = {row.position: row for row in session.scalars(query)}
    return {row_id: found[place] for row_id, place in named.items() if place in found}


def _review(
    row: BatchRow,
    offered: Iterable[Suggestion],
    records: Mapping[str, MirroredRecord],
    chosen: Mapping[str, int],
    device_id: int | None,
) -> ReviewRow:
    items: list[tuple[str, Suggestion | None]] = [(item.record_id, item) for item in offered]
    if row.best and row.best not in dict(items):
        items.append((row.best, None))
    items.sort(key=lambda item: item[0] != row.best)
    shown = [
        RowSuggestion(
            records[record_id],
            item,
            chosen[record_id] if chosen.get(record_id, row.position) != row.position else None,
        )
        for record_id, item in items
        if record_id in records
    ]
    claimed = row.claimed_by if row.claimed_by_id != device_id and is_claimed(row) else None
    return ReviewRow(
        row=row,
        offers=tuple(shown),
        chosen=records.get(row.record_id or ""),
        referenced_records=tuple(records[each] for each in _in_conflict(row) if each in records),
        decided_by=row.decided_by.actor_name if row.decided_by else None,
        claimed_by=_who(claimed),
    )


def _chosen_in(session: Session, rows: list[BatchRow], wanted: set[str]) -> dict[str, int]:
    """Return the positions of this batch's rows that have chosen each of these records."""
    if not rows or not wanted:
        return {}
    query = select(BatchRow.record_id, BatchRow.position).where(
        BatchRow.batch_id == rows[0].batch_id,
        BatchRow.choice == Choice.RECORD,
        BatchRow.record_id.in_(wanted),
    )
    return {record_id: position for record_id, position in session.execute(query) if record_id}


def _in_conflict(row: BatchRow) -> list[str]:
    found = row.conflict or {}
    single = [found["record"]] if "record" in found else []
    return [*single, *found.get("records", [])]


def is_claimed(row: BatchRow) -> bool:
    """Return whether a user is looking at the row."""
    until = row.claimed_until
    return until is not None and utc_now() < until <= ago(seconds=-2 * CLAIM_SECONDS)


def _who(device: Device | None) -> str | None:
    return device.actor_name if device else None
