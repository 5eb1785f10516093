"""The columns that a person chooses for a file stay chosen, whatever is pressed next."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.batches.drafts import list_batches, rows_of
from crmlink.installation import Installation
from support.access_factories import make_person
from support.list_files import GUID
from support.page_client import PageClient, signed_in_client, words
from support.page_forms import PageForm, forms_on
from unit.accounting.exports.export_files import workbook

HEADER = ("Ref no", "Who", "Mail", "Tel", "Where", "In", "Postcode", "Stamp")
CHOSEN = {
    "reference-0": "Ref no", "name-0": "Who", "email-0": "Mail", "phones-0": "Tel",
    "address-0": "Where", "town-0": "In", "postcode-0": "Postcode",
}  # fmt: skip


def _table(rows: int, *, header: tuple[str, ...] = HEADER, broken: int = 0) -> bytes:
    """A table that crmlink does not know; the last ``broken`` rows have no right reference."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(header)
    for number in range(1, rows + 1):
        reference = "?" if number > rows - broken else GUID.format(number)
        table.writerow(
            (reference, f"Person {number}", f"p{number}@nowhere.example", "01632 960114",
             f"{number} High Street", "York", "YO24 1AA", "x")
        )  # fmt: skip
    return text.getvalue().encode()


@pytest.fixture
def clerk(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(
        app, installation, make_person(installation.access, "clerk", "Anna Whitcombe")
    )


def _send(clerk: PageClient, content: bytes, name: str = "messy.csv") -> str:
    reply = clerk.send("/lists/new", file=(io.BytesIO(content), name))
    assert reply.status_code == 303, words(reply)
    return reply.headers["Location"]


def _form(reply: TestResponse) -> PageForm:
    """The form with the columns, each called by its heading without the values beside it."""
    form = next(form for form in forms_on(reply) if "name-0" in form.options)
    for name, options in form.options.items():
        if re.fullmatch(r"\w+-\d", name):
            values = {label.partition(" (")[0]: value for label, value in options.items()}
            form.options[name] = values
    return form


def _press(clerk: PageClient, form: PageForm, button: str) -> TestResponse:
    """Press a button; a redirect is followed, as browsers do."""
    path, values = form.press(button)
    return clerk.client.post(path, data=values, follow_redirects=True)


def _choose(form: PageForm) -> None:
    form.choose("package", "Xero")
    form.values["kind"] = "customer"
    for name, label in CHOSEN.items():
        form.choose(name, label)


def _assert_chosen(reply: TestResponse) -> None:
    form = _form(reply)
    assert form.chosen("package") == "Xero"
    assert {name: form.chosen(name) for name in CHOSEN} == CHOSEN


def test_package_and_seven_columns_chosen_at_once_are_shown_again_as_chosen(
    clerk: PageClient,
) -> None:
    path = _send(clerk, _table(60))
    form = _form(clerk.get(path))
    _choose(form)
    shown = _press(clerk, form, "Update preview")
    _assert_chosen(shown)
    assert f"Person 1 {GUID.format(1)} Customer" in words(shown)
    _assert_chosen(clerk.get(path))  # loaded again


def test_package_and_seven_columns_chosen_at_once_are_kept_with_the_contacts(
    clerk: PageClient, installation: Installation
) -> None:
    form = _form(clerk.get(_send(clerk, _table(60))))
    _choose(form)
    kept = _press(clerk, form, "Save as draft")
    assert "60 contacts saved as a draft" in words(kept)
    rows = rows_of(installation.workspace, list_batches(installation.workspace)[0].batch.id)
    assert [row.reference for row in rows] == [GUID.format(n) for n in range(1, 61)]
    assert rows[0].name == "Person 1"
    assert rows[0].email == "p1@nowhere.example"
    assert (rows[0].address, rows[0].town, rows[0].postcode) == (
        "1 High Street", "York", "YO24 1AA",
    )  # fmt: skip


def test_columns_stay_chosen_through_errors_and_a_line_of_headings_that_is_not_there(
    clerk: PageClient, installation: Installation
) -> None:
    path = _send(clerk, _table(60))
    form = _form(clerk.get(path))
    _choose(form)
    form.values.pop("kind")
    refused = _press(clerk, form, "Save as draft")
    assert "Choose whether these are" in words(refused)
    _assert_chosen(refused)
    form = _form(refused)
    form.values["header_line"] = "99"
    lost = _press(clerk, form, "Update preview")
    assert "There are no headings in line 99" in words(lost)
    form = _form(lost)
    assert form.values["header_line"] == "99"
    form.values |= {"header_line": "1", "kind": "both"}
    again = _press(clerk, form, "Update preview")
    _assert_chosen(again)
    assert "60 contacts saved as a draft" in words(_press(clerk, _form(again), "Save as draft"))


def test_a_column_chosen_by_its_letter_is_the_same_column_once_the_headings_are_found(
    clerk: PageClient,
) -> None:
    header = ("Kode", "Wer", "Bote", "Draht", "Haus", "Gasse", "Stadt", "Kreis")
    path = _send(clerk, b"Our people\n" + _table(60, header=header))
    form = _form(clerk.get(path))
    assert "A" in form.options["name-0"]
    form.choose("package", "Xero")
    form.choose("reference-0", "A")
    form.choose("name-0", "B")
    form.values["header_line"] = "2"
    shown = _press(clerk, form, "Update preview")
    form = _form(shown)
    assert form.chosen("reference-0") == "Kode"
    assert form.chosen("name-0") == "Wer"
    assert f"Person 1 {GUID.format(1)}" in words(shown)
    form.values["header_line"] = "0"
    assert _form(_press(clerk, form, "Update preview")).chosen("name-0") == "B"


def test_the_columns_of_a_sheet_are_there_again_after_another_sheet(clerk: PageClient) -> None:
    old = [["Name", "Bote"], *([f"Old {n}", f"old{n}@x.example"] for n in range(5))]
    new = [["Name", "Haus"], *([f"New {n}", f"new{n}@x.example"] for n in range(5))]
    path = _send(clerk, workbook(old, new, names=("Old", "New")), "people.xlsx")
    form = _form(clerk.get(path))
    form.choose("email-0", "Bote")
    form.choose("sheet", "New")
    form.values["header_line"] = "1"
    other = _press(clerk, form, "Update preview")
    assert "columns you chose for Emails are not in this table" in words(other)
    form = _form(other)
    assert form.chosen("sheet") == "New"
    assert form.chosen("email-0") == "Not in the file"
    form.choose("sheet", "Old")
    back = _press(clerk, form, "Update preview")
    assert _form(back).chosen("email-0") == "Bote"
    assert "old0@x.example" in words(back)


def test_the_delimiter_and_the_encoding_that_a_person_chooses_stay_and_are_used(
    clerk: PageClient, installation: Installation
) -> None:
    content = "Name|Email;Town\nZoë, A|z@x.example;York\nBo, B|b@x.example;Leeds\n".encode("cp1252")
    form = _form(clerk.get(_send(clerk, content + "Ünë|ä;é\n".encode() * 9)))
    assert form.chosen("delimiter") == form.chosen("encoding") == "As recognised"
    form.choose("delimiter", "Bar |")
    form.choose("encoding", "Windows (CP1252)")
    form.values["kind"] = "both"
    shown = _press(clerk, form, "Update preview")
    assert "Zoë, A" in words(shown)
    form = _form(shown)
    assert form.chosen("delimiter") == "Bar |"
    assert form.chosen("encoding") == "Windows (CP1252)"
    assert "contacts saved as a draft" in words(_press(clerk, form, "Save as draft"))
    assert (
        rows_of(installation.workspace, list_batches(installation.workspace)[0].batch.id)[0].name
        == "Zoë, A"
    )


def test_nothing_is_kept_from_columns_that_were_not_shown_yet(
    clerk: PageClient, installation: Installation
) -> None:
    header = b"Name;First Name;Last Name;Company;E-mail Address;Business Street\n"
    rows = b"".join(b"x;Ann;Brook%d;;ann%d@x.example;1 High St\n" % (n, n) for n in range(9))
    form = _form(clerk.get(_send(clerk, header + rows)))
    form.choose("package", "Xero")  # whose files look otherwise: other columns are recognised
    form.values["kind"] = "customer"
    asked = _press(clerk, form, "Save as draft")
    assert asked.status_code == 422
    assert "Not saved yet" in words(asked)
    assert not list_batches(installation.workspace)
    assert "9 contacts saved as a draft" in words(_press(clerk, _form(asked), "Save as draft"))


def test_a_form_that_is_older_than_another_one_s_choices_keeps_nothing_unseen(
    clerk: PageClient, installation: Installation
) -> None:
    path = _send(clerk, _table(60))
    old, other = _form(clerk.get(path)), _form(clerk.get(path))
    _choose(other)
    _press(clerk, other, "Update preview")
    old.values["kind"] = "customer"
    assert _press(clerk, old, "Save as draft").status_code == 422
    assert not list_batches(installation.workspace)


@pytest.mark.parametrize(("broken", "asks"), [(3, False), (4, True)])
def test_more_than_one_line_in_twenty_is_left_out_only_when_a_person_agrees(
    clerk: PageClient, installation: Installation, broken: int, asks: bool
) -> None:
    form = _form(clerk.get(_send(clerk, _table(60, broken=broken))))
    _choose(form)
    reply = _press(clerk, form, "Save as draft")
    if not asks:
        assert "57 contacts saved as a draft, 3 lines left out" in words(reply)
        return
    assert "4 of 60 lines would be left out" in words(reply)
    assert not list_batches(installation.workspace)
    _assert_chosen(reply)
    kept = _press(clerk, _form(reply), "Save 56 contacts, leave out 4 lines")
    assert "56 contacts saved as a draft, 4 lines left out" in words(kept)


def test_agreeing_to_some_lines_does_not_agree_to_more(
    clerk: PageClient, installation: Installation
) -> None:
    form = _form(clerk.get(_send(clerk, _table(60, broken=4))))
    _choose(form)
    asked = _form(_press(clerk, form, "Save as draft"))
    asked.choose("reference-0", "Stamp")
    more = _press(clerk, asked, "Save 56 contacts, leave out 4 lines")
    assert more.status_code == 422  # not one line has a reference there
    assert not list_batches(installation.workspace)


def test_enter_in_a_field_shows_the_file_again_and_agrees_to_nothing(clerk: PageClient) -> None:
    form = _form(clerk.get(_send(clerk, _table(60, broken=4))))
    _choose(form)
    asked = _form(_press(clerk, form, "Save as draft"))
    assert next(iter(asked.buttons)) == "Update preview"  # the button that Enter presses
