"""Import of an export file as a draft, whose contacts are streamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, insert

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import (
    DetectedFormat,
    ExportedContact,
    RejectedRow,
    Source,
    import_hints,
    read_contacts,
    unread_text,
)
from crmlink.batches.state import ago, bump_version, is_free
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ManyLinesLeftOut
from crmlink.store import Batch, BatchRow, BatchSource, BatchState, RejectedBatchRow
from crmlink.store.base import new_id
from crmlink.store.erased import ErasedPeople, Signs, erased_people
from crmlink.store.quotas import Quota, require_room, require_rows
from crmlink.values.contact_details import plain_details

log = structlog.get_logger()

CHUNK_SIZE = 1_000  # rows per transaction, so that others can write in between
MAX_BAD_ROWS = 10_000  # stored with their reasons; all are counted
ABANDONED_HOURS = 2  # for imports of versions without owners
MANY_LEFT_OUT = 20  # one line in so many may be skipped without agreement


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of an import: the draft, numbers of contacts and bad rows, and hints."""

    batch: Batch
    contacts: int
    bad: int
    advice: list[str]


@dataclass(frozen=True, slots=True)
class ListFile:
    """An export file to import, with its format, its organisation and the list's name."""

    source: Source
    filename: str
    found: DetectedFormat
    organisation: str = ""
    name: str = ""
    came_from: BatchSource = BatchSource.FILE


def import_file(
    ctx: WorkspaceContext, device_id: int, file: ListFile, agreed: int = 0
) -> ImportResult:
    """Return a new draft with every contact of the file; bad rows are stored with a reason.

    ``agreed`` is the number of lines the user agreed to skip. Raises ManyLinesLeftOut if more than
    1 in 20 would be skipped without that, ExportError, UnknownPackage, QuotaReached or
    ConnectionEnded; then nothing is stored.
    """
    shown, found = Path(file.filename).name, file.found
    batch = Batch(
        connection_id=ctx.connection_id, device_id=device_id, package=found.package or "",
        organisation=file.organisation, kind=found.kind, name=file.name or shown,
        source=file.came_from,
        file_name=shown, recognised=found.without_contents().as_dict(),
    )  # fmt: skip
    unread: Counter[str] = Counter()
    rows = counting_unread(read_contacts(file.source, found, ctx.packages), unread)
    done = import_rows(ctx, device_id, batch, rows, agreed)
    return replace(done, advice=[*import_hints(found, ctx.packages), *unread_text(unread)])


def import_rows(
    ctx: WorkspaceContext,
    device_id: int,
    batch: Batch,
    rows: Iterable[ExportedContact | RejectedRow],
    agreed: int = 0,
) -> ImportResult:
    """Store a new batch as a draft with its rows, in several transactions.

    Raises ManyLinesLeftOut, ExportError, QuotaReached or ConnectionEnded; then nothing is stored.
    """
    lease = new_id()
    ctx.ownership.working_on.add(lease)
    try:
        with ctx.database.writing() as session:
            ctx.require_in_use(session)
            require_room(session, ctx.workspace_id, Quota.LISTS)
            batch.state, batch.lease = BatchState.IMPORTING, lease
            batch.lease_owner_id = ctx.ownership.register(session)
            session.add(batch)
        contacts, bad = _store_or_delete(ctx, batch, rows, agreed)
        done = _finish(ctx, device_id, batch.id, contacts, bad)
    finally:
        ctx.ownership.working_on.discard(lease)
    return ImportResult(done, contacts, bad, [])


def counting_unread(
    rows: Iterable[ExportedContact | RejectedRow], unread: Counter[str]
) -> Iterator[ExportedContact | RejectedRow]:
    """Yield the rows, and count by field the contacts of which a value could not be read."""
    for row in rows:
        if isinstance(row, ExportedContact):
            unread.update(row.unread)
        yield row


def are_many(left_out: int, lines: int) -> bool:
    """Return whether skipping so many of a file's lines needs the user's agreement."""
    return left_out * MANY_LEFT_OUT > lines


def delete_unfinished_imports(ctx: WorkspaceContext) -> int:
    """Delete interrupted imports, as after a power failure; returns how many."""
    with ctx.database.reading() as session:
        stale = [
            batch.id
            for batch in session.query(Batch).filter(
                Batch.connection_id == ctx.connection_id, Batch.state == BatchState.IMPORTING
            )
            if is_free(session, ctx.ownership, batch)
            and (batch.lease or batch.updated_at < ago(hours=ABANDONED_HOURS))
        ]
    _delete(ctx, stale)
    return len(stale)


def without_erased(
    erased: ErasedPeople,
    package: str,
    organisation: str,
    rows: Iterable[ExportedContact | RejectedRow],
) -> Iterator[ExportedContact | RejectedRow]:
    """Yield the rows, with a nameless bad row in place of each erased person's."""
    for row in rows:
        if isinstance(row, ExportedContact):
            signs = Signs.of(row, row.names, package, organisation, row.reference)
            yield RejectedRow(row.line, "erased", {}) if erased.are(signs) else row
        else:
            facts = [fact for fact in row.args.values() if isinstance(fact, str)]
            named = any(erased.hidden(fact) != fact or erased.are_mentioned_in(fact)
                        for fact in facts)  # fmt: skip
            yield RejectedRow(row.line, "erased", {}) if named else row


def _store_or_delete(
    ctx: WorkspaceContext, batch: Batch, rows: Iterable[ExportedContact | RejectedRow], agreed: int
) -> tuple[int, int]:
    try:
        contacts, bad, lost = _keep(ctx, batch, rows)
        if contacts and are_many(lost, contacts + lost) and lost > agreed:
            raise ManyLinesLeftOut(left_out=lost, contacts=contacts)
    except BaseException:
        _delete(ctx, [batch.id])
        raise
    if not contacts:
        _delete(ctx, [batch.id])
        raise ExportError("no_table")
    return contacts, bad


def _keep(
    ctx: WorkspaceContext, batch: Batch, rows: Iterable[ExportedContact | RejectedRow]
) -> tuple[int, int, int]:
    """Store the rows; returns the numbers of contacts, of bad rows, and of likely contacts lost.

    Erased people are looked up in each transaction: erasure may happen during a long import.
    """
    contacts = bad = lost = 0
    incoming = iter(rows)
    while read := list(islice(incoming, CHUNK_SIZE)):
        with ctx.database.writing() as session:
            erased = erased_people(session, ctx.workspace_id)
            some = list(without_erased(erased, batch.package, batch.organisation, read))
            good = [row for row in some if isinstance(row, ExportedContact)]
            others = [row for row in some if isinstance(row, RejectedRow)]
            listed = others[: max(0, MAX_BAD_ROWS - bad)]
            if good:
                require_rows(session, ctx.workspace_id, contacts + len(good))
                session.execute(insert(BatchRow), list(_values(batch.id, good, contacts)))
            if listed:
                bad_values = [
                    {"batch_id": batch.id, "line": row.line, "code": row.code, "args": {**row.args}}
                    for row in listed
                ]
                session.execute(insert(RejectedBatchRow), bad_values)
            contacts, bad = contacts + len(good), bad + len(others)
            lost += sum(row.may_be_contact for row in others)
    return contacts, bad, lost


def _values(
    batch_id: str, contacts: list[ExportedContact], before: int
) -> Iterator[dict[str, Any]]:
    for position, contact in enumerate(contacts, before + 1):
        newest = max(filter(None, (contact.created, contact.last_used)), default=None)
        yield (
            {
                "batch_id": batch_id,
                "position": position,
                "line": contact.line,
                "reference": contact.reference,
                "open_pence": _pence(contact.open_balance),
                "newest": newest,
            }
            | plain_details(contact)
            | {"kind": contact.kind or ""}
        )


def _pence(money: Decimal | None) -> int | None:
    return None if money is None else round(money * 100)


def _finish(ctx: WorkspaceContext, device_id: int, batch_id: str, contacts: int, bad: int) -> Batch:
    with ctx.database.writing() as session:
        batch = session.get_one(Batch, batch_id)
        batch.state, batch.bad_rows = BatchState.DRAFT, bad
        batch.lease, batch.lease_owner_id = "", None
        bump_version(batch)
        record_audit(
            session, ctx.workspace_id, device_id, "batch.imported", batch_id,
            package=batch.package, contacts=contacts, bad=bad,
        )  # fmt: skip
    log.info("file imported", batch=batch_id, contacts=contacts, bad=bad)
    return batch


def _delete(ctx: WorkspaceContext, batch_ids: list[str]) -> None:
    for batch_id in batch_ids:
        with ctx.database.writing() as session:
            session.execute(delete(BatchRow).where(BatchRow.batch_id == batch_id))
            session.execute(delete(Batch).where(Batch.id == batch_id))
