"""Weekly summaries: queued once for each person who wants one, at the hour that is set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select

from crmlink.access.context import AccessContext
from crmlink.linking.context import WorkspaceContext
from crmlink.mail.service import WeeklyTime
from crmlink.reports.weekly import weekly_figures
from crmlink.store import Database, MailKind, MailMessage, MailSettings, Person
from crmlink.store.mail import queue_message
from crmlink.store.workspaces import active_workspaces

MAX_LATENESS = timedelta(hours=20)  # an office's computer may be off at the hour that is set


def queue_weekly(
    access: AccessContext, ctx: WorkspaceContext, time: WeeklyTime, moment: datetime
) -> int:
    """Queue this week's summaries if they are due; returns how many. ``moment`` is aware.

    Without anything to link there are none.
    """
    due = last_due(time, moment.astimezone())
    if moment - due > MAX_LATENESS:
        return 0
    events = {_events_of(due) + each.public_id: each for each in _wanting(access)}
    new = events.keys() - _queued(access, events)
    figures = [asdict(each) for each in weekly_figures(ctx, moment)] if new else []
    if not figures:
        return 0
    with access.database.writing() as session:
        known = set(session.scalars(_query(access, events)))
        for event in new - known:
            queue_message(
                session, access.workspace_id, MailKind.WEEKLY, events[event], event=event,
                figures=figures,
            )  # fmt: skip
    return len(new - known)


def firms_with_due_summaries(database: Database, moment: datetime) -> list[int]:
    """Return the ids of active workspaces where someone's summary is due and not queued."""
    wanting = (
        select(Person.workspace_id)
        .outerjoin(MailSettings, MailSettings.workspace_id == Person.workspace_id)
        .where(Person.removed_at.is_(None), Person.mail_weekly, Person.joined_at.is_not(None))
    )
    usual = WeeklyTime()
    day = func.coalesce(MailSettings.weekly_day, usual.day)
    hour = func.coalesce(MailSettings.weekly_hour, usual.hour)
    due: list[ColumnElement[bool]] = []
    with database.reading() as session:
        for time in session.execute(wanting.with_only_columns(day, hour).distinct()):
            at = last_due(WeeklyTime(*time), moment.astimezone())
            if moment - at <= MAX_LATENESS:
                queued = exists().where(
                    MailMessage.workspace_id == Person.workspace_id,
                    MailMessage.event == literal(_events_of(at)) + Person.public_id,
                )
                due.append(and_(day == time[0], hour == time[1], ~queued))
    return active_workspaces(database, wanting.where(or_(*due))) if due else []


def _events_of(due: datetime) -> str:
    return f"weekly:{due:%Y-%m-%d}:"


def last_due(time: WeeklyTime, local: datetime) -> datetime:
    """Return the latest moment at or before a local one at which summaries were to be sent."""
    due = local.replace(hour=time.hour, minute=0, second=0, microsecond=0)
    due -= timedelta(days=(local.weekday() - time.day) % 7)
    return due if due <= local else due - timedelta(days=7)


def _wanting(access: AccessContext) -> list[Person]:
    query = select(Person).filter_by(
        workspace_id=access.workspace_id, removed_at=None, mail_weekly=True
    )
    with access.database.reading() as session:
        return list(session.scalars(query.where(Person.joined_at.is_not(None))))


def _queued(access: AccessContext, events: Iterable[str]) -> set[str]:
    with access.database.reading() as session:
        return set(session.scalars(_query(access, events)))


def _query(access: AccessContext, events: Iterable[str]) -> Select[str]:
    return select(MailMessage.event).where(
        MailMessage.workspace_id == access.workspace_id, MailMessage.event.in_(events)
    )
