"""Whatever stops in between, the clerk is told, nothing is written wrongly, nothing is lost."""

import signal

from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, wait_until
from browsers.saved import MARGARET, xero_contact
from e2e.turns import in_chromium, in_firefox


@in_firefox
def test_a_server_that_is_down_is_named_and_looked_for_again(
    clerk: PopupDriver, access: RunningServices
) -> None:
    access.server.stop()
    clerk.look_at(xero_contact())
    clerk.link_to_crm("trouble-server-not-running")

    access.server.start()
    clerk.press("Enter")
    clerk.sees("choose")
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET


@in_chromium
def test_a_server_that_dies_before_enter_gets_the_decision_later_and_once(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    access.server.stop(signal.SIGKILL)
    clerk.press("Enter")
    clerk.sees("no-answer")

    access.server.start()
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    assert len(access.writes()) == 1


@in_firefox
def test_commusoft_down_before_enter_writes_nothing_and_may_be_tried_again(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    access.sandbox.stop(signal.SIGKILL)
    clerk.press("Enter")
    clerk.sees("trouble-commusoft-unreachable")

    access.sandbox.start()
    assert access.reference("customer-1001") is None
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    assert len(access.writes()) == 1


def test_a_popup_closed_half_way_shows_the_outcome_when_opened_again(
    clerk: PopupDriver, access: RunningServices
) -> None:
    access.fault(fault="timeout", method="PUT", done=True, seconds=20)
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("working")
    clerk.popup.close()
    wait_until(access.writes, "the decision reaches Commusoft")
    access.clear_faults()
    clerk.link_to_crm("linked")
    assert access.reference("customer-1001") == MARGARET
    assert len(access.writes()) == 1
