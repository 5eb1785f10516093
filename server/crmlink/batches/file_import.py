"""From an export file to a draft: recognised, perhaps corrected, read in a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, insert

from crmlink.accounting.exports.errors import ExportRefused
from crmlink.accounting.exports.reader import (
    BadRow,
    Columns,
    DateOrder,
    ExportedContact,
    Recognised,
    Source,
    advice,
    read_contacts,
    recognise,
)
from crmlink.batches.state import ago, is_free, touch
from crmlink.kinds import Kind
from crmlink.linking.audit import note
from crmlink.linking.context import Desk
from crmlink.linking.errors import ManyLinesLeftOut
from crmlink.store import BadBatchRow, Batch, BatchRow, BatchSource, BatchState
from crmlink.store.base import new_id
from crmlink.store.erased import Signs, erased_people

log = structlog.get_logger()

AT_A_TIME = 1_000  # rows in a transaction, so that others may write in between
MOST_BAD_ROWS = 10_000  # that are kept with their reasons; all are counted
ABANDONED_HOURS = 2  # for imports of versions that know no owners
MANY_LEFT_OUT = 20  # one line in so many may be left out unasked


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was read: the draft, how many contacts and bad rows it had, and what a person
    should know of it, a sentence each."""

    batch: Batch
    contacts: int
    bad: int
    advice: list[str]


def look_at(
    desk: Desk,
    source: Source,
    filename: str,
    *,
    package: str | None = None,
    kind: Kind | None = None,
    sheet: str | None = None,
    header_line: int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    columns: Columns | None = None,
    dates: DateOrder | None = None,
) -> Recognised:
    """What a file is taken for, with a person's corrections.

    Raises ExportRefused, UnknownPackage.
    """
    found = recognise(
        source, filename, desk.packages, package=package, sheet=sheet, header_line=header_line,
        encoding=encoding, delimiter=delimiter,
    )  # fmt: skip
    return found.corrected(kind=kind, columns=columns, dates=dates)


def import_file(
    desk: Desk,
    device_id: int,
    source: Source,
    filename: str,
    found: Recognised,
    *,
    organisation: str = "",
    name: str = "",
    came: BatchSource = BatchSource.FILE,
    agreed: int = 0,
) -> Imported:
    """A new draft with every contact of the file; bad rows are kept with line and reason.

    ``agreed`` is how many lines a person agreed to leave out. Raises ManyLinesLeftOut where more
    than 1 in 20 would be without that, ExportRefused or UnknownPackage; then nothing is kept.
    """
    rows = read_contacts(source, found, desk.packages)
    shown = Path(filename).name
    lease = new_id()
    desk.ownership.working_on.add(lease)
    try:
        with desk.database.writing() as session:
            batch = Batch(
                connection_id=desk.connection_id, device_id=device_id, package=found.package or "",
                organisation=organisation, kind=found.kind, name=name or shown, source=came,
                file_name=shown, state=BatchState.IMPORTING,
                recognised=found.without_contents().as_dict(),
                lease=lease, lease_owner_id=desk.ownership.register(session),
            )  # fmt: skip
            session.add(batch)
        known = _without_erased(desk, batch, rows)
        contacts, bad = _keep_or_throw_away(desk, batch.id, known, agreed)
        done = _finish(desk, device_id, batch.id, contacts, bad)
    finally:
        desk.ownership.working_on.discard(lease)
    return Imported(done, contacts, bad, advice(found, desk.packages))


def are_many(left_out: int, lines: int) -> bool:
    """Whether a person has to agree before so many of a file's lines are left out."""
    return left_out * MANY_LEFT_OUT > lines


def throw_away_unfinished(desk: Desk) -> int:
    """Forget imports that ended half way, such as by a power cut; returns how many there were."""
    with desk.database.reading() as session:
        stale = [
            batch.id
            for batch in session.query(Batch).filter(
                Batch.connection_id == desk.connection_id, Batch.state == BatchState.IMPORTING
            )
            if is_free(session, desk.ownership, batch)
            and (batch.lease or batch.changed_at < ago(hours=ABANDONED_HOURS))
        ]
    _throw_away(desk, stale)
    return len(stale)


def _without_erased(
    desk: Desk, batch: Batch, rows: Iterable[ExportedContact | BadRow]
) -> Iterator[ExportedContact | BadRow]:
    """The rows, with a bad one, which names nobody, in place of each erased person's."""
    with desk.database.reading() as session:
        erased = erased_people(session, desk.workspace_id)
    for row in rows:
        if isinstance(row, ExportedContact):
            signs = Signs(
                frozenset((row.name, row.company, row.person)),
                (row.email, *row.other_emails), row.postcode,
                tuple(row.phones), batch.package, batch.organisation, row.reference,
            )  # fmt: skip
            yield BadRow(row.line, "erased", {}) if erased.are(signs) else row
        else:
            facts = row.args.values()
            named = any(isinstance(fact, str) and erased.hidden(fact) != fact for fact in facts)
            yield BadRow(row.line, "erased", {}) if named else row


def _keep_or_throw_away(
    desk: Desk, batch_id: str, rows: Iterable[ExportedContact | BadRow], agreed: int
) -> tuple[int, int]:
    try:
        contacts, bad, lost = _keep(desk, batch_id, rows)
        if contacts and are_many(lost, contacts + lost) and lost > agreed:
            raise ManyLinesLeftOut(left_out=lost, contacts=contacts)
    except BaseException:
        _throw_away(desk, [batch_id])
        raise
    if not contacts:
        _throw_away(desk, [batch_id])
        raise ExportRefused("no_table")
    return contacts, bad


def _keep(
    desk: Desk, batch_id: str, rows: Iterable[ExportedContact | BadRow]
) -> tuple[int, int, int]:
    """Store the rows; returns how many are contacts, how many are bad, and how many of these may
    be contacts all the same."""
    contacts = bad = lost = 0
    incoming = iter(rows)
    while some := list(islice(incoming, AT_A_TIME)):
        good = [row for row in some if isinstance(row, ExportedContact)]
        others = [row for row in some if isinstance(row, BadRow)]
        listed = others[: max(0, MOST_BAD_ROWS - bad)]
        with desk.database.writing() as session:
            if good:
                session.execute(insert(BatchRow), list(_values(batch_id, good, contacts)))
            if listed:
                bad_values = [
                    {"batch_id": batch_id, "line": row.line, "code": row.code, "args": {**row.args}}
                    for row in listed
                ]
                session.execute(insert(BadBatchRow), bad_values)
        contacts, bad = contacts + len(good), bad + len(others)
        lost += sum(row.may_be_contact for row in others)
    return contacts, bad, lost


def _values(
    batch_id: str, contacts: list[ExportedContact], before: int
) -> Iterator[dict[str, Any]]:
    for position, contact in enumerate(contacts, before + 1):
        newest = max(filter(None, (contact.created, contact.last_used)), default=None)
        yield {
            "batch_id": batch_id,
            "position": position,
            "line": contact.line,
            "kind": contact.kind or "",
            "reference": contact.reference,
            "name": contact.name,
            "company": contact.company,
            "person": contact.person,
            "address": ", ".join(contact.address),
            "town": contact.town,
            "postcode": contact.postcode,
            "email": contact.email,
            "phones": list(contact.phones),
            "account_number": contact.account_number,
            "other_emails": list(contact.other_emails),
            "other_addresses": [asdict(address) for address in contact.other_addresses],
            "retired": contact.retired,
            "open_pence": _pence(contact.open_balance),
            "newest": newest,
        }


def _pence(money: Decimal | None) -> int | None:
    return None if money is None else round(money * 100)


def _finish(desk: Desk, device_id: int, batch_id: str, contacts: int, bad: int) -> Batch:
    with desk.database.writing() as session:
        batch = session.get_one(Batch, batch_id)
        batch.state, batch.bad_rows = BatchState.DRAFT, bad
        batch.lease, batch.lease_owner_id = "", None
        touch(batch)
        note(
            session, desk.workspace_id, device_id, "batch.imported", batch_id,
            package=batch.package, contacts=contacts, bad=bad,
        )  # fmt: skip
    log.info("file imported", batch=batch_id, contacts=contacts, bad=bad)
    return batch


def _throw_away(desk: Desk, batch_ids: list[str]) -> None:
    for batch_id in batch_ids:
        with desk.database.writing() as session:
            session.execute(delete(BatchRow).where(BatchRow.batch_id == batch_id))
            session.execute(delete(Batch).where(Batch.id == batch_id))
