"""Link lists: searched, filtered, in pages, and the history of one link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import find_link, undo_obstacle
from crmlink.linking.obstacles import same_contact, same_record
from crmlink.store import Device, Link, LinkState, MirroredRecord, Person
from crmlink.store.erased import pseudonyms_of
from crmlink.store.links import BY_TIME

PAGE_SIZE = 50
MAX_TABLE_ROWS = 100_000  # of a table for a spreadsheet
ORDERS: dict[str, ColumnElement[Any]] = {
    "contact": func.lower(Link.contact_name),
    "record": func.lower(Link.record_label),
    "reference": func.lower(Link.target),
    "status": Link.state.expression,
    "when": BY_TIME,
}
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list; ``total`` counts the whole list, ``number`` starts at 1."""

    rows: tuple[Row, ...]
    total: int
    number: int

    @property
    def first(self) -> int:
        """Position of the page's first row, from 1."""
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        """Position of the page's last row, from 1."""
        return self.first + len(self.rows) - 1

    @property
    def has_next(self) -> bool:
        """Whether there are more rows."""
        return self.last < self.total


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Filter of links; ``person`` is a public id, days are local and both included."""

    search: str = ""
    state: LinkState | None = None
    kind: Kind | None = None
    package: str = ""
    person: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class LinkHistory:
    """One link with related links and its record.

    ``others`` are the other links to the same record or of the same contact, newest first;
    ``record`` is None if it no longer exists. ``is_on_record`` is whether it carries the link's
    value in the newest copy.
    """

    link: Link
    record: MirroredRecord | None
    undone_by: Link | None
    undoes: Link | None
    others: tuple[Link, ...]
    is_on_record: bool

    @property
    def obstacle(self) -> str | None:
        """Why the link cannot be undone, as far as is known here: a key of UNDO_OBSTACLES."""
        return undo_obstacle(self.link) or ("gone" if self.record is None else None)


def list_links(
    ctx: WorkspaceContext,
    filter_: LinkFilter,
    number: int = 1,
    column: str = "when",
    *,
    descending: bool = True,
) -> Page[Link]:
    """Return a page of matching links by a column of `ORDERS`; one beyond the last is empty."""
    order = ORDERS[column].desc() if descending else ORDERS[column].asc()
    conditions = _conditions(ctx, filter_)
    with ctx.database.reading() as session:
        total = session.scalar(select(func.count()).select_from(Link).where(*conditions)) or 0
        rows = session.scalars(
            select(Link)
            .where(*conditions)
            .order_by(order, BY_TIME.desc(), Link.id.desc())
            .offset((number - 1) * PAGE_SIZE)
            .limit(PAGE_SIZE)
        ).all()
    return Page(tuple(rows), total, number)


def all_links(ctx: WorkspaceContext, filter_: LinkFilter) -> list[Link]:
    """Return all matching links for a spreadsheet, newest first."""
    query = select(Link).where(*_conditions(ctx, filter_)).limit(MAX_TABLE_ROWS)
    with ctx.database.reading() as session:
        return list(session.scalars(query.order_by(Link.created_at.desc(), Link.id)))


def link_history(ctx: WorkspaceContext, link_id: str) -> LinkHistory:
    """Return one link and what belongs to it; raises LinkNotFound."""
    link = find_link(ctx, link_id)
    with ctx.database.reading() as session:
        others = _others(session, link)
        record = _record(session, link)
        is_on_record = record is not None and pseudonyms_of(session).same(
            record.reference, link.target
        )
    by_id = {other.id: other for other in others}
    undone_by = next(
        (
            other
            for other in others
            if other.undoes_id == link.id and other.state is LinkState.LINKED
        ),
        None,
    )
    return LinkHistory(
        link=link,
        record=record,
        undone_by=undone_by,
        undoes=by_id.get(link.undoes_id or ""),
        others=tuple(others),
        is_on_record=is_on_record,
    )


def people_who_linked(ctx: WorkspaceContext) -> list[Person]:
    """Return everyone who made a link, by name, for the filter."""
    query = (
        select(Person)
        .where(
            Person.id.in_(
                select(Device.person_id)
                .join(Link, Link.device_id == Device.id)
                .where(Link.connection_id == ctx.connection_id)
            )
        )
        .order_by(func.lower(Person.name))
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query))


def _conditions(ctx: WorkspaceContext, filter_: LinkFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Link.connection_id == ctx.connection_id]
    if filter_.state:
        conditions.append(Link.state == filter_.state)
    if filter_.kind:
        conditions.append(Link.kind == filter_.kind)
    if filter_.package:
        conditions.append(Link.package == filter_.package)
    if filter_.person:
        devices = select(Device.id).join(Person).where(Person.public_id == filter_.person)
        conditions.append(Link.device_id.in_(devices))
    if filter_.since:
        conditions.append(Link.created_at >= start_of_day(filter_.since))
    if filter_.until:
        conditions.append(Link.created_at < start_of_day(filter_.until + timedelta(days=1)))
    conditions.extend(_contains_word(word) for word in filter_.search.split())
    return conditions


def _contains_word(word: str) -> ColumnElement[bool]:
    fields = (Link.contact_name, Link.record_label, Link.reference, Link.prior, Link.target)
    number = Link.record_number == word
    return or_(number, *(field.icontains(word, autoescape=True) for field in fields))


def start_of_day(day: date) -> datetime:
    """Return the beginning of a day by the local clock."""
    return datetime.combine(day, time.min).astimezone()


def _others(session: Session, link: Link) -> list[Link]:
    query = (
        select(Link)
        .filter_by(connection_id=link.connection_id)
        .where(Link.id != link.id, or_(same_record(link), same_contact(session, link)))
        .order_by(Link.created_at.desc(), Link.id)
        .limit(PAGE_SIZE)
    )
    return list(session.scalars(query))


def _record(session: Session, link: Link) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(
            connection_id=link.connection_id,
            kind=link.kind,
            number=link.record_number,
            deleted_at=None,
        )
    )
