"""Export files made for a test, and what is read from them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from crmlink.accounting.exports.reader import (
    Columns,
    DetectedFormat,
    ExportedContact,
    FormatHints,
    RejectedRow,
    detect_format,
    read_contacts,
)
from crmlink.accounting.rule_loading import load_packages

PACKAGES = load_packages()
SAGE = ["A/C", "Name", "Address Line 1"]
XERO = ["*ContactName", "AccountNumber", "EmailAddress", "POAddressLine1"]

SHEET_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def table(rows: Iterable[Sequence[object]], delimiter: str = ",", **how: Any) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, **how).writerows(rows)
    return text.getvalue()


def workbook(*sheets: Iterable[Sequence[object]], names: Sequence[str] = ()) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"Sheet{number + 1}")
        for row in rows:
            sheet.append(list(row))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def repacked(packed: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """A workbook with some parts replaced, added or (None) left out."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in dict.fromkeys([*old.namelist(), *parts]):
            content = parts[name] if name in parts else old.read(name)
            if content is not None:
                new.writestr(name, content, zipfile.ZIP_DEFLATED)
    return changed.getvalue()


def with_shared_strings(rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook as Excel writes it: its texts in a table of their own."""
    texts = list(dict.fromkeys(text for row in rows for text in row))
    places = {text: place for place, text in enumerate(texts)}
    lines = "".join(
        f'<row r="{number}" ht="15" customHeight="1">'
        + "".join(f'<c t="s"><v>{places[text]}</v></c>' for text in row)
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    strings = "".join(
        f"<si><r><t>{text[:1]}</t></r><r><t>{text[1:]}</t></r></si>" for text in texts
    )
    packed = workbook([["x"]])
    with zipfile.ZipFile(io.BytesIO(packed)) as old:
        types = old.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    added = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    return repacked(
        packed,
        {
            "[Content_Types].xml": types.replace("</Types>", added).encode(),
            "xl/worksheets/sheet1.xml": (
                f"<worksheet {SHEET_NS}><sheetData>{lines}</sheetData></worksheet>"
            ).encode(),
            "xl/sharedStrings.xml": f"<sst {SHEET_NS}>{strings}</sst>".encode(),
        },
    )


def look(content: str | bytes, name: str = "list.csv", **hints: Any) -> DetectedFormat:
    return detect_format(_stream(content), name, PACKAGES, FormatHints(**hints))


def read(
    content: str | bytes,
    name: str = "list.csv",
    columns: Columns | None = None,
    **hints: Any,
) -> list[ExportedContact | RejectedRow]:
    found = look(content, name, **hints).with_overrides(columns=columns)
    return list(read_contacts(_stream(content), found, PACKAGES))


def contacts(rows: Iterable[ExportedContact | RejectedRow]) -> list[ExportedContact]:
    return [row for row in rows if isinstance(row, ExportedContact)]


def bad(rows: Iterable[ExportedContact | RejectedRow]) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in rows if isinstance(row, RejectedRow)]


def _stream(content: str | bytes) -> io.BytesIO:
    return io.BytesIO(content.encode() if isinstance(content, str) else content)
