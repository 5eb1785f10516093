"""Positions of a batch's rows, for pages that show part of a long list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from crmlink.batches.rows import RowFilter, filter_conditions
from crmlink.batches.state import get_batch
from crmlink.linking.context import WorkspaceContext
from crmlink.store import BatchRow, Choice, Verdict

MAX_POSITIONS = 10_000
_NEED = (Verdict.CONFLICT, Verdict.CHECK, Verdict.SURE, Verdict.NONE, Verdict.LINKED)
ROW_ORDERS: Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    "name": func.lower(func.coalesce(func.nullif(BatchRow.company, ""), BatchRow.name)),
    "town": func.lower(BatchRow.town),
    "reference": func.lower(BatchRow.reference),
    "status": case({verdict: place for place, verdict in enumerate(_NEED)}, value=BatchRow.verdict,
                   else_=len(_NEED)),
    "decision": BatchRow.choice,
}  # fmt: skip


def row_positions(
    ctx: WorkspaceContext,
    batch_id: str,
    wanted: RowFilter,
    *,
    order: str = "",
    offset: int = 0,
    limit: int = MAX_POSITIONS,
) -> list[int]:
    """Return the positions of matching rows, by a column of `ROW_ORDERS` if one is given.

    A leading hyphen reverses the column. Raises BatchNotFound.
    """
    column = ROW_ORDERS.get(order.removeprefix("-"))
    first = [] if column is None else [column.desc() if order.startswith("-") else column.asc()]
    query = (
        select(BatchRow.position)
        .where(*filter_conditions(batch_id, wanted))
        .order_by(*first, BatchRow.position)
        .offset(offset)
        .limit(limit)
    )
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        return list(session.scalars(query))


def next_position(
    ctx: WorkspaceContext, batch_id: str, wanted: RowFilter, after: int
) -> int | None:
    """Return the position of the next matching row after one. Raises BatchNotFound."""
    query = select(func.min(BatchRow.position)).where(
        *filter_conditions(batch_id, wanted), BatchRow.position > after
    )
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        return session.scalar(query)


def first_to_check(ctx: WorkspaceContext, batch_id: str) -> int | None:
    """Return the position of the first undecided row that needs a decision."""
    query = select(func.min(BatchRow.position)).where(
        BatchRow.batch_id == batch_id,
        BatchRow.choice == Choice.OPEN,
        BatchRow.verdict.in_((Verdict.CHECK, Verdict.CONFLICT)),
    )
    with ctx.database.reading() as session:
        return session.scalar(query)


def format_ranges(positions: Iterable[int]) -> str:
    """Return positions as ranges, in their order: 1 to 50, 53 and 60 to 61 are "1-50,53,60-61"."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parse_ranges(text: str, most: int) -> list[int]:
    """Return the positions of `format_ranges`, limited in number; none for invalid text."""
    found: list[int] = []
    for run in text.split(",")[:most]:
        first, dash, last = run.partition("-")
        if not _is_place(first) or (dash and not _is_place(last)):
            return []
        start, end = int(first), int(last or first)
        found.extend(range(start, min(end, start + most - len(found) - 1) + 1))
    return found[:most]


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 10
