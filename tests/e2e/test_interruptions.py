"""Whatever stops in between, the clerk is told, nothing is written wrongly, nothing is lost."""

import signal

from browsers.popup_driver import Clerk
from browsers.real_services import Office, wait_until
from browsers.saved import MARGARET, xero_contact


def test_a_server_that_is_down_is_named_and_looked_for_again(clerk: Clerk, office: Office) -> None:
    office.server.stop()
    clerk.look_at(xero_contact())
    clerk.link_to_crm("trouble-server-unreachable")

    office.server.start()
    clerk.press("Enter")
    clerk.sees("choose")
    clerk.press("Enter")
    clerk.sees("linked")
    assert office.reference("customer-1001") == MARGARET


def test_a_server_that_dies_before_enter_gets_the_decision_later_and_once(
    clerk: Clerk, office: Office
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    office.server.stop(signal.SIGKILL)
    clerk.press("Enter")
    clerk.sees("no-answer")

    office.server.start()
    clerk.press("Enter")
    clerk.sees("linked")
    assert office.reference("customer-1001") == MARGARET
    assert len(office.writes()) == 1


def test_commusoft_down_before_enter_writes_nothing_and_may_be_tried_again(
    clerk: Clerk, office: Office
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    office.sandbox.stop(signal.SIGKILL)
    clerk.press("Enter")
    clerk.sees("trouble-commusoft-unreachable", 30)

    office.sandbox.start()
    assert office.reference("customer-1001") is None
    clerk.press("Enter")
    clerk.sees("linked")
    assert office.reference("customer-1001") == MARGARET
    assert len(office.writes()) == 1


def test_a_popup_closed_half_way_shows_the_outcome_when_opened_again(
    clerk: Clerk, office: Office
) -> None:
    office.fault(fault="timeout", method="PUT", done=True, seconds=3)
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("working")
    clerk.popup.close()
    wait_until(office.writes, "the decision reaches Commusoft")
    office.clear_faults()
    clerk.link_to_crm("linked")
    assert office.reference("customer-1001") == MARGARET
    assert len(office.writes()) == 1
