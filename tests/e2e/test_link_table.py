"""A reviewed list in Commusoft's table: filled, saved by a person, and believed once it is seen."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from browsers.assist_driver import AssistDriver, until
from browsers.chromium import Chromium
from browsers.page_driver import Browser, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from crmlink.commusoft.connection import WebApplication
from crmlink.linking.connections import save_connection
from e2e.commusoft_pages import ORIGIN, CommusoftPages, OpenPage, Variant, sample_records
from e2e.turns import by_turns, in_firefox

COMMUSOFT = (f"{ORIGIN}/*", "https://app.commusoft.us/*")
TABLES = (
    Variant("inputs", "table_inputs"),
    Variant("inputs-ids", "table_inputs", "new", {"ids": True}),
    Variant("grid", "table_grid"),
    Variant("grid-ids", "table_grid", "new", {"ids": True}),
)
COUNT = 6
REPORT = ("Customer ID", "Customer Name", "Address line 1", "Address line 2", "Town", "County",
          "Postcode", "Account number", "Telephone", "Email")  # fmt: skip
HEADINGS = ("A/C", "Name", "Address Line 1", "Address Line 2", "Address Line 3", "Address Line 4",
            "Address Line 5", "Contact Name", "Telephone", "E-mail")  # fmt: skip


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension have Commusoft's pages as soon as it asks for them."""
    if request.param == "firefox":  # it asks no one: the one of all files will do
        yield request.getfixturevalue("firefox")
        return
    with closing(Chromium(("http://127.0.0.1/*", *COMMUSOFT))) as running:
        yield running


@pytest.fixture
def commusoft(browser: Browser, commusoft_bundles: Path) -> CommusoftPages:
    """Commusoft's pages in this module's browser."""
    return CommusoftPages(browser, commusoft_bundles)


@pytest.fixture
def manager(
    browser: Browser, access: RunningServices, commusoft: CommusoftPages, tmp_path: Path
) -> Iterator[PopupDriver]:
    """A manager of a firm without an API, whose records were imported; the mode is on."""
    without_api(access, tmp_path)
    commusoft.serve(TABLES[0])
    manager = PopupDriver(browser)
    manager.connect(access, "manager")
    assert "now works" in manager.switch_on_page("commusoft")
    yield manager
    manager.switch_on_page("commusoft")


def without_api(access: RunningServices, folder: Path) -> None:
    """Let the firm have no API: its Commusoft is the imitated one, its records are imported."""
    access.server.stop()
    environment = access.server.environment
    access.server.environment = {
        name: value for name, value in environment.items() if "CRMLINK_COMMUSOFT" not in name
    }
    save_connection(
        access.access_context.database, access.access_context.workspace_id, WebApplication(ORIGIN)
    )
    report = folder / "report.csv"
    with report.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(REPORT)
        for record_id, record in sample_records().items():
            if record_id.startswith("customer-"):
                _, *details = _line("", record)
                lines.writerow([record_id.partition("-")[2], *details])
    access.crmlink("records", "import", str(report), "--kind", "customer", "--yes")
    access.server.start()


@pytest.fixture
def panel(browser: Browser) -> AssistDriver:
    """The panel beside the table."""
    return AssistDriver(browser)


@pytest.fixture
def chosen(manager: PopupDriver, access: RunningServices, tmp_path: Path) -> dict[str, str]:
    """A reviewed list that waits for the table: the reference of each record."""
    records = {
        record_id: record
        for record_id, record in sample_records().items()
        if record_id.startswith("customer-") and not record.get("reference")
        and record.get("line1") and record.get("postcode") and record.get("email")
    }  # fmt: skip
    wanted = {record_id: f"ACC{at:03}" for at, record_id in enumerate(list(records)[:COUNT])}
    export = tmp_path / "Customers.csv"
    with export.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEADINGS)
        for record_id, reference in wanted.items():
            lines.writerow(_line(reference, records[record_id]))
    access.crmlink("batch", "import", str(export), "--package", "sage_50", "--kind", "customer")
    [batch] = access.ask("batches")["batches"]
    access.crmlink("batch", "match", batch["id"])
    access.crmlink("batch", "accept-sure", batch["id"], "--yes")
    access.crmlink("batch", "write", batch["id"], "--yes")
    until(lambda: access.ask("batches?state=filling")["batches"], lambda: "the list never waited")
    waiting = access.ask(f"batches/{batch['id']}/table")["rows"]
    return {row["record"]["id"]: row["target"] for row in waiting}


def _line(reference: str, record: dict[str, str]) -> list[str]:
    name = record.get("company") or f"{record.get('first_name', '')} {record.get('surname', '')}"
    names = ("line1", "line2", "town", "county", "postcode", "account_number", "telephone", "email")
    return [reference, name.strip(), *(record.get(name, "") for name in names)]


def references(page: OpenPage) -> dict[str, str]:
    """What the table's model holds."""
    return {key: value for key, value in (page.model() or {}).items() if value}


def links(access: RunningServices, state: str) -> dict[str, Any]:
    """The links on pages in a state, by record."""
    found = access.ask(f"links?method=pages&state={state}&limit=100")["links"]
    return {link["record"]["id"]: link["reference"] for link in found}


def fill(manager: PopupDriver, panel: AssistDriver, page: OpenPage) -> None:
    """From the popup over the table to the filled table."""
    manager.page = page.driver
    manager.link_to_crm("table")
    manager.press("Enter")
    panel.says("To be filled in")
    panel.press(page.driver, "Fill")
    panel.says("filled in, not saved yet")


@by_turns("table", TABLES, lambda table: table.name)
def test_a_list_is_filled_in_saved_and_seen(
    manager: PopupDriver,
    panel: AssistDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
    chosen: dict[str, str],
    table: Variant,
) -> None:
    assert len(chosen) >= 3
    commusoft.serve(table)
    page = commusoft.open_table()
    before = references(page)
    fill(manager, panel, page)
    assert references(page) == before | chosen
    assert page.saves() == []
    assert links(access, "linked") == {}
    page.click("Save Accounting References")
    wait_for(page.driver, "document.querySelector('.said').textContent.includes('saved')")
    saved = {save["id"]: save["values"]["reference"] for save in page.saves()}
    assert {record_id: value for record_id, value in saved.items() if value} == chosen
    assert links(access, "linked") == {}
    panel.press(page.driver, "Load the page again")
    panel.says("Already right")
    assert links(access, "linked") == chosen
    assert access.writes() == []


@in_firefox
def test_what_commusoft_did_not_save_is_not_believed_and_can_be_filled_again(
    manager: PopupDriver,
    panel: AssistDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
    chosen: dict[str, str],
) -> None:
    commusoft.serve(TABLES[2])
    page = commusoft.open_table()
    fill(manager, panel, page)
    page.fault(failOnce=True)
    page.click("Save Accounting References")
    wait_for(page.driver, "document.querySelector('.said').textContent.includes('went wrong')")
    panel.press(page.driver, "Load the page again")
    panel.says("To be filled in")
    assert links(access, "linked") == {}
    panel.press(page.driver, "Fill")
    panel.says("filled in, not saved yet")
    page.click("Save Accounting References")
    wait_for(page.driver, "document.querySelector('.said').textContent.includes('saved')")
    panel.press(page.driver, "Load the page again")
    panel.says("Already right")
    assert links(access, "linked") == chosen
