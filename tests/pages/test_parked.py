"""/parked: contacts without a record are listed, linked by a search, and removed."""

from __future__ import annotations

import pytest
from flask import Flask

from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.linking.parked import count_parked, park
from crmlink.linking.suggest import Contact
from crmlink.store import ParkedContact
from crmlink.values.contact_details import ContactDetails
from support.access_factories import make_person
from support.page_client import PageClient, signed_in_client
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle

MARGARET = ContactDetails(person="Margaret Holloway", email="margaret.holloway@postbox.example")


@pytest.fixture
def clerk(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(app, installation, make_person(installation.access, "clerk"))


@pytest.fixture
def contact(installation: Installation) -> ParkedContact:
    device = command_line_actor(installation.access).device
    wanted = Contact("xero", HOLLOWAY, "customer", "!kR4N6", MARGARET)
    return park(installation.workspace, wanted, device.id)


def test_the_list_is_empty_in_words(clerk: PageClient) -> None:
    assert "No contact is parked" in clerk.read("/parked")


def press_link(clerk: PageClient, contact: ParkedContact, record_id: str) -> str:
    path = f"/parked/{contact.id}"
    connection_id = clerk.hidden_field(path, "connection_id")
    answer = clerk.send(f"{path}/link", record_id=record_id, connection_id=connection_id)
    return answer.get_data(as_text=True)


def test_a_parked_contact_is_linked_by_a_search_and_leaves_the_list(
    clerk: PageClient, contact: ParkedContact, installation: Installation, sandbox: SandboxHandle
) -> None:
    assert "Margaret Holloway" in clerk.read("/parked")
    assert "Link to Margaret Holloway" in clerk.read(f"/parked/{contact.id}")
    press_link(clerk, contact, "customer-1001")
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert count_parked(installation.workspace) == 0


def test_a_reference_that_came_in_the_meantime_is_not_overwritten(
    clerk: PageClient, contact: ParkedContact, installation: Installation, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", OTHER)
    assert "Not linked." in press_link(clerk, contact, "customer-1001")
    assert sandbox.reference("customer-1001") == OTHER
    assert count_parked(installation.workspace) == 1


def test_a_customer_is_not_linked_to_a_supplier_here(
    clerk: PageClient, contact: ParkedContact, sandbox: SandboxHandle
) -> None:
    assert "Not linked." in press_link(clerk, contact, "supplier-501")
    assert sandbox.reference("supplier-501") != HOLLOWAY


def test_a_parked_contact_is_removed(
    clerk: PageClient, contact: ParkedContact, installation: Installation, sandbox: SandboxHandle
) -> None:
    clerk.send(f"/parked/{contact.id}/remove")
    page = clerk.read("/parked")
    assert "Removed from the parked contacts." in page
    assert "Nothing was changed" not in page, "a link of it may have no answer yet"
    assert count_parked(installation.workspace) == 0
    assert sandbox.reference("customer-1001") is None
