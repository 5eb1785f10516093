"""Suggestions: from a contact to the records that may be its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import RecordGone, RecordUnknown
from crmlink.matching import Suggestion
from crmlink.store import Link, LinkState, MirroredRecord, ParkedContact
from crmlink.store.connections import MirrorVersion
from crmlink.store.erased import pseudonyms_of
from crmlink.store.folded import asked_to_carry, carried_as_asked, carried_in
from crmlink.values.contact_details import ContactDetails

MIN_PROBABILITY = 0.001  # less likely records would only hide the others; search finds them

# Built once: every suggestion asks them, and building a statement takes longer than answering it.
# With all kinds named the index by number is read, which a condition with OR or on pairs would not.
_BY_NUMBER = select(MirroredRecord).where(
    MirroredRecord.connection_id == bindparam("connection_id"),
    MirroredRecord.kind.in_(KINDS),
    MirroredRecord.number.in_(bindparam("numbers", expanding=True)),
    MirroredRecord.deleted_at.is_(None),
)
_HOLD = (carried_as_asked(MirroredRecord.reference), MirroredRecord.deleted_at.is_(None))
_HOLDERS = select(MirroredRecord).where(*_HOLD).order_by(MirroredRecord.id)
_OF_CONTACT = (
    Link.connection_id == bindparam("connection_id"),
    Link.package == bindparam("package"),
    Link.reference.in_([bindparam("value"), bindparam("other_value")]),
    Link.contact_kind.in_([bindparam("kind"), bindparam("other_kind"), ""]),
)
_LATEST = select(Link).where(*_OF_CONTACT).order_by(Link.created_at.desc()).limit(1)
_LATEST_IN_ORGANISATION = _LATEST.where(
    Link.organisation.in_(bindparam("organisations", expanding=True))
)
_ORGANISATIONS = select(func.count(func.distinct(Link.organisation))).where(
    *_OF_CONTACT, Link.organisation != ""
)
# Of most contacts nothing is known: one statement says so.
_HOLDER, _LINK, _PARKED = "holder", "link", "parked"
_KNOWN = union_all(
    select(literal(_HOLDER)).where(select(MirroredRecord.id).where(*_HOLD).exists()),
    select(literal(_LINK)).where(select(Link.id).where(*_OF_CONTACT).exists()),
    select(literal(_PARKED)).where(
        select(ParkedContact.id)
        .where(
            ParkedContact.connection_id == bindparam("connection_id"),
            ParkedContact.package == bindparam("package"),
            ParkedContact.reference == bindparam("value"),
        )
        .exists()
    ),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry in an accounting package: its identity, and the details read from it."""

    package: str
    reference: str
    kind: Kind | None = None
    organisation: str = ""
    details: ContactDetails = field(default_factory=ContactDetails)


@dataclass(frozen=True, slots=True)
class SuggestionResult:
    """Suggestions and context for a contact.

    ``holders`` are records of either kind that already have the reference, and ``holder_links`` the
    links that wrote it; ``link`` is the contact's latest link; ``none`` the probability that no
    record is the contact's. ``is_parked``: a contact of this reference is, perhaps of another
    organisation.
    """

    contact: Contact
    likely_kind: Kind
    suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]
    none: float
    holders: tuple[MirroredRecord, ...]
    holder_links: tuple[Link, ...]
    link: Link | None
    is_parked: bool


def suggest(ctx: WorkspaceContext, contact: Contact, limit: int = 5) -> SuggestionResult:
    """Return the likeliest records for a contact, best first, at most ``limit``.

    Raises UnknownPackage, or InvalidReference if the reference is not of the package's form.
    """
    with ctx.database.reading() as session:
        return suggest_in(session, ctx, contact, limit)


def suggest_in(
    session: Session,
    ctx: WorkspaceContext,
    contact: Contact,
    limit: int = 5,
    seen: MirrorVersion | None = None,
) -> SuggestionResult:
    """Do the same in a session that was not used yet: it holds nothing during the comparison.

    ``seen`` is the mirror's version where it was read just before.
    """
    reference = canonical_reference(contact.package, contact.reference, ctx.packages)
    contact = replace(contact, reference=reference)
    found = ctx.index.matcher(seen).suggest(contact.details, limit, MIN_PROBABILITY)
    rows = records_by_id(session, ctx.connection_id, [item.record_id for item in found.items])
    suggestions = tuple(
        (rows[item.record_id], item) for item in found.items if item.record_id in rows
    )
    known = _known(session, ctx.connection_id, contact)
    held_by = holders(session, ctx.connection_id, reference) if _HOLDER in known else []
    return SuggestionResult(
        contact=contact,
        likely_kind=contact.kind or _likely_kind(suggestions),
        suggestions=suggestions,
        none=found.none,
        holders=tuple(held_by),
        holder_links=tuple(links_behind(session, ctx.connection_id, held_by)),
        link=latest_link(session, ctx.connection_id, contact) if _LINK in known else None,
        is_parked=_PARKED in known,
    )


def _known(session: Session, connection_id: int, contact: Contact) -> set[str]:
    """Return what is known of a contact's reference: a holder, links, a parked contact."""
    return set(session.scalars(_KNOWN, _asked(session, connection_id, contact)))


def search(
    ctx: WorkspaceContext,
    text: str,
    kind: Kind | None,
    limit: int = 20,
    seen: MirrorVersion | None = None,
) -> list[MirroredRecord]:
    """Return records that match a typed text, best first; ``seen`` as of ``suggest_in``."""
    ids = ctx.index.matcher(seen).search(text, kind, limit)
    with ctx.database.reading() as session:
        rows = records_by_id(session, ctx.connection_id, ids)
    return [rows[record_id] for record_id in ids if record_id in rows]


def find_record(session: Session, connection_id: int, record_id: str) -> MirroredRecord:
    """Return the mirror's row of a record id; raises RecordGone, or RecordUnknown for a new one."""
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
    """Return records that have the reference by the mirror, of one kind or of both.

    References that fold to the same count as equal: whether Commusoft distinguishes them is
    unknown.
    """
    forms = pseudonyms_of(session).forms(reference)
    if not forms:
        return []
    found = session.scalars(_HOLDERS, asked_to_carry(connection_id, *forms))
    return [row for row in found if kind in (None, row.kind)]


def links_behind(
    session: Session, connection_id: int, records: Sequence[MirroredRecord]
) -> list[Link]:
    """Return for each record the link that wrote its present reference, if a link did.

    Of several, the latest that changed the record: one that found its reference already there wrote
    nothing. A value restored by an undo was written by the link before it.
    """
    if not records:
        return []
    links = session.scalars(
        select(Link)
        .where(carried_in(connection_id, Link.target, {each.reference or "" for each in records}))
        .filter_by(state=LinkState.LINKED, undoes_id=None)
        .order_by(Link.prior.is_not_distinct_from(Link.target), Link.created_at.desc())
    )
    behind: dict[tuple[str, str | None], Link] = {}
    for link in links:
        behind.setdefault((link.record_id, link.target), link)
    found = (behind.get((record.public_id, record.reference)) for record in records)
    return [link for link in found if link]


def latest_link(session: Session, connection_id: int, contact: Contact) -> Link | None:
    """Return a contact's latest link, undos included.

    Not every URL of a contact names its organisation: a link made or requested without one is the
    contact's too. If several organisations have such links, they are ambiguous and omitted.
    """
    asked = _asked(session, connection_id, contact)
    if contact.organisation:
        organisations = {"organisations": [contact.organisation, ""]}
        return session.scalar(_LATEST_IN_ORGANISATION, asked | organisations)
    latest = session.scalar(_LATEST, asked)
    if latest is not None and (session.scalar(_ORGANISATIONS, asked) or 0) > 1:
        return session.scalar(_LATEST_IN_ORGANISATION, asked | {"organisations": [""]})
    return latest


def _asked(session: Session, connection_id: int, contact: Contact) -> dict[str, Any]:
    """Return the parameters of the conditions for a contact's links, holders and parked ones."""
    kind, other_kind = (contact.kind, contact.kind) if contact.kind else KINDS
    forms = pseudonyms_of(session).forms(contact.reference) or ("", "")
    return {
        "package": contact.package,
        "kind": kind,
        "other_kind": other_kind,
        **asked_to_carry(connection_id, *forms),
    }


def _likely_kind(suggestions: tuple[tuple[MirroredRecord, Suggestion], ...]) -> Kind:
    """Return the kind of the best suggestion; customer without any."""
    return suggestions[0][0].kind if suggestions else "customer"


def records_by_id(
    session: Session, connection_id: int, ids: list[str]
) -> dict[str, MirroredRecord]:
    """Return the mirror's rows by record id, without missing or deleted records."""
    wanted = set(ids)
    numbers = {number for each in wanted if (number := each.partition("-")[2])}
    if not numbers:
        return {}
    asked = {"connection_id": connection_id, "numbers": sorted(numbers)}
    found = {row.public_id: row for row in session.scalars(_BY_NUMBER, asked)}
    return {record_id: row for record_id, row in found.items() if record_id in wanted}
