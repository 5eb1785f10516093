"""Detection of an export file's format: the package that wrote it, and its columns.

Nothing is guessed silently. If the files of two packages look alike, both are named; a reference's
column is never taken from an unknown heading; a table without a header counts as known only if its
values leave no doubt.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from crmlink.accounting.exports.cells import cell_text
from crmlink.accounting.exports.csv_reader import CsvReader, CsvRow
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.files import Source, open_seekable, sniff_type
from crmlink.accounting.exports.headings import normalise_heading, unique_labels
from crmlink.accounting.exports.known_formats import (
    ExportFormat,
    Found,
    headerless_columns,
    heading_words,
    known_formats,
    map_columns,
    matches_header,
)
from crmlink.accounting.exports.model import NO_HINTS, DetectedFormat, FileKind, FormatHints
from crmlink.accounting.exports.rows import iif_headers, kinds_by_table, letters_for, table_of
from crmlink.accounting.exports.similar_headings import likely_columns
from crmlink.accounting.exports.text_encoding import (
    DELIMITERS,
    ENCODINGS,
    detect_delimiter,
    detect_encoding,
    encoding_asked,
    head_of,
    text_of,
    with_its_spaces,
)
from crmlink.accounting.package_rules import Packages, package_rules
from crmlink.accounting.references import is_reference
from crmlink.kinds import Kind
from crmlink.values import is_placeholder

_HEADER_ROWS = 30  # rows in which a header may start
_MAX_DETECT_ROWS = 60
_SAMPLE_ROWS = 5
_SAMPLE_VALUES = 3
_MAX_HEADING_LENGTH = 80
_ADDED_FIELDS = ("kind", "status")  # in columns that users add to a package's export

Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Options:
    """The rules of all packages, and what the user said of this file."""

    packages: Packages
    hints: FormatHints


def detect_format(
    source: Source, filename: str, packages: Packages, hints: FormatHints = NO_HINTS
) -> DetectedFormat:
    """Return a file's format by its contents; the file name must not contradict it.

    A stream is read from its start and left open. Raises ExportError and UnknownPackage.
    """
    if hints.package is not None:
        package_rules(packages, hints.package)
    options = _Options(packages, hints)
    with open_seekable(source) as stream:
        if sniff_type(stream, filename) == "xlsx":
            return _workbook(stream, options)
        named = hints.encoding
        reading = encoding_asked(named) if named in ENCODINGS else detect_encoding(stream)
        encoding = reading.codec
        head = head_of(stream, encoding)
        if not head.strip():
            raise ExportError("empty")
        if iif_delimiter := _iif_delimiter(head):
            detected = _iif(stream, options, encoding, iif_delimiter)
            return replace(detected, letters_certain=reading.is_certain)
        if Path(filename).suffix.lower() == ".iif":
            raise ExportError(
                "not_as_named", filename=Path(filename).name, named="iif", found="csv"
            )
        detected = _text(head, options)
        return replace(detected, encoding=encoding, letters_certain=reading.is_certain)


def _text(head: str, options: _Options) -> DetectedFormat:
    """Return a text table's format, with the delimiter that gives a known header.

    Without a known header the likeliest delimiter is used.
    """
    header_line = options.hints.header_line
    likely = options.hints.delimiter or detect_delimiter(head)
    for sign in (likely,) if options.hints.delimiter else (likely, *DELIMITERS):
        delimiter = with_its_spaces(head, sign)
        lines = _lines(head, delimiter)
        if header_line and not any(line == header_line for line, _ in lines):
            continue
        detected = _table(lines, "csv", options)
        if detected.fits:
            return replace(detected, delimiter=delimiter)
    likely = with_its_spaces(head, likely)
    return replace(_table(_lines(head, likely), "csv", options), delimiter=likely)


def _lines(head: str, delimiter: str) -> list[Line]:
    records = islice(CsvReader(io.StringIO(head, newline=""), delimiter), _MAX_DETECT_ROWS)
    return [(row.line, row.cells) for row in records if isinstance(row, CsvRow)]


def _workbook(stream: BinaryIO, options: _Options) -> DetectedFormat:
    from crmlink.accounting.exports.xlsx_reader import MAX_COLUMNS, rows, sheet_names, workbook

    sheet = options.hints.sheet
    with workbook(stream) as book:
        names = sheet_names(book)
        if sheet is not None and sheet not in names:
            raise ExportError("sheet_unknown", sheet=sheet, sheets=", ".join(names))
        lines_of_sheet = {
            name: [
                (line, [cell_text(cell) for cell in cells])
                for line, cells in islice(rows(book, name), _MAX_DETECT_ROWS)
            ]
            for name in ([sheet] if sheet else names)
        }
    tables = {
        name: _table(_padded(lines), "xlsx", options)
        for name, lines in lines_of_sheet.items()
        if lines
    }
    if not tables:
        raise ExportError("no_table")
    known = [name for name, table in tables.items() if table.fits]
    chosen = (known or list(tables))[0]
    header_line = tables[chosen].header_line
    for line, cells in lines_of_sheet[chosen]:
        if line == header_line and any(cells[MAX_COLUMNS:]):
            raise ExportError("too_many_columns", most=MAX_COLUMNS)
    return replace(tables[chosen], sheet=chosen, sheets=names, also=tuple(known[1:]))


def _padded(lines: Sequence[Line]) -> list[Line]:
    width = max(len(cells) for _, cells in lines)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines]


def _table(lines: Sequence[Line], file_kind: FileKind, options: _Options) -> DetectedFormat:
    """Return the format of one table by its first rows."""
    known = known_formats(options.packages, file_kind, options.hints.package)
    header_line = options.hints.header_line
    header_lines = lines[:_HEADER_ROWS]
    if header_line is not None:
        header_lines = [line for line in lines if line[0] == header_line]
        if header_line and not header_lines:
            raise ExportError("line_unknown", line=header_line)
    for i, (_, cells) in enumerate(header_lines):
        if fitting := [form for form in known if matches_header(form, cells)]:
            return _with_header(header_lines[i], _below(lines, header_lines[i]), fitting,
                                file_kind, options)  # fmt: skip
    if header_line is None or header_line == 0:
        without = [form for form in known if _leaves_no_doubt(form, lines, options)]
        if len(without) == 1:
            return _without_header(without[0], lines, file_kind)
    headers = header_lines if header_line else _likely_headers(header_lines, options)
    if headers and header_line != 0:
        return _with_header(headers[0], _below(lines, headers[0]), [], file_kind, options)
    header = letters_for([cells for _, cells in lines])
    return DetectedFormat(
        file_kind, options.hints.package, None, (), header, {}, sample=_sample(lines),
        values=_values(header, lines),
    )  # fmt: skip


def _below(lines: Sequence[Line], header: Line) -> list[Line]:
    return [line for line in lines if line[0] > header[0]]


def _with_header(
    line: Line,
    below: Sequence[Line],
    fitting: Sequence[ExportFormat],
    file_kind: FileKind,
    options: _Options,
) -> DetectedFormat:
    number, headings = line
    detected = DetectedFormat(
        file_kind=file_kind,
        package=options.hints.package,
        kind=None,
        fits=tuple(form.fit for form in fitting),
        header=unique_labels(headings),
        columns={},
        header_line=number,
        sample=_sample(below),
        values=_values(unique_labels(headings), below),
    )
    if len({form.package for form in fitting}) > 1:
        return detected
    if not fitting:
        return _by_headings(detected, headings, options)
    best = max(fitting, key=lambda form: len(map_columns(form.rules["columns"], headings)[0]))
    mapping, unclear = map_columns(best.rules["columns"], headings)
    any_table = options.packages.get("any_table", {})
    added = {field: any_table.get(field, ()) for field in _ADDED_FIELDS if field not in mapping}
    mapping |= map_columns(added, headings)[0]
    return replace(
        detected,
        package=best.package,
        kind=best.rules.get("kind"),
        columns=mapping,
        unclear=tuple(unclear),
        caution=best.rules.get("caution", ""),
    )


def _by_headings(
    detected: DetectedFormat, headings: Sequence[str], options: _Options
) -> DetectedFormat:
    """Return the format of an unknown table: usual headings, then similar ones."""
    usual, _ = map_columns(options.packages.get("any_table", {}), headings)
    likely = likely_columns(headings, detected.header, usual)
    mapping = usual | {name: labels_ for name, labels_ in likely.items() if name != "reference"}
    if "person" in mapping and not mapping.keys() & {"name", "company"}:
        mapping["name"] = mapping.pop("person")  # the only name may be a company's
    return replace(detected, columns=mapping, likely=likely)


def _without_header(
    form: ExportFormat, lines: Sequence[Line], file_kind: FileKind
) -> DetectedFormat:
    header = letters_for([cells for _, cells in lines])
    mapping = {
        field: tuple(header[i] for i in indexes)
        for field, indexes in headerless_columns(form).items()
    }
    return DetectedFormat(
        file_kind=file_kind,
        package=form.package,
        kind=form.rules.get("kind"),
        fits=(form.fit,),
        header=header,
        columns=mapping,
        caution=form.rules.get("caution", ""),
        sample=_sample(lines),
        values=_values(header, lines),
    )


def _leaves_no_doubt(form: ExportFormat, lines: Sequence[Line], options: _Options) -> bool:
    """Return whether a table without a header has references, names and emails in place.

    All references must be canonical and distinct, all values of the email column emails, and no
    other column that is read may contain an email.
    """
    indexes = headerless_columns(form)
    if not indexes:
        return False
    table = [cells for _, cells in lines if any(cell.strip() for cell in cells)]
    width = max(max(columns_of_field) for columns_of_field in indexes.values()) + 1
    if len(table) < 2 or any(len(row) < width for row in table):
        return False
    rules = package_rules(options.packages, form.package)
    references = [row[indexes["reference"][0]] for row in table]
    emails = [email for row in table if not is_placeholder(email := row[indexes["email"][0]])]
    other_values = [row[i] for row in table for field, columns_of_field in indexes.items()
              if field != "email" for i in columns_of_field]  # fmt: skip
    return (
        all(is_reference(reference, rules) for reference in references)
        and len(set(references)) == len(references)
        and all(row[indexes["name"][0]].strip() for row in table)
        and bool(emails)
        and all("@" in email for email in emails)
        and not any("@" in value for value in other_values)
        and not heading_words(options.packages)
        & {normalise_heading(cell) for cell in table[0] if normalise_heading(cell)}
    )


def _likely_headers(lines: Sequence[Line], options: _Options) -> list[Line]:
    """Return rows that may be an unknown header: headings only, a usual one among them."""
    usual = heading_words(options.packages)
    return [line for line in lines[:-1] if _may_be_header(line[1], usual)]


def _may_be_header(cells: Sequence[str], usual: frozenset[str]) -> bool:
    headings = [cell.strip() for cell in cells if cell.strip()]
    keys = [normalise_heading(heading) for heading in headings]
    return (
        len(headings) > 1
        and len(set(keys)) == len(keys)
        and all(any(sign.isalpha() for sign in heading) for heading in headings)
        and not any("@" in heading_ or len(heading_) > _MAX_HEADING_LENGTH for heading_ in headings)
        and bool(usual & set(keys) or len(likely_columns(headings, headings, {})) > 1)
    )


def _sample(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    filled = [cells for _, cells in lines if any(cell.strip() for cell in cells)]
    return tuple(tuple(cell[:200] for cell in row) for row in filled[:_SAMPLE_ROWS])


def _values(header: Sequence[str], lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    """Return the first few distinct values of each column, shown to the user."""
    values_of: dict[str, dict[str, None]] = {label: {} for label in header}
    for _, cells in lines:
        for label, cell in zip(header, cells, strict=False):
            if len(values_of[label]) < _SAMPLE_VALUES and cell.strip():
                values_of[label][" ".join(cell.split())[:60]] = None
    return {label: tuple(values) for label, values in values_of.items() if values}


def _iif_delimiter(head: str) -> str:
    """Return the delimiter of an IIF file, or an empty text if it is none."""
    for delimiter in ("\t", ","):
        for line in _lines(head, delimiter)[:_HEADER_ROWS]:
            if table_of(CsvRow(*line)) and len(line[1]) > 1:
                return delimiter
    return ""


def _iif(stream: BinaryIO, options: _Options, encoding: str, delimiter: str) -> DetectedFormat:
    """Return the format of an IIF file: its contact tables, merged."""
    with text_of(stream, encoding) as text:
        headers = iif_headers(text, delimiter)
    matching = [
        form
        for form in known_formats(options.packages, "iif", None)
        if form.rules["table"] in headers and matches_header(form, headers[form.rules["table"]])
    ]
    if not matching:
        raise ExportError("no_contact_table")
    mapping: Found = {}
    unclear: list[str] = []
    for form in matching:
        columns_found, repeated = map_columns(form.rules["columns"], headers[form.rules["table"]])
        unclear += repeated
        for field, names in columns_found.items():
            mapping[field] = tuple(dict.fromkeys(mapping.get(field, ()) + names))
    if "reference" in unclear:
        mapping.pop("reference", None)
    kinds: set[Kind | None] = {
        kinds_by_table(options.packages)[form.rules["table"]] for form in matching
    }
    labels = [label for form in matching for label in unique_labels(headers[form.rules["table"]])]
    by_package = {form.package for form in matching}
    return DetectedFormat(
        file_kind="iif",
        package=options.hints.package or (by_package.pop() if len(by_package) == 1 else None),
        kind=kinds.pop() if len(kinds) == 1 else None,
        fits=tuple(form.fit for form in matching),
        header=tuple(dict.fromkeys(labels)),
        columns=mapping,
        encoding=encoding,
        delimiter=delimiter,
        unclear=tuple(dict.fromkeys(unclear)),
    )
