"""Ways of losing a decision, or taking one contact for another, that no one had listed."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from crmlink.accounting.errors import InvalidHost
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.file_import import ListFile, import_file
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.installation import Installation
from crmlink.linking.connections import contents_in_use
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import ConnectionNotAgreed
from crmlink.linking.parked import park, parked_as, parked_contacts
from crmlink.linking.suggest import Contact
from crmlink.linking.workspace_rules import add_host, list_hosts, remove_host, workspace_rules
from crmlink.store import Batch, ParkedContact
from crmlink.values.contact_details import ContactDetails
from crmlink.web.connection_words import replaced_in_words
from support.batch_factories import Line, detected, sage_file
from support.sandbox import SandboxHandle, decision, new_key
from unit.linking.test_connection_change import account, actor, agreement, connect, other

__all__ = ["other"]

SAGE_50 = Contact(
    "sage_50", "H001", "customer", "A Ltd", ContactDetails(person="Margaret Holloway")
)
LISTED = ListedContact("H001", kind="customer", name="Margaret Holloway")


def organisations(ctx: WorkspaceContext) -> list[str]:
    return [each.organisation for each in parked_contacts(ctx)]


def test_a_link_that_names_no_organisation_ends_no_others_parking(
    ctx: WorkspaceContext, device_id: int
) -> None:
    """`H001` is another contact in each company of Sage 50; one of them is linked, but which?"""
    park(ctx, SAGE_50, device_id)
    park(ctx, replace(SAGE_50, organisation="B Ltd"), device_id)
    park(ctx, replace(SAGE_50, organisation=""), device_id)
    confirm(
        ctx, decision(package="sage_50", reference="H001", organisation=""), new_key(), device_id
    )
    assert organisations(ctx) == ["A Ltd", "B Ltd"]


def test_a_contact_of_one_of_two_organisations_is_not_shown_as_parked(
    ctx: WorkspaceContext, device_id: int
) -> None:
    park(ctx, SAGE_50, device_id)
    unnamed = replace(SAGE_50, organisation="")
    with ctx.database.reading() as session:
        known = parked_as(session, ctx.connection_id, unnamed)
    assert known  # the only one
    assert known.organisation == "A Ltd"
    park(ctx, replace(SAGE_50, organisation="B Ltd"), device_id)
    with ctx.database.reading() as session:
        assert parked_as(session, ctx.connection_id, unnamed) is None


def test_a_parked_name_is_kept_in_one_form_of_unicode(
    ctx: WorkspaceContext, device_id: int
) -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë Quill")
    kept = park(ctx, replace(SAGE_50, details=ContactDetails(person=decomposed)), device_id)
    assert kept.name == "Zoë Quill"


@pytest.mark.parametrize("reconnected", [False, True])
def test_nothing_is_kept_where_no_one_sees_it(
    practising: Installation, sandbox: SandboxHandle, other: SandboxHandle, reconnected: bool
) -> None:
    """Another account is connected between a request's arrival and its end."""
    device_id = actor(practising).device.id
    if reconnected:  # practice data is deleted, an account's is put aside
        connect(practising, account(sandbox), agreement(practising))
    ctx = practising.workspace
    connect(practising, account(other), agreement(practising))
    with pytest.raises(ConnectionEnded):
        park(ctx, SAGE_50, device_id)
    with pytest.raises(ConnectionEnded):
        append_contacts(
            ctx, device_id, ListPage("sage_50", "", "customer", [LISTED]), key=new_key()
        )
    file = sage_file([Line("H001", "Margaret Holloway")])
    found = detected(ctx, file, "Customers.csv", package="sage_50", kind="customer")
    with pytest.raises(ConnectionEnded):
        import_file(ctx, device_id, ListFile(file, "Customers.csv", found))
    with practising.database.reading() as session:
        assert session.query(ParkedContact).count() + session.query(Batch).count() == 0


def test_practice_is_not_emptied_of_parked_contacts_without_a_word(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    park(practising.workspace, SAGE_50, actor(practising).device.id)
    contents = contents_in_use(practising.database, practising.access.workspace_id)
    assert contents
    assert "1 parked contact" in " ".join(replaced_in_words(contents))
    with pytest.raises(ConnectionNotAgreed):
        connect(practising, account(sandbox))
    connect(practising, account(sandbox), contents.agreement)
    with practising.database.reading() as session:
        assert session.query(ParkedContact).count() == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("srv.office.example:10444", "srv.office.example:10444"),
        ("srv.office.example", "srv.office.example"),
        ("srv.office.example", "SRV.office.example:443"),
        ("srv.office.example:10444", "srv.office.example"),
        ("srv.office.example", "srv.office.example:10444"),
    ],
)
def test_no_address_of_the_firm_is_two_packages(
    ctx: WorkspaceContext, device_id: int, first: str, second: str
) -> None:
    add_host(ctx, "sage_200", first, device_id)
    with pytest.raises(InvalidHost, match="is already an address of Sage 200"):
        add_host(ctx, "commusoft", second, device_id)
    assert list(list_hosts(ctx)) == ["sage_200"]


def test_no_address_is_two_packages_while_practising_either(practising: Installation) -> None:
    """Practice has Commusoft at its own address alone; the firm's others are only put aside."""
    ctx, device_id = practising.workspace, actor(practising).device.id
    add_host(ctx, "commusoft", "srv.office.example", device_id)
    for host in ("srv.office.example", "app.commusoft.co.uk"):
        with pytest.raises(InvalidHost, match="is already an address of Commusoft"):
            add_host(ctx, "sage_200", host, device_id)


def test_an_address_of_the_firm_that_was_removed_is_removed(
    ctx: WorkspaceContext, device_id: int
) -> None:
    add_host(ctx, "sage_200", "srv.office.example:443", device_id)
    add_host(ctx, "sage_200", "srv.office.example", device_id)
    assert list_hosts(ctx) == {"sage_200": ["srv.office.example"]}
    assert remove_host(ctx, "sage_200", "SRV.office.example:443", device_id) == []
    assert "srv.office.example" not in str(workspace_rules(ctx))
