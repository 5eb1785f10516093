"""A contact said to be a supplier never reaches a customer's record by one choice alone."""

import pytest
import requests

from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, ORGANISATION, xero_contact
from e2e.turns import in_chromium, in_firefox


@pytest.fixture
def said_to_be_a_supplier(clerk: PopupDriver) -> PopupDriver:
    """A clerk who has pressed s on a contact that only customers are like."""
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.chosen() == "customer-1001"
    clerk.press("s")
    clerk.waits_for("The best match is a customer, not a supplier")
    clerk.sees("choose")
    return clerk


@in_firefox
def test_enter_links_no_customer_once_the_contact_is_said_to_be_a_supplier(
    said_to_be_a_supplier: PopupDriver, access: RunningServices
) -> None:
    clerk = said_to_be_a_supplier
    assert clerk.chosen() is None
    clerk.press("Enter", "Enter")
    clerk.sees("choose")
    assert access.reference("customer-1001") is None
    assert access.writes() == []


@in_chromium
def test_a_customer_is_chosen_for_a_supplier_only_by_a_second_separate_choice(
    said_to_be_a_supplier: PopupDriver, access: RunningServices
) -> None:
    clerk = said_to_be_a_supplier
    clerk.press("1", "Enter")
    clerk.sees("care")
    assert "Margaret Holloway is a customer, not a supplier" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("care")
    assert access.writes() == []

    clerk.accept()
    clerk.press_button("Link")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    [link] = access.ask("links")["links"]
    assert (link["contact_kind"], link["kind"]) == ("supplier", "customer")

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert access.reference("customer-1001") is None


def test_no_client_can_leave_the_second_choice_out(access: RunningServices) -> None:
    decision = {
        "package": "xero",
        "organisation": ORGANISATION,
        "reference": MARGARET,
        "kind": "supplier",
        "record_id": "customer-1001",
        "connection_id": access.ask("workspace")["connection_id"],
    }
    answer = requests.post(
        f"{access.server.address}/api/v1/links",
        json=decision,
        headers={"Authorization": f"Bearer {access.token}", "Idempotency-Key": "key-00000001"},
        timeout=60,
    )
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:crmlink:problem:kind-differs"
    assert (problem["contact_kind"], problem["record"]["id"]) == ("supplier", "customer-1001")
    assert access.writes() == []


@in_firefox
def test_a_link_is_undone_from_an_address_that_names_no_organisation(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("linked")

    clerk.look_at(f"https://go.xero.com/Contacts/Edit/{MARGARET}")
    clerk.link_to_crm("already")
    assert "Linked by" in clerk.reads()
    clerk.press_button("Undo")
    clerk.sees("undone")
    assert access.reference("customer-1001") is None
