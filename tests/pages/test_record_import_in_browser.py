"""The import of a report in real Chromium: its pages before axe, and a file's own date."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browsers.axe import violations
from browsers.narrow import cut_off
from crmlink.access.sessions import create_session
from crmlink.app import create_app
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.installation import Installation
from crmlink.linking.records.imports import latest_imports
from crmlink.web.auth import SESSION_COOKIE
from support.access_factories import make_person
from support.pages_account import PEOPLE, many, open_without_api, report

EXPORTED = datetime(2026, 11, 20, 17, 45, tzinfo=UTC)


@pytest.fixture
def no_api(tmp_path: Path) -> Iterator[Installation]:
    with open_without_api(tmp_path, f"sqlite:///{tmp_path}/crmlink.sqlite") as installation:
        yield installation


@pytest.fixture
def address(no_api: Installation) -> Iterator[str]:
    with SandboxServer(create_app(no_api.settings, no_api)) as web:
        yield web.url


@pytest.fixture
def context(browser: Browser, no_api: Installation, address: str) -> Iterator[BrowserContext]:
    """A manager's browser."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    person = make_person(no_api.access, "manager", "Mia Manager")
    value = create_session(no_api.access, person, "127.0.0.1", "Chrome on Linux")
    context.add_cookies([{"name": SESSION_COOKIE, "value": value, "url": address}])
    yield context
    context.close()


def saved(folder: Path, content: bytes, name: str = "Customers.csv") -> Path:
    """A report downloaded at EXPORTED."""
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (EXPORTED.timestamp(), EXPORTED.timestamp()))
    return path


def upload(page: Page, address: str, file: Path) -> None:
    page.goto(f"{address}/records/import")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name=file.name)).to_be_visible()


def test_a_report_is_imported_and_dated_by_its_file(
    context: BrowserContext, no_api: Installation, address: str, tmp_path: Path
) -> None:
    page = context.new_page()
    upload(page, address, saved(tmp_path, report()))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Imported: 3 new")
    assert latest_imports(no_api.workspace)["customer"].read_at == EXPORTED
    expect(page.locator("main")).to_contain_text("export of 20 Nov 2026")


def test_a_column_is_chosen_by_its_sample_values(
    context: BrowserContext, no_api: Installation, address: str, tmp_path: Path
) -> None:
    page = context.new_page()
    rows = b"ID,Name,Postcode\n7,Anna,GL50 2TR\n8,Ben,LS1 4AP\n9,Cora,LS1 4AQ\n10,Dan,\n"
    upload(page, address, saved(tmp_path, rows))
    expect(page.get_by_role("alert")).to_contain_text("own id of each customer or supplier")
    field = page.locator(".field", has=page.locator("#number-0"))
    assert field.locator(".samples li").all_inner_texts() == ["7", "8", "9"]
    page.get_by_label("Id in Commusoft").select_option(label="ID (7, 8, 9)")
    page.get_by_label("Suppliers", exact=True).check()
    page.get_by_role("button", name="Update preview").click()
    expect(page.locator("#changes + ul")).to_contain_text("4 new")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Imported: 4 new")
    assert list(latest_imports(no_api.workspace)) == ["supplier"]


def test_axe_finds_nothing_wrong_on_the_pages_of_an_import_and_each_fits_a_telephone(
    context: BrowserContext, address: str, tmp_path: Path
) -> None:
    wrong: dict[str, Any] = {}
    page = context.new_page()

    def look(name: str, shows: str) -> None:
        expect(page.locator("main")).to_contain_text(shows)
        if found := violations(page):
            wrong[name] = found
        if found := cut_off(page):
            wrong[f"{name} on a telephone"] = found

    for name, shows, come in _cases(page, address, tmp_path):
        come()
        look(name, shows)
    assert not wrong, json.dumps(wrong, indent=1)


def _cases(page: Page, address: str, folder: Path) -> list[tuple[str, str, Callable[[], object]]]:
    """Each state, in an order in which one leads to the next."""
    press = page.get_by_role
    bad = [*PEOPLE, {"Customer ID": "x", "Customer Name": "Nobody"}]

    def complete() -> None:
        upload(page, address, saved(folder, report(many(9))))
        page.get_by_label("The report has all of them").check()
        press("button", name="Import", exact=True).click()

    def refused() -> None:
        page.goto(f"{address}/records/import")
        page.locator("#file").set_input_files(saved(folder, b"%PDF-1.7", "Customers.csv"))
        press("button", name="Upload").click()

    return [
        ("empty", "No records yet", lambda: page.goto(f"{address}/records")),
        ("overview", "No customers and suppliers yet", lambda: page.goto(address)),
        ("new", "run the report", lambda: page.goto(f"{address}/records/import")),
        ("refused", "Export it again", refused),
        ("preview", "What changes", lambda: upload(page, address, saved(folder, report(bad)))),
        ("many lines", "would be left out", press("button", name="Import", exact=True).click),
        ("unknown", "own id", lambda: upload(page, address, saved(folder, b"ID,Name\n7,Anna\n"))),
        ("before", "20 new", lambda: upload(page, address, saved(folder, report(many(20))))),
        ("imported", "export of", press("button", name="Import", exact=True).click),
        ("removes many", "would be removed", complete),
        ("record", "As Commusoft had it", lambda: page.goto(f"{address}/records/customer-5001")),
    ]
