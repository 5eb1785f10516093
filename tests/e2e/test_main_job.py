"""From a contact page to the reference in Commusoft, and back."""

from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, xero_contact


def test_enter_links_the_right_customer_and_undo_takes_it_back(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.first() == clerk.chosen() == "customer-1001"
    assert MARGARET in clerk.reads()
    assert access.reference("customer-1001") is None

    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    assert len(access.writes()) == 1

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert access.reference("customer-1001") is None
    assert len(access.writes()) == 2


def test_a_page_that_shows_no_contact_links_nothing(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(f"https://go.xero.com/app/!kR4N6/invoicing/view/{MARGARET}")
    clerk.link_to_crm("elsewhere")
    clerk.press("Enter")
    assert MARGARET not in clerk.reads()
    assert access.writes() == []


def test_without_button_or_shortcut_the_extension_sees_nothing_of_a_page(
    clerk: PopupDriver, access: RunningServices
) -> None:
    """The twin of every other test here: what they read, they read because a person pressed."""
    clerk.look_at(xero_contact())
    clerk.open_window_on_page("elsewhere")
    assert "Margaret" not in clerk.reads()
    assert access.writes() == []
