"""/left/link: a contact whose address does not tell its kind, which is known from elsewhere."""

from __future__ import annotations

import pytest

from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.installation import Installation
from crmlink.linking.parked import park
from crmlink.linking.suggest import Contact
from crmlink.store import ContactSource, SourceAccount, SourceContact
from support.page_client import PageClient
from support.sandbox import SandboxHandle

THIRD = "33333333-3333-4333-8333-333333333333"


def keep(installation: Installation, kind: str) -> None:
    """Keep a live contact of this kind; both if it is empty."""
    workspace_id = installation.access.workspace_id
    with installation.database.writing() as session:
        account = SourceAccount(workspace_id=workspace_id, package="xero")
        source = ContactSource(
            workspace_id=workspace_id, package="xero", tenant="t", name="Office Ltd",
            account=account,
        )  # fmt: skip
        session.add_all([account, source])
        session.flush()
        contact = SourceContact(
            source_id=source.id, key=THIRD, reference=THIRD, name="Pipe Stores", kind=kind
        )
        session.add(contact)


@pytest.mark.parametrize("by", ["live", "parked", "list"])
def test_a_known_supplier_is_not_linked_to_a_customer_by_its_address(
    clerk: PageClient,
    installation: Installation,
    sandbox: SandboxHandle,
    device_id: int,
    by: str,
) -> None:
    ctx = installation.workspace
    if by == "live":
        keep(installation, "supplier")
    elif by == "parked":
        park(ctx, Contact("xero", THIRD, "supplier"), device_id)
    else:
        contact = ListedContact(THIRD, kind="supplier", name="Pipe Stores")
        append_contacts(ctx, device_id, ListPage("xero", "", None, [contact]))
    path = "/left/link/customer-1002"
    address = f"https://go.xero.com/Contacts/View/{THIRD}"
    before = sandbox.reference("customer-1002")
    assert "That is the page of a supplier" in clerk.read(f"{path}?url={address}")
    connection_id = ctx.public_connection_id
    assert clerk.send(path, url=address, connection_id=connection_id).status_code == 422
    assert sandbox.reference("customer-1002") == before


def test_a_contact_that_is_both_is_linked_by_its_address(
    clerk: PageClient, installation: Installation
) -> None:
    keep(installation, "")
    address = f"https://go.xero.com/Contacts/View/{THIRD}"
    assert "Is this right?" in clerk.read(f"/left/link/customer-1002?url={address}")
