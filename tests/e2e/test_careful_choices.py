"""What is in Commusoft is never replaced or doubled without a second, separate choice."""

import pytest

from browsers.page_driver import Browser
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, another_contact, saved_site, xero_contact
from e2e.turns import in_chromium, in_firefox
from support.sandbox import OCONNOR_HAS

SIAN = "7b3c9d10-5e42-4c1a-8f6b-0a9d3e7c2b51"
OTHERS = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def sians_page(browser: Browser, clerk: PopupDriver) -> str:
    """The address of a Xero contact whose customer carries another reference since long ago."""
    page = another_contact(
        SIAN,
        name="Siân O'Connor",
        email="sian.oconnor@postbox.example",
        mobile="07700 900606",
        address="3 Bryn Awel",
        town="Bangor",
        postcode="LL57 1DT",
    )
    browser.serve({**saved_site(), **page})
    return xero_contact(SIAN)


@in_firefox
def test_another_reference_is_shown_and_enter_alone_leaves_it(
    clerk: PopupDriver, access: RunningServices, sians_page: str
) -> None:
    clerk.look_at(sians_page)
    clerk.link_to_crm()
    assert clerk.chosen() == "customer-1006"
    clerk.press("Enter")
    clerk.sees("care")
    assert OCONNOR_HAS in clerk.reads()
    assert SIAN in clerk.reads()

    clerk.press("Enter")
    assert access.reference("customer-1006") == OCONNOR_HAS
    assert access.writes() == []


@in_chromium
def test_another_reference_is_replaced_by_a_second_choice_and_comes_back_by_undo(
    clerk: PopupDriver, access: RunningServices, sians_page: str
) -> None:
    clerk.look_at(sians_page)
    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("care")
    clerk.accept()
    clerk.press_button("Replace")
    clerk.sees("linked")
    assert access.reference("customer-1006") == SIAN
    assert OCONNOR_HAS in clerk.reads()

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert access.reference("customer-1006") == OCONNOR_HAS


@in_firefox
def test_a_reference_put_there_a_moment_ago_is_noticed_at_confirm(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    access.commusoft.put_reference("customer-1001", OTHERS)
    clerk.press("Enter")
    clerk.sees("care")
    assert OTHERS in clerk.reads()
    assert access.reference("customer-1001") == OTHERS
    assert len(access.writes()) == 1  # someone else's


@in_chromium
def test_a_reference_on_another_customer_is_shown_and_needs_a_second_choice(
    clerk: PopupDriver, access: RunningServices
) -> None:
    access.commusoft.put_reference("customer-1008", MARGARET)
    access.crmlink("sync")
    clerk.look_at(xero_contact())
    clerk.link_to_crm("already")
    assert "David Owusu" in clerk.reads()
    clerk.press_button("another")
    clerk.sees("choose")
    assert clerk.chosen() == "customer-1001"

    clerk.press("Enter")
    clerk.sees("care")
    assert "David Owusu" in clerk.reads()
    assert access.reference("customer-1001") is None

    clerk.accept()
    clerk.press_button("Link")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    assert access.reference("customer-1008") == MARGARET


@in_firefox
def test_a_contact_that_nothing_fits_is_parked_and_leaves_the_list_once_it_is_linked(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.reach("document.querySelector('#park')")
    clerk.press("Enter")
    clerk.waits_for("until it is added to Commusoft")
    clerk.popup.close()
    clerk.link_to_crm()
    clerk.waits_for("until it is added to Commusoft")
    clerk.press("Enter")
    clerk.sees("linked")
    clerk.press_button("Undo")
    clerk.sees("undone")
    clerk.popup.close()
    clerk.link_to_crm()
    clerk.waits_for("Not in Commusoft yet?")
