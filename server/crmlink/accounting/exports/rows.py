"""Rows of an export file below its header, for every file kind."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from crmlink.accounting.exports.cells import cell_text
from crmlink.accounting.exports.csv_reader import CsvReader, CsvRow
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import unique_labels
from crmlink.accounting.exports.known_formats import column_letters, known_formats
from crmlink.accounting.exports.model import DetectedFormat, RejectedRow
from crmlink.accounting.exports.text_encoding import text_of
from crmlink.kinds import Kind

if TYPE_CHECKING:
    from crmlink.accounting.exports.xlsx_reader import Cell

MAX_ROWS = 1_000_000

_TABLE = re.compile(r"!([A-Za-z][A-Za-z0-9 ]{0,30})")


@dataclass(frozen=True, slots=True)
class Row:
    """Values below a header; `kind` if the row's table implies it."""

    line: int
    cells: list[Cell]
    header: tuple[str, ...]
    kind: Kind | None = None


def rows_of(
    stream: BinaryIO, detected: DetectedFormat, packages: Mapping[str, Any]
) -> Generator[Row | RejectedRow, None, None]:
    """Yield the rows of a file in the detected or corrected format.

    Raises ExportError (`header_changed`, `sheet_unknown`, `too_many_rows`, `damaged`).
    """
    if detected.file_kind == "xlsx":
        source = _workbook_rows(stream, detected)
    elif detected.file_kind == "iif":
        source = _iif_rows(stream, detected, kinds_by_table(packages))
    else:
        source = _text_rows(stream, detected)
    with closing(source):
        for number, row in enumerate(source):
            if number >= MAX_ROWS:
                raise ExportError("too_many_rows", most=MAX_ROWS)
            yield row


def kinds_by_table(packages: Mapping[str, Any]) -> dict[str, Kind | None]:
    """Return the contact tables of an IIF file, with their kind."""
    return {
        form.rules["table"]: form.rules.get("kind")
        for form in known_formats(packages, "iif", None)
    }  # fmt: skip


def table_of(record: CsvRow) -> str | None:
    """Return the table whose headings this IIF row contains, or None."""
    match = _TABLE.fullmatch(record.cells[0].strip()) if record.cells else None
    return match[1].upper() if match else None


def iif_headers(text: TextIO, delimiter: str) -> dict[str, list[str]]:
    """Return the headings of every table of an IIF file."""
    headers: dict[str, list[str]] = {}
    for record in CsvReader(text, delimiter):
        if isinstance(record, CsvRow) and (table := table_of(record)):
            headers.setdefault(table, record.cells[1:])
    return headers


def _text_rows(
    stream: BinaryIO, detected: DetectedFormat
) -> Generator[Row | RejectedRow, None, None]:
    with text_of(stream, detected.encoding) as text:
        records = CsvReader(text, detected.delimiter)
        in_table = detected.header_line is None
        records.width = len(detected.header) if in_table else 0
        for record in records:
            if in_table:
                yield (
                    record
                    if isinstance(record, RejectedRow)
                    else Row(record.line, record.cells, detected.header)
                )
            elif record.line >= (detected.header_line or 0):
                _same_header(record.cells if isinstance(record, CsvRow) else [], detected)
                in_table, records.width = True, len(detected.header)
    if not in_table:
        raise ExportError("header_changed")


def _same_header(cells: list[str], detected: DetectedFormat) -> None:
    if unique_labels(cells) != detected.header:
        raise ExportError("header_changed")


def _iif_rows(
    stream: BinaryIO, detected: DetectedFormat, kinds: Mapping[str, Kind | None]
) -> Generator[Row | RejectedRow, None, None]:
    headers: dict[str, tuple[str, ...]] = {}
    with text_of(stream, detected.encoding) as text:
        records = CsvReader(text, detected.delimiter)
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
                yield Row(record.line, record.cells[1:], headers[table], kinds[table])


def _workbook_rows(
    stream: BinaryIO, detected: DetectedFormat
) -> Generator[Row | RejectedRow, None, None]:
    from crmlink.accounting.exports.xlsx_reader import rows, workbook  # brings openpyxl

    with workbook(stream) as book:
        if detected.sheet not in book.sheetnames:
            names = ", ".join(book.sheetnames[:20])
            raise ExportError("sheet_unknown", sheet=detected.sheet, sheets=names)
        in_table = detected.header_line is None
        for line, cells in rows(book, detected.sheet):
            if in_table:
                yield Row(line, cells, detected.header)
            elif line >= (detected.header_line or 0):
                headings = [cell_text(cell) for cell in cells]
                _same_header(headings + [""] * (len(detected.header) - len(headings)), detected)
                in_table = True
    if not in_table:
        raise ExportError("header_changed")


def letters_for(cells: list[list[Cell]]) -> tuple[str, ...]:
    """Return the labels of a table without a header, from its first rows."""
    return column_letters(max((len(row) for row in cells), default=0))
