"""From a contact to the records that may be its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import RecordGone, RecordUnknown
from crmlink.matching import Details, Suggestion
from crmlink.store import Link, LinkState, MirroredRecord
from crmlink.store.erased import pseudonyms_of
from crmlink.store.folded import carries

MIN_PROBABILITY = (
    0.001  # what is less likely than that only hides the others; search still finds it
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry in an accounting package: its identity, and what was read about it."""

    package: str
    reference: str
    kind: Kind | None = None
    organisation: str = ""
    details: Details = field(default_factory=Details)


@dataclass(frozen=True, slots=True)
class SuggestionResult:
    """What a person is shown for a contact.

    ``holders`` are records that carry the reference already, of either kind, and ``holder_links``
    the links that put it there, where crmlink did; ``link`` is the newest link of this contact;
    ``none`` the probability that no record is the contact's.
    """

    contact: Contact
    likely_kind: Kind
    suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]
    none: float
    holders: tuple[MirroredRecord, ...]
    holder_links: tuple[Link, ...]
    link: Link | None


def suggest(ctx: WorkspaceContext, contact: Contact, limit: int = 5) -> SuggestionResult:
    """The records most likely to be the contact's, best first; up to ``limit`` of them.

    Raises UnknownPackage, or InvalidReference when the reference is not of the package's form.
    """
    reference = canonical_reference(contact.package, contact.reference, ctx.packages)
    contact = replace(contact, reference=reference)
    found = ctx.index.matcher().suggest(contact.details, limit)
    with ctx.database.reading() as session:
        rows = records_by_id(session, ctx.connection_id, [item.record_id for item in found.items])
        suggestions = tuple(
            (rows[item.record_id], item)
            for item in found.items
            if item.record_id in rows and item.probability >= MIN_PROBABILITY
        )
        held_by = holders(session, ctx.connection_id, reference)
        return SuggestionResult(
            contact=contact,
            likely_kind=contact.kind or _likely_kind(suggestions),
            suggestions=suggestions,
            none=found.none,
            holders=tuple(held_by),
            holder_links=tuple(links_behind(session, ctx.connection_id, held_by)),
            link=latest_link(session, ctx.connection_id, contact),
        )


def search(
    ctx: WorkspaceContext, text: str, kind: Kind | None, limit: int = 20
) -> list[MirroredRecord]:
    """Records that fit what was typed so far, best first."""
    ids = ctx.index.matcher().search(text, kind, limit)
    with ctx.database.reading() as session:
        rows = records_by_id(session, ctx.connection_id, ids)
    return [rows[record_id] for record_id in ids if record_id in rows]


def find_record(session: Session, connection_id: int, record_id: str) -> MirroredRecord:
    """The mirror's row for a record's id; raises RecordGone, or RecordUnknown for a new one."""
    row = records_by_id(session, connection_id, [record_id]).get(record_id)
    if row is None:
        kind, _, number = record_id.partition("-")
        seen = select(MirroredRecord.id).filter_by(
            connection_id=connection_id, kind=kind, number=number
        )
        gone = session.scalar(seen) is not None
        raise RecordGone(record_id=record_id) if gone else RecordUnknown(record_id=record_id)
    return row


def holders(
    session: Session, connection_id: int, reference: str, kind: Kind | None = None
) -> list[MirroredRecord]:
    """Records that carry the reference by the mirror, of one kind or of both.

    What folds to the same counts as the same here: whether Commusoft tells it apart is not known.
    """
    query = select(MirroredRecord).where(
        MirroredRecord.connection_id == connection_id,
        MirroredRecord.gone_at.is_(None),
        carries(MirroredRecord.reference, pseudonyms_of(session).forms(reference)),
    )
    if kind:
        query = query.where(MirroredRecord.kind == kind)
    return list(session.scalars(query.order_by(MirroredRecord.id)))


def links_behind(
    session: Session, connection_id: int, records: Sequence[MirroredRecord]
) -> list[Link]:
    """The link that put its present reference on each record; none for those where no link did.

    Of several the newest that changed something: one that found its reference there already put
    nothing there. What an undo put back is there by the link before it.
    """
    links = session.scalars(
        select(Link)
        .filter_by(connection_id=connection_id, state=LinkState.LINKED, undoes_id=None)
        .where(carries(Link.target, {record.reference or "" for record in records}))
        .order_by(Link.prior.is_not_distinct_from(Link.target), Link.created_at.desc())
    )
    behind: dict[tuple[str, str | None], Link] = {}
    for link in links:
        behind.setdefault((link.record_id, link.target), link)
    found = (behind.get((record.public_id, record.reference)) for record in records)
    return [link for link in found if link]


def latest_link(session: Session, connection_id: int, contact: Contact) -> Link | None:
    """The latest link of a contact, an undo included.

    Not every address of a contact names its organisation: a link that was made without one, or is
    asked for without one, is the contact's too. What several organisations have links for could be
    any of theirs, and is left out.
    """
    mine = [
        Link.connection_id == connection_id,
        Link.package == contact.package,
        Link.reference.in_(pseudonyms_of(session).forms(contact.reference)),
    ]
    if contact.kind:
        mine.append(Link.contact_kind.in_((contact.kind, "")))
    if contact.organisation:
        mine.append(Link.organisation.in_((contact.organisation, "")))
    elif _organisations(session, mine) > 1:
        mine.append(Link.organisation == "")
    return session.scalar(select(Link).where(*mine).order_by(Link.created_at.desc()).limit(1))


def _organisations(session: Session, conditions: list[ColumnElement[bool]]) -> int:
    named = select(func.count(func.distinct(Link.organisation)))
    return session.scalar(named.where(*conditions, Link.organisation != "")) or 0


def _likely_kind(suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]) -> Kind:
    """The kind of the best suggestion; customer where there is none."""
    return suggestions[0][0].kind if suggestions else "customer"


def records_by_id(
    session: Session, connection_id: int, ids: list[str]
) -> dict[str, MirroredRecord]:
    """The mirror's rows for records' ids; those that are not there, or gone, are left out."""
    numbers: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for record_id in ids:
        kind, _, number = record_id.partition("-")
        if kind in KINDS and number:
            numbers[kind].append(number)
    found = {}
    for kind, wanted in numbers.items():  # one by one: with "or" the index by number is not used
        if wanted:
            query = select(MirroredRecord).where(
                MirroredRecord.connection_id == connection_id,
                MirroredRecord.gone_at.is_(None),
                MirroredRecord.kind == kind,
                MirroredRecord.number.in_(wanted),
            )
            found.update({row.public_id: row for row in session.scalars(query)})
    return found
