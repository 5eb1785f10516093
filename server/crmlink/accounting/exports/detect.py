"""What an export file is: which package wrote it, and which of its columns hold what.

Nothing is guessed unseen: where two packages' files look alike both are named, a reference's
column is never taken from a heading that no known file has, and a table without a header is taken
for a known one only when its values leave no doubt.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from crmlink.accounting.exports.cells import shown
from crmlink.accounting.exports.csv_reader import CsvReader, CsvRow
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.files import Source, open_seekable, sniff_type
from crmlink.accounting.exports.headings import normalise_heading, unique_labels
from crmlink.accounting.exports.known_formats import (
    ExportFormat,
    Found,
    columns,
    fits,
    forms,
    positions,
)
from crmlink.accounting.exports.likeness import likely_columns
from crmlink.accounting.exports.model import DetectedFormat, FileKind
from crmlink.accounting.exports.rows import iif_headers, kinds_by_table, letters_for, table_of
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
from crmlink.accounting.exports.xlsx_reader import rows, sheet_names, workbook
from crmlink.accounting.package_rules import Packages, package_rules
from crmlink.accounting.references import is_reference
from crmlink.kinds import Kind
from crmlink.values import is_placeholder

_SEARCHED = 30  # rows in which a header may begin
_LOOKED_AT = 60  # rows
_SAMPLE = 5
_SHOWN_VALUES = 3
_LONGEST_HEADING = 80

Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the person said beforehand."""

    packages: Packages
    package: str | None
    header_line: int | None
    delimiter: str | None = None


def detect_format(
    source: Source,
    filename: str,
    packages: Packages,
    *,
    package: str | None = None,
    sheet: str | None = None,
    header_line: int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> DetectedFormat:
    """What a file is, from its contents; the name must not contradict them.

    With `package` only that package's files are considered; `sheet` is one of a workbook's;
    `header_line` is the line of the header, 0 when there is none; `encoding` and `delimiter` are
    of ENCODINGS and DELIMITERS, for a text file alone. A stream is read from its beginning and
    left open. Raises ExportError and UnknownPackage.
    """
    if package is not None:
        package_rules(packages, package)
    asked = _Asked(packages, package, header_line, delimiter)
    with open_seekable(source) as stream:
        if sniff_type(stream, filename) == "xlsx":
            return _workbook(stream, asked, sheet)
        reading = encoding_asked(encoding) if encoding in ENCODINGS else detect_encoding(stream)
        encoding = reading.codec
        head = head_of(stream, encoding)
        if not head.strip():
            raise ExportError("empty")
        if told := _iif_delimiter(head):
            found = _iif(stream, asked, encoding, told)
            return replace(found, letters_certain=reading.is_certain)
        if Path(filename).suffix.lower() == ".iif":
            raise ExportError(
                "not_as_named", filename=Path(filename).name, named="iif", found="csv"
            )
        found = _text(head, asked)
        return replace(found, encoding=encoding, letters_certain=reading.is_certain)


def _text(head: str, asked: _Asked) -> DetectedFormat:
    """A table as text: the delimiter with which a known header appears, else the likeliest."""
    likely = asked.delimiter or detect_delimiter(head)
    for sign in (likely,) if asked.delimiter else (likely, *DELIMITERS):
        delimiter = with_its_spaces(head, sign)
        lines = _lines(head, delimiter)
        if asked.header_line and not any(line == asked.header_line for line, _ in lines):
            continue
        found = _table(lines, "csv", asked)
        if found.fits:
            return replace(found, delimiter=delimiter)
    likely = with_its_spaces(head, likely)
    return replace(_table(_lines(head, likely), "csv", asked), delimiter=likely)


def _lines(head: str, delimiter: str) -> list[Line]:
    records = islice(CsvReader(io.StringIO(head, newline=""), delimiter), _LOOKED_AT)
    return [(each.line, each.cells) for each in records if isinstance(each, CsvRow)]


def _workbook(stream: BinaryIO, asked: _Asked, sheet: str | None) -> DetectedFormat:
    with workbook(stream) as book:
        names = sheet_names(book)
        if sheet is not None and sheet not in names:
            raise ExportError("sheet_unknown", sheet=sheet, sheets=", ".join(names))
        looked = {
            name: [
                (line, [shown(cell) for cell in cells])
                for line, cells in islice(rows(book, name), _LOOKED_AT)
            ]
            for name in ([sheet] if sheet else names)
        }
    tables = {
        name: _table(_padded(lines), "xlsx", asked) for name, lines in looked.items() if lines
    }
    if not tables:
        raise ExportError("no_table")
    known = [name for name, table in tables.items() if table.fits]
    chosen = (known or list(tables))[0]
    return replace(tables[chosen], sheet=chosen, sheets=names, also=tuple(known[1:]))


def _padded(lines: Sequence[Line]) -> list[Line]:
    width = max(len(cells) for _, cells in lines)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines]


def _table(lines: Sequence[Line], file_kind: FileKind, asked: _Asked) -> DetectedFormat:
    """One table by its first rows."""
    known = forms(asked.packages, file_kind, asked.package)
    searched = lines[:_SEARCHED]
    if asked.header_line is not None:
        searched = [line for line in lines if line[0] == asked.header_line]
        if asked.header_line and not searched:
            raise ExportError("line_unknown", line=asked.header_line)
    for place, (_, cells) in enumerate(searched):
        if fitting := [form for form in known if fits(form, cells)]:
            return _with_header(searched[place], _below(lines, searched[place]), fitting,
                                file_kind, asked)  # fmt: skip
    if asked.header_line is None or asked.header_line == 0:
        without = [form for form in known if _leaves_no_doubt(form, lines, asked)]
        if len(without) == 1:
            return _without_header(without[0], lines, file_kind)
    told = searched if asked.header_line else _likely_headers(searched, asked)
    if told and asked.header_line != 0:
        return _with_header(told[0], _below(lines, told[0]), [], file_kind, asked)
    header = letters_for([cells for _, cells in lines])
    return DetectedFormat(
        file_kind, asked.package, None, (), header, {}, sample=_sample(lines),
        values=_values(header, lines),
    )  # fmt: skip


def _below(lines: Sequence[Line], header: Line) -> list[Line]:
    return [line for line in lines if line[0] > header[0]]


def _with_header(
    line: Line,
    below: Sequence[Line],
    fitting: Sequence[ExportFormat],
    file_kind: FileKind,
    asked: _Asked,
) -> DetectedFormat:
    number, headings = line
    found = DetectedFormat(
        file_kind=file_kind,
        package=asked.package,
        kind=None,
        fits=tuple(form.fit for form in fitting),
        header=unique_labels(headings),
        columns={},
        header_line=number,
        sample=_sample(below),
        values=_values(unique_labels(headings), below),
    )
    if len({form.package for form in fitting}) > 1:
        return found
    if not fitting:
        return _by_headings(found, headings, asked)
    best = max(fitting, key=lambda form: len(columns(form.rules["columns"], headings)[0]))
    held, unclear = columns(best.rules["columns"], headings)
    return replace(
        found,
        package=best.package,
        kind=best.rules.get("kind"),
        columns=held,
        unclear=tuple(unclear),
        caution=best.rules.get("caution", ""),
    )


def _by_headings(found: DetectedFormat, headings: Sequence[str], asked: _Asked) -> DetectedFormat:
    """A table that no package is known to write: usual headings, then those that are like one."""
    usual, _ = columns(asked.packages.get("any_table", {}), headings)
    likely = likely_columns(headings, found.header, usual)
    held = usual | {name: labels_ for name, labels_ in likely.items() if name != "reference"}
    if "person" in held and not held.keys() & {"name", "company"}:
        held["name"] = held.pop("person")  # the only name that there is may be a firm's
    return replace(found, columns=held, likely=likely)


def _without_header(
    form: ExportFormat, lines: Sequence[Line], file_kind: FileKind
) -> DetectedFormat:
    header = letters_for([cells for _, cells in lines])
    held = {
        field: tuple(header[place] for place in places) for field, places in positions(form).items()
    }
    return DetectedFormat(
        file_kind=file_kind,
        package=form.package,
        kind=form.rules.get("kind"),
        fits=(form.fit,),
        header=header,
        columns=held,
        caution=form.rules.get("caution", ""),
        sample=_sample(lines),
        values=_values(header, lines),
    )


def _leaves_no_doubt(form: ExportFormat, lines: Sequence[Line], asked: _Asked) -> bool:
    """Whether a table without a header holds, where they should be, references, names and emails.

    Every reference must be in its own form and stand once, every value in the email's column must
    be one, and nowhere else among the columns that are read may stand any.
    """
    places = positions(form)
    if not places:
        return False
    table = [cells for _, cells in lines if any(cell.strip() for cell in cells)]
    width = max(max(several) for several in places.values()) + 1
    if len(table) < 2 or any(len(row) < width for row in table):
        return False
    rules = package_rules(asked.packages, form.package)
    references = [row[places["reference"][0]] for row in table]
    emails = [email for row in table if not is_placeholder(email := row[places["email"][0]])]
    others = [row[place] for row in table for field, several in places.items()
              if field != "email" for place in several]  # fmt: skip
    return (
        all(is_reference(reference, rules) for reference in references)
        and len(set(references)) == len(references)
        and all(row[places["name"][0]].strip() for row in table)
        and bool(emails)
        and all("@" in email for email in emails)
        and not any("@" in other for other in others)
        and not _heading_words(asked.packages)
        & {normalise_heading(cell) for cell in table[0] if normalise_heading(cell)}
    )


def _likely_headers(lines: Sequence[Line], asked: _Asked) -> list[Line]:
    """Rows that may be a header nobody knows: headings alone, and a usual one among them."""
    usual = _heading_words(asked.packages)
    return [line for line in lines[:-1] if _may_be_header(line[1], usual)]


def _may_be_header(cells: Sequence[str], usual: set[str]) -> bool:
    headings = [cell.strip() for cell in cells if cell.strip()]
    keys = [normalise_heading(heading) for heading in headings]
    return (
        len(headings) > 1
        and len(set(keys)) == len(keys)
        and all(any(sign.isalpha() for sign in heading) for heading in headings)
        and not any("@" in each or len(each) > _LONGEST_HEADING for each in headings)
        and bool(usual & set(keys) or len(likely_columns(headings, headings, {})) > 1)
    )


def _heading_words(packages: Mapping[str, Any]) -> set[str]:
    usual = [packages.get("any_table", {})]
    usual += [form.rules["columns"] for form in forms(packages, "csv", None)]
    return {normalise_heading(name) for told in usual for names in told.values() for name in names}


def _sample(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    filled = [cells for _, cells in lines if any(cell.strip() for cell in cells)]
    return tuple(tuple(cell[:200] for cell in row) for row in filled[:_SAMPLE])


def _values(header: Sequence[str], lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    """The first few values of each column, for a person who says what it holds."""
    found: dict[str, dict[str, None]] = {label: {} for label in header}
    for _, cells in lines:
        for label, cell in zip(header, cells, strict=False):
            if len(found[label]) < _SHOWN_VALUES and cell.strip():
                found[label][" ".join(cell.split())[:60]] = None
    return {label: tuple(values) for label, values in found.items() if values}


def _iif_delimiter(head: str) -> str:
    """What stands between an IIF file's values, or nothing when it is no IIF file."""
    for delimiter in ("\t", ","):
        for line in _lines(head, delimiter)[:_SEARCHED]:
            if table_of(CsvRow(*line)) and len(line[1]) > 1:
                return delimiter
    return ""


def _iif(stream: BinaryIO, asked: _Asked, encoding: str, delimiter: str) -> DetectedFormat:
    """An IIF file: the tables of contacts in it, taken together."""
    with text_of(stream, encoding) as text:
        headers = iif_headers(text, delimiter)
    known = [
        form
        for form in forms(asked.packages, "iif", None)
        if form.rules["table"] in headers and fits(form, headers[form.rules["table"]])
    ]
    if not known:
        raise ExportError("no_contact_table")
    held: Found = {}
    unclear: list[str] = []
    for form in known:
        found, twice = columns(form.rules["columns"], headers[form.rules["table"]])
        unclear += twice
        for field, names in found.items():
            held[field] = tuple(dict.fromkeys(held.get(field, ()) + names))
    if "reference" in unclear:
        held.pop("reference", None)
    kinds: set[Kind | None] = {
        kinds_by_table(asked.packages)[form.rules["table"]] for form in known
    }
    several = [label for form in known for label in unique_labels(headers[form.rules["table"]])]
    by_package = {form.package for form in known}
    return DetectedFormat(
        file_kind="iif",
        package=asked.package or (by_package.pop() if len(by_package) == 1 else None),
        kind=kinds.pop() if len(kinds) == 1 else None,
        fits=tuple(form.fit for form in known),
        header=tuple(dict.fromkeys(several)),
        columns=held,
        encoding=encoding,
        delimiter=delimiter,
        unclear=tuple(dict.fromkeys(unclear)),
    )
