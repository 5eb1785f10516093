"""Links to look through: searched, filtered, page by page, and each with its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import find_link, same_contact, same_record, undo_obstacle
from crmlink.store import Device, Link, LinkState, MirroredRecord, Person
from crmlink.store.erased import pseudonyms_of

PAGE = 50
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """One page of a list. ``total`` counts all of it, ``number`` the pages from 1."""

    rows: tuple[Row, ...]
    total: int
    number: int

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def has_next(self) -> bool:
        return self.last < self.total


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links. ``person`` is a person's public id; days are the server's own, both included."""

    search: str = ""
    state: LinkState | None = None
    kind: Kind | None = None
    package: str = ""
    person: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class LinkHistory:
    """One link with what came before and after it.

    ``others`` are the other links to the same record or of the same contact, the newest first;
    ``record`` is the mirror's row, None once the record is gone; ``stands`` says whether it carries
    the link's value in the newest copy.
    """

    link: Link
    record: MirroredRecord | None
    undone_by: Link | None
    undoes: Link | None
    others: tuple[Link, ...]
    stands: bool

    @property
    def obstacle(self) -> str | None:
        """Why the link cannot be undone, as far as is known here: a key of UNDO_OBSTACLES."""
        return undo_obstacle(self.link) or ("gone" if self.record is None else None)


def list_links(ctx: WorkspaceContext, wanted: LinkFilter, number: int = 1) -> Leaf[Link]:
    """A page of the links that fit, the newest first; a page beyond the last is empty."""
    conditions = _conditions(ctx, wanted)
    with ctx.database.reading() as session:
        total = session.scalar(select(func.count()).select_from(Link).where(*conditions)) or 0
        rows = session.scalars(
            select(Link)
            .where(*conditions)
            .order_by(Link.created_at.desc(), Link.id)
            .offset((number - 1) * PAGE)
            .limit(PAGE)
        ).all()
    return Leaf(tuple(rows), total, number)


def link_history(ctx: WorkspaceContext, link_id: str) -> LinkHistory:
    """One link and what belongs to it; raises LinkUnknown."""
    link = find_link(ctx, link_id)
    with ctx.database.reading() as session:
        others = _others(session, link)
        record = _record(session, link)
        stands = record is not None and pseudonyms_of(session).same(record.reference, link.target)
    by_id = {other.id: other for other in others}
    undone_by = next(
        (one for one in others if one.undoes_id == link.id and one.state is LinkState.LINKED), None
    )
    return LinkHistory(
        link=link,
        record=record,
        undone_by=undone_by,
        undoes=by_id.get(link.undoes_id or ""),
        others=tuple(others),
        stands=stands,
    )


def people_who_linked(ctx: WorkspaceContext) -> list[Person]:
    """Everybody who made a link, by name; for choosing whose links to see."""
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


def _conditions(ctx: WorkspaceContext, wanted: LinkFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Link.connection_id == ctx.connection_id]
    if wanted.state:
        found.append(Link.state == wanted.state)
    if wanted.kind:
        found.append(Link.kind == wanted.kind)
    if wanted.package:
        found.append(Link.package == wanted.package)
    if wanted.person:
        theirs = select(Device.id).join(Person).where(Person.public_id == wanted.person)
        found.append(Link.device_id.in_(theirs))
    if wanted.since:
        found.append(Link.created_at >= _start_of(wanted.since))
    if wanted.until:
        found.append(Link.created_at < _start_of(wanted.until + timedelta(days=1)))
    found.extend(_has(word) for word in wanted.search.split())
    return found


def _has(word: str) -> ColumnElement[bool]:
    fields = (Link.contact_name, Link.record_label, Link.reference, Link.prior, Link.target)
    number = Link.record_number == word
    return or_(number, *(field.icontains(word, autoescape=True) for field in fields))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()


def _others(session: Session, link: Link) -> list[Link]:
    query = (
        select(Link)
        .filter_by(connection_id=link.connection_id)
        .where(Link.id != link.id, or_(same_record(link), same_contact(session, link)))
        .order_by(Link.created_at.desc(), Link.id)
        .limit(PAGE)
    )
    return list(session.scalars(query))


def _record(session: Session, link: Link) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(
            connection_id=link.connection_id,
            kind=link.kind,
            number=link.record_number,
            gone_at=None,
        )
    )
