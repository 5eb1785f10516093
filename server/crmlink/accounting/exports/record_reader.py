"""Reader of Commusoft's reports of customers and suppliers: a table by its headings.

It reads files as the readers of contacts do; a record has its id in Commusoft besides, and perhaps
the accounting reference that Commusoft has for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any

from crmlink.accounting.exports.cells import CellConverted, cell_text, parse_kind, reference_text
from crmlink.accounting.exports.detect import detect_format
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.files import Source, open_seekable
from crmlink.accounting.exports.model import (
    IMPORT_FIELDS,
    NO_HINTS,
    Columns,
    DetectedFormat,
    ExportedContact,
    FormatHints,
    RejectedRow,
)
from crmlink.accounting.exports.record_headings import (
    NUMBER,
    REFERENCE,
    kind_of_headings,
    maybe_number,
    record_headings,
)
from crmlink.accounting.exports.row_parser import RowParser, RowRejected
from crmlink.accounting.exports.rows import Row, rows_of
from crmlink.kinds import Kind

RECORD_FIELDS = (
    NUMBER, REFERENCE, "name", "company", "person", "first_name", "last_name", "account_number",
    "email", "phones", "address", "town", "county", "postcode", "country", "other_address",
    "other_town", "other_county", "other_postcode", "other_country", "kind",
)  # fmt: skip
MAX_REFERENCE = 200
_TABLES: Mapping[str, Any] = {"version": 1, "packages": {}, "any_table": record_headings()}
_ANY_REFERENCE = {
    # A number that is a reference with a zero before it too would have lost that zero unseen.
    REFERENCE: {"pattern": r"(?!0).*", "max": MAX_REFERENCE, "canonical": "exact"}
}
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_WHOLE = re.compile(r"([1-9][0-9]{0,17})\.0{1,6}")  # a number that a program wrote as a fraction
_TOTAL = re.compile(r"(?:grand[ -]?|sub[ -]?)?totals?\W*", re.IGNORECASE)
_GROUP_LINES = 3  # below headings of groups
_MAX_SHEETS = 12
_FEW_COLUMNS = 2
Detect = Callable[[str | None, int | None], DetectedFormat]
_NAMED = frozenset(("name", "company", "person", "first_name", "last_name"))


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """One record of a report; ``reference`` is None where the report has no such column."""

    kind: Kind
    number: str
    contact: ExportedContact
    reference: str | None

    @property
    def id(self) -> str:
        """The record's public id."""
        return f"{self.kind}-{self.number}"


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A line that is no record, or not a whole one; ``record_id`` is empty if it is not known."""

    row: RejectedRow
    record_id: str = ""


def detect_records(
    source: Source,
    filename: str,
    hints: FormatHints = NO_HINTS,
    *,
    kind: Kind | None = None,
    columns: Columns | None = None,
) -> DetectedFormat:
    """Return a report's format with the user's corrections. Raises ExportError."""

    def detect(sheet: str | None, line: int | None) -> DetectedFormat:
        asked = replace(hints, sheet=sheet, header_line=line)
        found = detect_format(source, filename, dict(_TABLES), asked)
        if found.file_kind == "iif":
            raise ExportError("not_a_list", found="iif")
        return _recognised(found) if line is not None else _below_groups(found, detect)

    found = detect(hints.sheet, hints.header_line)
    if hints.sheet is None and len(found.sheets) > 1:
        found = _best_sheet([found, *_other_sheets(found, hints.header_line, detect)])
    return with_choices(found, kind=kind, columns=columns)


def _below_groups(found: DetectedFormat, detect: Detect) -> DetectedFormat:
    """Return the format with the headings below those of groups of columns, if there are such.

    Above *Customer ID, Name, Town* there may be a line *Customer, Address*.
    """
    best = _recognised(found)
    for line in range(_first(found), _first(found) + _GROUP_LINES):
        if _has_id(best) or not found.header_line:
            break
        try:
            below = detect(found.sheet or None, line)
        except ExportError:  # there is no such line
            break
        if len(below.columns) > len(best.columns) and (_has_id(below) or NUMBER in below.likely):
            best = below
    return best


def _first(found: DetectedFormat) -> int:
    return (found.header_line or 0) + 1


def _other_sheets(
    found: DetectedFormat, header_line: int | None, detect: Detect
) -> Iterator[DetectedFormat]:
    for name in found.sheets[:_MAX_SHEETS]:
        if name != found.sheet:
            with suppress(ExportError):  # an empty one
                yield detect(name, header_line)


def _best_sheet(tables: Sequence[DetectedFormat]) -> DetectedFormat:
    """Return the first sheet with ids, and the names of others that have ids too."""
    known = [table for table in tables if _has_id(table)]
    likely = [table for table in tables if NUMBER in table.likely]
    best = (known or likely or list(tables))[0]
    return replace(best, also=tuple(table.sheet for table in known if table is not best))


def _has_id(found: DetectedFormat) -> bool:
    return NUMBER in found.columns


def with_choices(
    found: DetectedFormat, *, kind: Kind | None = None, columns: Columns | None = None
) -> DetectedFormat:
    """Return the format with a user's corrections, as ``DetectedFormat.with_overrides``."""
    return found.with_overrides(kind=kind, columns=columns, fields=RECORD_FIELDS)


def read_records(
    source: Source, detected: DetectedFormat
) -> Iterator[ExportedRecord | RejectedRecord]:
    """Yield every line below the header that is not empty, as a record or as a rejected line.

    Raises ExportError at once (`number_column_needed`, `record_name_needed`,
    `record_kind_needed`) and while reading.
    """
    if len(detected.columns.get(NUMBER, ())) != 1:
        raise ExportError("number_column_needed")
    if not _NAMED & detected.columns.keys():
        raise ExportError("record_name_needed")
    if detected.kind is None and "kind" not in detected.columns:
        raise ExportError("record_kind_needed")
    return _records(source, detected)


def _recognised(found: DetectedFormat) -> DetectedFormat:
    """Return the format with the fields of a record, as far as its headings leave no doubt."""
    columns = dict(found.columns)
    likely = {name: labels for name, labels in found.likely.items() if name != REFERENCE}
    if len(columns.get(NUMBER, ())) > 1:
        del columns[NUMBER]
    if len(columns.get(REFERENCE, ())) > 1:
        del columns[REFERENCE]
    if NUMBER not in columns and (label := maybe_number(found.header)):
        likely[NUMBER] = (label,)
    named = kind_of_headings(found.header) if "kind" not in columns else None
    return replace(found, columns=columns, likely=likely, kind=named)


def _records(source: Source, detected: DetectedFormat) -> Iterator[ExportedRecord | RejectedRecord]:
    parser = _RecordParser(detected)
    with (
        open_seekable(source) as stream,
        closing(rows_of(stream, detected, dict(_TABLES))) as rows,
    ):
        for row in rows:
            result = RejectedRecord(row) if isinstance(row, RejectedRow) else parser.parse(row)
            if result is not None:
                yield result


class _RecordParser:
    """Parser of a report's lines."""

    def __init__(self, detected: DetectedFormat) -> None:
        own = {
            name: labels
            for name, labels in detected.columns.items()
            if name in IMPORT_FIELDS and name not in (REFERENCE, "kind")
        }
        self._kind = detected.kind
        self._parser = RowParser(replace(detected, package=None, columns=own), dict(_TABLES))
        self._places = {
            name: detected.header.index(labels[0])
            for name, labels in detected.columns.items()
            if name in (NUMBER, REFERENCE, "kind") and labels
        }

    def parse(self, row: Row) -> ExportedRecord | RejectedRecord | None:
        """Return the record of a line or why it is none; None for an empty line."""
        contact = self._parser.parse(row)
        if contact is None:
            return None
        if isinstance(contact, RejectedRow) and not contact.may_be_contact:
            return RejectedRecord(contact)
        kind, number = self._kind_of(row), _number(self._cell(row, NUMBER))
        if code := _beside_the_table(row, number):
            record_id = f"{kind}-{number}" if kind and number else ""
            return RejectedRecord(RejectedRow(row.line, code, {}), record_id)
        try:
            return self._record(row, contact, kind, number)
        except RowRejected as rejected:
            record_id = f"{kind}-{number}" if kind and number else ""
            return RejectedRecord(RejectedRow(row.line, rejected.code, rejected.params), record_id)

    def _record(
        self, row: Row, contact: ExportedContact | RejectedRow, kind: Kind | None, number: str
    ) -> ExportedRecord:
        """Return the record of a line. Raises RowRejected."""
        if not number:
            shown = cell_text(self._cell(row, NUMBER))[:60]
            raise RowRejected("number_malformed" if shown else "number_missing", shown=shown)
        if kind is None:
            raise RowRejected("kind_missing")
        if isinstance(contact, RejectedRow) and contact.code != "nothing_to_match":
            raise RowRejected(contact.code, **contact.args)
        if isinstance(contact, RejectedRow) or not contact.label:
            raise RowRejected("name_missing")
        return ExportedRecord(kind, number, contact, self._reference(row))

    def _cell(self, row: Row, field: str) -> Any:
        place = self._places.get(field)
        return row.cells[place] if place is not None and place < len(row.cells) else None

    def _kind_of(self, row: Row) -> Kind | None:
        cell = self._cell(row, "kind")
        if cell_text(cell):
            return parse_kind(cell)
        return self._parser.kind_of_section or self._kind

    def _reference(self, row: Row) -> str | None:
        """Return the reference, empty for none; None without a column. Raises RowRejected."""
        if REFERENCE not in self._places:
            return None
        cell = self._cell(row, REFERENCE)
        try:
            text = cell_text(reference_text(cell, _ANY_REFERENCE, through_excel=True))
        except CellConverted as changed:
            raise RowRejected(changed.code, shown=changed.shown) from changed
        if "\x00" in text:
            raise RowRejected("broken_text")
        if len(text) > MAX_REFERENCE:
            raise RowRejected("field_too_long", field=REFERENCE, most=MAX_REFERENCE)
        return text


def _beside_the_table(row: Row, number: str) -> str:
    """Return which kind of line a row is that is no record; empty if it may be one.

    A total may have its count in the column of the ids, where it would be another record.
    """
    filled = [text for cell in row.cells if (text := cell_text(cell))]
    if len(filled) == 1 and len(row.header) > _FEW_COLUMNS and _is_phrase(filled[0]):
        return "footer"
    rest = [text for text in filled if not _TOTAL.fullmatch(text)]
    if len(rest) < len(filled) and not any(map(str.isalpha, "".join(rest))):
        return "total"
    return ""


def _number(cell: Any) -> str:
    """Return a record's id as Commusoft writes it; empty for anything else."""
    if isinstance(cell, bool) or not isinstance(cell, (str, int, float)):
        return ""
    text = cell_text(cell)
    if whole := _WHOLE.fullmatch(text):
        text = whole[1]
    return text if _NUMBER.fullmatch(text) else ""


def _is_phrase(text: str) -> bool:
    """Return whether a word with a letter has another word or a number behind it."""
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    return any(any(map(str.isalpha, word)) for word in words[:-1])
