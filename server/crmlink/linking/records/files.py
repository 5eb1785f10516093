"""Files of records: read whole, before anything is imported."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import DetectedFormat, RejectedRow
from crmlink.accounting.exports.record_reader import ExportedRecord, RejectedRecord, read_records
from crmlink.commusoft.records import Record, listed_record
from crmlink.linking.records.imports import ImportPart
from crmlink.store import ImportSource
from crmlink.store.base import utc_now

MAX_RECORDS = 250_000
MAX_REJECTED = 10_000  # kept with their reasons; all are counted
MAX_LISTED_LINES = 5  # of an id that is in several
MAX_AGE = timedelta(days=2 * 365)  # an older date in a file is not that of its export
_CORE = "docProps/core.xml"
_CORE_BYTES = 64_000
_CREATED = re.compile(rb"<dcterms:created[^>]*>\s*([0-9TZ:.+-]{10,35})\s*<")


@dataclass(slots=True)
class RecordFile:
    """The contents of a file: its records, and the lines that are none.

    ``spared`` are the public ids of records in rejected lines; ``unreadable`` counts the rejected
    lines that may be records of an unknown id. ``rejected`` has the first of them, ``left_out`` the
    number of all.
    """

    records: list[Record] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    left_out: int = 0
    spared: set[str] = field(default_factory=set)
    unreadable: int = 0
    has_references: bool = False

    def part(self, read_at: datetime, *, complete: bool, agreed: int | None = None) -> ImportPart:
        """Return the file as an import."""
        return ImportPart(
            self.records, read_at, ImportSource.FILE, complete=complete, agreed=agreed,
            spared=frozenset(self.spared), unreadable=self.unreadable,
        )  # fmt: skip


def read_record_file(source: Path, found: DetectedFormat) -> RecordFile:
    """Return the records of a file. Raises ExportError, also if there is none."""
    contents = RecordFile(has_references="reference" in found.columns)
    lines: dict[str, list[int]] = {}
    exported: list[ExportedRecord] = []
    for row in read_records(source, found):
        if isinstance(row, RejectedRecord):
            _reject(contents, row)
            continue
        if len(exported) >= MAX_RECORDS:
            raise ExportError("too_many_records", most=MAX_RECORDS)
        lines.setdefault(row.id, []).append(row.contact.line)
        exported.append(row)
    for one in exported:
        if len(lines[one.id]) == 1:
            contents.records.append(_record(one))
        else:
            _reject(contents, RejectedRecord(_twice(one, lines[one.id]), one.id))
    contents.rejected.sort(key=lambda row: row.line)
    if not contents.records:
        raise ExportError("no_records")
    return contents


def exported_at(source: Path) -> datetime | None:
    """Return when a workbook says that it was made; None for other files and impossible times."""
    try:
        with zipfile.ZipFile(source) as archive, archive.open(_CORE) as core:
            found = _CREATED.search(core.read(_CORE_BYTES))
    except Exception:  # each way of packing has errors of its own
        return None
    try:
        made = datetime.fromisoformat(found[1].decode()) if found else None
    except ValueError:
        return None
    return likely_time(made.replace(tzinfo=made.tzinfo or UTC)) if made else None


def likely_time(moment: datetime) -> datetime | None:
    """Return a file's time if it may be that of its export."""
    return moment if utc_now() - MAX_AGE < moment <= utc_now() else None


def _reject(contents: RecordFile, rejected: RejectedRecord) -> None:
    contents.left_out += 1
    if len(contents.rejected) < MAX_REJECTED:
        contents.rejected.append(rejected.row)
    if rejected.record_id:
        contents.spared.add(rejected.record_id)
    elif rejected.row.may_be_contact:
        contents.unreadable += 1


def _twice(one: ExportedRecord, lines: Iterable[int]) -> RejectedRow:
    others = [str(line) for line in lines if line != one.contact.line]
    shown = ", ".join(others[:MAX_LISTED_LINES]) + (" …" if len(others) > MAX_LISTED_LINES else "")
    return RejectedRow(one.contact.line, "record_twice", {"number": one.number, "lines": shown})


def _record(one: ExportedRecord) -> Record:
    shown = one.reference is not None
    return listed_record(one.kind, one.number, one.contact, one.reference, shown=shown)
