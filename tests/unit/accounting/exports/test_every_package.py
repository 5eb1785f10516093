"""What an export file is, and the contacts in it: every format that is known, and unknown ones."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from crmlink.accounting.errors import UnknownPackage
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import (
    DetectedFormat,
    ExportedContact,
    RejectedRow,
    detect_format,
    import_hints,
    read_contacts,
    rejected_row_text,
)
from unit.accounting.exports.export_files import (
    PACKAGES,
    SAGE,
    XERO,
    bad,
    contacts,
    look,
    read,
    table,
    with_shared_strings,
    workbook,
)

FILES = sorted(
    path for path in (Path(__file__).parents[3] / "exports").iterdir() if path.suffix != ".json"
)
OTHER_TABLE = [["Code", "Name", "E-mail"], ["7", "Ann Brook", "ann@brook.example"]]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_export_is_recognised_and_read(file: Path) -> None:
    expected = json.loads(file.with_name(f"{file.name}.json").read_text(encoding="utf-8"))
    found = detect_format(file, file.name, PACKAGES)
    seen = {name: getattr(found, name) for name in expected.keys() - {"rows", "forms"}}
    seen["forms"] = [fit.form for fit in found.fits]
    seen["rows"] = [
        {name: value for name, value in _plain(row).items() if value}
        for row in read_contacts(file, found, PACKAGES)
    ]
    assert json.loads(json.dumps(seen)) == expected


def _plain(row: ExportedContact | RejectedRow) -> dict[str, Any]:
    return row.as_dict() if isinstance(row, ExportedContact) else asdict(row)


def test_every_package_but_sage_200_has_a_known_export_that_is_tried_here() -> None:
    tried = {detect_format(file, file.name, PACKAGES).package for file in FILES}
    assert set(PACKAGES["packages"]) - tried == {"sage_200"}
    assert "exports" not in PACKAGES["packages"]["sage_200"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_letters_and_the_delimiter_are_found_out(encoding: str, delimiter: str) -> None:
    rows = [SAGE, ["CAFE01", "Café Zoë", "12, High Street"], ["BOB01", "Bob", ""]]
    read_rows = read(table(rows, delimiter).encode(encoding))
    assert [(row.reference, row.name) for row in contacts(read_rows)] == [
        ("CAFE01", "Café Zoë"),
        ("BOB01", "Bob"),
    ]


@pytest.mark.slow
def test_a_strange_letter_at_the_very_end_still_tells_the_encoding() -> None:
    rows = [SAGE, *([f"A{n}", "Plain", ""] for n in range(60_000)), ["CAFE01", "Café", ""]]
    found = look(table(rows).encode("cp1252"))
    assert found.encoding == "cp1252"
    assert contacts(read(table(rows).encode("cp1252")))[-1].name == "Café"


def test_one_broken_letter_does_not_make_utf8_something_else() -> None:
    content = table([SAGE, ["A1", "Café Zoë Brontë", ""], ["B1", "Bro?en", ""]]).encode()
    rows = contacts(read(content.replace(b"?", b"\xff")))
    assert [row.name for row in rows] == ["Café Zoë Brontë", "Bro\ufffden"]


@pytest.mark.parametrize(
    "heading", ["a/c", " A/C ", "A / C", "*A/C", "\ufeffA/C"], ids=lambda text: repr(text)
)
def test_headings_are_compared_without_case_and_spacing(heading: str) -> None:
    found = look(table([[heading, "NAME", "address  line 1"], ["A1", "Ann", ""]]))
    assert (found.package, found.has_references) == ("sage_50", True)


def test_title_rows_above_the_header_are_passed_over() -> None:
    rows = [["Customer list"], [], ["Printed", "5 June"], SAGE, ["A1", "Ann", ""]]
    found = look(table(rows))
    assert (found.package, found.header_line) == ("sage_50", 4)
    assert [row.line for row in contacts(read(table(rows)))] == [5]


def test_excels_own_first_line_names_the_delimiter() -> None:
    found = look("sep=;\r\n" + table([SAGE, ["A1", "Ann, Bob", ""]], ";"))
    assert (found.delimiter, found.header_line) == (";", 2)


def test_a_file_that_fits_two_packages_is_no_ones_until_a_person_says() -> None:
    both = table([[*SAGE, *XERO], ["A1", "Ann", "1 Road", "Ann Ltd", "9", "a@x.example", "2 Road"]])
    found = look(both)
    assert found.ambiguous
    assert found.package is None
    assert {fit.package for fit in found.fits} == {"sage_50", "xero"}
    assert not found.columns
    assert import_hints(found, PACKAGES) == [
        "Files from Xero and Sage 50cloud Accounts look like this. Choose the accounting software."
    ]
    with pytest.raises(ExportError, match="the accounting software this file came from"):
        read_contacts(io.BytesIO(), found, PACKAGES)
    assert [row.reference for row in contacts(read(both, package="sage_50"))] == ["A1"]


def test_an_unknown_table_is_read_with_columns_chosen_by_hand() -> None:
    content = table(OTHER_TABLE)
    found = look(content, package="sage_200")
    assert found.fits == ()
    assert not found.has_references
    assert dict(found.columns) == {"name": ("Name",), "email": ("E-mail",)}
    rows = read(content, columns={"reference": "code"}, package="sage_200")
    assert bad(rows) == [(2, "reference_malformed")]
    (contact,) = contacts(read(content, columns={"reference": 0}, package="freeagent"))
    assert (contact.reference, contact.name, contact.email) == (
        "7",
        "Ann Brook",
        "ann@brook.example",
    )


def test_an_unknown_package_and_a_reference_without_a_package_are_refused() -> None:
    with pytest.raises(UnknownPackage):
        look(table(OTHER_TABLE), package="quicken")
    found = look(table(OTHER_TABLE)).with_overrides(columns={"reference": "Code"})
    with pytest.raises(ExportError, match="the accounting software this file came from"):
        read_contacts(io.BytesIO(), found, PACKAGES)
    with pytest.raises(UnknownPackage):
        read_contacts(io.BytesIO(), found.with_overrides(package="quicken"), PACKAGES)


def test_without_references_matches_can_still_be_prepared() -> None:
    found = look(table([XERO, ["Holloway Ltd", "H1", "m@holloway.example", ""]]))
    assert (found.package, found.has_references) == ("xero", False)
    assert "include Xero's references" in import_hints(found, PACKAGES)[0]
    (contact,) = contacts(read(table([XERO, ["Holloway Ltd", "H1", "m@holloway.example", ""]])))
    assert (contact.reference, contact.account_number) == ("", "H1")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"name": "Surname"}, "column_unknown"),
        ({"name": 3}, "column_unknown"),
        ({"name": -1}, "column_unknown"),
        ({"favourite": "Name"}, "field_unknown"),
        ({"reference": ["Code", "Name"]}, "column_needed_once"),
    ],
)
def test_a_wrong_correction_is_refused(columns: dict[str, Any], code: str) -> None:
    with pytest.raises(ExportError) as refused:
        look(table(OTHER_TABLE)).with_overrides(columns=columns)
    assert refused.value.code == code


def test_a_field_can_be_taken_away_and_several_columns_can_hold_one() -> None:
    content = table([["Name", "Landline", "Cell"], ["Ann", "01632 960001", "07700 900001"]])
    (contact,) = contacts(read(content, columns={"phones": ["Landline", "Cell"]}))
    assert contact.phones == ("01632 960001", "07700 900001")
    with pytest.raises(ExportError, match="choose at least"):
        read(content, columns={"name": None})


def test_a_heading_that_stands_twice_is_no_reference_until_one_is_chosen() -> None:
    content = table([[*SAGE, "A/C"], ["A1", "Ann", "", "Z9"]])
    found = look(content)
    assert found.header == ("A/C", "Name", "Address Line 1", "A/C (column D)")
    assert found.unclear == ("reference",)
    assert not found.has_references
    assert "looks like the reference" in import_hints(found, PACKAGES)[0]
    (contact,) = contacts(read(content, columns={"reference": "A/C (column D)"}))
    assert contact.reference == "Z9"


SAGE_ROW = [
    "ABC01", "ABC Ltd", "1 Road", "", "", "", "GL50 2TR", "Ann", "01632 960001",
    *[""] * 17, "ann@abc.example", "",
]  # fmt: skip


def sage_rows(**changes: list[str]) -> str:
    second = ["XYZ01", "XYZ Ltd", *SAGE_ROW[2:-2], "", ""]
    return table([changes.get("first", SAGE_ROW), changes.get("second", second)])


def test_sage_50_without_a_header_is_known_by_its_values() -> None:
    found = look(sage_rows())
    assert (found.package, found.header_line, found.has_references) == ("sage_50", None, True)
    assert [row.reference for row in contacts(read(sage_rows()))] == ["ABC01", "XYZ01"]
    in_excel = workbook([SAGE_ROW, ["XYZ01", *SAGE_ROW[1:]]])
    assert look(in_excel, "list.xlsx").package == "sage_50"


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (["abc01", *SAGE_ROW[1:]], "small letters"),
        (["XYZ01", *SAGE_ROW[1:]], "a reference twice"),
        (["TOOLONG99", *SAGE_ROW[1:]], "too long"),
        (["ABC01", "", *SAGE_ROW[2:]], "no name"),
        ([*SAGE_ROW[:26], "", ""], "no email anywhere"),
        ([*SAGE_ROW[:26], "none", ""], "no email where it should be"),
        ([*SAGE_ROW[:8], "a@b.example", *SAGE_ROW[9:]], "an email elsewhere"),
        (SAGE_ROW[:20], "too few columns"),
        (["A/C", "Name", *SAGE_ROW[2:]], "half a header"),
    ],
)
def test_any_doubt_about_a_missing_header_is_asked_about(first: list[str], why: str) -> None:
    found = look(sage_rows(first=first))
    assert found.package is None, why
    assert not found.has_references
    assert "don't recognise this file" in import_hints(found, PACKAGES)[0]


def test_a_person_says_where_the_header_is_or_that_there_is_none() -> None:
    content = "Numéro,Nom\r\n7,Ann\r\n8,Bob\r\n"
    assert look(content).header == ("A", "B")
    detected = look(content, header_line=1, package="freeagent")
    assert detected.header == ("Numéro", "Nom")
    found = detected.with_overrides(columns={"reference": "Numéro", "name": "Nom"})
    rows = list(read_contacts(io.BytesIO(content.encode()), found, PACKAGES))
    assert [(row.reference, row.name) for row in contacts(rows)] == [("7", "Ann"), ("8", "Bob")]
    assert look(table([SAGE, ["A1", "Ann", ""]]), header_line=0).header == ("A", "B", "C")
    with pytest.raises(ExportError, match="line 99"):
        look(content, header_line=99)


def test_the_first_contact_of_a_table_without_a_header_is_never_lost() -> None:
    content = "ABC Plumbing,High Street\r\nXYZ Heating,Mill Lane\r\n"
    found = look(content)
    assert (found.header_line, found.header) == (None, ("A", "B"))
    rows = read(content, columns={"name": "A"})
    assert [row.name for row in contacts(rows)] == ["ABC Plumbing", "XYZ Heating"]


def test_a_file_changed_after_it_was_looked_at_is_refused() -> None:
    found = look(table([SAGE, ["A1", "Ann", ""]]))
    for other in (table([["Name", *SAGE], ["Ann", "A1", "", ""]]), "\r\nx", ""):
        with pytest.raises(ExportError):
            list(read_contacts(io.BytesIO(other.encode()), found, PACKAGES))


def test_what_was_recognised_goes_through_json() -> None:
    for file in FILES:
        found = detect_format(file, file.name, PACKAGES)
        assert DetectedFormat.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_of_several_sheets_the_one_with_contacts_is_read_and_others_are_named() -> None:
    sheets = ([["Notes"], ["hello"]], [SAGE, ["A1", "Ann", ""]], [SAGE, ["B1", "Bob", ""]])
    packed = workbook(*sheets, names=["Notes", "Customers", "More"])
    found = look(packed, "list.xlsx")
    assert (found.sheet, found.also) == ("Customers", ("More",))
    assert "“More”" in import_hints(found, PACKAGES)[0]
    assert [row.name for row in contacts(read(packed, "list.xlsx", sheet="More"))] == ["Bob"]
    with pytest.raises(ExportError, match="no sheet called “None”"):
        look(packed, "list.xlsx", sheet="None")


def test_a_workbook_as_excel_writes_it_is_read_with_its_row_numbers() -> None:
    packed = with_shared_strings([["Customers"], SAGE, ["A1", "Ann", "1 Road"], ["A1", "Bob", ""]])
    rows = read(packed, "list.xlsx")
    (ann,) = contacts(rows)
    assert (ann.line, ann.reference, ann.name, ann.address_lines) == (3, "A1", "Ann", ("1 Road",))
    assert bad(rows) == [(4, "reference_twice")]


def test_iif_tables_are_read_with_their_own_columns_and_kinds() -> None:
    content = (
        "!VEND\tADDR1\tNAME\nVEND\t1 Quay\tBoth\n!CUST\tNAME\tBADDR1\nCUST\tBoth\t2 Quay\n"
        "CUST\tBoth\t3 Quay\n!CUST\tBADDR1\tNAME\nCUST\t4 Quay\tOther\nOTHERNAME\tx\nTRNS\ty\n"
    )
    rows = read(content, "list.iif")
    assert [(row.kind, row.reference, row.address_lines) for row in contacts(rows)] == [
        ("supplier", "Both", ("1 Quay",)),
        ("customer", "Both", ("2 Quay",)),
        ("customer", "Other", ("4 Quay",)),
    ]
    assert bad(rows) == [(5, "reference_twice")]


def test_iif_may_be_written_with_commas_and_may_be_called_txt() -> None:
    rows = read('!CUST,NAME,EMAIL\nCUST,"Smith, Jane",jane@smith.example\n', "list.txt")
    assert [row.reference for row in contacts(rows)] == ["Smith, Jane"]


def test_iif_rows_without_headings_are_named() -> None:
    rows = read("CUST\tearly\n!VEND\tNAME\nVEND\tA\n", "list.iif")
    assert bad(rows) == [(1, "heading_missing")]


def test_every_reason_has_a_sentence() -> None:
    (row,) = [row for row in read(table([SAGE, ["", "Ann", ""]])) if isinstance(row, RejectedRow)]
    assert rejected_row_text(row) == "No reference."
