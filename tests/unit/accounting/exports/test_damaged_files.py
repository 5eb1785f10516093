"""Files that are damaged, hostile or no contact lists: refused with a sentence, never a crash."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from crmlink.accounting.exports import files as opening
from crmlink.accounting.exports import rows as row_reading
from crmlink.accounting.exports import xlsx_reader as workbooks
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import detect_format, read_contacts
from unit.accounting.exports.export_files import (
    PACKAGES,
    SAGE,
    contacts,
    look,
    read,
    repacked,
    table,
    with_shared_strings,
    workbook,
)

SHEET = "xl/worksheets/sheet1.xml"
GOOD = table([SAGE, ["A1", "Ann", ""]])
PACKED = workbook([SAGE, ["A1", "Ann", ""]])


def refused(content: str | bytes, name: str) -> str:
    with pytest.raises(ExportError) as failure:
        read(content, name)
    assert str(failure.value).endswith(".")
    return failure.value.code


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "list.csv", "empty"),
        (b" \r\n\t\r\n", "list.csv", "empty"),
        (PACKED, "list.csv", "not_as_named"),
        (PACKED, "list.iif", "not_as_named"),
        (PACKED, "list.xls", "not_as_named"),
        (GOOD, "list.xlsx", "not_as_named"),
        (GOOD, "list.iif", "not_as_named"),
        (GOOD, "list.xls", "not_as_named"),
        (b"%PDF-1.7 ...", "list.csv", "not_as_named"),
        (b"%PDF-1.7 ...", "list", "not_a_list"),
        (b"<!DOCTYPE html><table>", "list.csv", "not_as_named"),
        (b"\xef\xbb\xbf\n<html>", "list.csv", "not_as_named"),
        (b'<?xml version="1.0"?><Workbook>', "list.xlsx", "not_as_named"),
        (b"\x89PNG\r\n", "list.csv", "not_as_named"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list.xlsx", "old_excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list.xls", "old_excel"),
        (bytes(range(1, 32)) * 40, "list.csv", "not_a_list"),
        (GOOD.encode("utf-32"), "list.csv", "encoding"),
        ("!ACCNT\tNAME\nACCNT\tBank\n", "list.iif", "no_contact_table"),
        (workbook([]), "list.xlsx", "no_table"),
        (PACKED[:-200], "list.xlsx", "damaged"),
        (PACKED[: len(PACKED) // 2], "list.xlsx", "damaged"),
        (repacked(PACKED, {SHEET: None}), "list.xlsx", "no_table"),
        (repacked(PACKED, {SHEET: b"<worksheet><unclosed>"}), "list.xlsx", "damaged"),
        (repacked(PACKED, {"xl/workbook.xml": b"no xml"}), "list.xlsx", "damaged"),
        (repacked(PACKED, {"[Content_Types].xml": None}), "list.xlsx", "not_a_list"),
        (repacked(PACKED, {"xl/workbook.bin": b"x"}), "list.xlsx", "not_a_list"),
    ],
)  # fmt: skip
def test_what_is_no_contact_list_is_refused(content: str | bytes, name: str, code: str) -> None:
    assert refused(content, name) == code


def test_the_refusal_says_what_the_file_is() -> None:
    with pytest.raises(ExportError) as failure:
        look(b"%PDF-1.7", "Contacts June.csv")
    assert str(failure.value) == (
        "Contacts June.csv should be a CSV file, but it is a PDF document. "
        "Export it again as CSV, XLSX or IIF."
    )


def test_every_cut_and_every_flipped_byte_of_a_workbook_is_survived() -> None:
    for place in range(0, len(PACKED), 97):
        for content in (PACKED[:place], PACKED[:place] + b"\xff" + PACKED[place + 1 :]):
            try:
                read(content, "list.xlsx")
            except ExportError:
                continue


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = repacked(PACKED, {SHEET: b"<worksheet>" + b" " * 3_000_000 + b"</worksheet>"})
    assert len(bomb) < 20_000
    monkeypatch.setattr(workbooks, "MAX_UNPACKED_MB", 2)
    assert refused(bomb, "list.xlsx") == "too_large_unpacked"


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/sharedStrings.xml", "xl/theme/theme1.xml"])
def test_parts_that_are_held_in_memory_are_bounded_each(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_OTHER_MB", 1)
    monkeypatch.setattr(workbooks, "MAX_STRINGS_MB", 1)
    assert refused(repacked(PACKED, {part: b" " * 2_000_000}), "list.xlsx") == "too_large_unpacked"


NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "piece", "after"),
    [
        ('<sheetData><row r="1">', "<c><v>1</v></c>", "</row></sheetData>"),
        (
            '<sheetData><row r="1"><c t="inlineStr"><is>', "<r><t>a</t></r>",
            "</is></c></row></sheetData>",
        ),
        ("", "<a/>", "<sheetData></sheetData>"),
    ],
)  # fmt: skip
def test_a_row_that_unpacks_without_an_end_is_refused_before_it_fills_the_memory(
    before: str, piece: str, after: str
) -> None:
    many = piece * (5 * 2**20 // len(piece))
    sheet = f"<worksheet {NS}>{before}{many}{after}</worksheet>".encode()
    bomb = repacked(PACKED, {SHEET: sheet})
    assert len(bomb) < 50_000
    assert refused(bomb, "list.xlsx") == "damaged"


@pytest.mark.slow
def test_a_string_that_unpacks_without_an_end_is_refused() -> None:
    packed = with_shared_strings([["Name", "Email"], ["Ann", "ann@firm.example"]])
    known = "".join(
        f"<si><t>{text}</t></si>" for text in ("Name", "Email", "Ann", "a@firm.example")
    )
    endless = "<r><t>a</t></r>" * 400_000
    strings = f"<sst {NS}>{known}<si>{endless}</si></sst>".encode()
    bomb = repacked(packed, {"xl/sharedStrings.xml": strings})
    assert refused(bomb, "list.xlsx") == "damaged"


def test_styles_are_no_larger_than_what_a_tree_of_them_may_take() -> None:
    styles = f"<styleSheet {NS}><fonts>{'<font/>' * 1_300_000}</fonts></styleSheet>".encode()
    bomb = repacked(PACKED, {"xl/styles.xml": styles})
    assert refused(bomb, "list.xlsx") == "too_large_unpacked"


def test_empty_rows_are_bounded_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ROWS", 1_000)
    sheet = f"<worksheet {NS}><sheetData>{'<row/>' * 2_000}</sheetData></worksheet>".encode()
    assert refused(repacked(PACKED, {SHEET: sheet}), "list.xlsx") == "damaged"


@pytest.mark.slow
def test_a_long_list_without_a_stated_size_and_with_much_behind_its_rows_is_read() -> None:
    text = '<c r="{}{}" t="inlineStr"><is><t>{}</t></is></c>'
    rows = "".join(
        f'<row r="{line}">' + text.format("A", line, name) + text.format("B", line, who) + "</row>"
        for line, (name, who) in enumerate(
            [("A/C", "Name"), *((f"A{number}", f"Ann {number}") for number in range(60_000))], 1
        )
    )
    behind = "<mergeCells>" + '<mergeCell ref="C1:D1"/>' * 200_000 + "</mergeCells>"
    sheet = f"<worksheet {NS}><sheetData>{rows}</sheetData>{behind}</worksheet>".encode()
    assert len(sheet) > 2 * workbooks.MAX_ROW_MB * 2**20
    read_rows = read(repacked(PACKED, {SHEET: sheet}), "list.xlsx")
    assert sum(1 for _ in read_rows) == 60_000


def test_a_workbook_whose_declared_size_is_a_lie_is_refused() -> None:
    packed = bytearray(repacked(PACKED, {SHEET: b"<worksheet>" + b" " * 100_000}))
    entry = zipfile.ZipFile(io.BytesIO(packed)).getinfo(SHEET)
    real, lie = entry.file_size.to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert packed.count(real) >= 1
    assert refused(bytes(packed).replace(real, lie), "list.xlsx") == "damaged"


def test_entities_that_multiply_are_refused() -> None:
    names = "abcdefghij"
    entities = "".join(
        f'<!ENTITY {name} "{f"&{names[place - 1]};" * 10 if place else "lol" * 100}">'
        for place, name in enumerate(names)
    )
    body = f"<!DOCTYPE x [{entities}]><worksheet>&{names[-1]};</worksheet>"
    assert refused(repacked(PACKED, {SHEET: body.encode()}), "list.xlsx") == "damaged"


def test_row_and_column_numbers_beyond_every_sheet_cost_nothing() -> None:
    ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    text = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    header = "".join(text.format(f"{'ABC'[n]}1", name) for n, name in enumerate(SAGE))
    far = text.format("A4000000000", "A1") + text.format("B4000000000", "Ann")
    far += text.format("XFD4000000000", "far away")
    sheet = (
        f'<worksheet {ns}><sheetData><row r="1">{header}</row>'
        f'<row r="4000000000">{far}</row></sheetData></worksheet>'
    )
    (row,) = contacts(read(repacked(PACKED, {SHEET: sheet.encode()}), "list.xlsx"))
    assert (row.line, row.reference) == (4_000_000_000, "A1")


@pytest.mark.parametrize("columns", [256, 257])
def test_a_heading_beyond_the_columns_that_are_read_is_named(columns: int) -> None:
    rows = [[*SAGE, *(f"More {number}" for number in range(len(SAGE), columns))], ["A1", "Ann"]]
    if columns > workbooks.MAX_COLUMNS:
        assert refused(workbook(rows), "list.xlsx") == "too_many_columns"
        gap: list[list[object]] = [[*SAGE, *([None] * 300), "Inactive"], ["A1", "Ann"]]
        assert refused(workbook(gap), "list.xlsx") == "too_many_columns"
    else:
        assert [row.reference for row in contacts(read(workbook(rows), "list.xlsx"))] == ["A1"]
    assert [row.reference for row in contacts(read(table(rows), "list.csv"))] == ["A1"]


def test_large_files_and_long_lists_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(row_reading, "MAX_ROWS", 3)
    assert refused(table([["Name", "Email"], *[["Ann", ""]] * 4]), "list.csv") == "too_many_rows"
    monkeypatch.setattr(opening, "MAX_MB", 1)
    assert refused(b"Name,Email\n" * 100_000, "list.csv") == "too_large"
    with pytest.raises(ExportError, match="can't be opened"):
        detect_format(tmp_path / "gone.csv", "gone.csv", PACKAGES)
    with pytest.raises(ExportError, match="can't be opened"):
        detect_format(tmp_path, "folder.csv", PACKAGES)


def test_a_stream_that_cannot_go_back_is_read_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(content: bytes) -> io.BufferedReader:
        reading, writing = os.pipe()
        with open(writing, "wb") as there:  # noqa: PTH123 - a pipe has no path
            there.write(content)
        return open(reading, "rb")  # noqa: PTH123

    with piped(GOOD.encode()) as stream:
        found = detect_format(stream, "list.csv", PACKAGES)
    with piped(GOOD.encode()) as stream:
        assert [row.reference for row in contacts(read_contacts(stream, found, PACKAGES))] == ["A1"]
    monkeypatch.setattr(opening, "MAX_MB", 0)
    with piped(GOOD.encode()) as stream, pytest.raises(ExportError, match="larger"):
        detect_format(stream, "list.csv", PACKAGES)


def test_a_stream_given_stays_open_and_is_read_from_its_beginning() -> None:
    stream = io.BytesIO(GOOD.encode())
    stream.read(7)
    found = detect_format(stream, "list.csv", PACKAGES)
    stream.read(3)
    rows = read_contacts(stream, found, PACKAGES)
    next(rows)
    rows.close()  # type: ignore[attr-defined] # a generator, left half-way
    assert not stream.closed
    packed = io.BytesIO(PACKED)
    found = detect_format(packed, "list.xlsx", PACKAGES)
    half_way = read_contacts(packed, found, PACKAGES)
    next(half_way)
    half_way.close()  # type: ignore[attr-defined]
    assert not packed.closed


def test_a_chosen_encoding_that_cannot_be_the_files_is_refused() -> None:
    with pytest.raises(ExportError) as failure:
        look(GOOD, encoding="utf-16")
    assert failure.value.code == "encoding"
