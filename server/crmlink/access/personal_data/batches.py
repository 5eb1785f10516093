"""Personal data in whole lists, and its erasure with a person or after retention."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from crmlink.folding import fold, spellings
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    RejectedBatchRow,
    RowState,
    SuspectedDuplicate,
)
from crmlink.store.base import utc_now
from crmlink.store.connections import connections_of
from crmlink.store.erased import ERASED
from crmlink.values.contact_details import DETAIL_COLUMNS

MIN_PROBABILITY = 0.5  # minimum probability at which the best record counts as the row's
PERSONAL_COLUMNS = ("reference", *DETAIL_COLUMNS, "open_pence")
PERSONAL_PARAMS = (
    "record",
    "holders",
    "contact",
    "by",
    "sentence",
)  # failure parameters that may be names
ENDED_STATES = (BatchState.DONE, BatchState.CANCELLED, BatchState.UNDONE)
UNFINISHED = (BatchState.IMPORTING, BatchState.DRAFT, BatchState.REVIEW)


@dataclass(frozen=True, slots=True)
class Clues:
    """Folded data that identifies a person in lists; ``own_emails`` suffice by themselves.

    ``names`` are their ``spellings``.
    """

    names: frozenset[str]
    references: frozenset[str]
    own_emails: frozenset[str]
    emails: frozenset[str]
    record_ids: frozenset[str]
    link_ids: frozenset[str]

    def are_named(self, names: Iterable[str]) -> bool:
        """Return whether one of the names is theirs, in whatever spelling."""
        return any(not self.names.isdisjoint(spellings(name)) for name in names)


class _Facts(NamedTuple):
    """Data that tells whose a row is."""

    id: int
    choice: Choice
    record_id: str | None
    link_id: str | None
    best: str | None
    probability: float | None
    reference: str
    name: str
    company: str
    email: str
    other_emails: list[str]


def find_rows(session: Session, workspace_id: int, clues: Clues) -> list[BatchRow]:
    """Return rows of a person: of their email, link or record, or undecided and similar.

    Similar: the same reference, a record of theirs as the likeliest, or their name without another
    email that contradicts. A row that a user gave to another record is not theirs.
    """
    columns = [getattr(BatchRow, name) for name in _Facts._fields]
    query = (
        select(*columns)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(Batch.connection_id.in_(connections_of(workspace_id)))
        .execution_options(yield_per=5_000)
    )
    found = [row.id for row in map(_Facts._make, session.execute(query)) if _is_theirs(row, clues)]
    return [session.get_one(BatchRow, row_id) for row_id in found]


def _is_theirs(row: _Facts, clues: Clues) -> bool:
    emails = {fold(email) for email in (row.email, *row.other_emails) if email}
    if not emails.isdisjoint(clues.own_emails) or row.link_id in clues.link_ids:
        return True
    if row.choice is Choice.RECORD:
        return row.record_id in clues.record_ids
    if row.reference and fold(row.reference) in clues.references:
        return True
    if row.best in clues.record_ids and (row.probability or 0.0) >= MIN_PROBABILITY:
        return True
    named = clues.are_named((row.name, row.company))
    return named and (not emails or not emails.isdisjoint(clues.emails))


def erase_rows(session: Session, rows: Iterable[BatchRow]) -> None:
    """Delete rows of which nothing was written; anonymise the others."""
    for row in rows:
        if row.state is RowState.IDLE and row.link_id is None:
            session.execute(delete(BatchRow).where(BatchRow.id == row.id))
            session.expunge(row)
        else:
            _empty(session, [BatchRow.id == row.id], erased_at=utc_now())
            session.refresh(row)


def forget_records(session: Session, workspace_id: int, record_ids: Sequence[str]) -> None:
    """Delete the reasons for suggesting these records; ids and probabilities stay."""
    for record_id in record_ids:
        mentions = cast(BatchRow.suggestions, String).contains(f'["{record_id}"', autoescape=True)
        rows = session.scalars(
            select(BatchRow)
            .join(Batch, Batch.id == BatchRow.batch_id)
            .where(Batch.connection_id.in_(connections_of(workspace_id)), mentions)
        )
        for row in rows:
            row.suggestions = [
                [*item[:3], []] if item[0] == record_id else item for item in row.suggestions
            ]
        session.execute(
            delete(SuspectedDuplicate).where(
                SuspectedDuplicate.connection_id.in_(connections_of(workspace_id)),
                or_(
                    SuspectedDuplicate.first_id == record_id,
                    SuspectedDuplicate.second_id == record_id,
                ),
            )
        )


def redact_failures(session: Session, workspace_id: int, names: Collection[str]) -> None:
    """Redact names of records and people in other rows' failures."""
    mine = select(Batch.id).where(Batch.connection_id.in_(connections_of(workspace_id)))
    _rename_in_failures(session, [BatchRow.batch_id.in_(mine)], names)


def delete_unfinished_batches(session: Session, workspace_id: int, before: datetime) -> int:
    """Delete abandoned lists; returns their number of contacts."""
    stale = list(
        session.scalars(
            select(Batch.id).where(
                Batch.connection_id.in_(connections_of(workspace_id)),
                Batch.state.in_(UNFINISHED),
                Batch.updated_at < before,
            )
        )
    )
    rows = session.execute(delete(BatchRow).where(BatchRow.batch_id.in_(stale)))
    session.execute(delete(Batch).where(Batch.id.in_(stale)))
    return int(rows.rowcount)  # type: ignore[attr-defined] # a delete has it


def anonymise_finished_batches(session: Session, workspace_id: int, before: datetime) -> int:
    """Anonymise finished lists; each row's outcome stays.

    References stay too, even if they are names: links are found and undone by them. Returns how
    many rows and bad lines were anonymised.
    """
    old = select(Batch.id).where(
        Batch.connection_id.in_(connections_of(workspace_id)),
        Batch.state.in_(ENDED_STATES),
        Batch.updated_at < before,
    )
    emptied = _empty(session, [BatchRow.batch_id.in_(old), BatchRow.name != ERASED])
    bad = session.execute(delete(RejectedBatchRow).where(RejectedBatchRow.batch_id.in_(old)))
    return emptied + int(bad.rowcount)  # type: ignore[attr-defined] # as below


def _empty(session: Session, rows: list[ColumnElement[bool]], **more: Any) -> int:
    _rename_in_failures(session, rows, None)
    blank = dict.fromkeys(("company", "person", "address", "town", "postcode", "email"), "")
    emptied = session.execute(
        update(BatchRow)
        .where(*rows)
        .values(
            **blank, name=ERASED, account_number="", phones=[], suggestions=[], open_pence=None,
            other_emails=[], other_addresses=[],
            agreed={}, **more,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return int(emptied.rowcount)  # type: ignore[attr-defined] # an update has it


def _rename_in_failures(
    session: Session, rows: list[ColumnElement[bool]], names: Collection[str] | None
) -> None:
    """Redact names in rows' failures; names=None redacts every name."""
    has_facts = cast(BatchRow.failure, String).contains("{")  # neither NULL nor JSON's null
    for row in session.scalars(select(BatchRow).where(*rows, has_facts)):
        row.failure = {
            fact: _redact(value, names) if fact in PERSONAL_PARAMS else value
            for fact, value in (row.failure or {}).items()
        }
    session.flush()


def _redact(value: Any, names: Collection[str] | None) -> Any:
    if isinstance(value, list):
        return [_redact(item, names) for item in value]
    return ERASED if isinstance(value, str) and (names is None or value in names) else value
