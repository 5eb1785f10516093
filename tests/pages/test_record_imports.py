"""Commusoft's report through the page: uploaded, compared, agreed to, imported."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased
from crmlink.store import AuditEntry, MirroredRecord, RecordImport, Verdict
from crmlink.store.base import utc_now
from support.access_factories import make_person
from support.batch_factories import Line, matched, rows_of
from support.page_client import PageClient, signed_in_client, words
from support.pages_account import PEOPLE, many, open_without_api, report

IMPORT = "/records/import"


@pytest.fixture
def no_api(tmp_path: Path) -> Iterator[Installation]:
    folder = tmp_path / "no_api"  # beside the installation with an API
    folder.mkdir()
    with open_without_api(folder, f"sqlite:///{folder}/crmlink.sqlite") as installation:
        yield installation


@pytest.fixture
def server(no_api: Installation) -> Flask:
    return create_app(no_api.settings, no_api)


@pytest.fixture
def importer(server: Flask, no_api: Installation) -> PageClient:
    return signed_in_client(server, no_api, make_person(no_api.access, "manager", "Mia Manager"))


def uploaded(client: PageClient, content: bytes, name: str = "Customers.csv", **more: str) -> str:
    reply = client.send(IMPORT, file=(io.BytesIO(content), name), **more)
    assert reply.status_code == 303, words(reply)
    return str(reply.headers["Location"])


def fields_of(page: str) -> dict[str, str]:
    """What a form that is sent untouched sends."""
    fields = {}
    for select_ in re.findall(r"<select id=\"([^\"]+)\".*?</select>", page, re.DOTALL):
        part = page[page.index(f'<select id="{select_}"') :]
        chosen = re.search(r'<option value="([^"]*)" selected', part[: part.index("</select>")])
        fields[select_] = chosen[1] if chosen else ""
    fields["header_line"] = (re.search(r'id="header_line"[^>]*value="(\d+)"', page) or ["", ""])[1]
    if kind := re.search(r'name="kind" value="(\w+)" checked', page):
        fields["kind"] = kind[1]
    return fields


def sent(client: PageClient, path: str, **more: str) -> Any:
    shown = client.hidden_field(path, "shown")
    form: Mapping[str, str] = fields_of(client.get(path).get_data(as_text=True))
    return client.send(path, **(dict(form) | {"shown": html.unescape(shown)} | more))


def known(installation: Installation) -> dict[str, MirroredRecord]:
    with installation.database.reading() as session:
        rows = session.scalars(select(MirroredRecord).filter_by(deleted_at=None))
        return {row.number: row for row in rows}


def test_a_report_is_shown_before_it_is_imported(
    importer: PageClient, no_api: Installation
) -> None:
    assert "run the report of customers or of suppliers" in importer.read(IMPORT)
    path = uploaded(importer, report(), modified="2026-11-28T17:45:00.000Z")
    page = importer.read(path)
    assert "28 Nov 2026, 17:45" in page
    assert "3 new 0 changed 0 unchanged" in page
    assert "Margaret Holloway" in page
    assert "no column with accounting references" in page
    for sample in ("07700 900100", "margaret.holloway@postbox.example", "NG3"):
        assert sample in page  # values of each column stand beside it
    assert known(no_api) == {}
    done = sent(importer, path, do="keep")
    assert (done.status_code, done.headers["Location"]) == (303, "/records")
    assert "Imported: 3 new, 0 changed, 0 unchanged, 0 removed." in importer.read("/records")
    assert known(no_api)["1001"].town == "Cheltenham"
    assert importer.get(path).status_code == 303  # the file is gone
    with no_api.database.reading() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="records.imported")).one()
    assert entry.details["source"] == "file"


def test_the_id_and_the_kind_are_asked_for_where_they_are_not_plain(
    importer: PageClient, no_api: Installation
) -> None:
    path = uploaded(importer, b"ID,Name,Postcode\n7,Anna,GL50 2TR\n8,Ben,LS1 4AP\n")
    page = importer.read(path)
    assert "own id of each customer or supplier" in page
    assert "It may be “ID”" in page
    refused = sent(importer, path, do="keep")
    assert refused.status_code == 422
    chosen = sent(importer, path, do="show", **{"number-0": "0"})
    assert chosen.status_code == 303
    assert "Choose whether these are customers or suppliers." in importer.read(path)
    assert sent(importer, path, do="show", kind="supplier").status_code == 303
    assert "2 new" in importer.read(path)
    assert sent(importer, path, do="keep").status_code == 303
    assert known(no_api)["7"].kind == "supplier"


def test_a_choice_made_with_import_is_shown_before_it_counts(
    importer: PageClient, no_api: Installation
) -> None:
    path = uploaded(importer, report())
    changed = sent(importer, path, do="keep", encoding="cp850")
    assert changed.status_code == 422
    assert "Your choices changed the preview" in words(changed)
    assert known(no_api) == {}


def test_lines_left_out_are_named_and_many_need_a_yes(
    importer: PageClient, no_api: Installation
) -> None:
    path = uploaded(importer, report([*PEOPLE, {"Customer ID": "x", "Customer Name": "Nobody"}]))
    page = importer.read(path)
    assert "1 line will be left out" in page
    assert "“x” isn't an id in Commusoft" in page
    asked = sent(importer, path, do="keep")
    assert asked.status_code == 409
    assert "1 line would be left out." in words(asked)
    assert known(no_api) == {}
    assert sent(importer, path, agreed="0-0").status_code == 409
    assert sent(importer, path, agreed="1-0").status_code == 303
    assert len(known(no_api)) == 3


def test_a_complete_report_removes_and_many_only_after_a_second_yes(
    importer: PageClient, no_api: Installation
) -> None:
    sent(importer, uploaded(importer, report(many(20))), do="keep")
    path = uploaded(importer, report(many(19)))
    assert sent(importer, path, do="show", complete="yes").status_code == 303
    assert "1 removed" in importer.read(path)
    assert sent(importer, path, do="keep", complete="yes").status_code == 303
    assert len(known(no_api)) == 19
    path = uploaded(importer, report(many(9)))
    asked = sent(importer, path, do="keep", complete="yes")
    assert asked.status_code == 409
    assert "10 records would be removed. That is more than one in ten." in words(asked)
    assert len(known(no_api)) == 19
    assert sent(importer, path, agreed="0-10", complete="yes").status_code == 303
    assert len(known(no_api)) == 9
    untold = uploaded(importer, report(many(2)))
    assert sent(importer, untold, do="keep").status_code == 303
    assert len(known(no_api)) == 9


def test_files_that_are_no_report_are_refused_at_once(importer: PageClient) -> None:
    for content, name, sentence in (
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "Customers.xls", "old Excel workbook"),
        (b"%PDF-1.7", "Customers.csv", "should be"),
        (b"", "Customers.csv", "empty"),
    ):
        reply = importer.send(IMPORT, file=(io.BytesIO(content), name))
        assert reply.status_code == 422, name
        assert sentence in words(reply)
    assert importer.send(IMPORT).status_code == 422


def test_choices_that_do_not_fit_the_file_are_told(importer: PageClient) -> None:
    path = uploaded(importer, report())
    for wrong in ({"header_line": "9"}, {"sheet": "Nothing"}, {"encoding": "utf-16"}):
        sent(importer, path, do="show", **wrong)
        assert importer.get(path).status_code == 200, wrong


def test_a_file_is_discarded_and_anothers_is_not_seen(
    importer: PageClient, server: Flask, no_api: Installation
) -> None:
    path = uploaded(importer, report())
    other = signed_in_client(server, no_api, make_person(no_api.access, "admin", "Alex Admin"))
    assert other.get(path).status_code == 303
    assert importer.get(path.replace("/records/import/", "/lists/new/")).status_code == 303
    assert importer.send(f"{path}/forget").status_code == 303
    assert importer.get(path).status_code == 303


def test_a_waiting_report_goes_with_an_erasure(importer: PageClient, no_api: Installation) -> None:
    path = uploaded(importer, report())
    assert delete_uploads_of_erased(no_api.settings.data_dir, no_api.workspace) == 0
    assert importer.get(path).status_code == 200


def test_every_page_with_records_says_how_old_they_are(
    importer: PageClient, server: Flask, no_api: Installation
) -> None:
    admin = signed_in_client(server, no_api, make_person(no_api.access, "admin", "Alex Admin"))
    pages = ("/", "/records", "/left", "/left/customer", "/commusoft")
    for path in pages:
        assert "No customers or suppliers have been imported yet." in admin.read(path), path
    assert "No customers and suppliers yet" in importer.read("/")
    assert "A manager or admin imports" in importer.read("/records")
    assert "Import a report" in importer.read("/records")
    sent(importer, uploaded(importer, report(), modified="2026-11-28T17:45:00.000Z"), do="keep")
    for path in pages:
        assert "export of 28 Nov 2026, 17:45" in admin.read(path), path
    one = importer.read("/records/customer-1001")
    assert "As Commusoft had it: 28 Nov 2026, 17:45" in one
    assert "Update now" not in one
    assert "Update now" not in admin.read("/commusoft")
    clerk = signed_in_client(server, no_api, make_person(no_api.access, "clerk", "Kim Clerk"))
    assert "Import a report" not in clerk.read("/records")
    with no_api.database.writing() as session:
        session.execute(update(RecordImport).values(read_at=utc_now() - timedelta(days=8)))
    assert "Customers and suppliers are out of date" in importer.read("/")


def test_lists_search_and_what_is_left_work_on_imported_records(
    importer: PageClient, no_api: Installation
) -> None:
    sent(importer, uploaded(importer, report()), do="keep")
    device_id = command_line_actor(no_api.access).device.id
    line = Line("HOLL01", "Margaret Holloway", "14 Orchard Rise", "Cheltenham", "GL50 2TR", "",
                "07700 900100")  # fmt: skip
    batch_id = matched(no_api.workspace, device_id, [line])
    [row] = rows_of(no_api.workspace, batch_id)
    assert row.row.verdict is Verdict.SURE
    assert row.offers[0].record.public_id == "customer-1001"
    assert "Margaret Holloway" in importer.read("/records?q=orchard+rise")
    assert "3 customers without a reference" in importer.read("/left/customer")


def test_clerks_may_not_and_an_account_with_an_api_does_not(
    server: Flask, no_api: Installation, manager: PageClient
) -> None:
    clerk = signed_in_client(server, no_api, make_person(no_api.access, "clerk", "Kim Clerk"))
    assert clerk.get(IMPORT).status_code == 403
    refused = manager.get(IMPORT)
    assert refused.status_code == 409
    assert "so none are imported" in words(refused)


def test_the_time_of_the_export_can_be_corrected(
    importer: PageClient, no_api: Installation
) -> None:
    first = uploaded(importer, report(PEOPLE))
    sent(importer, first, do="keep")
    there = uploaded(importer, report(PEOPLE))
    for impossible in ("yesterday", "2999-01-01T10:00", "2001-01-01T10:00"):
        refused = sent(importer, there, do="keep", exported=impossible)
        assert refused.status_code == 422
        assert "Enter when the report was exported" in words(refused)
    older = utc_now() - timedelta(days=40)
    entered = older.astimezone().strftime("%Y-%m-%dT%H:%M")
    again = sent(importer, there, do="keep", exported=entered)
    assert again.status_code == 422
    assert "Your choices changed the preview" in words(again)
    assert "were read later than this report" in words(again)
    assert sent(importer, there, do="keep", exported=entered).status_code == 303
    with no_api.database.reading() as session:
        ages = [(utc_now() - one.read_at).days for one in session.scalars(select(RecordImport))]
    assert sorted(ages) == [0, 40]


def test_a_time_is_read_as_people_write_it_too(importer: PageClient) -> None:
    there = uploaded(importer, report(PEOPLE))
    older = (utc_now() - timedelta(days=40)).astimezone()
    sent(importer, there, do="show", exported=older.strftime("%d/%m/%Y %H:%M"))
    assert importer.hidden_field(there, "shown")
    assert older.strftime("%Y-%m-%dT%H:%M") in importer.get(there).get_data(as_text=True)
