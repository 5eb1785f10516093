"""Which sources are to be read now."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select

from crmlink.sources.api import MAX_WAIT
from crmlink.sources.context import SourceContext
from crmlink.store import ContactSource, Database, SourceAccount
from crmlink.store.base import CLOCK_SKEW, utc_now
from crmlink.store.workspaces import active_workspaces

QUIET = timedelta(minutes=5)  # between readings by webhooks: many would use up a day's calls


def due_sources(ctx: SourceContext, minutes: int) -> list[int]:
    """Return the ids of sources to read: requested, interrupted, or not read for so long.

    A source that waits for its package's limit, or for a person to sign in again, is not due.
    """
    query = (
        select(ContactSource.id)
        .join(SourceAccount)
        .where(ContactSource.workspace_id == ctx.workspace_id, *_are_due(minutes))
        .order_by(ContactSource.synced_at, ContactSource.id)
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query))


def firms_with_due_sources(database: Database, minutes: int) -> list[int]:
    """Return the ids of active workspaces with sources to read."""
    query = select(ContactSource.workspace_id).join(SourceAccount).where(*_are_due(minutes))
    return active_workspaces(database, query)


def _are_due(minutes: int) -> tuple[ColumnElement[bool], ...]:
    present = utc_now()
    ahead = present + CLOCK_SKEW  # a later time was noted by a clock that was wrong
    return (
        SourceAccount.credentials.is_not(None),
        SourceAccount.needs_sign_in.is_(False),
        or_(
            ContactSource.resume_at.is_(None),
            ContactSource.resume_at <= present,
            ContactSource.resume_at > ahead + MAX_WAIT,
        ),
        or_(
            ContactSource.requested_at.is_not(None),
            ContactSource.resume_at.is_not(None),
            ContactSource.synced_at.is_(None),
            ContactSource.synced_at <= present - timedelta(minutes=minutes),
            ContactSource.synced_at > ahead,
        ),
    )
