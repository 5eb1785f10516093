"""POST /links: the kind that a client states is held against the one that crmlink knows."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from flask.testing import FlaskClient

from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.review import ShownRow, accept
from crmlink.installation import Installation
from crmlink.kinds import Kind
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import KindMismatch
from crmlink.linking.overrides import Overrides
from crmlink.linking.parked import park
from crmlink.linking.suggest import Contact
from crmlink.store import Batch, BatchRow, BatchState, ContactSource, SourceAccount, SourceContact
from support.access_factories import make_token, with_token
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key


@pytest.fixture
def script(app: Any, installation: Installation) -> FlaskClient:
    return with_token(app, make_token(installation.access, "suggest", "link"))


def know(
    installation: Installation,
    device_id: int,
    by: str,
    kind: Kind | Literal[""],
    reference: str = HOLLOWAY,
    package: str = "xero",
) -> None:
    """A contact's kind, as a live source, a parked contact or a list has it."""
    ctx = installation.workspace
    if by == "parked":
        park(ctx, Contact(package, reference, kind or None), device_id)
    elif by == "list":
        contact = ListedContact(reference, kind=kind or None, name="Pipe Stores")
        append_contacts(ctx, device_id, ListPage(package, "", None, [contact]))
    else:
        with installation.database.writing() as session:
            account = SourceAccount(workspace_id=ctx.workspace_id, package=package)
            source = ContactSource(
                workspace_id=ctx.workspace_id, package=package, tenant="t", account=account
            )
            session.add_all([account, source])
            session.flush()
            session.add(
                SourceContact(
                    source_id=source.id, key=f"{kind}/{reference}", reference=reference, kind=kind
                )
            )


def link(script: FlaskClient, installation: Installation, **more: Any) -> Any:
    body = {
        "package": "xero", "kind": "customer", "reference": HOLLOWAY,
        "record_id": "customer-1001", "contact_name": "Margaret Holloway",
        "connection_id": installation.workspace.public_connection_id,
    }  # fmt: skip
    headers = {"Idempotency-Key": new_key()}
    return script.post("/api/v1/links", json=body | more, headers=headers)


@pytest.mark.parametrize("by", ["live", "parked", "list"])
def test_a_known_supplier_is_no_customer_because_a_client_says_so(
    script: FlaskClient, installation: Installation, sandbox: SandboxHandle, device_id: int, by: str
) -> None:
    know(installation, device_id, by, "supplier")
    refused = link(script, installation)
    assert (refused.status_code, refused.get_json()["contact_kind"]) == (409, "supplier")
    assert refused.get_json()["type"].endswith("kind-differs")
    assert sandbox.reference("customer-1001") is None
    made = link(script, installation, accepts_kind=True)
    assert (made.status_code, made.get_json()["contact_kind"]) == (201, "supplier")
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_what_a_client_states_is_held_against_the_record_too(
    script: FlaskClient, installation: Installation, device_id: int
) -> None:
    know(installation, device_id, "live", "customer")
    assert link(script, installation, kind="supplier").status_code == 409


@pytest.mark.parametrize("kind", ["customer", ""])
def test_a_contact_of_the_kind_or_of_both_is_linked(
    script: FlaskClient, installation: Installation, device_id: int, kind: Kind | Literal[""]
) -> None:
    know(installation, device_id, "live", kind)
    assert link(script, installation).status_code == 201


def test_where_addresses_tell_the_kind_another_ones_number_says_nothing(
    script: FlaskClient, installation: Installation, device_id: int
) -> None:
    know(installation, device_id, "live", "supplier", "12", "kashflow")
    made = link(script, installation, package="kashflow", reference="12")
    assert made.status_code == 201


def test_an_account_of_both_ledgers_is_linked_by_what_was_stated(
    script: FlaskClient, installation: Installation, device_id: int
) -> None:
    know(installation, device_id, "live", "supplier", "HOLL01", "sage_50")
    asked = {"package": "sage_50", "reference": "HOLL01"}
    assert link(script, installation, **asked).status_code == 409
    know(installation, device_id, "list", "customer", "HOLL01", "sage_50")
    assert link(script, installation, **asked).status_code == 201


def test_every_way_is_held_to_it(
    installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    know(installation, device_id, "live", "supplier")
    with pytest.raises(KindMismatch):
        confirm(installation.workspace, decision(), new_key(), device_id)
    assert sandbox.reference("customer-1001") is None


def test_a_list_that_tells_no_kind_asks_the_second_choice(
    installation: Installation, device_id: int
) -> None:
    ctx = installation.workspace
    know(installation, device_id, "live", "supplier")
    contact = ListedContact(HOLLOWAY, name="Pipe Stores")
    batch_id = append_contacts(ctx, device_id, ListPage("xero", "", None, [contact])).batch.id
    with installation.database.writing() as session:
        session.get_one(Batch, batch_id).state = BatchState.REVIEW
        row = session.query(BatchRow).one()
        shown = ShownRow(batch_id, row.position, row.version)
    with pytest.raises(KindMismatch):
        accept(ctx, device_id, shown, "customer-1001")
    agreed = accept(ctx, device_id, shown, "customer-1001", Overrides(accepts_kind=True))
    assert agreed.row.record_id == "customer-1001"
