"""From a contact page to the reference in Commusoft, and back."""

from browsers.popup_driver import Clerk
from browsers.real_services import Office
from browsers.saved import MARGARET, xero_contact


def test_enter_links_the_right_customer_and_undo_takes_it_back(
    clerk: Clerk, office: Office
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.first() == clerk.chosen() == "customer-1001"
    assert MARGARET in clerk.reads()
    assert office.reference("customer-1001") is None

    clerk.press("Enter")
    clerk.sees("linked")
    assert office.reference("customer-1001") == MARGARET
    assert len(office.writes()) == 1

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert office.reference("customer-1001") is None
    assert len(office.writes()) == 2


def test_a_page_that_shows_no_contact_links_nothing(clerk: Clerk, office: Office) -> None:
    clerk.look_at(f"https://go.xero.com/app/!kR4N6/invoicing/view/{MARGARET}")
    clerk.link_to_crm("elsewhere")
    clerk.press("Enter")
    assert MARGARET not in clerk.reads()
    assert office.writes() == []


def test_without_button_or_shortcut_the_extension_sees_nothing_of_a_page(
    clerk: Clerk, office: Office
) -> None:
    """The twin of every other test here: what they read, they read because a person pressed."""
    clerk.look_at(xero_contact())
    clerk.open_window_on_page("elsewhere")
    assert "Margaret" not in clerk.reads()
    assert office.writes() == []
