"""A file becomes a draft: sent, looked at, its columns put right, kept."""

from __future__ import annotations

import io
import os
import re
import time
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.batches.drafts import list_batches, rows_of
from crmlink.installation import Installation
from crmlink.web.body_limits import UPLOAD_BYTES
from support.access_factories import make_person
from support.list_files import BROKEN, CAST, REFERENCE_COLUMN, Listed, draft, xero_file
from support.page_client import PageClient, signed_in_client, words
from support.page_forms import forms_on


@pytest.fixture
def clerk(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(
        app, installation, make_person(installation.access, "clerk", "Anna Whitcombe")
    )


def _send(visitor: PageClient, content: bytes, name: str = "Contacts.csv") -> TestResponse:
    return visitor.send("/lists/new", file=(io.BytesIO(content), name))


def _look(visitor: PageClient, content: bytes, name: str = "Contacts.csv") -> str:
    """The address at which the file that was sent is looked at."""
    reply = _send(visitor, content, name)
    assert reply.status_code == 303, words(reply)
    return reply.headers["Location"]


def _correct(visitor: PageClient, path: str, **fields: object) -> TestResponse:
    """Send the form of a file with some fields changed, as a browser does."""
    form = next(form for form in forms_on(visitor.get(path)) if "name-0" in form.values)
    values = form.values | {name: str(value) for name, value in fields.items()}
    return visitor.client.post(path, data=values)


def _shown(visitor: PageClient, path: str, **fields: object) -> str:
    """What the page says once the form was sent."""
    assert _correct(visitor, path, **fields).headers["Location"] == path
    return visitor.read(path)


def _uploads(installation: Installation) -> list[str]:
    folder = installation.settings.data_dir / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_first_visit_tells_both_ways_to_begin(clerk: PageClient) -> None:
    page = clerk.read("/lists")
    assert "No lists yet" in page
    assert "Import a file" in page
    assert "Link these contacts" in page


def test_a_file_is_recognised_and_its_first_rows_are_shown_as_they_will_be_read(
    clerk: PageClient,
) -> None:
    page = clerk.read(_look(clerk, xero_file(references=False)))
    assert "Xero, Contacts.csv: a CSV file" in page
    assert "2 Margaret Holloway none" in page
    assert "margaret.holloway@postbox.example 01632 960114" in page
    assert "14 Orchard Close, Cheltenham GL50 2TR" in page


def test_a_file_without_references_says_so_and_what_to_do(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file(references=False))
    assert "doesn't include Xero's references" in clerk.read(path)
    kept = _correct(clerk, path, do="keep", kind="customer")
    page = clerk.read(kept.headers["Location"])
    assert "11 of 11 contacts have no reference yet" in page
    assert "select Link these contacts in the browser extension" in page


def test_a_column_that_a_person_names_gives_the_references(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file())
    shown = _shown(clerk, path, **{"reference-0": REFERENCE_COLUMN})
    assert CAST[0].reference in shown
    kept = _correct(
        clerk, path, do="keep", kind="customer", name="From Xero",
        **{"reference-0": REFERENCE_COLUMN},
    )  # fmt: skip
    assert kept.status_code == 303
    (batch,) = list_batches(installation.workspace)
    rows = rows_of(installation.workspace, batch.batch.id)
    assert batch.batch.name == "From Xero"
    assert [row.reference for row in rows] == [contact.reference for contact in CAST]
    assert {row.kind for row in rows} == {"customer"}
    assert "11 contacts saved as a draft" in clerk.read(kept.headers["Location"])


def test_bad_rows_are_shown_with_line_and_reason_before_and_after(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file((*CAST, BROKEN)))
    field = {"reference-0": REFERENCE_COLUMN}
    shown = _shown(clerk, path, **field)
    assert (
        "1 of 12 lines will be left out Line 13 “not one of Xero's” isn't a valid reference"
        in shown
    )
    asked = _correct(clerk, path, do="keep", kind="customer", **field)
    assert asked.status_code == 409
    assert "1 of 12 lines would be left out" in words(asked)
    assert not list_batches(installation.workspace)
    kept = _correct(clerk, path, agreed="1", kind="customer", **field).headers["Location"]
    assert "11 contacts saved as a draft, 1 line left out" in clerk.read(kept)
    assert "Line 13 “not one of Xero's” isn't a valid reference" in clerk.read(f"{kept}/bad")


def test_it_is_asked_whether_they_are_customers_where_the_file_does_not_tell(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file())
    refused = _correct(clerk, path, do="keep")
    assert refused.status_code == 422
    assert "Choose whether these are" in words(refused)
    assert not list_batches(installation.workspace)
    assert _correct(clerk, path, do="keep", kind="both").status_code == 303
    assert {
        row.kind
        for row in rows_of(installation.workspace, list_batches(installation.workspace)[0].batch.id)
    } == {""}


def test_a_correction_that_cannot_be_is_said_and_the_file_still_shown(clerk: PageClient) -> None:
    path = _look(clerk, xero_file())
    page = _shown(clerk, path, header_line="99")
    assert "There are no headings in line 99" in page
    assert "Match your columns" in page
    assert "There are no headings" not in _shown(clerk, path, header_line="1", package="sage_50")


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"%PDF-1.7 something", "Contacts.pdf", "This is a PDF document"),
        (b"%PDF-1.7 something", "Contacts.csv", "but it is a PDF document"),
        (b"", "Contacts.csv", "The file is empty"),
        (b"PK\x03\x04 broken", "Contacts.xlsx", "The workbook is damaged"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence_and_not_kept(
    clerk: PageClient, installation: Installation, content: bytes, name: str, sentence: str
) -> None:
    reply = _send(clerk, content, name)
    assert reply.status_code == 422
    assert sentence in words(reply)
    assert not _uploads(installation)


def test_sending_nothing_is_said(clerk: PageClient) -> None:
    assert "Choose a file" in words(clerk.send("/lists/new"))


def test_a_file_may_be_larger_than_any_other_request_and_only_here(
    clerk: PageClient, installation: Installation
) -> None:
    many = tuple(Listed(f"Contact number {number}", street="x" * 100) for number in range(20_000))
    content = xero_file(many)
    assert len(content) > 2_000_000
    path = _look(clerk, content)
    assert "Contact number 1" in clerk.read(path)
    assert clerk.send("/lists/new/nothing", do="x" * 1_100_000).status_code == 413


def test_a_file_beyond_the_bound_is_refused(clerk: PageClient, installation: Installation) -> None:
    reply = _send(clerk, xero_file() + b"x" * UPLOAD_BYTES)
    assert reply.status_code == 422
    assert "larger than 50 MB" in words(reply)
    assert not _uploads(installation)
    assert _send(clerk, b"x" * (UPLOAD_BYTES + 1_000_000)).status_code == 413


def test_a_stranger_sends_nothing(app: Flask, installation: Installation) -> None:
    data = {"file": (io.BytesIO(xero_file()), "Contacts.csv")}
    assert app.test_client().post("/lists/new", data=data).status_code == 401
    assert not _uploads(installation)


def test_a_file_is_looked_at_by_who_sent_it_alone(
    app: Flask, clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file())
    other = signed_in_client(app, installation, make_person(installation.access, "admin"))
    assert other.get(path).headers["Location"] == "/lists/new"
    assert other.send(path, do="keep", kind="both").headers["Location"] == "/lists/new"
    other.send(f"{path}/forget")
    assert clerk.get(path).status_code == 200


@pytest.mark.parametrize("token", ["x", "0" * 32, "..%2f..%2fsecret.key", "A" * 32])
def test_an_address_that_no_file_has_leads_back(clerk: PageClient, token: str) -> None:
    reply = clerk.get(f"/lists/new/{token}")
    assert reply.status_code in (303, 404)


def test_files_go_once_they_are_kept_thrown_away_or_old(
    clerk: PageClient, installation: Installation
) -> None:
    kept, thrown, old = (_look(clerk, xero_file()) for _ in range(3))
    _correct(clerk, kept, do="keep", kind="both")
    clerk.send(f"{thrown}/forget")
    token, saved = old.rpartition("/")[2], kept.rpartition("/")[2]
    assert _uploads(installation) == sorted([token, f"{token}.json", f"{saved}.json"])
    mark = installation.settings.data_dir / "uploads" / f"{saved}.json"
    assert "Contacts.csv" not in mark.read_text("utf-8")
    folder: Path = installation.settings.data_dir / "uploads"
    for path in folder.iterdir():
        os.utime(path, (time.time() - 90_000,) * 2)
    fresh = _look(clerk, xero_file()).rpartition("/")[2]
    assert _uploads(installation) == [fresh, f"{fresh}.json"]


def test_folders_and_signs_in_a_file_s_name_are_not_taken_over(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file(), "../../away/Con\ttacts.csv")
    assert "← Another file Contacts.csv" in clerk.read(path)
    assert all(re.fullmatch(r"[0-9a-f]{32}(\.json)?", name) for name in _uploads(installation))


def test_a_draft_is_thrown_away_after_a_question(app: Flask, installation: Installation) -> None:
    person = make_person(installation.access, "clerk")
    batch = draft(installation, person)
    clerk = signed_in_client(app, installation, person)
    path = f"/lists/{batch.id}/discard"
    assert "Delete “Xero customers”?" in clerk.read(path)
    assert clerk.send(path, form_on=path).headers["Location"] == "/lists"
    assert not list_batches(installation.workspace)


def test_a_file_that_was_saved_is_not_called_expired_after_the_back_button(
    clerk: PageClient, installation: Installation
) -> None:
    path = _look(clerk, xero_file())
    form = next(form for form in forms_on(clerk.get(path)) if "name-0" in form.values)
    sent = form.values | {"do": "keep", "kind": "both"}
    assert clerk.client.post(path, data=sent).status_code == 303
    (batch,) = list_batches(installation.workspace)
    again = clerk.client.post(path, data=sent, follow_redirects=True)
    assert "expired" not in words(again)
    assert again.request.path == f"/lists/{batch.batch.id}"
    assert "This file is saved already, as this list." in words(again)
    assert len(list_batches(installation.workspace)) == 1
    assert clerk.get(path).headers["Location"] == f"/lists/{batch.batch.id}"


def test_a_file_that_was_discarded_is_not_called_expired(clerk: PageClient) -> None:
    path = _look(clerk, xero_file())
    clerk.send(f"{path}/forget")
    page = words(clerk.client.get(path, follow_redirects=True))
    assert "expired" not in page
    assert "This file is no longer here." in page
