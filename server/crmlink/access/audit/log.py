"""Audit log for people: searched, verified, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import ColumnElement, Select, String, cast, or_, select
from sqlalchemy.orm import Session

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Verdict
from crmlink.access.context import AccessContext
from crmlink.csv_safety import escape_formula
from crmlink.pseudonyms import Pseudonyms, holds_pseudonym
from crmlink.store import AuditEntry, Device, Link, Person
from crmlink.store.connections import connections_of
from crmlink.store.erased import ERASED, pseudonyms_of

COLUMNS = ("place", "at", "action", "subject", "person", "device", "details", "hash")


Found = Sequence[tuple[AuditEntry, Person | None, Device | None]]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry with its person and device, unless erased.

    ``details`` are for display: where the entry has only a hash of a reference, the value that its
    link still has.
    """

    entry: AuditEntry
    person: Person | None
    device: Device | None
    details: dict[str, Any]


def entries(
    access: AccessContext,
    search: str = "",
    action: str = "",
    before: int | None = None,
    limit: int | None = 50,
) -> list[AuditRow]:
    """Return entries, newest first, below a sequence number.

    ``search`` is part of an action, a subject, a reference, or a person's or device's name;
    ``action`` is a prefix of the action.
    """
    query = _lines(access).order_by(AuditEntry.place.desc()).limit(limit)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if before is not None:
        query = query.where(AuditEntry.place < before)
    with access.database.reading() as session:
        if search:
            query = query.where(_mentions(access, pseudonyms_of(session), search.strip()))
        return _told(session, [row._tuple() for row in session.execute(query)])


def names_of(access: AccessContext, subjects: Iterable[str]) -> dict[str, str]:
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


def write_csv(access: AccessContext, out: IO[str]) -> int:
    """Write the whole audit as CSV, oldest first; returns the number of rows."""
    table = csv.writer(out)
    table.writerow(COLUMNS)
    query = _lines(access).order_by(AuditEntry.place).execution_options(yield_per=1000)
    count = 0
    with access.database.reading() as session:
        for found in session.execute(query).partitions(1000):
            for row in _told(session, [each._tuple() for each in found]):
                count += 1
                table.writerow(
                    escape_formula(value)
                    for value in (
                        str(row.entry.place),
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


def _lines(access: AccessContext) -> Select[AuditEntry, Person | None, Device | None]:
    return (
        select(AuditEntry, Person, Device)
        .outerjoin(Person, AuditEntry.person_id == Person.id)
        .outerjoin(Device, AuditEntry.device_id == Device.id)
        .where(AuditEntry.workspace_id == access.workspace_id)
    )


def _told(session: Session, found: Found) -> list[AuditRow]:
    """Entries with their references, as far as those of their links are not erased."""
    ids = {str(entry.details.get("link", "")) for entry, _, _ in found if _hides(entry.details)}
    query = select(Link.id, Link.target, Link.prior, Link.reference).where(Link.id.in_(ids))
    kept = {link_id: values for link_id, *values in session.execute(query)} if ids else {}
    pseudonyms = pseudonyms_of(session)
    rows = []
    for entry, person, device in found:
        details = dict(entry.details)
        if _hides(details):
            known = kept.get(str(details.get("link", "")), ())
            clear = {pseudonyms.of(value): value for value in known if value}
            for name, value in details.items():
                if holds_pseudonym(_text(value)):
                    shown = clear.get(value, value)
                    details[name] = ERASED if holds_pseudonym(shown) else shown
        rows.append(AuditRow(entry, person, device, details))
    return rows


def _hides(details: Mapping[str, Any]) -> bool:
    return any(holds_pseudonym(_text(value)) for value in details.values())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mentions(access: AccessContext, pseudonyms: Pseudonyms, search: str) -> ColumnElement[bool]:
    links = select(Link.id).where(
        Link.connection_id.in_(connections_of(access.workspace_id)),
        or_(*(column.icontains(search, autoescape=True) for column in (Link.target, Link.prior))),
    )
    return or_(
        AuditEntry.details["link"].as_string().in_(links),
        cast(AuditEntry.details, String).contains(pseudonyms.of(search)),
        *(
            column.icontains(search, autoescape=True)
            for column in (
                AuditEntry.action,
                AuditEntry.subject,
                cast(AuditEntry.details, String),
                Person.name,
                Device.name,
            )
        ),
    )
