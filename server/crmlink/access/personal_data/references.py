"""References that identify an erased person, elsewhere in the database, and their hiding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, String, cast, or_, select
from sqlalchemy.orm import Session

from crmlink.access.personal_data.finding import Subject
from crmlink.access.personal_data.parked import signs_of_parked
from crmlink.access.personal_data.sources import signs_of_contact
from crmlink.folding import compose, fold
from crmlink.kinds import Kind
from crmlink.pseudonyms import holds_pseudonym, may_name
from crmlink.store import (
    AppendReceipt,
    Batch,
    BatchRow,
    ChecklistAnswer,
    Link,
    MirroredRecord,
    RecordField,
    RejectedBatchRow,
    RowState,
)
from crmlink.store.connections import connections_of
from crmlink.store.erased import (
    ERASED,
    ErasedPeople,
    Signs,
    erased_people,
    label_keys,
    pseudonyms_of,
    remember_erased,
)
from crmlink.store.folded import carries
from crmlink.store.hidden_references import (
    contact_emails,
    hidden_failure,
    hide_references,
    hide_row_reference,
    signs_of_link,
)

NOT_WORDS = re.compile(r"[\W_]+")
MIN_WORD_LENGTH = 4  # characters; shorter words would match inside others
Row = TypeVar("Row", Link, BatchRow)
STILL_TO_WRITE = (
    RowState.IDLE, RowState.WAITING, RowState.PROCESSING, RowState.WRITTEN, RowState.FILLING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """The person being erased: keys of all erased people, and this one's references and words."""

    people: ErasedPeople
    references: frozenset[str]  # those that may identify the person
    words: frozenset[str]  # names, references and emails, to remove from free text

    def without(self, value: Any) -> Any:
        """Return free text or a document without the person's names, references and emails."""
        if isinstance(value, str):
            value = compose(value)
            for word in sorted(map(compose, self.words), key=len, reverse=True):
                value = re.sub(
                    rf"(?<!\w){re.escape(word)}(?!\w)", ERASED, value, flags=re.IGNORECASE
                )
            return value
        if isinstance(value, list):
            return [self.without(each) for each in value]
        if isinstance(value, dict):
            return {name: self.without(each) for name, each in value.items()}
        return value


def remember(session: Session, workspace_id: int, found: Subject) -> Known:
    """Store keyed hashes of the person's identifying data, before it is erased."""
    pseudonyms = pseudonyms_of(session)
    links, rows, certain = found.links.values(), found.rows.values(), found.certain_rows
    references = {link.reference for link in links} | {row.reference for row in certain}
    references |= {record.reference or "" for record in found.records}
    references |= {each.reference for each in found.parked}
    references |= {value for each in found.contacts for value in (each.reference, each.code)}
    naming = {each for each in references if each and may_name(each)}
    keys = {pseudonyms.of(reference) for reference in naming}
    keys |= {pseudonyms.sign_of("email", email) for email in found.own_emails}
    keys |= {
        key
        for record in found.records
        if not record.erased_at
        for name in (record.label, record.name, record.company)
        for key in label_keys(pseudonyms, name)
    }
    signs = [_signs_of_record(record) for record in found.records]
    signs += [signs_of_link(link) for link in links if not holds_pseudonym(link.reference)]
    signs += [_signs_of_row(session, row) for row in rows if row.name != ERASED]
    signs += [signs_of_parked(each) for each in found.parked]
    signs += [signs_of_contact(session, each) for each in found.contacts]
    for sign in signs:
        keys.update(sign.keys(pseudonyms))
    remember_erased(session, workspace_id, keys)
    words = {found.email, *found.own_emails, *naming, *(link.contact_name for link in links)}
    for record in found.records:
        words |= {record.name, record.company, record.email, *record.other_emails}
    words |= {row.name for row in certain}
    words |= {each.name for each in found.parked} | {each.name for each in found.contacts}
    words.update(*((row.email, *row.other_emails) for row in certain))
    words.update(*(contact_emails(link.differences) for link in links))
    kept = {word for word in words if len(word) >= MIN_WORD_LENGTH and word != ERASED}
    return Known(erased_people(session, workspace_id), frozenset(naming), frozenset(kept))


def hide_references_everywhere(session: Session, workspace_id: int, known: Known) -> None:
    """Hide their references on other records, and in those records' links."""
    here = connections_of(workspace_id)
    records = select(MirroredRecord).where(carries(MirroredRecord.reference, known.references))
    for record in session.scalars(records.where(MirroredRecord.connection_id.in_(here))):
        record.reference = known.people.hidden(record.reference)
    values = select(Link.id, Link.reference, Link.prior, Link.target)
    for link in _with(session, Link, values.where(Link.connection_id.in_(here)), known):
        hide_references(link, known.people)
    differing = select(Link).where(
        Link.connection_id.in_(here), cast(Link.differences, String).contains("{")
    )
    for link in session.scalars(differing):
        _set(link, "differences", known.without(link.differences))
    failed = select(Link).where(Link.connection_id.in_(here), Link.failure.is_not(None))
    for link in session.scalars(failed):
        if link.failure:
            link.failure = known.people.hidden_facts(link.failure)
    session.flush()


def hide_in_lists(session: Session, workspace_id: int, known: Known) -> None:
    """Hide the person in lists: rows' references, results, overrides, names and receipts.

    A row still to be written keeps its reference until it is settled.
    """
    pseudonyms = known.people.pseudonyms
    mine = select(Batch.id).where(Batch.connection_id.in_(connections_of(workspace_id)))
    rows = select(BatchRow).where(BatchRow.batch_id.in_(mine))
    settled = BatchRow.state.not_in(STILL_TO_WRITE)
    for row in session.scalars(rows.where(settled, BatchRow.erased_at.is_not(None))).all():
        hide_row_reference(session, row)
        row.failure = hidden_failure(row.failure, pseudonyms)
    values = select(BatchRow.id, BatchRow.reference).where(BatchRow.batch_id.in_(mine), settled)
    for row in _with(session, BatchRow, values, known):
        hide_row_reference(session, row)
    mentions = or_(
        *(cast(facts, String).contains("{")
          for facts in (BatchRow.failure, BatchRow.conflict, BatchRow.agreed))
    )  # fmt: skip
    for row in session.scalars(rows.where(mentions)):
        for field in ("failure", "conflict", "agreed"):
            _set(row, field, known.people.hidden_facts(getattr(row, field)))
    for bad in session.scalars(select(RejectedBatchRow).where(RejectedBatchRow.batch_id.in_(mine))):
        _set(bad, "args", {name: _hidden(known, value) for name, value in bad.args.items()})
    for batch in session.scalars(select(Batch).where(Batch.id.in_(mine))):
        for field in ("name", "file_name"):
            _set(batch, field, known.without(getattr(batch, field)))
    for page in session.scalars(select(AppendReceipt).where(AppendReceipt.batch_id.in_(mine))):
        page.fingerprint = pseudonyms.of(page.fingerprint)
    session.flush()


def _hidden(known: Known, value: Any) -> Any:
    """Return a value of a line that was left out, without the person in whatever spelling."""
    rest = known.without(value)
    mentions = isinstance(rest, str) and known.people.are_mentioned_in(rest)
    return ERASED if mentions else rest


def forget_shown_fields(session: Session, workspace_id: int, known: Known) -> list[Kind]:
    """Delete fields whose label names the person; returns the kinds of records they were of."""
    fields = session.scalars(select(RecordField).filter_by(workspace_id=workspace_id)).all()
    texts = [(field, f"{field.label}\n{field.section}") for field in fields]
    naming = [field for field, held in texts if known.without(held) != compose(held)]
    for field in naming:
        session.delete(field)
    session.flush()
    return [field.kind for field in naming]


def forget_answers(session: Session, workspace_id: int, known: Known) -> list[str]:
    """Delete answers of the checklist that name the person; returns their questions."""
    answers = session.scalars(select(ChecklistAnswer).filter_by(workspace_id=workspace_id)).all()
    naming = [
        answer
        for answer in answers
        for held in (compose(answer.text), NOT_WORDS.sub(" ", compose(answer.text)))
        if known.without(held) != held
    ]
    for answer in {answer.id: answer for answer in naming}.values():
        session.delete(answer)
    session.flush()
    return sorted({answer.question for answer in naming})


def _signs_of_record(record: MirroredRecord) -> Signs:
    reference = record.reference or ""
    names = (record.name, record.company)
    return Signs.of(record, names, reference=reference if may_name(reference) else "")


def _signs_of_row(session: Session, row: BatchRow) -> Signs:
    batch = session.get_one(Batch, row.batch_id)
    names = (row.name, row.company, row.person)
    return Signs.of(row, names, batch.package, batch.organisation, row.reference)


def _with(
    session: Session, table: type[Row], values: Select[*tuple[Any, ...]], known: Known
) -> list[Row]:
    """Return the rows of a table with one of their references among the selected values."""
    folded = {fold(reference) for reference in known.references}
    found = [
        row_id
        for row_id, *held in session.execute(values)
        if any(value and fold(value) in folded for value in held)
    ]
    return [session.get_one(table, row_id) for row_id in found]


def _set(row: object, field: str, value: Any) -> None:
    if getattr(row, field) != value:
        setattr(row, field, value)
