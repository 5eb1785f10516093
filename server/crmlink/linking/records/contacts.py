"""Suggestions from a record's side: the contacts of kept lists that may be a record's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.listed_details import row_details
from crmlink.linking.live_contacts import PREFIX, as_rows
from crmlink.linking.live_matcher import details
from crmlink.linking.suggest import MIN_PROBABILITY, find_record, holders, records_by_id
from crmlink.matching import Reason, Suggestion
from crmlink.store import Batch, BatchRow, Choice, MirroredRecord

MAX_CONTACTS = 20  # contacts nearest to the record
MAX_RIVALS = 10  # records nearest to each of them


@dataclass(frozen=True, slots=True)
class ContactSuggestion:
    """A contact that may be the record's, as its list has it.

    ``suggestion`` is of the record for the contact. ``holder`` is a record that has the contact's
    reference already, this one or another; ``chosen`` one that its list's review has given it to.
    """

    row: BatchRow
    batch: Batch
    suggestion: Suggestion
    holder: MirroredRecord | None
    chosen: MirroredRecord | None


@dataclass(frozen=True, slots=True)
class RecordContacts:
    """Contacts for a record, likeliest first; ``known`` and ``indexed`` as in KnownContacts."""

    record: MirroredRecord
    known: int
    indexed: int
    items: tuple[ContactSuggestion, ...]


def suggest_contacts(ctx: WorkspaceContext, record_id: str, limit: int = 5) -> RecordContacts:
    """Return the likeliest contacts for a record, at most ``limit``.

    A contact counts only as far as it fits in both directions: no other contact may fit the record
    as well, and no other record the contact. Raises RecordUnknown or RecordGone.
    """
    with ctx.database.reading() as session:
        record = find_record(session, ctx.connection_id, record_id)
    contacts = ctx.contacts.current()
    near = {
        item.record_id: item
        for item in contacts.matcher.suggest(details(record), MAX_CONTACTS).items
        if item.probability >= MIN_PROBABILITY
    }
    with ctx.database.reading() as session:
        rows = _listed(session, ctx, list(near))
        fitting = [
            (row, batch, found)
            for index_id, row, batch in rows
            if (found := _both_ways(ctx, record, row, near[index_id]))
        ]
        fitting.sort(key=lambda each: (-each[2].probability, each[0].id))
        items = [_with_rivals(session, ctx, *each) for each in fitting[:limit]]
    return RecordContacts(record, contacts.known, contacts.indexed, tuple(items))


def _listed(
    session: Session, ctx: WorkspaceContext, index_ids: list[str]
) -> list[tuple[str, BatchRow, Batch]]:
    """Return the rows and live contacts with their ids in the index, as they are now."""
    ids = [int(index_id) for index_id in index_ids if not index_id.startswith(PREFIX)]
    live = [int(index_id.removeprefix(PREFIX)) for index_id in index_ids if index_id not in
            set(map(str, ids))]  # fmt: skip
    query = (
        select(BatchRow, Batch)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            BatchRow.id.in_(ids),
            BatchRow.erased_at.is_(None),
            BatchRow.reference != "",
            Batch.connection_id == ctx.connection_id,
        )
    )
    packages = ctx.packages["packages"]
    listed = [(str(row.id), row, batch) for row, batch in session.execute(query)]
    listed += [(f"{PREFIX}{row.id}", row, batch) for row, batch in as_rows(session, live)]
    return [each for each in listed if each[2].package in packages]


def _both_ways(
    ctx: WorkspaceContext, record: MirroredRecord, row: BatchRow, of_contact: Suggestion
) -> Suggestion | None:
    """Return the record's suggestion for a contact, no likelier than the contact's for it."""
    offered = ctx.index.matcher().suggest(row_details(row), MAX_RIVALS).items
    of_record = next((item for item in offered if item.record_id == record.public_id), None)
    if of_record is None:
        return None
    probability = min(of_record.probability, of_contact.probability)
    if probability < MIN_PROBABILITY:
        return None
    sure = of_record.sure and of_contact.sure
    return replace(
        of_record, probability=probability, sure=sure, reasons=_reasons(of_record, of_contact)
    )


def _reasons(of_record: Suggestion, of_contact: Suggestion) -> tuple[Reason, ...]:
    """Return the record's reasons, with what other contacts add to them."""
    codes = {reason.code for reason in of_record.reasons}
    notes = {reason.code for reason in of_contact.reasons} - codes
    rivals = []
    if "near_tie" in notes:
        rivals.append(Reason("near_tie", {}, None))
    if "namesake" in notes:
        rivals.append(Reason("namesake", {"kind": "contact"}, None))
    return (*of_record.reasons, *rivals)


def _with_rivals(
    session: Session, ctx: WorkspaceContext, row: BatchRow, batch: Batch, found: Suggestion
) -> ContactSuggestion:
    held_by = holders(session, ctx.connection_id, row.reference)
    own = [holder for holder in held_by if holder.public_id == found.record_id]
    holder = next(iter([*own, *held_by]), None)
    chosen = None
    if row.choice is Choice.RECORD and row.record_id:
        chosen = records_by_id(session, ctx.connection_id, [row.record_id]).get(row.record_id)
    taken = any(other and other.public_id != found.record_id for other in (holder, chosen))
    return ContactSuggestion(
        row, batch, replace(found, sure=found.sure and not taken), holder, chosen
    )
