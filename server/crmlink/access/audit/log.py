"""Audit log for people: searched, verified, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import IO, Any

from sqlalchemy import ColumnElement, Select, String, cast, or_, select
from sqlalchemy import Row as SqlRow
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Verdict
from crmlink.access.audit.rows import CHUNK_SIZE, Row, details_of_row, rows, time_of_row
from crmlink.access.context import AccessContext
from crmlink.csv_safety import escape_formula
from crmlink.pseudonyms import Pseudonyms, holds_pseudonym
from crmlink.store import AuditEntry, Device, Link, Person
from crmlink.store.connections import connections_of
from crmlink.store.erased import ERASED, erased_people, pseudonyms_of

ERASED_REFERENCE = "(no longer kept)"  # a reference whose link went with the practice data
COLUMNS = ("place", "at", "action", "subject", "person", "device", "details", "hash")

Line = SqlRow[int, Person | None, Device | None]  # an entry's id, and who acted


@dataclass(frozen=True, slots=True)
class Entry:
    """Return an entry for display, whatever its columns contain.

    What is no place is 0, what is no time 1970, and details that cannot be read say so.
    """

    position: int
    at: datetime
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry with its person and device, unless erased.

    ``details`` are for display: where the entry has only a hash of a reference, the value that its
    link still has.
    """

    entry: Entry
    person: Person | None
    device: Device | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditScope:
    """Filter and order of entries; days are local, both included; ``person`` is a public id."""

    since: date | None = None
    until: date | None = None
    person: str = ""
    oldest_first: bool = False


def entries(
    access: AccessContext,
    search: str = "",
    action: str = "",
    before: int | None = None,
    limit: int | None = 50,
    within: AuditScope | None = None,
) -> list[AuditRow]:
    """Return entries, newest first and below a sequence number, or oldest first and above it.

    ``search`` is part of an action, a subject, a reference, or the name or email of a person who
    did it or whom it is about, or a device's name; ``action`` is a prefix of the action.
    """
    within = within or AuditScope()
    oldest_first, position = within.oldest_first, AuditEntry.position
    query = (
        _lines(access).order_by(position.asc() if oldest_first else position.desc()).limit(limit)
    )
    if within.since:
        query = query.where(AuditEntry.at >= _start_of(within.since))
    if within.until:
        query = query.where(AuditEntry.at < _start_of(within.until + timedelta(days=1)))
    if within.person:
        query = query.where(Person.public_id == within.person)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if before is not None:
        query = query.where(position > before if oldest_first else position < before)
    with access.database.reading() as session:
        if not search:
            return _readable_rows(session, access, session.execute(query).all())
        mentions = _mentions(search.strip())
        try:
            links = _mentions_link(access, pseudonyms_of(session), search.strip())
            found = session.execute(query.where(or_(mentions, links))).all()
        except DBAPIError:  # SQLite looks for a link in every line, and one of them is no JSON
            found = session.execute(query.where(mentions)).all()
        return _readable_rows(session, access, found)


def display_names(access: AccessContext, subjects: Iterable[str]) -> dict[str, str]:
    """Return display names of the people and devices that entries concern, by public id."""
    wanted = list(subjects)
    found: dict[str, str] = {}
    with access.database.reading() as session:
        for table in (Person, Device):
            query = select(table.public_id, table.name).filter_by(workspace_id=access.workspace_id)
            found.update(session.execute(query.where(table.public_id.in_(wanted))).all())
    return found


def verify(access: AccessContext) -> Verdict:
    """Verify the whole audit."""
    return verify_audit(access.database, access.workspace_id)


def export_csv(access: AccessContext, out: IO[str]) -> int:
    """Write the whole audit as CSV, oldest first; returns the number of rows."""
    table = csv.writer(out)
    table.writerow(COLUMNS)
    query = _lines(access).order_by(AuditEntry.position)
    count = 0
    with access.database.reading() as session:
        found = session.execute(query).all()
        for first in range(0, len(found), CHUNK_SIZE):
            for row in _readable_rows(session, access, found[first : first + CHUNK_SIZE]):
                count += 1
                table.writerow(
                    escape_formula(value)
                    for value in (
                        str(row.entry.position),
                        row.entry.at.isoformat(),
                        row.entry.action,
                        row.entry.subject,
                        row.person.name if row.person else "",
                        row.device.name if row.device else "",
                        json.dumps(row.details, ensure_ascii=False, sort_keys=True),
                        row.entry.hash,
                    )
                )
    return count


def _entry(row: Row) -> Entry:
    try:
        at = time_of_row(row)
    except (ValueError, OverflowError):
        at = datetime.fromtimestamp(0, UTC)
    try:
        details = details_of_row(row)
    except ValueError:
        details = {"unreadable": True}
    position = row.position if isinstance(row.position, int) else 0
    return Entry(position, at, str(row.action), str(row.subject), details, str(row.hash))


def _lines(access: AccessContext) -> Select[int, Person | None, Device | None]:
    return (
        select(AuditEntry.id, Person, Device)
        .outerjoin(Person, AuditEntry.person_id == Person.id)
        .outerjoin(Device, AuditEntry.device_id == Device.id)
        .where(AuditEntry.workspace_id == access.workspace_id)
    )


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()


def _readable_rows(
    session: Session, access: AccessContext, lines: Sequence[Line]
) -> list[AuditRow]:
    """Entries for people to read: the value behind a hash, or that it was erased or is gone."""
    read = _read(session, lines)
    ids = {str(entry.details.get("link", "")) for entry, _, _ in read if _hides(entry.details)}
    query = select(Link.id, Link.target, Link.prior, Link.reference).where(Link.id.in_(ids))
    kept = {link_id: values for link_id, *values in session.execute(query)} if ids else {}
    erased = erased_people(session, access.workspace_id) if ids else None
    found = []
    for entry, person, device in read:
        details = dict(entry.details)
        if erased and _hides(details):
            values = list(filter(None, kept.get(str(details.get("link", "")), ())))
            clear = {erased.pseudonyms.of(value): value for value in values}
            for name, value in details.items():
                if holds_pseudonym(_text(value)):
                    is_erased = value in erased.keys or holds_pseudonym(clear.get(value))
                    details[name] = ERASED if is_erased else clear.get(value, ERASED_REFERENCE)
        found.append(AuditRow(entry, person, device, details))
    return found


def _read(
    session: Session, lines: Sequence[Line]
) -> list[tuple[Entry, Person | None, Device | None]]:
    """Read the entries with these ids, in this order."""
    entries: dict[int, Entry] = {}
    for first in range(0, len(lines), CHUNK_SIZE):
        ids = [entry_id for entry_id, _, _ in lines[first : first + CHUNK_SIZE]]
        for chunk in rows(session, AuditEntry.id.in_(ids)):
            entries.update((row[-1], _entry(Row._make(row))) for row in chunk)
    return [
        (entries[entry_id], person, device)
        for entry_id, person, device in lines
        if entry_id in entries
    ]


def _hides(details: Mapping[str, Any]) -> bool:
    return any(holds_pseudonym(_text(value)) for value in details.values())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mentions_link(
    access: AccessContext, pseudonyms: Pseudonyms, search: str
) -> ColumnElement[bool]:
    links = select(Link.id).where(
        Link.connection_id.in_(connections_of(access.workspace_id)),
        or_(*(column.icontains(search, autoescape=True) for column in (Link.target, Link.prior))),
    )
    named = or_(
        *(column.icontains(search, autoescape=True) for column in (Person.name, Person.email))
    )
    people = select(Person.public_id).where(Person.workspace_id == access.workspace_id, named)
    return or_(
        AuditEntry.subject.in_(people),
        AuditEntry.details["link"].as_string().in_(links),
        cast(AuditEntry.details, String).contains(pseudonyms.of(search)),
    )


def _mentions(search: str) -> ColumnElement[bool]:
    return or_(
        *(
            column.icontains(search, autoescape=True)
            for column in (
                AuditEntry.action,
                AuditEntry.subject,
                cast(AuditEntry.details, String),
                Person.name,
                Person.email,
                Device.name,
            )
        )
    )
