"""Batches of contacts: collected page by page, listed, found, discarded."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.accounting.package_rules import Packages
from crmlink.batches.attach_references import complete
from crmlink.batches.contacts import Identity, ListedContact
from crmlink.batches.execute_row import idempotency_prefix
from crmlink.batches.reclassify import recheck
from crmlink.batches.state import OPEN_STATES, bump_version, get_batch
from crmlink.kinds import Kind
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    BatchNotFound,
    BatchWritten,
    IdempotencyKeyReused,
    InvalidBatchState,
)
from crmlink.store import (
    AppendReceipt,
    Batch,
    BatchRow,
    BatchSource,
    BatchState,
    Link,
    RowState,
)
from crmlink.store.erased import ErasedPeople, Signs, erased_people, pseudonyms_of
from crmlink.store.quotas import Quota, require_room, require_rows
from crmlink.values.contact_details import composed, plain_details


@dataclass(frozen=True, slots=True)
class ListPage:
    """Contacts of one list, or of a page of it; ``kind`` is theirs unless a contact has its own.

    ``source`` and ``name`` are those of a new draft.
    """

    package: str
    organisation: str
    kind: Kind | None
    contacts: Sequence[ListedContact]
    source: BatchSource = BatchSource.LIST_PAGE
    name: str = ""

    def fingerprint(self, batch_id: str | None) -> str:
        """Return a hash of the page, so that one key cannot serve two."""
        contacts = [asdict(contact) for contact in self.contacts]
        parts = [self.package, self.organisation, self.kind, contacts, batch_id]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()

    def by_identity(
        self, packages: Packages
    ) -> tuple[dict[Identity, ListedContact], list[ListedContact]]:
        """Return the contacts with a reference by their identity, and those without.

        Raises InvalidReference, UnknownPackage.
        """
        named: dict[Identity, ListedContact] = {}
        unnamed = []
        for contact in self.contacts:
            if contact.reference.strip():
                reference = canonical_reference(self.package, contact.reference, packages)
                named[contact.kind or self.kind or "", reference] = contact
            else:
                unnamed.append(contact)
        return named, unnamed


@dataclass(frozen=True, slots=True)
class BatchWithCount:
    """A batch and its number of contacts."""

    batch: Batch
    contacts: int


@dataclass(frozen=True, slots=True)
class AppendResult:
    """Result of an appended page: numbers of new contacts and of completed rows."""

    batch: Batch
    contacts: int
    added: int
    completed: int


def append_contacts(
    ctx: WorkspaceContext,
    device_id: int,
    page: ListPage,
    batch_id: str | None = None,
    *,
    key: str | None = None,
) -> AppendResult:
    """Store contacts as a new draft, or append them to one.

    A contact already in the batch is not added again, but may set its kind; one whose row has no
    reference yet completes that row. The same ``key`` again gives the same result. Raises
    InvalidReference, UnknownPackage, IdempotencyKeyReused, InvalidBatchState, ConnectionEnded,
    QuotaReached, or BatchNotFound for another workspace, package or organisation.
    """
    page = replace(page, contacts=[composed(contact) for contact in page.contacts])
    named, unnamed = page.by_identity(ctx.packages)
    fingerprint = page.fingerprint(batch_id)
    with ctx.database.writing() as session:
        if key and (receipt := _receipt(session, ctx, key, fingerprint)):
            return _taken(session, ctx, receipt.batch_id, receipt.added, receipt.completed)
        ctx.require_in_use(session)
        erased = erased_people(session, ctx.workspace_id)
        named, unnamed = _without_erased(erased, page, named, unnamed)
        if batch_id:
            batch = _batch_to_append_to(session, ctx, batch_id, page)
        else:
            batch = _new_batch(session, ctx, device_id, page)
        learned = _learn_kinds(session, batch, named)
        named = _new_contacts(named, _held(session, batch))
        completed = complete(session, batch, named) if batch_id else set()
        new = [(identity[0], identity[1], contact) for identity, contact in named.items()
               if identity not in completed]  # fmt: skip
        new += [(contact.kind or page.kind or "", "", contact) for contact in unnamed]
        if new:
            require_rows(session, ctx.workspace_id, _count(session, batch.id) + len(new))
        _add(session, batch, new)
        bump_version(batch)
        if key:
            session.add(
                AppendReceipt(
                    connection_id=ctx.connection_id,
                    batch_id=batch.id,
                    key=key,
                    fingerprint=pseudonyms_of(session).of(fingerprint),
                    added=len(new),
                    completed=len(completed),
                )
            )
        session.flush()
        rows = [*learned, *_rows_with(session, batch, (each for _, each in completed))]
        recheck(session, ctx.connection_id, rows)
        return _taken(session, ctx, batch.id, len(new), len(completed))


def list_batches(ctx: WorkspaceContext, *states: BatchState) -> list[BatchWithCount]:
    """Return the batches in one of the states, newest first; drafts without states."""
    query = (
        select(Batch)
        .where(Batch.connection_id == ctx.connection_id)
        .where(Batch.state.in_(states or (BatchState.DRAFT,)))
        .order_by(Batch.created_at.desc(), Batch.id)
    )
    with ctx.database.reading() as session:
        batches = list(session.scalars(query))
        return [BatchWithCount(batch, _count(session, batch.id)) for batch in batches]


def batches_open_to_append(ctx: WorkspaceContext) -> list[BatchWithCount]:
    """Return drafts, and batches under review that lack references, newest first."""
    lacking = (
        select(BatchRow.id).where(BatchRow.batch_id == Batch.id, BatchRow.reference == "").exists()
    )
    with ctx.database.reading() as session:
        waiting = set(
            session.scalars(
                select(Batch.id).where(
                    Batch.connection_id == ctx.connection_id,
                    Batch.state == BatchState.REVIEW,
                    lacking,
                )
            )
        )
    return [
        draft
        for draft in list_batches(ctx, *OPEN_STATES)
        if draft.batch.state is BatchState.DRAFT or draft.batch.id in waiting
    ]


def rows_of(ctx: WorkspaceContext, batch_id: str, limit: int | None = None) -> list[BatchRow]:
    """Return a batch's rows in order."""
    with ctx.database.reading() as session:
        query = select(BatchRow).filter_by(batch_id=batch_id).order_by(BatchRow.position)
        return list(session.scalars(query.limit(limit)))


def discard_batch(ctx: WorkspaceContext, batch_id: str, device_id: int | None = None) -> None:
    """Delete a batch of which nothing was written. Raises the errors of ``require_unwritten``."""
    with ctx.database.writing() as session:
        _require_unwritten(session, ctx, batch_id)
        session.execute(delete(BatchRow).where(BatchRow.batch_id == batch_id))
        session.execute(delete(Batch).where(Batch.id == batch_id))
        record_audit(session, ctx.workspace_id, device_id, "batch.discarded", batch_id)


def require_unwritten(ctx: WorkspaceContext, batch_id: str) -> None:
    """Raise what keeps a batch from being thrown away: BatchWritten, InvalidBatchState.

    Raises BatchNotFound too.
    """
    with ctx.database.reading() as session:
        _require_unwritten(session, ctx, batch_id)


def _require_unwritten(session: Session, ctx: WorkspaceContext, batch_id: str) -> None:
    """By the links themselves: a row that was decided anew has forgotten its own."""
    batch = get_batch(session, ctx, batch_id)
    made = select(Link.id).where(
        Link.connection_id == ctx.connection_id,
        Link.idempotency_key.startswith(idempotency_prefix(batch_id), autoescape=True),
    )
    if session.scalar(made.limit(1)) is not None:
        raise BatchWritten
    moving = select(BatchRow.id).where(
        BatchRow.batch_id == batch_id,
        (BatchRow.state != RowState.IDLE) | BatchRow.link_id.is_not(None),
    )
    states = (BatchState.DRAFT, BatchState.REVIEW, BatchState.CANCELLED)
    if batch.state not in states or session.scalar(moving.limit(1)) is not None:
        raise InvalidBatchState(state=batch.state.value)


def _new_batch(session: Session, ctx: WorkspaceContext, device_id: int, page: ListPage) -> Batch:
    require_room(session, ctx.workspace_id, Quota.LISTS)
    batch = Batch(
        connection_id=ctx.connection_id, device_id=device_id, package=page.package,
        organisation=page.organisation, kind=page.kind, source=page.source, name=page.name,
    )  # fmt: skip
    session.add(batch)
    session.flush()
    source = page.source.value
    record_audit(session, ctx.workspace_id, device_id, "batch.made", batch.id, source=source)
    return batch


def _without_erased(
    erased: ErasedPeople,
    page: ListPage,
    named: Mapping[Identity, ListedContact],
    unnamed: Sequence[ListedContact],
) -> tuple[dict[Identity, ListedContact], list[ListedContact]]:
    """Return the contacts that are not an erased person's."""

    def is_kept(contact: ListedContact, reference: str) -> bool:
        signs = Signs.of(contact, contact.names, page.package, page.organisation, reference)
        return not erased.are(signs)

    kept = {identity: contact for identity, contact in named.items()
            if is_kept(contact, identity[1])}  # fmt: skip
    return kept, [contact for contact in unnamed if is_kept(contact, "")]


def _receipt(
    session: Session, ctx: WorkspaceContext, key: str, fingerprint: str
) -> AppendReceipt | None:
    known = select(AppendReceipt).filter_by(connection_id=ctx.connection_id, key=key)
    receipt = session.scalar(known)
    if receipt and receipt.fingerprint not in pseudonyms_of(session).forms(fingerprint):
        raise IdempotencyKeyReused
    return receipt


def _batch_to_append_to(
    session: Session, ctx: WorkspaceContext, batch_id: str, page: ListPage
) -> Batch:
    """Return the batch to append to; a file's batch adopts the page's package."""
    batch = get_batch(session, ctx, batch_id, *OPEN_STATES)
    from_file = batch.source is not BatchSource.LIST_PAGE
    package, organisation = page.package, page.organisation
    if batch.package != package and not (from_file and not batch.package):
        raise BatchNotFound
    if batch.organisation != organisation and not (from_file and not batch.organisation):
        raise BatchNotFound
    batch.package, batch.organisation = package, organisation
    return batch


def _new_contacts(
    named: dict[Identity, ListedContact], held: Sequence[Identity]
) -> dict[Identity, ListedContact]:
    """Return the new contacts; without a kind on either side equal references are the same."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for kind, reference in held:
        kinds[reference].add(kind)
    new = {}
    for (kind, reference), contact in sorted(named.items(), key=lambda item: not item[0][0]):
        known = kinds[reference]
        if kind not in known and "" not in known and (kind or not known):
            new[kind, reference] = contact
            known.add(kind)
    return {identity: new[identity] for identity in named if identity in new}


def _learn_kinds(
    session: Session, batch: Batch, named: Mapping[Identity, ListedContact]
) -> list[BatchRow]:
    """Set the kind of rows without one from the page; returns those rows.

    A reference that the page shows for both kinds stays ambiguous.
    """
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for kind, reference in named:
        kinds[reference].add(kind)
    kind_by_reference = {
        reference: next(iter(found)) for reference, found in kinds.items() if len(found) == 1
    }
    learned = []
    for row in _rows_with(session, batch, kind_by_reference):
        if not row.kind and kind_by_reference[row.reference] and row.state is RowState.IDLE:
            row.kind = kind_by_reference[row.reference]
            row.version += 1
            learned.append(row)
    session.flush()
    return learned


def _held(session: Session, batch: Batch) -> list[Identity]:
    held = select(BatchRow.kind, BatchRow.reference).where(
        BatchRow.batch_id == batch.id, BatchRow.reference != ""
    )
    return [(kind, reference) for kind, reference in session.execute(held)]


def _rows_with(session: Session, batch: Batch, references: Iterable[str]) -> list[BatchRow]:
    references = list(references)
    query = select(BatchRow).where(
        BatchRow.batch_id == batch.id, BatchRow.reference.in_(references)
    )
    return list(session.scalars(query)) if references else []


def _add(session: Session, batch: Batch, new: Sequence[tuple[str, str, ListedContact]]) -> None:
    last = session.scalar(select(func.max(BatchRow.position)).where(BatchRow.batch_id == batch.id))
    session.add_all(
        BatchRow(
            batch_id=batch.id,
            position=position,
            reference=reference,
            **plain_details(contact) | {"kind": kind},
        )
        for position, (kind, reference, contact) in enumerate(new, (last or 0) + 1)
    )


def _taken(
    session: Session, ctx: WorkspaceContext, batch_id: str, added: int, completed: int
) -> AppendResult:
    batch = get_batch(session, ctx, batch_id)
    session.flush()
    session.refresh(batch)  # with its creator
    return AppendResult(batch, _count(session, batch_id), added, completed)


def _count(session: Session, batch_id: str) -> int:
    count = select(func.count()).select_from(BatchRow).filter_by(batch_id=batch_id)
    return session.scalar(count) or 0
