"""Commusoft's reports of customers and suppliers, as Excel or CSV, and hostile ones."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from crmlink.accounting.exports import rows as row_reading
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.messages import rejected_row_text
from crmlink.accounting.exports.reader import DetectedFormat, FormatHints
from crmlink.accounting.exports.record_reader import (
    ExportedRecord,
    RejectedRecord,
    detect_records,
    read_records,
)
from support.pages_account import HEADINGS, PEOPLE, report
from unit.accounting.exports.export_files import repacked, table, workbook

SHORT = ("Customer ID", "Customer Name", "Customer Address Postcode")


def look(content: str | bytes, name: str = "Customers.csv", **said: Any) -> DetectedFormat:
    data = content.encode() if isinstance(content, str) else content
    corrected = {field: said.pop(field) for field in ("kind", "columns") if field in said}
    return detect_records(io.BytesIO(data), name, FormatHints(**said), **corrected)


def read(
    content: str | bytes, name: str = "Customers.csv", **said: Any
) -> list[ExportedRecord | RejectedRecord]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_records(io.BytesIO(data), look(content, name, **said)))


def records(rows: Sequence[ExportedRecord | RejectedRecord]) -> list[ExportedRecord]:
    return [row for row in rows if isinstance(row, ExportedRecord)]


def bad(rows: Sequence[ExportedRecord | RejectedRecord]) -> list[tuple[int, str, str]]:
    rejected = [row for row in rows if isinstance(row, RejectedRecord)]
    assert all(rejected_row_text(one.row).endswith(".") for one in rejected)
    return [(one.row.line, one.row.code, one.record_id) for one in rejected]


def test_a_report_is_read_by_its_headings() -> None:
    first, second, third = records(read(report()))
    assert (first.id, first.contact.name, first.reference) == (
        "customer-1001", "Margaret Holloway", None,
    )  # fmt: skip
    assert (first.contact.address, first.contact.town) == ("14 Orchard Rise", "Cheltenham")
    assert (first.contact.postcode, first.contact.phones) == ("GL50 2TR", ("07700 900100",))
    assert second.contact.phones == ("01242 555 010",)
    assert third.contact.account_number == "NG3"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_any_usual_encoding_and_with_any_delimiter(separator: str, codec: str) -> None:
    rows = [SHORT, *([str(number), f"Zoë Müller {number}", "GL50 2TR"] for number in range(1, 9))]
    found = records(read(table(rows, separator).encode(codec)))
    assert [one.number for one in found] == [str(number) for number in range(1, 9)]
    assert found[0].contact.name == "Zoë Müller 1"


def test_suppliers_and_a_column_that_says_which() -> None:
    of_suppliers = [["Supplier ID", "Supplier Name"], ["501", "Northgate Plumbing"]]
    assert records(read(table(of_suppliers), "Suppliers.csv"))[0].id == "supplier-501"
    both = [
        ["Commusoft ID", "Name", "Kind"],
        ["1", "Anna", "Customer"], ["1", "Pipes", "suppliers"], ["2", "What", "lead"],
    ]  # fmt: skip
    rows = read(table(both))
    assert [one.id for one in records(rows)] == ["customer-1", "supplier-1"]
    assert bad(rows) == [(4, "kind_missing", "")]


@pytest.mark.parametrize(
    "heading",
    [
        "Third-Party Reference", "third party accounting ref", "ACCOUNTING REFERENCE",
        "Third Party Ref", "Accounting ref.",
    ],
)  # fmt: skip
def test_the_reference_is_read_where_there_is_a_column(heading: str) -> None:
    rows = read(table([[*SHORT, heading], ["1", "Anna", "", "ANNA01"], ["2", "Ben", "", ""]]))
    assert [one.reference for one in records(rows)] == ["ANNA01", ""]


def test_a_doubtful_column_of_ids_is_only_proposed() -> None:
    for heading in ("ID", "Customer No", "Record number"):
        content = table([[heading, "Name"], ["7", "Anna"]])
        found = look(content, kind="customer")
        assert "number" not in found.columns
        assert found.likely["number"] == (heading,)
        with pytest.raises(ExportError, match="own id"):
            read(content, kind="customer")
        chosen = read(content, kind="customer", columns={"number": heading})
        assert records(chosen)[0].id == "customer-7"
    account = look(table([["Customer Account Number", "Customer Name"], ["7", "Anna"]]))
    assert "number" not in {**account.columns, **account.likely}
    two = look(table([["Customer ID", "Supplier ID", "Name"], ["7", "8", "Anna"]]))
    assert "number" not in two.columns


def test_names_and_the_kind_have_to_be_known() -> None:
    with pytest.raises(ExportError, match="names"):
        read(table([["Customer ID", "Postcode"], ["7", "LS1"]]))
    with pytest.raises(ExportError, match="customers or suppliers"):
        read(table([["Commusoft ID", "Name"], ["7", "Anna"]]))
    with pytest.raises(ExportError, match="no column"):
        look(report(), columns={"number": "Nothing"})
    with pytest.raises(ExportError, match="number, reference, name"):
        look(report(), columns={"status": "Customer Name"})


def test_ids_that_are_no_numbers_and_lines_without_a_name() -> None:
    ids = ["abc", "", "0012", "1.5", "-3", "1e3", "1,001", "12345678901234567890", "1 2"]
    lines = [[number, "Anna", ""] for number in ids]
    rows = read(table([SHORT, ["1001", "Good", ""], *lines, ["1002", "", "GL50 2TR"]]))
    assert [one.number for one in records(rows)] == ["1001"]
    codes = [code for _, code, _ in bad(rows)]
    assert codes == [
        "number_malformed",
        "number_missing",
        *["number_malformed"] * 7,
        "name_missing",
    ]
    assert bad(rows)[-1] == (12, "name_missing", "customer-1002")


def test_a_workbook_with_numbers_dates_and_formulas() -> None:
    headings = [*SHORT, "Third-Party Reference"]
    packed = workbook([
        headings,
        [1001, "Anna", "GL50 2TR", "ANNA01"],
        [1002.0, "Ben", None, 77],
        [1003.5, "Cora", None, "X"],
        [datetime(2026, 11, 28), "Dan", None, "X"],
        [True, "Eve", None, "X"],
        [1004, "Fay", None, datetime(2026, 11, 28)],
        [1005, "Gus", None, 1.5],
        ["=1000+6", "Hal", None, "X"],
        [1007, "=HYPERLINK(\"http://x.example\")", None, "X"],
    ])  # fmt: skip
    rows = read(packed, "Customers.xlsx")
    assert [(one.number, one.reference) for one in records(rows)] == [
        ("1001", "ANNA01"),
        ("1002", "77"),
    ]
    assert [(code, known) for _, code, known in bad(rows)] == [
        ("number_malformed", ""), ("number_malformed", ""), ("number_malformed", ""),
        ("reference_date", "customer-1004"), ("reference_number", "customer-1005"),
        ("number_missing", ""), ("name_missing", "customer-1007"),
    ]  # fmt: skip


def test_headings_below_merged_titles_and_on_another_sheet() -> None:
    about: list[list[object]] = [["Commusoft report of 28 Nov 2026"], ["Made by Anna"]]
    rows: list[list[object]] = [
        ["Customers", None, None], [None] * 3, [*SHORT], ["5", "Anna", "GL50 2TR"],
    ]  # fmt: skip
    packed = workbook(about, rows, names=("About", "Report"))
    found = look(packed, "Customers.xlsx", sheet="Report")
    assert found.header_line == 3
    assert records(read(packed, "Customers.xlsx", sheet="Report"))[0].number == "5"


def test_hostile_files_are_refused_with_a_sentence() -> None:
    packed = workbook([SHORT, ["1", "Anna", ""]])
    cases = [
        (b"", "Customers.csv"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "Customers.xls"),
        (packed, "Customers.xls"), (packed, "Customers.csv"), (report(), "Customers.xlsx"),
        (b"%PDF-1.7", "Customers.csv"), (b"<!DOCTYPE html><table>", "Customers.csv"),
        (b"!CUST\tNAME\nCUST\tAnna\n", "Customers.iif"),
        (repacked(packed, {"xl/workbook.xml": b"<x"}), "Customers.xlsx"),
    ]  # fmt: skip
    for content, name in cases:
        with pytest.raises(ExportError) as refused:
            read(content, name)
        assert str(refused.value).endswith("."), name


def test_a_row_that_cannot_be_read_is_left_out_alone() -> None:
    text = table([SHORT, ["1", "Anna", "GL50 2TR"]])
    text += "3,Cora,GL50 2TR,,,x\n4,A\0B,\n5,Dan,\n" + '6,"Ben,GL50 2TR\n7,Eve,\n'
    rows = read(text)
    assert [one.number for one in records(rows)] == ["1", "5", "7"]
    assert [code for _, code, _ in bad(rows)] == ["too_many_values", "broken_text", "quote_open"]


def test_the_header_again_a_total_and_the_time_are_no_lost_records() -> None:
    lines = [SHORT, ["1", "Anna", ""], SHORT, ["Total", "1", ""], ["28 Nov 2026 17:45", "", ""]]
    rejected = [row for row in read(table(lines)) if isinstance(row, RejectedRecord)]
    assert [one.row.code for one in rejected] == ["header_again", "total", "time_stamp"]
    assert not any(one.row.may_be_contact for one in rejected)


def test_more_rows_than_any_report_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_reading, "MAX_ROWS", 3)
    with pytest.raises(ExportError, match="more than 3 rows"):
        read(table([SHORT, *([str(number), "Anna", ""] for number in range(1, 9))]))


def test_every_heading_of_the_sample_is_known() -> None:
    used = {label for labels in look(report()).columns.values() for label in labels}
    assert used == set(HEADINGS)
    assert {heading for one in PEOPLE for heading in one} <= used


@pytest.mark.parametrize("written", ["1001.0", "1001.00", " 1001 "])
def test_an_id_that_a_program_wrote_as_a_number_is_read(written: str) -> None:
    found = records(read(table([SHORT, [written, "Ann Acme", "LS1 4AP"]])))
    assert [one.number for one in found] == ["1001"]


@pytest.mark.parametrize("written", ["1001.5", "1.001E+03", "001001", "1,001", "#1001", "1.001"])
def test_an_id_that_may_be_another_is_refused(written: str) -> None:
    rows = read(table([SHORT, [written, "Ann Acme", "LS1 4AP"]]))
    assert bad(rows) == [(2, "number_malformed", "")]


@pytest.mark.parametrize(
    ("line", "code", "record_id"),
    [
        (["3", "Total", ""], "total", "customer-3"),  # not a customer 3 of that name
        (["Grand total:", "3", ""], "total", ""),
        (["Total: 3 customers", "", ""], "total", ""),
        (["", "End of report", ""], "footer", ""),
    ],
)
def test_totals_and_lines_below_the_table_are_no_records(
    line: list[str], code: str, record_id: str
) -> None:
    rows = read(table([SHORT, ["1001", "Ann Acme", "LS1 4AP"], line]))
    assert [one.id for one in records(rows)] == ["customer-1001"]
    assert bad(rows) == [(3, code, record_id)]
    assert not any(one.row.may_be_contact for one in rows if isinstance(one, RejectedRecord))


def test_a_firm_called_total_is_a_record() -> None:
    (row,) = records(read(table([SHORT, ["7", "Total Gas & Power", "LS1 4AP"]])))
    assert row.contact.name == "Total Gas & Power"
    (row,) = records(read(table([SHORT, ["7", "Total", "LS1 4AP"]])))
    assert row.id == "customer-7"


def test_headings_below_those_of_groups_are_found() -> None:
    groups = ["Customer", "", "Address"]
    book = workbook([groups, SHORT, [1001, "Ann Acme", "LS1 4AP"]])
    found = look(book, "Customers.xlsx")
    assert found.header_line == 2
    assert [one.id for one in records(read(book, "Customers.xlsx"))] == ["customer-1001"]
    assert look(book, "Customers.xlsx", header_line=1).header_line == 1


def test_the_sheet_with_ids_is_read_and_the_others_are_named() -> None:
    of_suppliers = [heading.replace("Customer", "Supplier") for heading in SHORT]
    book = workbook(
        [["This report was made by Commusoft"], ["See the other sheets"]],
        [SHORT, [1001, "Ann Acme", "LS1 4AP"]],
        [of_suppliers, [501, "Screwfix", "BA22 8RT"]],
        names=("Notes", "Customers", "Suppliers"),
    )
    found = look(book, "Report.xlsx")
    assert (found.sheet, found.also) == ("Customers", ("Suppliers",))
    assert look(book, "Report.xlsx", sheet="Notes").sheet == "Notes"
    suppliers = records(read(book, "Report.xlsx", sheet="Suppliers"))
    assert [one.id for one in suppliers] == ["supplier-501"]


def test_a_column_that_says_when_is_no_name() -> None:
    headings = [*SHORT, "Last job", "Last visit", "First invoice"]
    (row,) = records(
        read(table([headings, ["1001", "Ann Acme", "LS1 4AP", "45413", "45413", "45413"]]))
    )
    assert (row.contact.label, row.contact.person) == ("Ann Acme", "")
