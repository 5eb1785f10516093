"""Record lists: the popup's search, or all records by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.suggest import find_record, links_behind, search
from crmlink.reports.links import PAGE_SIZE, Page, start_of_day
from crmlink.store import Link, LinkState, MirroredRecord, WorkspaceConnection

ORDERS: dict[str, ColumnElement[Any]] = {
    "name": func.lower(func.coalesce(func.nullif(MirroredRecord.company, ""), MirroredRecord.name)),
    "town": func.lower(func.coalesce(MirroredRecord.town, "")),
    "reference": func.lower(func.coalesce(MirroredRecord.reference, "")),
}
SORT_KEYS: dict[str, Callable[[MirroredRecord], str]] = {
    "name": lambda record: record.label.lower(),
    "town": lambda record: (record.town or "").lower(),
    "reference": lambda record: (record.reference or "").lower(),
}
MAX_RESULTS = 500  # a search with more results must be narrowed


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Filter of records; ``linked`` None includes both.

    ``since`` and ``until`` are the days, both included, on which crmlink linked a record.
    """

    search: str = ""
    kind: Kind | None = None
    linked: bool | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class RecordInEffect:
    """A record as the mirror has it, read at ``synced_at``.

    ``link`` wrote its present reference, if a link did; ``open_link`` is one without an outcome.
    """

    record: MirroredRecord
    synced_at: datetime | None
    link: Link | None
    open_link: Link | None


def list_records(
    ctx: WorkspaceContext,
    filter_: RecordFilter,
    number: int = 1,
    column: str = "",
    *,
    descending: bool = False,
) -> Page[MirroredRecord]:
    """Return a page of matching records by a column of `ORDERS`.

    Without a column: best first for a search, else by name.
    """
    if filter_.search:
        return _search_page(ctx, filter_, number, column, descending=descending)
    return _page_by_column(ctx, filter_, number, column or "name", descending=descending)


def record_with_links(ctx: WorkspaceContext, record_id: str) -> tuple[MirroredRecord, list[Link]]:
    """Return a mirrored record and its links, newest first; raises RecordNotFound."""
    with ctx.database.reading() as session:
        row = find_record(session, ctx.connection_id, record_id)
        links = session.scalars(
            select(Link)
            .filter_by(connection_id=ctx.connection_id, kind=row.kind, record_number=row.number)
            .order_by(Link.created_at.desc(), Link.id)
        ).all()
    return row, list(links)


def record_in_effect(ctx: WorkspaceContext, record_id: str) -> RecordInEffect:
    """Return a mirrored record with its links in effect; raises RecordUnknown or RecordGone."""
    with ctx.database.reading() as session:
        row = find_record(session, ctx.connection_id, record_id)
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        intended = session.scalar(
            select(Link).filter_by(
                connection_id=ctx.connection_id,
                kind=row.kind,
                record_number=row.number,
                state=LinkState.INTENDED,
            )
        )
        behind = links_behind(session, ctx.connection_id, [row])
        return RecordInEffect(
            row, row.read_at or connection.synced_at, next(iter(behind), None), intended
        )


def _search_page(
    ctx: WorkspaceContext, filter_: RecordFilter, number: int, column: str, *, descending: bool
) -> Page[MirroredRecord]:
    rows = [
        row
        for row in search(ctx, filter_.search, filter_.kind, MAX_RESULTS)
        if filter_.linked is None or bool(row.reference) == filter_.linked
    ]
    if filter_.since or filter_.until:
        with ctx.database.reading() as session:
            linked = set(
                session.execute(
                    select(Link.kind, Link.record_number).where(*_linked_on(ctx, filter_))
                ).tuples()
            )
        rows = [row for row in rows if (row.kind, row.number) in linked]
    if column:
        rows.sort(key=SORT_KEYS[column], reverse=descending)
    start = (number - 1) * PAGE_SIZE
    return Page(tuple(rows[start : start + PAGE_SIZE]), len(rows), number)


def _linked_on(ctx: WorkspaceContext, filter_: RecordFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of links in effect that were made on the filter's days."""
    conditions: list[ColumnElement[bool]] = [
        Link.connection_id == ctx.connection_id,
        Link.state == LinkState.LINKED,
        Link.undoes_id.is_(None),
    ]
    if filter_.since:
        conditions.append(Link.settled_at >= start_of_day(filter_.since))
    if filter_.until:
        conditions.append(Link.settled_at < start_of_day(filter_.until + timedelta(days=1)))
    return conditions


def _page_by_column(
    ctx: WorkspaceContext, filter_: RecordFilter, number: int, column: str, *, descending: bool
) -> Page[MirroredRecord]:
    reference = func.coalesce(MirroredRecord.reference, "")
    conditions: list[ColumnElement[bool]] = [
        MirroredRecord.connection_id == ctx.connection_id,
        MirroredRecord.deleted_at.is_(None),
    ]
    if filter_.kind:
        conditions.append(MirroredRecord.kind == filter_.kind)
    if filter_.linked is not None:
        conditions.append(reference != "" if filter_.linked else reference == "")
    if filter_.since or filter_.until:
        conditions.append(
            select(Link.id)
            .where(
                *_linked_on(ctx, filter_),
                Link.kind == MirroredRecord.kind,
                Link.record_number == MirroredRecord.number,
            )
            .exists()
        )
    order = ORDERS[column].desc() if descending else ORDERS[column].asc()
    with ctx.database.reading() as session:
        total = (
            session.scalar(select(func.count()).select_from(MirroredRecord).where(*conditions)) or 0
        )
        rows = session.scalars(
            select(MirroredRecord)
            .where(*conditions)
            .order_by(order, MirroredRecord.id)
            .offset((number - 1) * PAGE_SIZE)
            .limit(PAGE_SIZE)
        ).all()
    return Page(tuple(rows), total, number)
