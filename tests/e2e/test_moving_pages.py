"""A decision holds for the contact that was on the page, and for no other."""

import json

from browsers.page_driver import PageDriver
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import xero_contact
from e2e.turns import in_chromium, in_firefox

GREENFIELD = "c1a7e0d2-94b6-4f3a-8d5e-6f2b7c9a1e34"


def move_without_loading(page: PageDriver, url: str) -> None:
    """As Xero does: the address and the words change, the page is not loaded."""
    page.evaluate(
        f"(history.pushState(null, '', {json.dumps(url)}),"
        " document.querySelector('h1').textContent = 'Greenfield Lettings Limited', true)"
    )


@in_chromium
def test_a_contact_that_changed_before_enter_is_not_linked(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.page
    move_without_loading(clerk.page, xero_contact(GREENFIELD))
    clerk.press("Enter")
    clerk.sees("trouble-tab-moved")
    assert access.writes() == []


@in_firefox
def test_a_page_reused_for_another_contact_is_noticed_even_at_the_same_address(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.page
    clerk.page.evaluate("(document.querySelector('h1').textContent = 'Somebody Else', true)")
    clerk.press("Enter")
    clerk.sees("trouble-contact-changed")
    assert access.writes() == []


def test_a_tab_closed_before_enter_links_nothing(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.open_window_on_page("choose")
    assert clerk.chosen() == "customer-1001"
    assert clerk.page
    clerk.page.close()
    clerk.press("Enter")
    clerk.sees("trouble-tab-closed")
    assert access.writes() == []
