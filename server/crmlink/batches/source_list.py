"""A list of a live source's contacts, as from a file but with exact references."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from crmlink.accounting.exports.reader import ExportedContact
from crmlink.batches.file_import import ImportResult, import_rows
from crmlink.kinds import kind_named
from crmlink.linking.context import WorkspaceContext
from crmlink.sources.connecting import find_source
from crmlink.store import Batch, BatchSource, ContactState, SourceContact
from crmlink.values.contact_details import stored_fields

CHUNK_SIZE = 1_000
LISTED = (ContactState.ACTIVE, ContactState.ARCHIVED)  # merged and deleted ones are no targets


def list_from_source(
    ctx: WorkspaceContext, device_id: int, source_id: str, name: str
) -> ImportResult:
    """Return a draft with a source's contacts. Raises SourceNotFound, or ExportError if none."""
    with ctx.database.reading() as session:
        source = find_source(session, ctx.workspace_id, source_id)
    batch = Batch(
        connection_id=ctx.connection_id, device_id=device_id, package=source.package,
        organisation=source.organisation, name=name, source=BatchSource.LIVE,
    )  # fmt: skip
    return import_rows(ctx, device_id, batch, _contacts(ctx, source.id))


def _contacts(ctx: WorkspaceContext, source_id: int) -> Iterator[ExportedContact]:
    """Yield the contacts, each reference of a kind once, active ones before archived ones."""
    seen: set[tuple[str, str]] = set()
    for state in LISTED:
        for contact in _stored(ctx, source_id, state):
            identity = (contact.kind, contact.reference)
            if identity not in seen:
                seen.add(identity)
                yield _as_exported(contact)


def _stored(ctx: WorkspaceContext, source_id: int, state: ContactState) -> Iterator[SourceContact]:
    last = 0
    while True:
        with ctx.database.reading() as session:
            found = session.scalars(
                select(SourceContact)
                .where(
                    SourceContact.source_id == source_id,
                    SourceContact.state == state,
                    SourceContact.id > last,
                )
                .order_by(SourceContact.id)
                .limit(CHUNK_SIZE)
            ).all()
        if not found:
            return
        yield from found
        last = found[-1].id


def _as_exported(contact: SourceContact) -> ExportedContact:
    details = stored_fields(
        contact, kind=kind_named(contact.kind), retired=contact.state is ContactState.ARCHIVED
    )
    return ExportedContact(line=0, reference=contact.reference, **details)
