"""From a contact to the records that may be its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import Desk
from crmlink.linking.errors import RecordUnknown
from crmlink.matching import Details, Suggestion
from crmlink.store import Link, MirroredRecord

PLAUSIBLE = 0.001  # what is less likely than that only hides the others; search still finds it


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry in an accounting package: its identity, and what was read about it."""

    package: str
    reference: str
    kind: Kind | None = None
    organisation: str = ""
    details: Details = field(default_factory=Details)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person is shown for a contact.

    ``holders`` are records that carry the reference already, of either kind; ``link`` is the
    newest link of this contact; ``none`` the probability that no record is the contact's.
    """

    contact: Contact
    likely_kind: Kind
    suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]
    none: float
    holders: tuple[MirroredRecord, ...]
    link: Link | None


def suggest(desk: Desk, contact: Contact, limit: int = 5) -> Offer:
    """The records most likely to be the contact's, best first; up to ``limit`` of them.

    Raises UnknownPackage, or ReferenceMalformed when the reference is not of the package's form.
    """
    reference = canonical_reference(contact.package, contact.reference, desk.packages)
    contact = replace(contact, reference=reference)
    found = desk.index.matcher().suggest(contact.details, limit)
    with desk.database.reading() as session:
        rows = rows_by_id(session, desk.workspace_id, [item.record_id for item in found.items])
        suggestions = tuple(
            (rows[item.record_id], item)
            for item in found.items
            if item.record_id in rows and item.probability >= PLAUSIBLE
        )
        return Offer(
            contact=contact,
            likely_kind=contact.kind or _likely_kind(suggestions),
            suggestions=suggestions,
            none=found.none,
            holders=tuple(holders(session, desk.workspace_id, reference)),
            link=newest_link(session, desk.workspace_id, contact),
        )


def search(desk: Desk, text: str, kind: Kind | None, limit: int = 20) -> list[MirroredRecord]:
    """Records that fit what was typed so far, best first."""
    ids = desk.index.matcher().search(text, kind, limit)
    with desk.database.reading() as session:
        rows = rows_by_id(session, desk.workspace_id, ids)
    return [rows[record_id] for record_id in ids if record_id in rows]


def mirrored(session: Session, workspace_id: int, record_id: str) -> MirroredRecord:
    """The mirror's row for a record's id; raises RecordUnknown."""
    row = rows_by_id(session, workspace_id, [record_id]).get(record_id)
    if row is None:
        raise RecordUnknown(record_id=record_id)
    return row


def holders(
    session: Session, workspace_id: int, reference: str, kind: Kind | None = None
) -> list[MirroredRecord]:
    """Records that carry the reference by the mirror, of one kind or of both.

    Upper and lower case count as the same here: whether Commusoft tells them apart is not known.
    The database lowers both sides, for it does so with fewer letters than Python.
    """
    query = select(MirroredRecord).where(
        MirroredRecord.workspace_id == workspace_id,
        MirroredRecord.gone_at.is_(None),
        func.lower(MirroredRecord.reference) == func.lower(reference),
    )
    if kind:
        query = query.where(MirroredRecord.kind == kind)
    return list(session.scalars(query.order_by(MirroredRecord.id)))


def newest_link(session: Session, workspace_id: int, contact: Contact) -> Link | None:
    """The latest link of a contact, an undo included."""
    query = (
        select(Link)
        .filter_by(
            workspace_id=workspace_id,
            package=contact.package,
            organisation=contact.organisation,
            reference=contact.reference,
        )
        .order_by(Link.created_at.desc())
        .limit(1)
    )
    if contact.kind:
        query = query.filter_by(kind=contact.kind)
    return session.scalar(query)


def _likely_kind(suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]) -> Kind:
    """The kind of the best suggestion; customer where there is none."""
    return suggestions[0][0].kind if suggestions else "customer"


def rows_by_id(session: Session, workspace_id: int, ids: list[str]) -> dict[str, MirroredRecord]:
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
                MirroredRecord.workspace_id == workspace_id,
                MirroredRecord.gone_at.is_(None),
                MirroredRecord.kind == kind,
                MirroredRecord.number.in_(wanted),
            )
            found.update({row.public_id: row for row in session.scalars(query)})
    return found
