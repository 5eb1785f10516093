"""The contacts of live sources that no list has, for suggestions from a record's side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from crmlink.store import (
    Batch,
    BatchRow,
    BatchSource,
    Choice,
    ContactSource,
    ContactState,
    MirroredRecord,
    SourceContact,
)
from crmlink.values.contact_details import DETAIL_COLUMNS

PREFIX = "live-"  # of ids in an index that holds rows of lists too
CHUNK_SIZE = 500

Identity = tuple[str, str, str, str]  # package, organisation, kind, reference


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """One contact in use, and the version that last changed it."""

    id: int
    version: int
    identity: Identity


class SeenContacts:
    """Contacts by identity; without a kind or organisation on either side they are the same."""

    def __init__(self, identities: Iterable[Identity] = ()) -> None:
        self._known: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for package, organisation, kind, reference in identities:
            self._known[package, reference].add((organisation, kind))

    def has(self, identity: Identity) -> bool:
        """Return whether a contact is one of them."""
        package, organisation, kind, reference = identity
        return any(
            (not theirs or not organisation or theirs == organisation)
            and (not its or not kind or its == kind)
            for theirs, its in self._known.get((package, reference), ())
        )


def versions_of_sources(session: Session, workspace_id: int) -> dict[int, int]:
    """Return the version of each source's contacts."""
    query = select(ContactSource.id, ContactSource.version).filter_by(workspace_id=workspace_id)
    return dict(session.execute(query).all())


def live_versions(session: Session, workspace_id: int) -> Iterator[LiveVersion]:
    """Yield the contacts in use of all sources."""
    query = (
        select(
            SourceContact.id, SourceContact.version, ContactSource.package,
            ContactSource.organisation, SourceContact.kind, SourceContact.reference,
        )
        .join(ContactSource)
        .where(
            ContactSource.workspace_id == workspace_id,
            SourceContact.state == ContactState.ACTIVE,
        )
        .order_by(SourceContact.id)
        .execution_options(yield_per=5_000)
    )  # fmt: skip
    for row in session.execute(query):
        identity = (row.package, row.organisation, row.kind, row.reference)
        yield LiveVersion(row.id, row.version, identity)


def unlinked_live(workspace_id: int, connection_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for contacts in use whose reference no record has."""
    held = exists().where(
        MirroredRecord.connection_id == connection_id,
        MirroredRecord.deleted_at.is_(None),
        MirroredRecord.reference_key == SourceContact.reference_key,
    )
    mine = select(ContactSource.id).filter_by(workspace_id=workspace_id)
    return (
        SourceContact.source_id.in_(mine),
        SourceContact.state == ContactState.ACTIVE,
        ~held,
    )


def as_rows(session: Session, ids: Iterable[int]) -> Iterator[tuple[BatchRow, Batch]]:
    """Yield contacts as rows of a list that is not stored, in chunks of the database."""
    wanted = list(ids)
    for start in range(0, len(wanted), CHUNK_SIZE):
        query = (
            select(SourceContact, ContactSource)
            .join(ContactSource)
            .where(
                SourceContact.id.in_(wanted[start : start + CHUNK_SIZE]),
                SourceContact.state == ContactState.ACTIVE,
            )
        )
        for contact, source in session.execute(query):
            yield _as_row(contact), _as_batch(source)
        session.expunge_all()


def _as_row(contact: SourceContact) -> BatchRow:
    details = {name: getattr(contact, name) for name in DETAIL_COLUMNS}
    return BatchRow(
        id=contact.id, position=0, kind=contact.kind, reference=contact.reference,
        retired=False, choice=Choice.OPEN, **details,
    )  # fmt: skip


def _as_batch(source: ContactSource) -> Batch:
    return Batch(
        id="", package=source.package, organisation=source.organisation, source=BatchSource.LIVE,
        name=source.name,
    )  # fmt: skip
