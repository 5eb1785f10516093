"""The rows of an export file below its header, whatever kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from crmlink.accounting.exports.cells import shown
from crmlink.accounting.exports.csv_reader import CsvReader, CsvRow
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import unique_labels
from crmlink.accounting.exports.known_formats import forms, letters
from crmlink.accounting.exports.model import DetectedFormat, RejectedRow
from crmlink.accounting.exports.text_encoding import text_of
from crmlink.accounting.exports.xlsx_reader import Cell, rows, workbook
from crmlink.kinds import Kind

MOST_ROWS = 1_000_000

_TABLE = re.compile(r"!([A-Za-z][A-Za-z0-9 ]{0,30})")


@dataclass(frozen=True, slots=True)
class Row:
    """Values below a header; `kind` where the row's table tells it."""

    line: int
    cells: list[Cell]
    header: tuple[str, ...]
    kind: Kind | None = None


def rows_of(
    stream: BinaryIO, found: DetectedFormat, packages: Mapping[str, Any]
) -> Generator[Row | RejectedRow, None, None]:
    """The rows of a file that was recognised, or corrected by a person.

    Raises ExportError (`header_changed`, `sheet_unknown`, `too_many_rows`, `damaged`).
    """
    if found.file_kind == "xlsx":
        source = _workbook_rows(stream, found)
    elif found.file_kind == "iif":
        source = _iif_rows(stream, found, kinds_by_table(packages))
    else:
        source = _text_rows(stream, found)
    with closing(source):
        for number, row in enumerate(source):
            if number >= MOST_ROWS:
                raise ExportError("too_many_rows", most=MOST_ROWS)
            yield row


def kinds_by_table(packages: Mapping[str, Any]) -> dict[str, Kind | None]:
    """The tables of an IIF file that hold contacts, and of which kind these are."""
    return {
        form.rules["table"]: form.rules.get("kind")
        for form in forms(packages, "iif", None)
    }  # fmt: skip


def table_of(record: CsvRow) -> str | None:
    """The table whose headings this row of an IIF file holds, or None when it holds none."""
    told = _TABLE.fullmatch(record.cells[0].strip()) if record.cells else None
    return told[1].upper() if told else None


def iif_headers(text: TextIO, delimiter: str) -> dict[str, list[str]]:
    """The headings of every table of an IIF file."""
    found: dict[str, list[str]] = {}
    for record in CsvReader(text, delimiter):
        if isinstance(record, CsvRow) and (table := table_of(record)):
            found.setdefault(table, record.cells[1:])
    return found


def _text_rows(stream: BinaryIO, found: DetectedFormat) -> Generator[Row | RejectedRow, None, None]:
    with text_of(stream, found.encoding) as text:
        records = CsvReader(text, found.delimiter)
        below = found.header_line is None
        records.width = len(found.header) if below else 0
        for record in records:
            if below:
                yield record if isinstance(record, RejectedRow) else _checked(record, found.header)
            elif record.line >= (found.header_line or 0):
                _same_header(record.cells if isinstance(record, CsvRow) else [], found)
                below, records.width = True, len(found.header)
    if not below:
        raise ExportError("header_changed")


def _checked(record: CsvRow, header: tuple[str, ...]) -> Row | RejectedRow:
    """A row, unless it has values beyond its columns: then they may all be in the wrong ones."""
    if len(record.cells) > len(header):
        found = max(
            (place for place, cell in enumerate(record.cells, 1) if cell.strip()), default=0
        )
        if found > len(header):
            facts = {"found": found, "columns": len(header)}
            return RejectedRow(record.line, "too_many_values", facts)
    return Row(record.line, record.cells, header)


def _same_header(cells: list[str], found: DetectedFormat) -> None:
    if unique_labels(cells) != found.header:
        raise ExportError("header_changed")


def _iif_rows(
    stream: BinaryIO, found: DetectedFormat, kinds: Mapping[str, Kind | None]
) -> Generator[Row | RejectedRow, None, None]:
    headers: dict[str, tuple[str, ...]] = {}
    with text_of(stream, found.encoding) as text:
        records = CsvReader(text, found.delimiter)
        for record in records:
            if isinstance(record, RejectedRow):
                yield record
                continue
            if table := table_of(record):
                headers[table] = unique_labels(record.cells[1:])
                records.width = len(record.cells)
                continue
            table = record.cells[0].strip().upper() if record.cells else ""
            if table in kinds and table not in headers:
                yield RejectedRow(record.line, "heading_missing", {"table": table})
            elif table in kinds:
                row = _checked(CsvRow(record.line, record.cells[1:]), headers[table])
                kind = kinds[table]
                yield Row(row.line, row.cells, row.header, kind) if isinstance(row, Row) else row


def _workbook_rows(
    stream: BinaryIO, found: DetectedFormat
) -> Generator[Row | RejectedRow, None, None]:
    with workbook(stream) as book:
        if found.sheet not in book.sheetnames:
            names = ", ".join(book.sheetnames[:20])
            raise ExportError("sheet_unknown", sheet=found.sheet, sheets=names)
        below = found.header_line is None
        for line, cells in rows(book, found.sheet):
            if below:
                yield Row(line, cells, found.header)
            elif line >= (found.header_line or 0):
                headings = [shown(cell) for cell in cells]
                _same_header(headings + [""] * (len(found.header) - len(headings)), found)
                below = True
    if not below:
        raise ExportError("header_changed")


def letters_for(cells: list[list[Cell]]) -> tuple[str, ...]:
    """The labels of a table without a header, of which these are the first rows."""
    return letters(max((len(row) for row in cells), default=0))
