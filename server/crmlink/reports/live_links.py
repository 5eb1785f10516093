"""Links compared with live contacts: what is new and unlinked, and what is no longer right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from crmlink.accounting.errors import InvalidReference, UnknownPackage
from crmlink.accounting.references import canonical_reference
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.live_contacts import unlinked_live
from crmlink.pseudonyms import holds_pseudonym
from crmlink.reports.links import PAGE_SIZE, Page
from crmlink.store import (
    ContactSource,
    ContactState,
    Link,
    LinkState,
    MirroredRecord,
    SourceContact,
)
from crmlink.store.base import utc_now

NEW_DAYS = 7
MAX_LISTED = 200
MAX_MERGES = 10  # of merged contacts that were merged again


@dataclass(frozen=True, slots=True)
class UnlinkedContact:
    """A contact in use whose reference no record has; ``is_new``: it came within the week."""

    contact: SourceContact
    source: ContactSource
    is_new: bool

    @property
    def is_job(self) -> bool:
        """Whether it is a customer's job, which QuickBooks Desktop names Customer:Job."""
        return self.source.package == "quickbooks_desktop" and ":" in self.contact.reference


@dataclass(frozen=True, slots=True)
class RetiredLink:
    """A record whose contact is archived, merged or deleted.

    ``survivor`` is the contact in use that a merged one has become, as far as it is known.
    """

    record: MirroredRecord
    contact: SourceContact
    source: ContactSource
    survivor: SourceContact | None = None


@dataclass(frozen=True, slots=True)
class LiveFindings:
    """What is no longer right; ``orphans`` have a reference that no live contact has."""

    retired: tuple[RetiredLink, ...] = ()
    orphans: tuple[MirroredRecord, ...] = ()


def sources_read(ctx: WorkspaceContext) -> list[ContactSource]:
    """Return the sources of which all contacts were read."""
    query = select(ContactSource).where(
        ContactSource.workspace_id == ctx.workspace_id, ContactSource.fully_synced_at.is_not(None)
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query.order_by(ContactSource.id)))


def unlinked_contacts(ctx: WorkspaceContext, number: int = 1) -> Page[UnlinkedContact]:
    """Return a page of contacts without a record, those that came last first."""
    conditions = unlinked_live(ctx.workspace_id, ctx.connection_id)
    query = (
        select(SourceContact, ContactSource)
        .join(ContactSource)
        .where(*conditions)
        .order_by(
            func.coalesce(SourceContact.first_seen_at, ContactSource.connected_at).desc(),
            func.lower(SourceContact.name),
            SourceContact.id,
        )
    )
    since = utc_now() - timedelta(days=NEW_DAYS)
    with ctx.database.reading() as session:
        total = session.scalar(select(func.count(SourceContact.id)).where(*conditions)) or 0
        rows = session.execute(query.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE)).all()
    found = (
        UnlinkedContact(
            contact, source, contact.first_seen_at is not None and contact.first_seen_at >= since
        )
        for contact, source in rows
    )
    return Page(tuple(found), total, number)


def find_unlinked(ctx: WorkspaceContext, contact_id: int) -> UnlinkedContact | None:
    """Return a contact without a record as it is now; None if it is no longer one."""
    query = (
        select(SourceContact, ContactSource)
        .join(ContactSource)
        .where(SourceContact.id == contact_id, *unlinked_live(ctx.workspace_id, ctx.connection_id))
    )
    with ctx.database.reading() as session:
        row = session.execute(query).one_or_none()
    return UnlinkedContact(row[0], row[1], is_new=False) if row else None


def count_unlinked_contacts(ctx: WorkspaceContext) -> int:
    """Return how many contacts in use have no record."""
    query = select(func.count(SourceContact.id)).where(
        *unlinked_live(ctx.workspace_id, ctx.connection_id)
    )
    with ctx.database.reading() as session:
        return session.scalar(query) or 0


def count_new_contacts(ctx: WorkspaceContext, since: datetime | None = None) -> int:
    """Return how many contacts without a record came since then, or within the week."""
    since = since or utc_now() - timedelta(days=NEW_DAYS)
    query = select(func.count(SourceContact.id)).where(
        *unlinked_live(ctx.workspace_id, ctx.connection_id), SourceContact.first_seen_at >= since
    )
    with ctx.database.reading() as session:
        return session.scalar(query) or 0


def live_findings(ctx: WorkspaceContext) -> LiveFindings:
    """Return the records whose reference is no longer right, at most MAX_LISTED of a sort."""
    sources = sources_read(ctx)
    if not sources:
        return LiveFindings()
    with ctx.database.reading() as session:
        return LiveFindings(
            tuple(islice(_retired(session, ctx), MAX_LISTED)),
            tuple(islice(_orphans(session, ctx, sources), MAX_LISTED)),
        )


def find_merged(ctx: WorkspaceContext, record_id: str, contact_id: int) -> RetiredLink | None:
    """Return a record's merged contact as it is now; None if it is no longer so."""
    with ctx.database.reading() as session:
        for found in _retired(session, ctx, contact_id):
            if found.record.public_id == record_id:
                return found
    return None


def survivor_of(session: Session, contact: SourceContact) -> SourceContact | None:
    """Return the contact in use that a merged one has become; None if it is not known."""
    current: SourceContact | None = contact
    for _ in range(MAX_MERGES):
        if current is None or not current.merged_into:
            break
        current = session.scalar(
            select(SourceContact)
            .filter_by(source_id=contact.source_id, reference=current.merged_into)
            .order_by(SourceContact.kind != current.kind)  # two kinds may have one number
            .limit(1)
        )
    return current if current is not None and current.state is ContactState.ACTIVE else None


def linked_contacts(ctx: WorkspaceContext) -> Select[MirroredRecord, SourceContact, ContactSource]:
    """Return the query for records with the live contacts that have their reference."""
    return (
        select(MirroredRecord, SourceContact, ContactSource)
        .join(SourceContact, SourceContact.reference_key == MirroredRecord.reference_key)
        .join(ContactSource, ContactSource.id == SourceContact.source_id)
        .where(
            MirroredRecord.connection_id == ctx.connection_id,
            MirroredRecord.deleted_at.is_(None),
            MirroredRecord.erased_at.is_(None),
            ContactSource.workspace_id == ctx.workspace_id,
            SourceContact.kind.in_(("", MirroredRecord.kind)),
        )
    )


def latest_link(session: Session, ctx: WorkspaceContext, record: MirroredRecord) -> Link | None:
    """Return the link that gave a record its present reference, if crmlink made it."""
    query = select(Link).filter_by(
        connection_id=ctx.connection_id,
        kind=record.kind,
        record_number=record.number,
        state=LinkState.LINKED,
        target=record.reference,
    )
    return session.scalar(query.order_by(Link.created_at.desc()).limit(1))


def may_be_of(link: Link, source: ContactSource) -> bool:
    """Return whether a link is to a contact of this source, as far as its address shows."""
    unknown = not link.organisation or not source.organisation
    return link.package == source.package and (unknown or link.organisation == source.organisation)


def _retired(
    session: Session, ctx: WorkspaceContext, contact_id: int | None = None
) -> Iterable[RetiredLink]:
    """Yield records whose contact is out of use, and whose reference no contact in use has.

    Two packages may count from 1 both: a record whose link is to another one is left out.
    """
    other = aliased(SourceContact)
    mine = select(ContactSource.id).filter_by(workspace_id=ctx.workspace_id)
    in_use = (
        select(other.id)
        .where(
            other.source_id.in_(mine),
            other.state == ContactState.ACTIVE,
            other.reference_key == MirroredRecord.reference_key,
            other.kind.in_(("", MirroredRecord.kind)),
        )
        .exists()
    )
    query = linked_contacts(ctx).where(SourceContact.state != ContactState.ACTIVE, ~in_use)
    if contact_id is not None:
        query = query.where(SourceContact.id == contact_id)
    rows = session.execute(query.order_by(MirroredRecord.id).execution_options(yield_per=1_000))
    for record, contact, source in rows:
        link = latest_link(session, ctx, record)
        if link is None or may_be_of(link, source):
            yield RetiredLink(record, contact, source, survivor_of(session, contact)
                              if contact.state is ContactState.MERGED else None)  # fmt: skip


def _orphans(
    session: Session, ctx: WorkspaceContext, sources: list[ContactSource]
) -> Iterable[MirroredRecord]:
    """Yield records with a reference in a connected package's form that none of it has."""
    has_contact = (
        select(SourceContact.id)
        .join(ContactSource)
        .where(
            ContactSource.workspace_id == ctx.workspace_id,
            SourceContact.reference_key == MirroredRecord.reference_key,
            SourceContact.kind.in_(("", MirroredRecord.kind)),
        )
        .exists()
    )
    query = (
        select(MirroredRecord)
        .where(
            MirroredRecord.connection_id == ctx.connection_id,
            MirroredRecord.deleted_at.is_(None),
            MirroredRecord.erased_at.is_(None),
            func.coalesce(MirroredRecord.reference, "") != "",
            ~has_contact,
        )
        .order_by(MirroredRecord.id)
        .execution_options(yield_per=1_000)
    )
    packages = {source.package for source in sources}
    for record in session.scalars(query):
        if _may_be_of_any(ctx, record.reference or "", packages):
            link = latest_link(session, ctx, record)
            if link is None or any(may_be_of(link, source) for source in sources):
                yield record


def _may_be_of_any(ctx: WorkspaceContext, reference: str, packages: set[str]) -> bool:
    if holds_pseudonym(reference):
        return False
    for package in packages:
        try:
            if canonical_reference(package, reference, ctx.packages) == reference:
                return True
        except (InvalidReference, UnknownPackage):
            continue
    return False
