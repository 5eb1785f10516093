"""Linked contacts that are no longer as they were: renamed, moved, or not the same as the record.

A person who has checked a new name or address is not shown it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crmlink.folding import fold
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.reports.live_links import MAX_LISTED, latest_link, linked_contacts, may_be_of
from crmlink.sources.moved_contacts import PLACE, has_moved, place_of
from crmlink.store import (
    ContactSource,
    ContactState,
    Link,
    LinkState,
    MirroredRecord,
    SourceContact,
)
from crmlink.store.erased import ERASED

EXACT_PACKAGES = ("sage_business_cloud",)  # link only what is the same to the letter


@dataclass(frozen=True, slots=True)
class ChangedLink:
    """A linked contact in use with another name or address; ``before`` is the earlier one."""

    record: MirroredRecord
    contact: SourceContact
    source: ContactSource
    before: str

    @property
    def address(self) -> str:
        """The contact's address in one line."""
        return one_line(place_of(self.contact))


@dataclass(frozen=True, slots=True)
class InexactLink:
    """A linked contact that is not the same as its record; (field, contact's, record's)."""

    record: MirroredRecord
    contact: SourceContact
    source: ContactSource
    differences: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class LinkChanges:
    """What has changed about linked contacts, at most MAX_LISTED of a sort."""

    renamed: tuple[ChangedLink, ...] = ()
    moved: tuple[ChangedLink, ...] = ()
    inexact: tuple[InexactLink, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.renamed or self.moved or self.inexact)


def link_changes(ctx: WorkspaceContext) -> LinkChanges:
    """Return the linked contacts in use that have changed."""
    with ctx.database.reading() as session:
        return LinkChanges(
            tuple(islice(_renamed(session, ctx), MAX_LISTED)),
            tuple(islice(_moved(session, ctx), MAX_LISTED)),
            tuple(islice(_inexact(session, ctx), MAX_LISTED)),
        )


def check_contact(
    ctx: WorkspaceContext, device_id: int, contact_id: int, name: str, address: str
) -> bool:
    """Note that a person has found a contact's name and address right for its link.

    Return False if it no longer has those.
    """
    with ctx.database.writing() as session:
        query = select(SourceContact).join(ContactSource)
        contact = session.scalar(
            query.where(
                SourceContact.id == contact_id, ContactSource.workspace_id == ctx.workspace_id
            )
        )
        if contact is None or (name, address) != (contact.label, one_line(place_of(contact))):
            return False
        contact.checked_name = contact.name
        contact.moved_from = contact.moved_at = None
        source = session.get_one(ContactSource, contact.source_id)
        record_audit(
            session, ctx.workspace_id, device_id, "source.contact_checked", source.public_id,
            package=source.package,
        )  # fmt: skip
    return True


def one_line(place: dict[str, str]) -> str:
    """Return an address in one line, its parts separated by commas."""
    parts = (part.strip() for text in place.values() for part in text.replace("\n", ",").split(","))
    return ", ".join(filter(None, parts))


def _renamed(session: Session, ctx: WorkspaceContext) -> Iterator[ChangedLink]:
    """Yield linked contacts whose name is another one than their latest link's."""
    query = (
        linked_contacts(ctx)
        .add_columns(Link.contact_name, Link.created_at, Link.id.label("link_id"))
        .join(
            Link,
            (Link.connection_id == MirroredRecord.connection_id)
            & (Link.kind == MirroredRecord.kind)
            & (Link.record_number == MirroredRecord.number)
            & (Link.target == MirroredRecord.reference)
            & (Link.package == ContactSource.package),
        )
        .where(
            SourceContact.state == ContactState.ACTIVE,
            func.coalesce(SourceContact.checked_name, "") != SourceContact.name,
            Link.state == LinkState.LINKED,
            Link.undoes_id.is_(None),
            Link.contact_name.not_in(("", ERASED)),
            func.lower(Link.contact_name) != func.lower(SourceContact.name),
        )
        .order_by(MirroredRecord.id, Link.created_at.desc())
        .execution_options(yield_per=1_000)
    )
    seen: set[int] = set()
    for record, contact, source, name, _, _ in session.execute(query):
        names = {fold(each) for each in (contact.name, contact.company, contact.person) if each}
        if record.id in seen:
            continue
        seen.add(record.id)
        if fold(name) not in names:
            yield ChangedLink(record, contact, source, name)


def _moved(session: Session, ctx: WorkspaceContext) -> Iterator[ChangedLink]:
    """Yield linked contacts that moved after their link, and whose record is not there yet."""
    query = linked_contacts(ctx).where(
        SourceContact.state == ContactState.ACTIVE, SourceContact.moved_at.is_not(None)
    )
    rows = session.execute(query.order_by(MirroredRecord.id).execution_options(yield_per=1_000))
    for record, contact, source in rows:
        link = latest_link(session, ctx, record)
        is_older = link is None or (contact.moved_at and link.created_at < contact.moved_at)
        if link is not None and not may_be_of(link, source):
            continue
        if is_older and contact.moved_from and not _is_there(record, contact):
            yield ChangedLink(record, contact, source, one_line(contact.moved_from))


def _is_there(record: MirroredRecord, contact: SourceContact) -> bool:
    """Return whether one of the record's addresses is the contact's present one."""
    present = place_of(contact)
    return any(
        any(place.values()) and not has_moved(place, present)
        for place in (place_of(record), *record.other_addresses)
    )


def _inexact(session: Session, ctx: WorkspaceContext) -> Iterator[InexactLink]:
    """Yield linked contacts that their package does not take for the record's."""
    query = (
        linked_contacts(ctx)
        .where(
            SourceContact.state == ContactState.ACTIVE,
            ContactSource.package.in_(EXACT_PACKAGES),
            _may_differ(),
        )
        .order_by(MirroredRecord.id)
        .execution_options(yield_per=1_000)
    )
    for record, contact, source in session.execute(query):
        differences = _differences(record, contact)
        if not differences:
            continue
        link = latest_link(session, ctx, record)
        if link is None or may_be_of(link, source):
            yield InexactLink(record, contact, source, differences)


def _may_differ() -> ColumnElement[bool]:
    """Return the condition that leaves out pairs that are surely the same, most of very many."""
    one, other = SourceContact, MirroredRecord
    names = (one.name, one.company, one.person, one.email, one.reference)
    label = func.coalesce(*(func.nullif(name, "") for name in names))
    labelled = func.coalesce(func.nullif(other.company, ""), func.nullif(other.name, ""), "")
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("email", *PLACE))
    return or_(label != labelled, *(mine != theirs for mine, theirs in pairs))


def _differences(
    record: MirroredRecord, contact: SourceContact
) -> tuple[tuple[str, str, str], ...]:
    """Return what is not the same to the letter; how an address is broken into lines is."""
    compared = (
        ("name", contact.label, record.label),
        ("address", one_line(place_of(contact)), one_line(place_of(record))),
        ("email", contact.email, record.email),
    )
    return tuple(each for each in compared if each[1] != each[2])
