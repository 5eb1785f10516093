"""Headings that people type, and what they are taken for."""

import io

import pytest

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import unique_labels
from crmlink.accounting.exports.reader import read_contacts
from crmlink.accounting.exports.similar_headings import MAX_COLUMNS, likely_columns
from unit.accounting.exports.export_files import PACKAGES, contacts, look, read, table

TYPED = ["Customer / Trading Name", "Tel.", "Addr 1", "Addr 2", "P/Code", "Ref No.", "Mob"]
ROWS = [
    ["Brook Pipes", "0113 496 0102", "2 Mill Lane", "Bradford", "BD1 1AA", "B01", "07700 900102"],
    ["Ann Acme", "n/a", "1 High Street", "Leeds", "LS1 4AP", "A02", ""],
]


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Customer / Trading Name", "name"), ("Cust Name", "name"), ("Client", "name"),
        ("Account Name", "name"), ("Name of customer", "name"),
        ("Company / Organisation", "company"),
        ("Tel.", "phones"), ("Mob", "phones"), ("Mobile No.", "phones"), ("Telehpone", "phones"),
        ("Home Tel", "phones"), ("Telephone (day)", "phones"), ("Contact Tel", "phones"),
        ("Addr 1", "address"), ("Add1", "address"), ("Street", "address"),
        ("Address Line 1", "address"),
        ("P/Code", "postcode"), ("Zip", "postcode"), ("Post Town", "town"), ("City/Town", "town"),
        ("E mail", "email"), ("E-mail 2", "email"), ("Surname", "last_name"),
        ("Forename(s)", "first_name"), ("First", "first_name"), ("Last name", "last_name"),
        ("Contact", "person"), ("Ref No.", "reference"),
        ("A/C Ref", "reference"), ("Customer Ref", "reference"), ("Supplier Code", "reference"),
        ("Site Address", "other_address"), ("Delivery Postcode", "other_postcode"),
        ("Archived?", "status"),
    ],
)  # fmt: skip
def test_a_typed_heading_is_proposed_for_its_field(heading: str, field: str) -> None:
    assert likely_columns([heading], [heading], {}) == {field: (heading,)}


@pytest.mark.parametrize(
    "heading",
    ["Fax No", "Balance O/S", "Credit Limit", "Notes", "Date Added", "VAT No", "Website",
     "Customer ID", "Customer Type", "Payment Terms", "", "7"],
)  # fmt: skip
def test_a_heading_of_something_else_is_proposed_for_nothing(heading: str) -> None:
    assert likely_columns([heading], [heading], {}) == {}


def test_a_table_with_typed_headings_is_read_by_them_but_for_its_references() -> None:
    found = look(table([TYPED, *ROWS]))
    assert found.header_line == 1
    assert found.likely["reference"] == ("Ref No.",)
    assert not found.has_references
    brook, ann = contacts(read(table([TYPED, *ROWS])))
    assert (brook.name, brook.phones) == ("Brook Pipes", ("0113 496 0102", "07700 900102"))
    assert (brook.address_lines, brook.postcode) == (("2 Mill Lane", "Bradford"), "BD1 1AA")
    assert (brook.reference, ann.phones) == ("", ())


def test_three_values_of_each_column_are_shown_beside_the_choice() -> None:
    more = [[f"Firm {n}", f"0113 496 01{n:02}", "", "", "", f"C{n:02}", ""] for n in range(5)]
    found = look(table([TYPED, *ROWS, *more]))
    assert found.values["Ref No."] == ("B01", "A02", "C00")
    assert found.values["Mob"] == ("07700 900102",)
    assert not found.without_contents().values
    assert not found.without_contents().sample


def test_what_a_person_chooses_is_no_likeness_any_more() -> None:
    found = look(table([TYPED, *ROWS]), package="kashflow").with_overrides(
        columns={"reference": "Ref No."}
    )
    assert found.has_references
    assert "reference" not in found.likely

    rows = list(read_contacts(io.BytesIO(table([TYPED, *ROWS]).encode()), found, PACKAGES))
    assert [row.reference for row in contacts(rows)] == ["B01", "A02"]


def test_full_name_is_the_person_beside_the_vendor_and_the_name_where_it_is_alone() -> None:
    beside, alone = (
        contacts(read(table(rows)))[0]
        for rows in (
            [["Vendor", "Full name", "Phone"], ["Brook Pipes", "Bob Brook", "0113 496 0102"]],
            [["Full name", "Phone"], ["Bob Brook", "0113 496 0102"]],
        )
    )
    assert (beside.name, beside.person) == ("Brook Pipes", "Bob Brook")
    assert (alone.name, alone.person) == ("Bob Brook", "")


def test_a_table_without_any_heading_that_is_known_still_needs_a_person() -> None:
    with pytest.raises(ExportError):
        read(table([["Colour", "Size"], ["red", "1"], ["blue", "2"]]))


def test_the_first_columns_of_a_very_wide_table_are_compared() -> None:
    others = [f"Colour {number}" for number in range(MAX_COLUMNS)]
    assert likely_columns(["E-mail", *others], ["E-mail", *others], {}) == {"email": ("E-mail",)}
    assert likely_columns([*others, "E-mail"], [*others, "E-mail"], {}) == {}


def test_each_of_very_many_columns_has_a_label_of_its_own() -> None:
    assert len(set(unique_labels([f"Site {number}" for number in range(100_000)]))) == 100_000
    assert len(set(unique_labels(["Site"] * 1_000))) == 1_000
    assert len(set(unique_labels(["Site", "Site (column C)", "Site"]))) == 3
