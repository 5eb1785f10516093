"""Practice on the sandbox's own pages: decided, filled in, saved there, seen, without the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browsers.assist_driver import AssistDriver, becomes, decide
from browsers.page_driver import PageDriver, focus, wait_through
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET
from crmlink.store import Workspace, Writes
from e2e.turns import by_turns

RECORD = "customer-1001"
LAYOUTS = {
    "old": "/customers/customer/1001/view/property/view",
    "new": "/customers/customer_list/1001/view_v2/property/view",
}
SAVE = "#editcustomer button.main, #record-form button.main"


@pytest.fixture
def practice(clerk: PopupDriver, access: RunningServices) -> Iterator[AssistDriver]:
    """A clerk who practises writing on pages; the panel on the page in front."""
    with access.access_context.database.writing() as session:
        session.get_one(Workspace, access.access_context.workspace_id).writes = Writes.PAGES
    assert "now works" in clerk.switch_on_page("commusoft")
    yield AssistDriver(clerk.browser)
    clerk.switch_on_page("commusoft")


def opened(clerk: PopupDriver, access: RunningServices, path: str) -> PageDriver:
    """The sandbox's page in front, signed in."""
    clerk.look_at(access.sandbox.address + path)
    page = clerk.page
    assert page is not None
    wait_through(page, "document.querySelector('#logintype_username, #record-view')")
    if page.evaluate("!!document.querySelector('#logintype_username')"):
        focus(page, "#logintype_username")
        page.press("Enter")
        wait_through(page, "document.querySelector('#record-view')")
    return page


@by_turns("layout", list(LAYOUTS), str)
def test_a_reference_is_filled_in_on_the_sandboxs_page_and_saved_by_the_person(
    practice: AssistDriver, clerk: PopupDriver, access: RunningServices, layout: str
) -> None:
    decide(clerk)
    becomes(access, "intended")
    # The popup opens the record too; a tab that came late would be the one in front.
    clerk.browser.tab_at(access.sandbox.address)
    page = opened(clerk, access, LAYOUTS[layout])
    practice.fill(page)
    assert access.reference(RECORD) is None
    focus(page, SAVE)
    page.press("Enter")
    practice.says("Linked, seen on the page")
    assert becomes(access, "linked")["reference"] == MARGARET
    assert access.reference(RECORD) == MARGARET
