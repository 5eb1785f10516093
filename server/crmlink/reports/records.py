"""Records to look through: the same search as the popup's, or all of them by name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.suggest import find_record, search
from crmlink.reports.links import PAGE, Leaf
from crmlink.store import Link, MirroredRecord

MOST_FOUND = 500  # a search that finds more is to be narrowed, not paged through


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records; ``linked`` None means both."""

    search: str = ""
    kind: Kind | None = None
    linked: bool | None = None


def list_records(
    ctx: WorkspaceContext, wanted: RecordFilter, number: int = 1
) -> Leaf[MirroredRecord]:
    """A page of the records that fit: best first when searched for, otherwise by name."""
    return _found(ctx, wanted, number) if wanted.search else _all(ctx, wanted, number)


def record_with_links(ctx: WorkspaceContext, record_id: str) -> tuple[MirroredRecord, list[Link]]:
    """A record as the mirror has it, and its links, the newest first; raises RecordUnknown."""
    with ctx.database.reading() as session:
        row = find_record(session, ctx.connection_id, record_id)
        links = session.scalars(
            select(Link)
            .filter_by(connection_id=ctx.connection_id, kind=row.kind, record_number=row.number)
            .order_by(Link.created_at.desc(), Link.id)
        ).all()
    return row, list(links)


def _found(ctx: WorkspaceContext, wanted: RecordFilter, number: int) -> Leaf[MirroredRecord]:
    rows = [
        row
        for row in search(ctx, wanted.search, wanted.kind, MOST_FOUND)
        if wanted.linked is None or bool(row.reference) == wanted.linked
    ]
    start = (number - 1) * PAGE
    return Leaf(tuple(rows[start : start + PAGE]), len(rows), number)


def _all(ctx: WorkspaceContext, wanted: RecordFilter, number: int) -> Leaf[MirroredRecord]:
    reference = func.coalesce(MirroredRecord.reference, "")
    conditions: list[ColumnElement[bool]] = [
        MirroredRecord.connection_id == ctx.connection_id,
        MirroredRecord.gone_at.is_(None),
    ]
    if wanted.kind:
        conditions.append(MirroredRecord.kind == wanted.kind)
    if wanted.linked is not None:
        conditions.append(reference != "" if wanted.linked else reference == "")
    shown = func.coalesce(func.nullif(MirroredRecord.company, ""), MirroredRecord.name)
    with ctx.database.reading() as session:
        total = (
            session.scalar(select(func.count()).select_from(MirroredRecord).where(*conditions)) or 0
        )
        rows = session.scalars(
            select(MirroredRecord)
            .where(*conditions)
            .order_by(func.lower(shown), MirroredRecord.id)
            .offset((number - 1) * PAGE)
            .limit(PAGE)
        ).all()
    return Leaf(tuple(rows), total, number)
