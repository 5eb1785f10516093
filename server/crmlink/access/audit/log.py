"""The audit as people read it: searched, checked, taken away as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import IO

from sqlalchemy import ColumnElement, Select, String, cast, or_, select

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Verdict
from crmlink.access.context import AccessContext
from crmlink.csv_safety import escape_formula
from crmlink.store import AuditEntry, Device, Person

COLUMNS = ("place", "at", "action", "subject", "person", "device", "details", "hash")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry, and who stands behind it as far as they are not erased."""

    entry: AuditEntry
    person: Person | None
    device: Device | None


@dataclass(frozen=True, slots=True)
class AuditScope:
    """Which entries, and in which order: days are the server's own, both included; ``person`` is
    a public id."""

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
    """Entries, the newest first and below a place, or the oldest first and above it.

    ``search`` is part of an action, a subject, a reference, or of the name or email of a person
    who did it or whom it is about, or of a device's name; ``action`` is how the action begins.
    """
    within = within or AuditScope()
    oldest_first, place = within.oldest_first, AuditEntry.place
    query = _lines(access).order_by(place.asc() if oldest_first else place.desc()).limit(limit)
    if within.since:
        query = query.where(AuditEntry.at >= _start_of(within.since))
    if within.until:
        query = query.where(AuditEntry.at < _start_of(within.until + timedelta(days=1)))
    if within.person:
        query = query.where(Person.public_id == within.person)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if before is not None:
        query = query.where(place > before if oldest_first else place < before)
    if search:
        query = query.where(_mentions(access, search))
    with access.database.reading() as session:
        return [AuditRow(*row) for row in session.execute(query)]


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
    query = _lines(access).order_by(AuditEntry.place).execution_options(yield_per=1000)
    count = 0
    with access.database.reading() as session:
        for entry, person, device in session.execute(query):
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


def _lines(access: AccessContext) -> Select[AuditEntry, Person | None, Device | None]:
    return (
        select(AuditEntry, Person, Device)
        .outerjoin(Person, AuditEntry.person_id == Person.id)
        .outerjoin(Device, AuditEntry.device_id == Device.id)
        .where(AuditEntry.workspace_id == access.workspace_id)
    )


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()


def _mentions(access: AccessContext, search: str) -> ColumnElement[bool]:
    named = or_(
        *(
            column.icontains(search.strip(), autoescape=True)
            for column in (Person.name, Person.email)
        )
    )
    people = select(Person.public_id).where(Person.workspace_id == access.workspace_id, named)
    return or_(
        AuditEntry.subject.in_(people),
        *(
            column.icontains(search.strip(), autoescape=True)
            for column in (
                AuditEntry.action,
                AuditEntry.subject,
                cast(AuditEntry.details, String),
                Person.name,
                Person.email,
                Device.name,
            )
        ),
    )
