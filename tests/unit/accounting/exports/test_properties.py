"""The readers of export files, on files that no one wrote down."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.accounting.exports.reader import (
    DetectedFormat,
    ExportedContact,
    RejectedRow,
    detect_format,
    read_contacts,
    rejected_row_text,
)
from crmlink.folding import compose
from crmlink.values import is_placeholder, read_address, without_placeholder
from crmlink.values.double_encoding import without_double_encoding
from unit.accounting.exports.export_files import PACKAGES, bad, contacts, read, table, workbook

FILES = [
    path
    for path in sorted((Path(__file__).parents[3] / "exports").iterdir())
    if path.suffix != ".json"
]
HEADER = ["A/C", "Name", "Address Line 1", "Address Line 2", "Telephone"]
PIECES = [
    b'"', b",", b"\n", b"\r", b"\r\n", b";", b"\t", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"!CUST",
    b"CUST\t", b"sep=;\n", b"\x80", b"\xc3", b'""', b"=", b"'", b"PK\x03\x04", b"Total,",
]  # fmt: skip

names = st.sampled_from(["a.csv", "a.txt", "a.iif", "a.xlsx", "a.xls", "a.tsv", "a", "", "a.pdf"])
letters = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
clean = st.text(letters, min_size=1, max_size=12)
words = st.lists(clean, max_size=3).map(" ".join)
wild = st.text(st.sampled_from(list("ab1,;\t\"'\n\r |#=é€\u200b\ufffd\ufeff/-:")), max_size=12)
references = st.text(st.sampled_from("ABCXYZ0189-/"), min_size=1, max_size=8).filter(
    lambda text: text != "A/C"
)


def all_of(content: bytes, name: str) -> list[ExportedContact | RejectedRow]:
    """Everything that is read of a file, by whatever columns it seems to have."""
    found = detect_format(io.BytesIO(content), name, PACKAGES)
    assert DetectedFormat.from_dict(found.as_dict()) == found
    if found.package is None:
        found = found.with_overrides(package="sage_50")
    if not found.columns:
        found = found.with_overrides(columns={"name": 0, "reference": -1 + len(found.header)})
    return list(read_contacts(io.BytesIO(content), found, PACKAGES))


def survives(content: bytes, name: str) -> None:
    try:
        rows = all_of(content, name)
    except ExportError:
        return
    lines = [row.line for row in rows]
    assert all(line > 0 for line in lines)
    assert all(rejected_row_text(row) for row in rows if isinstance(row, RejectedRow))


@given(st.binary(max_size=400), names)
def test_no_bytes_make_a_reader_fail_in_its_own_way(content: bytes, name: str) -> None:
    survives(content, name)


@given(st.data())
def test_no_damage_to_a_real_export_makes_a_reader_fail_in_its_own_way(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES))
    content = file.read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 30))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        content = content[:place] + piece + content[place + cut :]
    survives(content, file.name)


@given(st.lists(st.lists(wild, min_size=5, max_size=5), max_size=8), st.sampled_from(",;\t|"))
def test_every_row_is_a_contact_or_a_bad_row_with_its_line(
    rows: list[list[str]], delimiter: str
) -> None:
    # With as many delimiters as a row, a value of several lines is taken for rows.
    assume(
        all(
            cell.count(delimiter) < len(HEADER) - 1
            for row in rows
            for cell in row
            if "\n" in cell or "\r" in cell
        )
    )
    content = table([HEADER, *rows], delimiter)
    begins, line = [], 2
    for row in rows:
        if any(cell.strip().strip("\ufeff").strip() for cell in row):
            begins.append(line)
        written = table([row], delimiter)
        line += written.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    lines = [row.line for row in read(content.encode())]
    assert set(begins) <= set(lines)
    assert len(lines) == len(set(lines)), "no row is told twice"
    if not any(sign in cell for row in rows for cell in row for sign in "\r\n"):
        assert lines == begins


@pytest.mark.slow
@given(
    st.lists(st.tuples(references, clean, words, words), min_size=1, max_size=20,
             unique_by=lambda row: row[0]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)  # fmt: skip
def test_what_is_written_is_read_again(
    rows: Sequence[tuple[str, ...]], encoding: str, delimiter: str, excel: bool
) -> None:
    assume(not any(text.startswith("=") for row in rows for text in row))
    lines = [HEADER[:4], *rows]
    if excel:
        found = read(workbook(lines), "list.xlsx")
    else:
        found = read(table(lines, delimiter).encode(encoding))
    taken = {row.line: row for row in contacts(found)}
    others = dict(bad(found))
    for line, (reference, name, *address) in enumerate(rows, 2):
        if line in others:
            expected = {"total", "time_stamp", "reference_value"}
            meant = without_double_encoding(compose(name))
            expected |= {"nothing_to_match"} if is_placeholder(meant) else set()
            if is_placeholder(reference) or not reference.strip("0"):
                expected.add("reference_placeholder")
            assert others[line] in expected, (line, others, rows)
            continue
        row = taken[line]
        read_name = without_placeholder(without_double_encoding(compose(name)))
        assert (row.reference, row.name) == (compose(reference), read_name)
        lines = [
            without_double_encoding(compose(text))
            for text in address
            if text and normalise_heading(text) != normalise_heading(row.name)
        ]
        assert row.address_lines == read_address([str(line) for line in lines]).lines


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=70),
    st.data(),
)
@example([(True, 1)] * 3, None)
def test_a_forgotten_quotation_mark_costs_no_other_row(
    shapes: list[tuple[bool, int]], data: st.DataObject | None
) -> None:
    """Some rows have a quoted value, some empty ones at their end; one gets a stray mark."""
    rows = []
    for number, (quoted, empty) in enumerate(shapes):
        row = [f"A{number}", f"Name {number}", f"{number} Road", "Leeds", "01632 960001"]
        if quoted:
            row[1 + number % 4] = f"{number}, Road"
        rows.append(row[: 5 - empty % 3] + [""] * (empty % 3))
    lines = table(rows).split("\r\n")[:-1]
    victim = data.draw(st.integers(0, len(lines) - 1)) if data else 0
    column = data.draw(st.integers(1, 4)) if data else 2
    parts = next(iter(table([rows[victim]]).split("\r\n"))).split(",")
    assume(not any('"' in part for part in parts) and len(parts) == 5)
    parts[column] = '"' + parts[column]
    lines[victim] = ",".join(parts)
    found = read(",".join(HEADER) + "\r\n" + "\r\n".join(lines) + "\r\n")
    taken = {row.reference: row for row in contacts(found)}
    for number, row in enumerate(rows):
        if number == victim:
            assert (number + 2, "quote_open") in bad(found)
        else:
            assert taken[f"A{number}"].name == row[1]
