"""Files as people keep them, ten and more of each kind: what is read from each of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmlink.accounting.exports.model import ExportedContact
from crmlink.cli import main
from support.contact_cases import record_list, table
from unit.accounting.exports.export_files import contacts, read

SAGE = ("A/C", "Name", "Address Line 1", "Address Line 2", "Address Line 3", "Address Line 4",
        "Address Line 5", "Contact Name", "Telephone", "Fax", "E-mail")  # fmt: skip


def sage(name: str = "Ann Acme", lines: str = "", phone: str = "", email: str = "") -> bytes:
    """A Sage 50 file with one customer; ``lines`` are five address lines parted by bars."""
    address = [*lines.split("|"), "", "", "", "", ""][:5]
    return table(SAGE, [("A1", name, *address, "", phone, "", email)]).encode()


def only(content: bytes, name: str = "file.csv") -> ExportedContact:
    (contact,) = contacts(read(content, name))
    return contact


HOME, MOBILE = "01632 960114", "07700 900114"


@pytest.mark.parametrize(
    ("typed", "phones"),
    [
        (f"Mob {MOBILE} Home {HOME}", (MOBILE, HOME)),
        (f"{HOME} (Margaret) {MOBILE} (son)", (HOME, MOBILE)),
        (f"T: {HOME} M: {MOBILE}", (HOME, MOBILE)),
        (f"{HOME} or {MOBILE} evenings", (HOME, MOBILE)),
        ("01632960114\\07700900114", ("01632960114", "07700900114")),
        (f"{HOME} - ring twice", (HOME,)),
        (f"+44(0)1632 960114, office {MOBILE}", ("+44 1632 960114", MOBILE)),
        (f"ring {MOBILE} first then {HOME}", (MOBILE, HOME)),
        ("07700900114 07700900115", ("07700900114", "07700900115")),
        (f"{HOME} W, 01632 960116 H", (HOME, "01632 960116")),
        (f"{HOME} ext: 12 / {MOBILE}", (HOME, MOBILE)),
        ("o1632 960114", (HOME,)),
    ],
)
def test_phones_in_one_field_are_several(typed: str, phones: tuple[str, ...]) -> None:
    assert only(sage(phone=typed)).phones == phones


ONE, TWO = "ann@acme.example", "acc@firm.example"


@pytest.mark.parametrize(
    ("typed", "emails"),
    [
        (f"{ONE} (home)", [ONE]),
        (f"Ann Acme <{ONE}>", [ONE]),
        (f"{ONE} or {TWO}", [ONE, TWO]),
        (f"mailto:{ONE}", [ONE]),
        (f"{ONE}|{TWO}", [ONE, TWO]),
        (f"{ONE} - invoices: {TWO}", [ONE, TWO]),
        (f"{ONE}; cc: {TWO}", [ONE, TWO]),
        (f"{ONE}\n{TWO}", [ONE, TWO]),
        (f"[{ONE}]", [ONE]),
        ("ann at acme.example", [ONE]),
        ("no email", []),
        ("n.a.", []),
    ],
)
def test_emails_in_one_field_are_several(typed: str, emails: list[str]) -> None:
    contact = only(sage(email=typed))
    assert [contact.email, *contact.other_emails] == (emails or [""])


@pytest.mark.parametrize(
    "name",
    [
        "ZZZ Ann Acme", "Ann Acme - INACTIVE", "Ann Acme *CLOSED*", "OLD - Ann Acme",
        "XX Ann Acme DO NOT USE XX", "Ann Acme (duplicate)", "DELETED Ann Acme",
        "Ann Acme [archived]", "Ann Acme (merged into ACME01)", "Ann Acme DONT USE",
        "Ann Acme - see ACME02", "Ann Acme (use ACME02 instead)", "zz_Ann Acme",
        "Ann Acme (ceased trading)", "Ann Acme (dissolved)",
    ],
)  # fmt: skip
def test_a_retired_contact_is_marked(name: str) -> None:
    assert only(sage(name)).retired


@pytest.mark.parametrize(
    "name",
    ["Oldham Heating Ltd", "Dead Good Plumbing", "Stop Gap Services", "Closed Loop Heating Ltd",
     "Archive Storage Ltd", "Deleted Scenes Ltd", "Ann Acme (see 2 below)", "OBSOLETE LTD",
     "Use Your Loaf Bakery", "Ann Acme (moved)"],
)  # fmt: skip
def test_a_name_that_only_sounds_retired_is_not(name: str) -> None:
    assert not only(sage(name)).retired


POST, SITE = ("PO Box 12", "GL50 9ZZ"), ("14 Orchard Close", "GL50 2TR")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Customer,Billing Address,Billing Postcode,Site Address,Site Postcode", (*POST, *SITE)),
        ("Client Name,Invoice Addr,Invoice P/Code,Delivery Addr,Delivery P/Code", (*POST, *SITE)),
        ("Name,Address,Post Code,Job Address,Job Post Code", (*POST, *SITE)),
        ("Landlord,Landlord Address,Landlord Postcode,Property Address,Property Postcode",
         (*POST, *SITE)),
        ("Name,Registered Address,Registered Postcode,Trading Address,Trading Postcode",
         (*POST, *SITE)),
        ("Customer name,Home address,Home postcode,Work address,Work postcode", (*POST, *SITE)),
        ("Customer,Postal Addr,Postal PCode,Works Addr,Works PCode", (*POST, *SITE)),
        ("Trading As,Address,Postcode,Shipping Address,Shipping Postcode", (*POST, *SITE)),
        ("Customer,Site Address,Site p/c,Main Address,Main p/c", (*SITE, *POST)),
        ("Customer Name,Delivery address,Delivery postcode,Bill Address,Bill Postcode",
         (*SITE, *POST)),
    ],
)  # fmt: skip
def test_two_addresses_are_two(header: str, row: tuple[str, ...]) -> None:
    contact = only(table(header.split(","), [("Margaret Holloway", *row)]).encode())
    (other,) = contact.other_addresses
    assert contact.name == "Margaret Holloway"
    assert (contact.address, contact.postcode) == POST
    assert (other.address, other.postcode) == SITE


FIRM = {"name": "Brook Pipes", "person": "Bob Brook", "email": "o@a.example", "phones": (HOME,),
        "postcode": "BD1 1AA"}  # fmt: skip
PERSON = FIRM | {"name": "Bob Brook", "person": ""}
ORGANISATION = FIRM | {"name": "", "company": "Brook Pipes"}
CELLS = {"name": "Brook Pipes", "company": "Brook Pipes", "person": "Bob Brook",
         "email": "o@a.example", "phones": HOME, "postcode": "BD1 1AA", "own": "Bob Brook",
         "address": "2 Mill Lane", "reference": "B1"}  # fmt: skip


@pytest.mark.parametrize(
    ("headings", "cells", "expected"),
    [
        ("Acct Ref|Cust Name|Contact|Tel No|E-Mail|Post Code",
         "reference name person phones email postcode", FIRM),
        ("Account Code|Trading As|Contact Name|Main Phone|Mail|Zip",
         "reference name person phones email postcode", FIRM),
        ("CUSTOMER NAME|FIRST LINE|PCODE|PHONE 1|EMAIL", "own address postcode phones email",
         PERSON),
        ("Client|Client email|Client tel|Client postcode", "own email phones postcode", PERSON),
        ("Supplier|Supplier Contact|Supplier Tel|Supplier Email|Post-code",
         "name person phones email postcode", FIRM),
        ("Cust. Ref|Customer|Contact no.|Email add|Site p/c",
         "reference own phones email postcode", PERSON),
        ("Name of customer|Telephone (home)|Email 1|Postal code", "own phones email postcode",
         PERSON),
        ("Organisation|Primary Contact|Primary Email|Primary Phone|Postcode",
         "company person email phones postcode", ORGANISATION),
        ("Customer|Full name|Email|Phone|Postcode", "name person email phones postcode", FIRM),
        ("Vendor|Full name|Email|Phone|Postcode", "name person email phones postcode", FIRM),
        ("Supplier Name|Full Name|E mail|Ph.|P.Code", "name person email phones postcode", FIRM),
        ("T/A|Contact Person|e-mail addr.|Landline|Eircode", "name person email phones postcode",
         FIRM),
        ("Customer|House Name|Road|Email|Mob.|Post Cd", "own address address email phones postcode",
         PERSON),
    ],
)  # fmt: skip
def test_typed_headings_give_the_right_name_and_fields(
    headings: str, cells: str, expected: dict[str, object]
) -> None:
    row = [CELLS[cell] for cell in cells.split()]
    contact = only(table(headings.split("|"), [row]).encode())
    assert {name: getattr(contact, name) for name in expected} == expected
    assert contact.reference == "", "a reference is never read by likeness"


NAMES = ("Café Zoë Ltd", "Siân O\u2019Connor", "Müller & Söhne", "Łódź Heating", "François Doré")


@pytest.mark.parametrize(
    ("encoding", "line_end"),
    [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("cp1252", "\r\n"), ("cp1252", "\n"),
     ("mac_roman", "\r"), ("mac_roman", "\n"), ("cp850", "\r\n"), ("utf-16", "\r\n"),
     ("utf-16-le", "\n"), ("utf-16-be", "\n")],
)  # fmt: skip
def test_letters_are_read_as_they_were_written(encoding: str, line_end: str) -> None:
    able = [name for name in NAMES if name.encode(encoding, "replace").decode(encoding) == name]
    rows = [("Name", "Telephone"), *((name, HOME) for name in able)]
    text = line_end.join(",".join(row) for row in rows) + line_end
    content = text.encode(encoding)
    assert len(able) > 2
    assert [each.name for each in contacts(read(content))] == able


IRISH = (  # address lines, phone, and the record that it is
    ("Aoife Murphy", "12 Main Street|Rathmines|Dublin 6||D06X2K5", "01 496 0101", "9006"),
    ("Aoife Murphy", "12 Main Street, Rathmines|||Dublin 6|D06 X2K5", "", "9006"),
    ("A Murphy", "12 Main St|Dublin 6|Ireland||D06 X2K5", "+353 (0)1 496 0101", "9006"),
    ("Murphy, Aoife", "12 Main Street||||D06-X2K5", "00353 1 496 0101", "9006"),
    ("Aoife Murphy", "12 Main St, Dublin 6, D06 X2K5|||Republic of Ireland|", "", "9006"),
    ("Aoife Murphy D06 X2K5", "||||", "(01) 4960101", "9006"),
    ("Sean Murphy", "3 Quay St|Galway|Co. Galway||H91E2R8", "087 2345678", "9007"),
    ("Seán Murphy", "3 Quay Street|Galway|||H91 E2R8", "", "9007"),
    ("S. Murphy", "3 Quay St|Galway|IRELAND||h91 e2r8", "+353 87 234 5678", "9007"),
    ("Sean Murphy", "3 Quay Street, Galway, H91 E2R8, Ireland||||", "353 87 2345678", "9007"),
    ("Mr Sean Murphy", "Quay Street|Galway City|Eire||H91E2R8", "0872345678 (mob)", "9007"),
)


def test_irish_customers_are_matched_from_a_file(tmp_path: Path) -> None:
    rows = [
        (f"I{number:02}", name, *lines.split("|"), "", phone, "", "")
        for number, (name, lines, phone, _) in enumerate(IRISH)
    ]
    (tmp_path / "irish.csv").write_text(table(SAGE, rows), encoding="utf-8")
    (tmp_path / "records.csv").write_text(record_list(), encoding="utf-8")
    done = CliRunner().invoke(
        main,
        ["match", str(tmp_path / "irish.csv"), str(tmp_path / "records.csv"), "--out",
         str(tmp_path / "out.csv"), "--country", "IE"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    with (tmp_path / "out.csv").open(encoding="utf-8") as lines:
        first = {row["contact_id"]: row for row in csv.DictReader(lines) if row["rank"] == "1"}
    assert {key: row["record_id"] for key, row in first.items()} == {
        f"I{number:02}": f"customer-{record}" for number, (*_, record) in enumerate(IRISH)
    }
    assert not any("differs" in row["reasons"] for row in first.values()), first
