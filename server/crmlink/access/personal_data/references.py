"""References that name an erased person, wherever else they are kept, and how they are hidden."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crmlink.pseudonyms import holds_pseudonym, may_name
from crmlink.store import (
    AppendReceipt,
    Batch,
    BatchRow,
    Link,
    MirroredRecord,
    ParkedContact,
    RejectedBatchRow,
    RowState,
)
from crmlink.store.connections import connections_of
from crmlink.store.erased import (
    ErasedPeople,
    Signs,
    erased_people,
    pseudonyms_of,
    remember_erased,
)
from crmlink.store.hidden_references import ERASED, hidden_failure, hide_references

SHORTEST = 4  # characters; a shorter word would be found in the middle of others
STILL_TO_WRITE = (RowState.IDLE, RowState.WAITING, RowState.PROCESSING)


@dataclass(frozen=True, slots=True)
class Known:
    """Who is being erased: everybody's keys, and this one's references and words."""

    people: ErasedPeople
    references: frozenset[str]  # those that may name them
    words: frozenset[str]  # names, references and emails, to be taken out of free text


def remember(
    session: Session,
    workspace_id: int,
    email: str,
    records: Sequence[MirroredRecord],
    links: Sequence[Link],
    rows: Sequence[BatchRow],
    parked: Sequence[ParkedContact] = (),
) -> Known:
    """Keep keyed hashes of all that the person can be known by again; before it is emptied.

    ``email`` is how they were named. An email alone is a key only then: one that is known from a
    record may be a firm's that many share.
    """
    pseudonyms = pseudonyms_of(session)
    ids, emails = {record.public_id for record in records}, {email.lower()} - {""}
    certain = [row for row in rows if row.record_id in ids or row.email.lower() in emails]
    references = {link.reference for link in links} | {record.reference for record in records}
    references |= {row.reference for row in certain} | {each.reference for each in parked}
    naming = {each for each in references if each and may_name(each)}
    keys = {pseudonyms.of(reference) for reference in naming}
    if email:
        keys.add(pseudonyms.sign_of("email", email))
    signs = [_signs_of_record(record) for record in records]
    identities = [(link.package, link.organisation, link.reference) for link in links]
    identities += [(each.package, each.organisation, each.reference) for each in parked]
    signs += [
        Signs(package=package, organisation=organisation, reference=reference)
        for package, organisation, reference in identities
        if not holds_pseudonym(reference)
    ]
    for sign in signs:
        keys.update(sign.keys(pseudonyms))
    remember_erased(session, workspace_id, keys)
    words = {email, *naming, *(link.contact_name for link in links)}
    for record in records:
        words |= {record.name, record.company, record.email, *record.other_emails}
    words |= {row.name for row in certain} | {each.name for each in parked}
    kept = {word for word in words if len(word) >= SHORTEST and word != ERASED}
    return Known(erased_people(session, workspace_id), frozenset(naming), frozenset(kept))


def hide_references_everywhere(session: Session, workspace_id: int, known: Known) -> None:
    """Hide their references where they are on other records, and in the links of those."""
    here = connections_of(workspace_id)
    records = _with(select(MirroredRecord), known, MirroredRecord.reference)
    for record in session.scalars(records.where(MirroredRecord.connection_id.in_(here))):
        record.reference = known.people.hidden(record.reference)
    links = _with(select(Link), known, Link.reference, Link.prior, Link.target)
    for link in session.scalars(links.where(Link.connection_id.in_(here))):
        hide_references(link, known.people)
    failed = select(Link).where(Link.connection_id.in_(here), Link.failure.is_not(None))
    for link in session.scalars(failed):
        if link.failure:
            link.failure = known.people.hidden_facts(link.failure)
    session.flush()


def hide_in_lists(session: Session, workspace_id: int, known: Known) -> None:
    """Hide the person in lists: rows' references, what was found and agreed, names, receipts.

    A row that is still to be written keeps its reference until it is settled.
    """
    pseudonyms = known.people.pseudonyms
    mine = select(Batch.id).where(Batch.connection_id.in_(connections_of(workspace_id)))
    rows = select(BatchRow).where(BatchRow.batch_id.in_(mine))
    settled = rows.where(BatchRow.state.not_in(STILL_TO_WRITE))
    for row in session.scalars(settled.where(BatchRow.name == ERASED)):
        row.reference = pseudonyms.hidden(row.reference) or ""
        row.failure = hidden_failure(row.failure, pseudonyms)
    for row in session.scalars(_with(settled, known, BatchRow.reference)):
        row.reference = known.people.hidden(row.reference) or ""
    told = or_(
        *(cast(facts, String).contains("{")
          for facts in (BatchRow.failure, BatchRow.conflict, BatchRow.agreed))
    )  # fmt: skip
    for row in session.scalars(rows.where(told)):
        for field in ("failure", "conflict", "agreed"):
            _set(row, field, known.people.hidden_facts(getattr(row, field)))
    for bad in session.scalars(select(RejectedBatchRow).where(RejectedBatchRow.batch_id.in_(mine))):
        _set(bad, "args", {name: _without(value, known) for name, value in bad.args.items()})
    for batch in session.scalars(select(Batch).where(Batch.id.in_(mine))):
        for field in ("name", "file_name"):
            _set(batch, field, _without(getattr(batch, field), known))
    for page in session.scalars(select(AppendReceipt).where(AppendReceipt.batch_id.in_(mine))):
        page.fingerprint = pseudonyms.of(page.fingerprint)
    session.flush()


def _signs_of_record(record: MirroredRecord) -> Signs:
    reference = record.reference or ""
    return Signs(
        frozenset((record.name, record.company)),
        (record.email, *record.other_emails), record.postcode,
        tuple(record.phones), reference=reference if may_name(reference) else "",
    )  # fmt: skip


def _with(query: Select[Any], known: Known, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """A query for rows that hold one of the person's references, in whatever case."""
    lowered = [func.lower(reference) for reference in known.references]
    return query.where(or_(*(func.lower(column).in_(lowered) for column in columns)))


def _set(row: object, field: str, value: Any) -> None:
    if getattr(row, field) != value:
        setattr(row, field, value)


def _without(value: Any, known: Known) -> Any:
    """Free text, alone or in a document, without the person's names, references and emails."""
    if isinstance(value, str):
        for word in sorted(known.words, key=len, reverse=True):
            value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", ERASED, value, flags=re.IGNORECASE)
        return value
    if isinstance(value, list):
        return [_without(each, known) for each in value]
    if isinstance(value, dict):
        return {name: _without(each, known) for name, each in value.items()}
    return value
