"""The audit as people read it: searched, checked, taken away as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import ColumnElement, Select, String, cast, or_, select
from sqlalchemy import Row as SqlRow
from sqlalchemy.orm import Session

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Verdict
from crmlink.access.audit.rows import CHUNK_SIZE, Row, details_of_row, rows, time_of_row
from crmlink.access.context import AccessContext
from crmlink.csv_safety import escape_formula
from crmlink.store import AuditEntry, Device, Person

COLUMNS = ("place", "at", "action", "subject", "person", "device", "details", "hash")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line as people read it, whatever somebody wrote there.

    What is no place is 0, what is no time 1970, and details that cannot be read say so.
    """

    place: int
    at: datetime
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry, and who stands behind it as far as they are not erased."""

    entry: Entry
    person: Person | None
    device: Device | None


def entries(
    access: AccessContext,
    search: str = "",
    action: str = "",
    before: int | None = None,
    limit: int | None = 50,
) -> list[AuditRow]:
    """Entries, the newest first, below a place.

    ``search`` is part of an action, a subject, a reference, or of a person's or device's name;
    ``action`` is how the action begins.
    """
    query = _lines(access).order_by(AuditEntry.place.desc()).limit(limit)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if before is not None:
        query = query.where(AuditEntry.place < before)
    if search:
        query = query.where(_mentions(search))
    with access.database.reading() as session:
        return list(_audit_rows(session, session.execute(query).all()))


def names_of(access: AccessContext, subjects: Iterable[str]) -> dict[str, str]:
    """What people call the people and devices that entries are about, by their public ids."""
    wanted = list(subjects)
    found: dict[str, str] = {}
    with access.database.reading() as session:
        for table in (Person, Device):
            query = select(table.public_id, table.name).filter_by(workspace_id=access.workspace_id)
            found.update(session.execute(query.where(table.public_id.in_(wanted))).all())
    return found


def verify(access: AccessContext) -> Verdict:
    """Check the whole audit."""
    return verify_audit(access.database, access.workspace_id)


def write_csv(access: AccessContext, out: IO[str]) -> int:
    """Write the whole audit as a table, the oldest first; returns how many lines it has."""
    table = csv.writer(out)
    table.writerow(COLUMNS)
    query = _lines(access).order_by(AuditEntry.place)
    count = 0
    with access.database.reading() as session:
        for row in _audit_rows(session, session.execute(query).all()):
            entry, person, device = row.entry, row.person, row.device
            count += 1
            table.writerow(
                escape_formula(value)
                for value in (
                    str(entry.place),
                    entry.at.isoformat(),
                    entry.action,
                    entry.subject,
                    person.name if person else "",
                    device.name if device else "",
                    json.dumps(entry.details, ensure_ascii=False, sort_keys=True),
                    entry.hash,
                )
            )
    return count


def _audit_rows(
    session: Session, lines: Sequence[SqlRow[int, Person | None, Device | None]]
) -> Iterator[AuditRow]:
    """Read the lines with these ids, in this order."""
    for first in range(0, len(lines), CHUNK_SIZE):
        part = lines[first : first + CHUNK_SIZE]
        chunks = rows(session, AuditEntry.id.in_([line[0] for line in part]))
        found = {row[-1]: _entry(Row._make(row)) for chunk in chunks for row in chunk}
        for entry_id, person, device in part:
            if entry_id in found:
                yield AuditRow(found[entry_id], person, device)


def _entry(row: Row) -> Entry:
    try:
        at = time_of_row(row)
    except (ValueError, OverflowError):
        at = datetime.fromtimestamp(0, UTC)
    try:
        details = details_of_row(row)
    except ValueError:
        details = {"unreadable": True}
    place = row.place if isinstance(row.place, int) else 0
    return Entry(place, at, str(row.action), str(row.subject), details, str(row.hash))


def _lines(access: AccessContext) -> Select[int, Person | None, Device | None]:
    return (
        select(AuditEntry.id, Person, Device)
        .outerjoin(Person, AuditEntry.person_id == Person.id)
        .outerjoin(Device, AuditEntry.device_id == Device.id)
        .where(AuditEntry.workspace_id == access.workspace_id)
    )


def _mentions(search: str) -> ColumnElement[bool]:
    return or_(
        *(
            column.icontains(search.strip(), autoescape=True)
            for column in (
                AuditEntry.action,
                AuditEntry.subject,
                cast(AuditEntry.details, String),
                Person.name,
                Device.name,
            )
        )
    )
