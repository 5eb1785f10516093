"""Unlinked reports: share linked over time, unlinked records by value, unusual references."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crmlink.accounting.errors import InvalidReference, UnknownPackage
from crmlink.accounting.references import canonical_reference
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.reports.link_health import shares
from crmlink.reports.links import PAGE_SIZE, Page
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Link,
    LinkState,
    MirroredRecord,
    ShareSnapshot,
)
from crmlink.store.base import utc_now

MAX_LISTED = 500
CHUNK_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class SharePoint:
    """One day's number of records of a kind, and how many had a reference.

    ``exact`` is False if it was computed from the links for lack of a snapshot.
    """

    day: date
    kind: Kind
    records: int
    linked: int
    exact: bool

    @property
    def share(self) -> float:
        """Fraction of records with a reference."""
        return self.linked / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A record without a reference.

    ``open_pence`` is its contact's open balance if a list has one, ``batch_id`` and ``position``
    the row to link it by.
    """

    record: MirroredRecord
    open_pence: int | None
    batch_id: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class UnusualReferences:
    """Records whose reference no package in use can have assigned.

    ``packages`` are those in use, by the links; without any there is no result.
    """

    packages: tuple[str, ...]
    records: tuple[MirroredRecord, ...]
    more: bool


def take_snapshot(ctx: WorkspaceContext, today: date | None = None) -> None:
    """Store today's share linked, replacing an earlier one of the day."""
    day = today or utc_now().date()
    for share in shares(ctx):
        values = {"records": share.of, "linked": share.linked}
        identity = {"connection_id": ctx.connection_id, "kind": share.kind, "day": day}
        try:
            with ctx.database.writing() as session:
                row = session.query(ShareSnapshot).filter_by(**identity).one_or_none()
                if row is None:
                    session.add(ShareSnapshot(**identity, **values))
                else:
                    row.records, row.linked = share.of, share.linked
        except IntegrityError:  # another process has just stored the same number
            continue


def share_history(ctx: WorkspaceContext, days: int = 90) -> list[SharePoint]:
    """Return the share linked of each kind for each day up to today, oldest first.

    Days without a snapshot are computed backwards from the links' history, with the number of
    records of the next known day.
    """
    today = utc_now().date()
    start = today - timedelta(days=days - 1)
    with ctx.database.reading() as session:
        snapshots = {
            (row.kind, row.day): row
            for row in session.scalars(
                select(ShareSnapshot).where(
                    ShareSnapshot.connection_id == ctx.connection_id, ShareSnapshot.day >= start
                )
            )
        }
        net_links = _net_links_by_day(session, ctx, start)
    points = []
    for share in shares(ctx):
        records, linked, day = share.of, share.linked, today
        points.append(SharePoint(today, share.kind, records, linked, True))
        while day > start:
            linked = max(0, linked - net_links[share.kind, day])
            day -= timedelta(days=1)
            snapshot = snapshots.get((share.kind, day))
            if snapshot:
                records, linked = snapshot.records, snapshot.linked
            points.append(SharePoint(day, share.kind, records, linked, snapshot is not None))
    return sorted(points, key=lambda point: (point.day, KINDS.index(point.kind)))


def unlinked(ctx: WorkspaceContext, kind: Kind, number: int = 1) -> Page[Unlinked]:
    """Return a page of records without a reference: largest open balance first, then newest."""
    owed = _open_balances(ctx).subquery()
    free = [
        MirroredRecord.connection_id == ctx.connection_id,
        MirroredRecord.kind == kind,
        MirroredRecord.deleted_at.is_(None),
        func.coalesce(MirroredRecord.reference, "") == "",
    ]
    identity = MirroredRecord.kind + "-" + MirroredRecord.number
    query = (
        select(MirroredRecord, owed.c.open_pence, owed.c.batch_id, owed.c.position)
        .outerjoin(owed, owed.c.best == identity)
        .where(*free)
        .order_by(
            func.coalesce(owed.c.open_pence, 0).desc(),
            func.length(MirroredRecord.number).desc(),
            MirroredRecord.number.desc(),
        )
    )
    with ctx.database.reading() as session:
        total = session.scalar(select(func.count(MirroredRecord.id)).where(*free)) or 0
        rows = session.execute(query.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE)).all()
    return Page(tuple(Unlinked(*row) for row in rows), total, number)


def malformed_references(ctx: WorkspaceContext, kind: Kind | None = None) -> UnusualReferences:
    """Return records whose reference is not in the form of any package with links."""
    linked = (
        select(Link.package)
        .distinct()
        .where(Link.connection_id == ctx.connection_id, Link.state == LinkState.LINKED)
    )
    with ctx.database.reading() as session:
        packages = tuple(sorted(session.scalars(linked)))
        if not packages:
            return UnusualReferences((), (), False)
        unusual = (
            record_id
            for record_id, reference in _references(session, ctx, kind)
            if not any(_is_canonical(ctx, package, reference) for package in packages)
        )
        ids = list(islice(unusual, MAX_LISTED + 1))
        listed = select(MirroredRecord).where(MirroredRecord.id.in_(ids[:MAX_LISTED]))
        records = session.scalars(listed.order_by(MirroredRecord.id)).all()
    return UnusualReferences(packages, tuple(records), len(ids) > MAX_LISTED)


def _net_links_by_day(
    session: Session, ctx: WorkspaceContext, start: date
) -> defaultdict[tuple[Kind, date], int]:
    """Return the change in the number of referenced records by each day's links and undos."""
    since = datetime.combine(start, time(), UTC)
    change: ColumnElement[int] = case(
        (and_(Link.prior.is_(None), Link.target.is_not(None)), 1),
        (and_(Link.prior.is_not(None), Link.target.is_(None)), -1),
        else_=0,
    )
    settled = select(Link.kind, Link.settled_at, change).where(
        Link.connection_id == ctx.connection_id,
        Link.state.in_((LinkState.LINKED, LinkState.UNDONE)),
        Link.settled_at >= since,
    )
    net_links: defaultdict[tuple[Kind, date], int] = defaultdict(int)
    for kind, settled_at, number in session.execute(settled.execution_options(yield_per=5_000)):
        if settled_at is not None:
            net_links[kind, settled_at.date()] += number
    return net_links


def _open_balances(ctx: WorkspaceContext) -> Select[Any, Any, Any, Any]:
    """Return the query for the largest open balance of each best or accepted record."""
    best = func.coalesce(BatchRow.record_id, BatchRow.best)
    ranked = (
        select(
            best.label("best"),
            BatchRow.open_pence,
            BatchRow.batch_id,
            BatchRow.position,
            func.row_number()
            .over(partition_by=best, order_by=(BatchRow.open_pence.desc(), BatchRow.id.desc()))
            .label("rank"),
        )
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.connection_id == ctx.connection_id,
            Batch.state != BatchState.CANCELLED,
            BatchRow.open_pence > 0,
            best.is_not(None),
        )
        .subquery()
    )
    return select(ranked.c.best, ranked.c.open_pence, ranked.c.batch_id, ranked.c.position).where(
        ranked.c.rank == 1
    )


def _references(
    session: Session, ctx: WorkspaceContext, kind: Kind | None
) -> Iterator[tuple[int, str]]:
    """Yield each record's id and reference; whole records would take several times as long."""
    query = (
        select(MirroredRecord.id, MirroredRecord.reference)
        .where(
            MirroredRecord.connection_id == ctx.connection_id,
            MirroredRecord.deleted_at.is_(None),
            func.coalesce(MirroredRecord.reference, "") != "",
        )
        .order_by(MirroredRecord.id)
        .execution_options(yield_per=CHUNK_SIZE)
    )
    for row in session.execute(query.where(MirroredRecord.kind == kind) if kind else query):
        yield row.id, row.reference or ""


def _is_canonical(ctx: WorkspaceContext, package: str, reference: str) -> bool:
    try:
        return canonical_reference(package, reference, ctx.packages) == reference
    except (InvalidReference, UnknownPackage):
        return False
