"""From Commusoft's side: a record's own page, its lists, and its form beside Sage's details."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from browsers.assist_driver import AssistDriver, becomes, newest_link, until
from browsers.chromium import Chromium
from browsers.page_driver import THIS_MACHINE, Browser, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, lose_api
from e2e.commusoft_pages import ORIGIN, VARIANTS, CommusoftPages, OpenPage, Variant
from e2e.turns import in_chromium, in_firefox

COMMUSOFT = (f"{ORIGIN}/*", "https://app.commusoft.us/*")
PLAIN = next(one for one in VARIANTS if one.name == "plain-old")
LIST = Variant("list", "list", "new", {"pageSize": 5})
RECORD = "customer-1001"
ACCOUNT = "HOLL01"
HEADINGS = ("A/C", "Name", "Address Line 1", "Address Line 2", "Address Line 3", "Address Line 4",
            "Address Line 5", "Contact Name", "Telephone", "E-mail")  # fmt: skip
MARGARET = (ACCOUNT, "Margaret Holloway", "14 Orchard Close", "", "Cheltenham", "", "GL50 2TR",
            "", "01632 960114", "margaret.holloway@postbox.example")  # fmt: skip


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension have Commusoft's pages as soon as it asks for them."""
    if request.param == "firefox":  # it asks no one: the one of all files will do
        yield request.getfixturevalue("firefox")
        return
    with closing(Chromium((THIS_MACHINE, *COMMUSOFT))) as running:
        yield running


@pytest.fixture
def commusoft(browser: Browser, commusoft_bundles: Path) -> CommusoftPages:
    """Commusoft's pages in this module's browser."""
    return CommusoftPages(browser, commusoft_bundles)


@pytest.fixture
def clerk(
    browser: Browser, access: RunningServices, commusoft: CommusoftPages
) -> Iterator[PopupDriver]:
    """A manager of a workspace that writes on Commusoft's pages, with the mode switched on."""
    lose_api(access, ORIGIN)
    commusoft.serve(PLAIN)
    clerk = PopupDriver(browser)
    clerk.connect(access, "manager")
    assert "now works" in clerk.switch_on_page("commusoft")
    yield clerk
    clerk.switch_on_page("commusoft")


@pytest.fixture
def assist(browser: Browser) -> AssistDriver:
    """The panel on the page in front."""
    return AssistDriver(browser)


def opened(clerk: PopupDriver, page: OpenPage) -> OpenPage:
    """Have the popup work over a page in front."""
    clerk.page = page.driver
    return page


def test_a_record_is_linked_from_its_own_page_with_one_key_and_undone_there(
    clerk: PopupDriver,
    assist: AssistDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
    tmp_path: Path,
) -> None:
    export = tmp_path / "Customers.csv"
    with export.open("w", newline="") as file:
        csv.writer(file).writerows([HEADINGS, MARGARET])
    access.crmlink("batch", "import", str(export), "--package", "sage_50", "--kind", "customer")
    page = opened(clerk, commusoft.open_record(RECORD, "old"))
    clerk.finds_button("Link to CRM Not linked")

    clerk.link_to_crm("record")
    assert "From the list “Customers.csv”" in clerk.reads()
    clerk.press("Enter")
    assert becomes(access, "intended")["reference"] == ACCOUNT
    assist.fill(page.driver)
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    becomes(access, "linked")
    page.driver.press("Escape")
    clerk.finds_button("Link to CRM Linked")

    clerk.link_to_crm("record")
    assert "Linked to Margaret Holloway" in clerk.reads()
    clerk.press_button("Undo")
    until(lambda: newest_link(access)["state"] == "intended", lambda: "nothing is to be undone")
    assert newest_link(access)["reference"] is None
    assist.says("Select Edit in Commusoft")
    assist.press(page.driver, "Select Edit")
    assert ACCOUNT in assist.says("Fill in the Third-Party Reference?").words
    assist.press(page.driver, "Fill in")
    assist.says("Now select Save in Commusoft")
    page.save()
    page.is_saved()
    becomes(access, "linked")
    assert page.record(RECORD)["reference"] == ""
    page.driver.press("Escape")
    clerk.finds_button("Link to CRM Not linked")


@in_chromium
def test_the_button_on_a_records_page_opens_the_popup_on_this_record(
    clerk: PopupDriver, browser: Browser, commusoft: CommusoftPages
) -> None:
    opened(clerk, commusoft.open_record(RECORD, "old"))
    clerk.finds_button("Link to CRM Not linked")
    clerk.press_on_page()
    until(
        lambda: browser.popup_is_open() or browser.window_on_page(), lambda: "the popup never opens"
    )


@in_firefox
def test_customers_are_saved_from_commusofts_list_page_by_page(
    clerk: PopupDriver, access: RunningServices, commusoft: CommusoftPages
) -> None:
    def known() -> int:
        return int(access.ask("workspace")["mirror"]["customers"])

    before = known()
    commusoft.serve(LIST)
    page = opened(clerk, commusoft.open(f"{ORIGIN}/customers"))
    clerk.link_to_crm("records")
    assert "Margaret Holloway" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("records-saved")
    clerk.popup.close()
    page.click("Next")
    wait_for(page.driver, "!document.querySelector('tbody').innerText.includes('Holloway')")
    clerk.link_to_crm("records")
    assert "5 customers saved from the pages before" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("records-saved")
    assert known() == before

    clerk.press_button("These are all our customers")
    clerk.sees("records-removal")
    clerk.press("Enter")  # is on Cancel
    clerk.sees("records")
    assert known() == before
    clerk.press("Enter")
    clerk.sees("records-saved")
    clerk.press_button("These are all our customers")
    clerk.sees("records-removal")
    clerk.press_button("Remove")
    clerk.sees("records-complete")
    assert known() == 9
    assert "Customers as of" in clerk.reads()


@in_chromium
def test_a_difference_to_sage_fills_its_one_field_and_the_person_saves(
    clerk: PopupDriver,
    assist: AssistDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
) -> None:
    _linked_over_differences(access)
    page = opened(clerk, commusoft.open_record(RECORD, "old"))
    assist.says("Select Edit in Commusoft")
    page.driver.press("Escape")
    assist.is_gone()
    page.edit()
    before = page.model()
    assert before is not None
    clerk.link_to_crm("record")
    clerk.press_button("Compare with Sage")
    said = assist.says("Sage's details for Margaret Holloway").words
    assert "margaret.holloway@postbox.example → Margaret@postbox.example" in said
    assert page.model() == before
    assist.press(page.driver, "Use Sage's")  # the first of them, the last name's
    assist.says("Filled in, not saved yet")
    assert page.model() == before | {"surname": "HOLLOWAY"}
    assist.press(page.driver, "Use Sage's")
    until(
        lambda: (page.model() or {})["email"] == "Margaret@postbox.example",
        lambda: f"the form holds {page.model()}",
    )
    assert page.model() == before | {"surname": "HOLLOWAY", "email": "Margaret@postbox.example"}
    assist.says("Everything that differed is the same now")
    assert page.saves() == []
    page.save()
    page.is_saved()
    assert page.record(RECORD)["surname"] == "HOLLOWAY"
    assert newest_link(access)["state"] == "intended"


def _linked_over_differences(access: RunningServices) -> None:
    differences = [
        {"field": "name", "contact": "Margaret HOLLOWAY", "record": "Margaret Holloway"},
        {
            "field": "email",
            "contact": "Margaret@postbox.example",
            "record": "margaret.holloway@postbox.example",
        },
    ]
    decision = {
        "connection_id": access.ask("workspace")["connection_id"],
        "package": "sage_business_cloud",
        "kind": "customer",
        "reference": "146013164",
        "contact_name": "Margaret HOLLOWAY",
        "record_id": RECORD,
        "differences": differences,
    }
    answer = requests.post(
        f"{access.server.address}/api/v1/links",
        json=decision,
        headers={
            "Authorization": f"Bearer {access.token}",
            "Idempotency-Key": uuid.uuid4().hex,
        },
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
