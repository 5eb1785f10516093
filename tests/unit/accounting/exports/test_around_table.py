"""Rows of a file that are no contacts: other headings, sections, totals and ends of pages."""

from __future__ import annotations

from io import BytesIO

import pytest

from crmlink.accounting.exports.model import RejectedRow
from crmlink.accounting.exports.reader import read_contacts
from unit.accounting.exports.export_files import (
    PACKAGES,
    bad,
    contacts,
    look,
    read,
    table,
    workbook,
)

SAGE = ["A/C", "Name", "Address Line 1", "Telephone"]
OTHERS = ["Name", "A/C", "Telephone", "Address Line 1"]
PLAIN = ["Name", "Email", "Phone", "Town"]
ANN = ["A1", "Ann Field", "1 Road", ""]


@pytest.mark.parametrize(
    "others",
    [OTHERS, [*OTHERS, "Balance", "Turnover"], ["Name", "A/C"], ["", "Customer Name", "A/C", ""]],
)
@pytest.mark.parametrize("as_workbook", [False, True])
def test_rows_below_other_headings_are_never_read_by_the_first_ones(
    others: list[str], as_workbook: bool
) -> None:
    rows = [SAGE, ANN, others, ["BOB01", "B02", "01632 960111", "2 Road"]]
    content = workbook(rows) if as_workbook else table(rows)
    read_rows = read(content, "file.xlsx" if as_workbook else "file.csv")
    assert [row.reference for row in contacts(read_rows)] == ["A1"]
    assert bad(read_rows) == [(3, "other_headings"), (4, "below_other_headings")]
    assert [row.may_be_contact for row in read_rows if isinstance(row, RejectedRow)] == [
        False,
        True,
    ]


def test_the_first_headings_again_end_the_part_below_others() -> None:
    bob, cyd = ["Bob", "B2", "", ""], ["C3", "Cyd", "3 Road", ""]
    rows = read(table([SAGE, ANN, OTHERS, bob, SAGE, cyd]))
    assert [row.reference for row in contacts(rows)] == ["A1", "C3"]


def test_a_contact_with_words_of_headings_stays_one() -> None:
    header = ["Customer", "Contact", "Phone", "Email", "Type"]
    rows = read(table([header, ["Main Street Ltd", "Name", "Phone", "Email", "Customer"]]))
    assert [row.name for row in contacts(rows)] == ["Main Street Ltd"]


def test_a_section_says_the_kind_and_the_state_of_the_rows_below_it() -> None:
    rows = read(
        table(
            [
                PLAIN,
                ["Customers", "", "", ""],
                ["Ann Field", "ann@field.example", "", ""],
                ["Inactive customers (1)", "", "", ""],
                ["Bob Field", "bob@field.example", "", ""],
                ["Suppliers", "", "", ""],
                ["Pipe Stores", "sales@pipe.example", "", ""],
            ]
        )
    )
    assert [(row.name, row.kind, row.retired) for row in contacts(rows)] == [
        ("Ann Field", "customer", False),
        ("Bob Field", "customer", True),
        ("Pipe Stores", "supplier", False),
    ]
    assert bad(rows) == [(2, "section"), (4, "section"), (6, "section")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["Page 2 of 3", "", "", ""], "footer"),
        (["2 customers", "", "", ""], "footer"),
        (["(2 rows affected)", "", "", ""], "footer"),
        (["Number of records: 2", "", "", ""], "footer"),
        (["*** End of report ***", "", "", ""], "footer"),
        (["Printed 30/11/2026 by Sue", "", "", ""], "footer"),
        (["Run date: 30 Nov 2026", "", "", ""], "footer"),
        (["Total customers", "", "", ""], "total"),
        (["Total: 2 customers", "", "", ""], "total"),
        (["Count", "2", "", ""], "total"),
        (["Sum", "1,234.50", "", ""], "total"),
        (["Total outstanding", "12.00 CR", "", ""], "total"),
        (["Total:", "GBP 1234.50", "-", "-"], "total"),
        (["Balance c/f", "123.00", "", ""], "total"),
    ],
)
def test_totals_and_ends_of_pages_are_no_contacts(line: list[str], code: str) -> None:
    rows = read(table([PLAIN, ["Ann Field", "ann@field.example", "", ""], line]))
    assert [row.name for row in contacts(rows)] == ["Ann Field"]
    assert bad(rows) == [(3, code)]


@pytest.mark.parametrize(
    "name",
    ["Page Brothers", "Count Dracula Tours", "Sum", "Totals Ltd", "End of the Line Cafe",
     "Printed Matter", "Active Customers Ltd", "Old", "Supplier Solutions", "Total Accounts Ltd"],
)  # fmt: skip
def test_names_with_such_words_stay_contacts(name: str) -> None:
    assert [row.name for row in contacts(read(table([PLAIN, [name, "", "", ""]])))] == [name]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("Creditor", "supplier"), ("Vendor (inactive)", "supplier"), ("SUPP.", "supplier"),
     ("Client", "customer"), ("Debtors", "customer"), ("Subcontractor", None), ("S", None),
     ("", "customer")],
)  # fmt: skip
def test_a_kind_that_cannot_be_read_is_not_the_one_of_the_file(cell: str, kind: str | None) -> None:
    content = table([["A/C", "Name", "Address Line 1", "Sort"], ["A1", "Ann", "", cell]])
    found = look(content).with_overrides(kind="customer", columns={"kind": ("Sort",)})
    (row,) = contacts(list(read_contacts(BytesIO(content.encode()), found, PACKAGES)))
    assert (row.kind, "kind" in row.unread) == (kind, kind is None)


@pytest.mark.parametrize("first", ["pet", "Customer"])
def test_a_reference_is_not_given_twice_where_one_kind_is_not_known(first: str) -> None:
    second = "Customer" if first == "pet" else "pet"
    content = f"Id,Name,Kind\n12,Ann,{first}\n12,Bob,{second}\n12,Eve,Supplier\n"
    columns = {"reference": ("Id",), "name": ("Name",), "kind": ("Kind",)}
    rows = read(content, columns=columns, package="quickbooks_online")
    assert bad(rows)[0] == (3, "reference_twice")


@pytest.mark.parametrize(
    ("heading", "cell", "retired"),
    [("Archived", "Yes", True), ("Hidden", "Y", True), ("Active", "No", True),
     ("Active", "Yes", False), ("Status", "Closed", True)],
)  # fmt: skip
def test_a_state_that_was_added_to_a_known_export_is_read(
    heading: str, cell: str, retired: bool
) -> None:
    header = ["A/C", "Name", "Address Line 1", heading]
    (row,) = contacts(read(table([header, ["A1", "Ann", "1 Road", cell]])))
    assert (row.reference, row.retired) == ("A1", retired)


def test_a_kind_that_was_added_to_a_known_export_is_read() -> None:
    header = ["A/C", "Name", "Address Line 1", "Kind"]
    (row,) = contacts(read(table([header, ["A1", "Ann", "1 Road", "Creditor"]])))
    assert row.kind == "supplier"


def test_a_repeated_heading_of_a_field_with_several_values_loses_none() -> None:
    header = ["A/C", "Name", "Address Line 1", "Telephone", "Telephone", "E-mail", "E-mail"]
    rows = read(
        table([header, ["A1", "Ann", "", "01632 960111", "07700 900111", "a@a.example",
                        "b@b.example"]])
    )  # fmt: skip
    (ann,) = contacts(rows)
    assert ann.phones == ("01632 960111", "07700 900111")
    assert (ann.email, ann.other_emails) == ("a@a.example", ("b@b.example",))


def test_a_state_that_cannot_be_read_is_named() -> None:
    rows = read(table([[*PLAIN, "Status"], ["Ann", "", "", "", "Prospect"]]),
                columns={"status": ("Status",)})  # fmt: skip
    assert contacts(rows)[0].unread == ("status",)
