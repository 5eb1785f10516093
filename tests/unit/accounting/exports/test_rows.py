"""Rows of export files: the good ones go on, each bad one is named with its line and its reason."""

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from crmlink.accounting.exports import cells as understood
from crmlink.accounting.exports.reader import RejectedRow, read_contacts, rejected_row_text
from unit.accounting.exports.export_files import (
    PACKAGES,
    SAGE,
    bad,
    contacts,
    look,
    read,
    table,
    workbook,
)

CHOSEN = {"reference": "Id"}


def sage(*rows: list[object]) -> str:
    return table([SAGE, *rows])


def test_bad_rows_are_named_and_the_good_ones_go_on() -> None:
    rows = read(
        sage(
            ["A1", "Ann", ""],
            ["", "Nobody", ""],
            ["NINE CHARS", "Too long", ""],
            ["A2", "", ""],
            [],
            ["a 1", "Ann again", ""],
            ["A3", "Cut, by a comma", "", "x"],
            ["A4", "y" * 301, ""],
            ["A/C", "Name", "Address Line 1"],
            ["B1", "Bob", ""],
        )
    )
    assert [row.reference for row in contacts(rows)] == ["A1", "B1"]
    assert bad(rows) == [
        (3, "reference_missing"),
        (4, "reference_malformed"),
        (5, "nothing_to_match"),
        (7, "reference_twice"),
        (8, "too_many_values"),
        (9, "field_too_long"),
        (10, "header_again"),
    ]
    twice = next(
        row for row in rows if isinstance(row, RejectedRow) and row.code == "reference_twice"
    )
    assert rejected_row_text(twice) == "Same reference as line 2: A1."


def test_the_same_number_of_a_customer_and_of_a_supplier_are_two_references() -> None:
    content = "Id,Name,Kind\n12,Ann,Customer\n12,Bob,Vendors\n12,Eve,customer\n7,Kim,pet\n"
    rows = read(content, columns=CHOSEN, package="quickbooks_online")
    assert [(row.kind, row.name) for row in contacts(rows)] == [
        ("customer", "Ann"),
        ("supplier", "Bob"),
        (None, "Kim"),
    ]
    assert contacts(rows)[-1].unread == ("kind",)
    assert bad(rows) == [(4, "reference_twice")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["Total", "", "1,234.50"], "total"),
        (["TOTALS:", "", ""], "total"),
        (["Grand total", "£3.00", "(4)"], "total"),
        (["Total for customers", "", "17"], "total"),
        (["Thursday, 5 June 2025 10:15 AM GMT+01:00"], "time_stamp"),
        (["Thursday", " 5 June 2025", " 10:15"], "time_stamp"),
    ],
)
def test_totals_and_times_at_the_end_are_no_contacts(row: list[str], code: str) -> None:
    assert bad(read(table([["Name", "Phone", "Town"], ["Ann", "", ""], row]))) == [(3, code)]


@pytest.mark.parametrize(
    "row",
    [
        ["Total Plumbing Ltd", "", "Leeds"],
        ["Total Plumbing Ltd", "01632 960001", ""],
        ["Totally Tiled", "", ""],
        ["Sunday", "", ""],
        ["Year 2000 Systems Ltd", "", ""],
    ],
)
def test_firms_with_such_names_stay_contacts(row: list[str]) -> None:
    rows = read(table([["Name", "Phone", "Town"], row]))
    assert [each.name for each in contacts(rows)] == [row[0]]


def test_a_quotation_mark_left_open_spoils_its_row_alone() -> None:
    rows = read(
        "A/C,Name,Address Line 1\n"
        'A1,"Ann,1 Road\n'
        "A2,Bob,2 Road\n"
        'A3,"Cyd, Ltd",3 Road\n'
        "A4,Dan,4 Road\n"
    )
    assert bad(rows) == [(2, "quote_open")]
    assert [row.reference for row in contacts(rows)] == ["A2", "A3", "A4"]
    assert contacts(rows)[1].name == "Cyd, Ltd"


def test_a_quotation_mark_left_open_at_the_end_loses_no_row_below() -> None:
    rows = read('A/C,Name,Address Line 1\nA1,"Ann,1 Road\nA2,Bob,2 Road\nA3,"Cyd,3 Road')
    assert bad(rows) == [(2, "quote_open"), (4, "quote_open")]
    assert [row.reference for row in contacts(rows)] == ["A2"]


def test_a_quotation_mark_left_open_in_a_long_file_costs_one_row() -> None:
    lines = [f"A{n},Name {n},{n} Road" for n in range(1000)]
    lines[500] = 'A500,"Name,5 Road'
    rows = read("A/C,Name,Address Line 1\n" + "\n".join(lines))
    assert bad(rows) == [(502, "quote_open")]
    assert len(contacts(rows)) == 999


@pytest.mark.parametrize(
    ("swallowing", "named"),
    [
        ('A1,"Ann,1 Road\nA2,Bob",2 Road\n', [(2, "quote_open"), (3, "cut_row")]),
        ('A1,"Ann, Eve,1 Road\nA2, Bob,"\n', [(2, "quote_open"), (3, "quote_open")]),
        ('A1,Ann,"1 Road\nA2,Bob,2 Road\nA3"\n', [(2, "quote_open"), (4, "cut_row")]),
        ('A1,Ann,"1 Road\nA2",Bob,2 Road\n', [(2, "quote_open"), (3, "cut_row")]),
    ],
)
def test_two_stray_marks_never_make_one_contact_of_several(
    swallowing: str, named: list[tuple[int, str]]
) -> None:
    rows = read(f"A/C,Name,Address Line 1\n{swallowing}Z9,Zoe,9 Road\n")
    assert bad(rows) == named
    assert contacts(rows)[-1].reference == "Z9"
    assert "A1" not in [row.reference for row in contacts(rows)]


def test_after_an_open_quotation_mark_only_whole_rows_are_taken() -> None:
    rows = read('A/C,Name,Address Line 1\nA1,"Ann,1 Road\nMONDAY,x\nA2,Bob,2 Road\n')
    assert bad(rows) == [(2, "quote_open"), (3, "cut_row")]
    assert [row.reference for row in contacts(rows)] == ["A2"]


def test_a_quotation_mark_where_none_belongs_makes_no_other_reference_of_it() -> None:
    rows = read('!CUST\tNAME\nCUST\t"Big" Bob\nCUST\t6" Pipes Ltd\nCUST\t"""Big"" Bob"\n', "a.iif")
    assert bad(rows) == [(2, "quote_open")]
    assert [row.reference for row in contacts(rows)] == ['6" Pipes Ltd', '"Big" Bob']


def test_spaces_between_commas_and_quotation_marks_do_not_count() -> None:
    content = '"A/C", "Name", "Address Line 1"\n"A1", "Ann, Ltd", "1 Road"\n"B1", "Bob", ""\n'
    assert look(content).delimiter == ", "
    assert [(row.reference, row.name) for row in contacts(read(content))] == [
        ("A1", "Ann, Ltd"),
        ("B1", "Bob"),
    ]


def test_quotation_marks_about_a_reference_are_never_taken_for_part_of_it() -> None:
    rows = read('Name,A/C,Address Line 1\nAnn, "A1",\nBob,B1,\nCyd,C1,\n')
    assert bad(rows) == [(2, "reference_quoted")]
    assert [row.reference for row in contacts(rows)] == ["B1", "C1"]


def test_line_breaks_within_quotation_marks_belong_to_their_value() -> None:
    rows = read(sage(["A1", "Ann\r\nBrook", "1 Road,\nFlat 2,\nLeeds, LS1 4AP\n"], ["B1", "B", ""]))
    ann, other = contacts(rows)
    assert (ann.name, ann.address_lines) == ("Ann Brook", ("1 Road,", "Flat 2,", "Leeds"))
    assert (ann.postcode, other.line) == ("LS1 4AP", 7)


def test_a_line_without_end_is_refused_and_the_next_is_read() -> None:
    rows = read(sage(["A1", "Ann", ""]) + "B1," + "x" * 300_000 + "\nC1,Cyd,\n")
    assert bad(rows) == [(3, "line_too_long")]
    assert [row.reference for row in contacts(rows)] == ["A1", "C1"]


def test_nul_bytes_make_a_bad_row_not_a_bad_file() -> None:
    rows = read(sage(["A1", "An\x00n", ""], ["A2", "Bob", ""], ["A\x003", "Cyd", ""]))
    assert bad(rows) == [(2, "broken_text"), (4, "broken_text")]
    assert [row.reference for row in contacts(rows)] == ["A2"]


def test_letters_lost_in_a_reference_are_never_guessed() -> None:
    rows = read("!CUST\tNAME\nCUST\tCaf\ufffd\nCUST\tBob\n", "list.iif")
    assert bad(rows) == [(2, "letters_lost")]


EXCEL = [
    (1, "reference_number"),
    (1.0, "reference_number"),
    (12.5, "reference_number"),
    (10**15, "reference_long_number"),
    (datetime(2025, 3, 1), "reference_date"),
    (True, "reference_value"),
    ("#N/A", "reference_value"),
    ("1.20E+04", "reference_number"),
    ("01-Mar", "reference_date"),
    ("Mar-01", "reference_date"),
    ("1,234", "reference_number"),
    ("00123.0", "reference_number"),
    ("########", "reference_value"),
    ("'00123", "reference_marked"),
    ("0", "reference_placeholder"),
    ("n/a", "reference_placeholder"),
    ("TBC", "reference_placeholder"),
    ("-", "reference_placeholder"),
    ("???", "reference_placeholder"),
    (None, "reference_missing"),
]


@pytest.mark.parametrize(("cell", "code"), EXCEL, ids=lambda value: repr(value))
def test_a_reference_that_excel_may_have_changed_is_refused(cell: object, code: str) -> None:
    rows = read(workbook([SAGE, [cell, "Ann", ""], ["00123", "Bob", ""]]), "list.xlsx")
    assert bad(rows) == [(2, code)]
    assert [row.reference for row in contacts(rows)] == ["00123"]


@pytest.mark.parametrize("package", ["sage_50", "kashflow", "quickbooks_desktop", "xero"])
def test_a_number_is_no_reference_where_zeros_could_have_been_lost(package: str) -> None:
    packed = workbook([["Id", "Name"], [123, "Ann"]])
    rows = read(packed, "list.xlsx", columns=CHOSEN, package=package)
    assert [code for _, code in bad(rows)] in (["reference_number"], ["reference_malformed"])


@pytest.mark.parametrize("package", ["quickbooks_online", "freeagent", "sage_business_cloud"])
def test_a_number_is_a_reference_where_it_never_begins_with_zero(package: str) -> None:
    packed = workbook([["Id", "Name"], [123, "Ann"], [456.0, "Bob"], [7.5, "Cyd"], [0, "Dan"]])
    rows = read(packed, "list.xlsx", columns=CHOSEN, package=package)
    assert [row.reference for row in contacts(rows)] == ["123", "456"]
    assert bad(rows) == [(4, "reference_number"), (5, "reference_malformed")]


@pytest.mark.parametrize(
    ("cell", "code"),
    [("'A1'", "reference_marked"), ("\u2018A1\u2019", "reference_marked"),
     ("\u201cA1\u201d", "reference_quoted"), ("'A1", "reference_marked")],
)  # fmt: skip
def test_other_quotation_marks_are_no_part_of_a_reference(cell: str, code: str) -> None:
    assert bad(read(sage([cell, "Ann", ""]))) == [(2, code)]


def test_a_name_that_begins_with_an_apostrophe_is_a_reference() -> None:
    content = "Name,Email\n't Hooft,a@a.example\n'Ann Field',b@b.example\n"
    columns = {"reference": ("Name",), "name": ("Name",)}
    rows = read(content, columns=columns, package="quickbooks_desktop")
    assert [row.reference for row in contacts(rows)] == ["'t Hooft"]
    assert bad(rows) == [(3, "reference_quoted")]


@pytest.mark.parametrize("cell", ["=00123", '="00123" x', "=A2"])
def test_a_formula_in_a_text_is_no_reference(cell: str) -> None:
    assert bad(read(sage([cell, "Ann", ""]))) == [(2, "reference_value")]


def test_an_account_that_only_looks_like_a_month_is_taken() -> None:
    rows = read(sage(["MAR-01", "Marsh", ""], ['="00123"', "Bob", ""]))
    assert [row.reference for row in contacts(rows)] == ["MAR-01", "00123"]


def test_dates_and_numbers_of_a_workbook_are_read_as_they_are_shown() -> None:
    header = ["Name", "Phone", "Owes", "Open", "Since", "Used"]
    line = ["Ann", 1632960001, 12.5, 3, datetime(2024, 2, 1), "2025-06-05"]
    (contact,) = contacts(
        read(
            workbook([header, line]),
            "list.xlsx",
            columns={
                "open_balance": "Owes",
                "open_invoices": "Open",
                "created": "Since",
                "last_used": "Used",
            },
        )
    )
    assert contact.phones == ("1632960001",)
    assert (contact.open_balance, contact.open_invoices) == (Decimal("12.5"), 3)
    assert (contact.created, contact.last_used) == (date(2024, 2, 1), date(2025, 6, 5))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("£1,234.50", "1234.50"), ("(12.00)", "-12.00"), ("-3", "-3"), ("1.234,50", None),
     ("12,34", None), ("much", None), ("1e9", None)],
)  # fmt: skip
def test_amounts_are_read_or_said_to_be_unread(text: str, amount: str | None) -> None:
    (row,) = contacts(
        read(table([["Name", "Owes"], ["Ann", text]]), columns={"open_balance": "Owes"})
    )
    assert row.open_balance == (Decimal(amount) if amount else None)
    assert row.unread == (() if amount else ("open_balance",))


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("25/12/2024", None, date(2024, 12, 25)),
        ("12/25/2024", None, date(2024, 12, 25)),
        ("03/04/2024", None, None),
        ("03/04/2024", "dmy", date(2024, 4, 3)),
        ("03/04/2024", "mdy", date(2024, 3, 4)),
        ("25/12/2024", "mdy", None),
        ("05/05/2024", None, date(2024, 5, 5)),
        ("2024-04-03T10:00:00", None, date(2024, 4, 3)),
        ("2024-13-03", None, None),
        ("soon", None, None),
    ],
)
def test_a_date_is_read_only_where_day_and_month_are_told_apart(
    text: str, order: Any, day: date | None
) -> None:
    content = table([["Name", "Since"], ["Ann", text]])
    found = look(content).with_overrides(columns={"created": "Since"}, dates=order)
    (row,) = contacts(read_contacts(io.BytesIO(content.encode()), found, PACKAGES))
    assert row.created == day
    assert row.unread == (() if day else ("created",))


@pytest.mark.parametrize(
    ("cell", "phones", "unread"),
    [
        ("Phone:(555) 010-1234", ("(555) 010-1234",), ()),
        ("Phone: 01632 960001 Mobile: 07700 900001", ("01632 960001", "07700 900001"), ()),
        ("01632 960001; 07700 900001, 01632 960001", ("01632 960001", "07700 900001"), ()),
        ("01632 960001\n07700 900001", ("01632 960001", "07700 900001"), ()),
        ("Fax:01632 960009", (), ()),
        ("ask Mary", (), ("phones",)),
        ("1" * 61, (), ("phones",)),
    ],
)
def test_phones_are_taken_out_of_their_labels(
    cell: str, phones: tuple[str, ...], unread: tuple[str, ...]
) -> None:
    (row,) = contacts(read(table([["Name", "Phone"], ["Ann", cell]])))
    assert (row.phones, row.unread) == (phones, unread)


def test_a_postcode_is_taken_from_an_address_only_when_it_is_the_only_one() -> None:
    header = ["Name", "Address", "Postcode"]
    rows = [
        ["Ann", "1 Road, Leeds LS1 4AP", ""],
        ["Bob", "1 Road, LS1 4AP, was GL50 2TR", ""],
        ["Cyd", "1 Road, LS1 4AP", "GL50 2TR"],
        ["Dan", "Unit B12 3CD", ""],
    ]
    found = contacts(read(table([header, *rows])))
    assert [row.postcode for row in found] == ["LS1 4AP", "", "GL50 2TR", ""]


def test_quickbooks_desktop_names_keep_their_spaces_and_capitals() -> None:
    rows = read("!CUST\tNAME\nCUST\t  Two  Spaces \nCUST\ttwo  spaces\n", "list.iif")
    assert [row.reference for row in contacts(rows)] == ["  Two  Spaces ", "two  spaces"]


def test_a_value_that_is_all_gaps_is_read_in_one_go() -> None:
    """With a pattern that tries each gap from each of its places this would take days."""
    gap = " " * 2_000_000
    expected = ("01632 960001", "01632 960002"), False
    assert understood.parse_phones([f"01632 960001{gap}or{gap}01632 960002"]) == expected
