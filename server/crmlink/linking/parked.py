"""Parked contacts: without a record yet, for users who add customers and suppliers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.folding import compose
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ParkedContactNotFound, ReferenceErased
from crmlink.linking.suggest import Contact
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import Link, ParkedContact
from crmlink.store.erased import Signs, erased_people, pseudonyms_of

MAX_PARKED = 1_000  # shown at once, oldest first


def park(
    ctx: WorkspaceContext, contact: Contact, device_id: int, *, only_own: bool = False
) -> ParkedContact:
    """Store a contact; one that is parked already keeps its place and gets the newer details.

    With ``only_own`` details that another device stored stay. Raises UnknownPackage,
    InvalidReference, ReferenceErased for an erased person, or ConnectionEnded.
    """
    reference = canonical_reference(contact.package, contact.reference, ctx.packages)
    if holds_pseudonym(reference):
        raise ReferenceErased
    details = contact.details
    with ctx.database.writing() as session:
        ctx.require_in_use(session)
        signs = Signs.of(details, details.names, contact.package, contact.organisation, reference)
        if erased_people(session, ctx.workspace_id).are(signs):
            raise ReferenceErased
        own = {
            "connection_id": ctx.connection_id,
            "package": contact.package,
            "organisation": contact.organisation,
            "kind": contact.kind or "",
            "reference": reference,
        }
        kept = session.scalar(select(ParkedContact).filter_by(**own))
        if kept is None:
            kept = ParkedContact(**own, device_id=device_id)
            session.add(kept)
            session.flush()
            _record(session, ctx.workspace_id, device_id, "contact.parked", kept)
        if only_own and kept.device_id != device_id:
            return kept
        kept.name = compose(details.person_or_name)
        kept.company = compose(details.company_or_name)
        for field in ("address", "town", "postcode", "email"):
            setattr(kept, field, compose(getattr(details, field)))
        kept.phones = list(details.phones)
        session.flush()
        session.refresh(kept)
        return kept


def unpark(ctx: WorkspaceContext, parked_id: str, device_id: int) -> None:
    """Remove a parked contact. Raises ParkedContactNotFound."""
    with ctx.database.writing() as session:
        kept = _find(session, ctx.connection_id, parked_id)
        _record(session, ctx.workspace_id, device_id, "contact.unparked", kept)
        session.delete(kept)


def find_parked(ctx: WorkspaceContext, parked_id: str) -> ParkedContact:
    """Return one parked contact. Raises ParkedContactNotFound."""
    with ctx.database.reading() as session:
        return _find(session, ctx.connection_id, parked_id)


def parked_contacts(ctx: WorkspaceContext) -> list[ParkedContact]:
    """Return all parked contacts, the longest waiting first."""
    query = (
        select(ParkedContact)
        .filter_by(connection_id=ctx.connection_id)
        .order_by(ParkedContact.created_at, ParkedContact.id)
        .limit(MAX_PARKED)
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query))


def count_parked(ctx: WorkspaceContext) -> int:
    """Return the number of parked contacts."""
    query = select(func.count()).select_from(ParkedContact)
    with ctx.database.reading() as session:
        return session.scalar(query.filter_by(connection_id=ctx.connection_id)) or 0


def parked_as(session: Session, connection_id: int, contact: Contact) -> ParkedContact | None:
    """Return a contact's parked entry, if any."""
    mine = _is(session, connection_id, contact.package, contact.organisation, contact.kind or "",
               contact.reference)  # fmt: skip
    query = select(ParkedContact).where(*mine)
    return session.scalar(query.order_by(ParkedContact.created_at).limit(1))


def unpark_linked(session: Session, link: Link) -> None:
    """Remove the contact of a settled link, in the transaction that settles it."""
    forms = pseudonyms_of(session).forms(link.reference)
    mine = _is(session, link.connection_id, link.package, link.organisation, link.contact_kind,
               *forms)  # fmt: skip
    session.execute(delete(ParkedContact).where(*mine))


def _is(
    session: Session,
    connection_id: int,
    package: str,
    organisation: str,
    kind: str,
    *references: str,
) -> list[ColumnElement[bool]]:
    """Return the conditions for a contact's entry; not every URL gives organisation or kind.

    A contact without an organisation may be any organisation's: if several have such entries, they
    are other contacts, and none of them is its own.
    """
    mine = [
        ParkedContact.connection_id == connection_id,
        ParkedContact.package == package,
        ParkedContact.reference.in_(references),
    ]
    if kind:
        mine.append(ParkedContact.kind.in_((kind, "")))
    if organisation:
        mine.append(ParkedContact.organisation.in_((organisation, "")))
    elif _organisations(session, mine) > 1:
        mine.append(ParkedContact.organisation == "")
    return mine


def _organisations(session: Session, mine: list[ColumnElement[bool]]) -> int:
    named = select(func.count(func.distinct(ParkedContact.organisation)))
    return session.scalar(named.where(*mine, ParkedContact.organisation != "")) or 0


def _find(session: Session, connection_id: int, parked_id: str) -> ParkedContact:
    query = select(ParkedContact).filter_by(connection_id=connection_id, id=parked_id)
    kept = session.scalar(query)
    if kept is None:
        raise ParkedContactNotFound
    return kept


def _record(
    session: Session, workspace_id: int, device_id: int, action: str, kept: ParkedContact
) -> None:
    record_audit(session, workspace_id, device_id, action, kept.id, package=kept.package)
