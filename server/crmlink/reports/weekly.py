"""Figures of the weekly summary: what waits to be linked. Counts and pages, no names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crmlink.linking.context import WorkspaceContext
from crmlink.reports.link_health import shares
from crmlink.reports.live_links import (
    count_new_contacts,
    count_unlinked_contacts,
    sources_read,
)
from crmlink.store import Batch, BatchRow, BatchState, Choice, ParkedContact, Verdict
from crmlink.store.base import utc_now

WEEK = timedelta(days=7)
IN_REVIEW = (BatchState.REVIEW, BatchState.PAUSED)


@dataclass(frozen=True, slots=True)
class WeeklyFigure:
    """One count; ``code`` says of what, ``path`` is the page where it is listed."""

    code: str
    count: int
    path: str


def weekly_figures(ctx: WorkspaceContext, moment: datetime | None = None) -> list[WeeklyFigure]:
    """Return what is above zero, from every source that can tell."""
    since = (moment or utc_now()) - WEEK
    found = (figure for source in SOURCES for figure in source(ctx, since))
    return [figure for figure in found if figure.count]


def _records(ctx: WorkspaceContext, _since: datetime) -> Iterator[WeeklyFigure]:
    for share in shares(ctx):
        yield WeeklyFigure(f"{share.kind}s", share.of - share.linked, f"/left/{share.kind}")


def _parked(ctx: WorkspaceContext, since: datetime) -> Iterator[WeeklyFigure]:
    own = ParkedContact.connection_id == ctx.connection_id
    with ctx.database.reading() as session:
        new = _count(session, own, ParkedContact.created_at >= since)
        every = _count(session, own)
    yield WeeklyFigure("parked-new", new, "/parked")
    yield WeeklyFigure("parked", every, "/parked")


def _undecided(ctx: WorkspaceContext, _since: datetime) -> Iterator[WeeklyFigure]:
    query = (
        select(func.count(BatchRow.id))
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.connection_id == ctx.connection_id,
            Batch.state.in_(IN_REVIEW),
            BatchRow.choice == Choice.OPEN,
            BatchRow.verdict != Verdict.LINKED,
        )
    )
    with ctx.database.reading() as session:
        yield WeeklyFigure("undecided", session.scalar(query) or 0, "/lists")


def _live(ctx: WorkspaceContext, since: datetime) -> Iterator[WeeklyFigure]:
    if sources_read(ctx):
        yield WeeklyFigure("live-new", count_new_contacts(ctx, since), "/left/contacts")
        yield WeeklyFigure("live", count_unlinked_contacts(ctx), "/left/contacts")


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count(ParkedContact.id)).where(*conditions)
    return session.scalar(query) or 0


# A source yields figures for the week that begins at the moment given.
SOURCES: tuple[Callable[[WorkspaceContext, datetime], Iterator[WeeklyFigure]], ...] = (
    _records,
    _live,
    _parked,
    _undecided,
)
