"""Another connection: practice goes with consent, accounts keep their own, nothing crosses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from crmlink.access.api_tokens import authenticate_api_token
from crmlink.access.audit.log import entries, verify
from crmlink.access.context import Actor
from crmlink.access.devices import command_line_actor
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts, list_batches
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.commusoft.vault import Vault
from crmlink.installation import KEY_FILE, Installation, open_installation
from crmlink.linking.attempts import attempt, recover
from crmlink.linking.connections import Consent, contents_in_use, delete_connection, save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.linking.errors import (
    ConnectionNotAgreed,
    CredentialsMissing,
    LinkNotFound,
)
from crmlink.store import Link, LinkState, MirroredRecord, WorkspaceConnection
from crmlink.worker import Worker
from security.attack_fixture import everything
from support.access_factories import make_person, make_token, pair
from support.sandbox import HOLLOWAY, WEBSERVICE, SandboxHandle, connection_to, decision, new_key

OF_A_CONNECTION = (
    "batch", "batch_bad_row", "batch_page", "batch_row", "commusoft_pace", "connection", "link",
    "linked_share", "lookalike", "record", "write_test",
)  # fmt: skip


@pytest.fixture
def other() -> Iterator[SandboxHandle]:
    """A second account's Commusoft, with the same records."""
    with ExitStack() as exits:
        server = exits.enter_context(SandboxServer(create_sandbox(60, 12)))
        yield SandboxHandle(server.url, exits.close)


def account(sandbox: SandboxHandle) -> Connection:
    return connection_to(sandbox.address)


def connect(installation: Installation, to: Connection, agreement: str = "") -> None:
    vault = Vault.at(installation.settings.data_dir / KEY_FILE)
    save_connection(
        installation.database,
        installation.access.workspace_id,
        to,
        Consent(agreement=agreement),
        vault=vault,
    )


def agreement(installation: Installation) -> str:
    contents = contents_in_use(installation.database, installation.access.workspace_id)
    assert contents
    return contents.agreement


def actor(installation: Installation) -> Actor:
    return command_line_actor(installation.access)


def practise(installation: Installation) -> Link:
    """A link and a list."""
    device_id = actor(installation).device.id
    contact = ListedContact(HOLLOWAY, kind="customer", name="Margaret Holloway", phones=())
    append_contacts(
        installation.workspace,
        device_id,
        ListPage("xero", "!kR4N6", "customer", [contact]),
        key=new_key(),
    )
    return confirm(installation.workspace, decision(), new_key(), device_id)


def test_practice_is_emptied_and_nothing_else_is_touched(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    person = make_person(practising.access, "manager", "Anna Pike")
    browser, token = pair(practising.access, person), make_token(practising.access)
    practise(practising)
    before = everything(practising.database)
    with pytest.raises(ConnectionNotAgreed) as refused:
        connect(practising, account(sandbox))
    contents = refused.value.facts["contents"]
    assert (contents.practice, contents.links, contents.lists) == (True, 1, 1)
    assert contents.records > 60
    assert everything(practising.database) == before

    connect(practising, account(sandbox), contents.agreement)
    after = everything(practising.database)
    assert [len(after[name]) for name in OF_A_CONNECTION] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    for name in set(before) - set(OF_A_CONNECTION) - {"audit_entry", "sqlite_sequence"}:
        assert after[name] == before[name], name
    assert after["audit_entry"][: len(before["audit_entry"])] == before["audit_entry"]
    notes = entries(practising.access, action="commusoft.")
    assert [line.entry.action for line in notes] == [
        "commusoft.connected",
        "commusoft.practice_emptied",
    ]
    assert notes[1].entry.details == {"records": contents.records, "links": 1, "lists": 1}
    assert verify(practising.access).sound
    assert authenticate_api_token(practising.access, token, "").device
    assert not practising.workspace.practice
    assert browser.person.id == person.id


def test_what_was_decided_since_the_consent_is_asked_for_again(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    practise(practising)
    agreed = agreement(practising)
    contact = ListedContact(HOLLOWAY, kind="customer", name="Margaret Holloway", phones=())
    device_id = actor(practising).device.id
    append_contacts(
        practising.workspace,
        device_id,
        ListPage("xero", "!other", "customer", [contact]),
        key=new_key(),
    )
    with pytest.raises(ConnectionNotAgreed):
        connect(practising, account(sandbox), agreed)


def test_what_began_in_practice_ends_without_a_trace(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    practise(practising)
    stale = practising.workspace
    connect(practising, account(sandbox), agreement(practising))
    with pytest.raises(ConnectionEnded):
        stale.sync()
    with pytest.raises(ConnectionEnded):
        stale.index.matcher()
    with pytest.raises(Exception):  # noqa: B017, PT011 # whatever it is, no row may come of it
        confirm(stale, decision(), new_key(), actor(practising).device.id)
    with pytest.raises(Exception):  # noqa: B017, PT011
        append_contacts(
            stale,
            actor(practising).device.id,
            ListPage(
                "xero", "", "customer", [ListedContact(HOLLOWAY, kind="customer", name="M H")]
            ),
            key=new_key(),
        )
    after = everything(practising.database)
    assert [len(after[name]) for name in OF_A_CONNECTION] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_links_of_an_account_are_seen_and_undone_in_that_account_only(
    practising: Installation, sandbox: SandboxHandle, other: SandboxHandle
) -> None:
    device_id = actor(practising).device.id
    connect(practising, account(sandbox), agreement(practising))
    practising.workspace.sync()
    link = confirm(practising.workspace, decision(), new_key(), device_id)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    with pytest.raises(ConnectionNotAgreed):
        connect(practising, account(other))
    connect(practising, account(other), agreement(practising))
    practising.workspace.sync()
    with pytest.raises(LinkNotFound):
        find_link(practising.workspace, link.id)
    with pytest.raises(LinkNotFound):
        undo(practising.workspace, UndoDecision(link.id), new_key(), device_id)
    again = confirm(practising.workspace, decision(), new_key(), device_id)
    assert again.state is LinkState.LINKED, "the record of the other account is another record"
    connect(practising, account(sandbox), agreement(practising))
    assert find_link(practising.workspace, link.id).state is LinkState.LINKED
    assert undo(practising.workspace, UndoDecision(link.id), new_key(), device_id).state == "linked"
    assert sandbox.reference("customer-1001") is None
    assert other.reference("customer-1001") == HOLLOWAY


def test_nothing_is_sent_to_an_account_that_was_disconnected(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    connect(practising, account(sandbox), agreement(practising))
    practising.workspace.sync()
    ctx, device_id = practising.workspace, actor(practising).device.id
    link = _intended(ctx, device_id)
    assert delete_connection(practising.database, practising.access.workspace_id)
    left = attempt(ctx, link)
    assert (left.state, left.writes) == (LinkState.INTENDED, 0)
    assert sandbox.reference("customer-1001") is None
    assert practising.workspace.practice
    assert recover(practising.workspace) == []
    connect(practising, account(sandbox))
    with practising.database.writing() as session:
        session.get_one(Link, link.id).attempt_id = ""
    (finished,) = recover(practising.workspace)
    assert (finished.id, finished.state) == (link.id, LinkState.LINKED)
    assert sandbox.reference("customer-1001") == HOLLOWAY


def _intended(ctx: WorkspaceContext, device_id: int) -> Link:
    """A decision that was kept and not tried yet."""
    link = Link(
        connection_id=ctx.connection_id, device_id=device_id, idempotency_key=new_key(),
        fingerprint="", package="xero", organisation="!kR4N6", kind="customer",
        reference=HOLLOWAY, contact_name="Margaret Holloway", record_number="1001",
        record_label="Margaret Holloway", prior=None, target=HOLLOWAY,
    )  # fmt: skip
    with ctx.database.writing() as session:
        session.add(link)
    return link


def test_practice_begins_afresh_after_an_account_was_disconnected(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    practise(practising)
    first = practising.workspace
    assert first.commusoft.record("customer", "1001").reference == HOLLOWAY
    connect(practising, account(sandbox), agreement(practising))
    assert not practising.workspace.practice
    delete_connection(practising.database, practising.access.workspace_id)
    second = practising.workspace
    assert second.practice
    assert second.connection_id > first.connection_id
    assert second.commusoft.record("customer", "1001").reference is None
    assert list_batches(second) == []
    with practising.database.reading() as session:
        assert session.query(MirroredRecord).count() == 0
        kept = session.query(WorkspaceConnection).filter_by(kind="api").one()
    assert (kept.credentials, kept.ended_at is None) == (None, False)


def test_an_account_that_is_connected_anew_keeps_its_links_and_its_new_password(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    connect(practising, account(sandbox), agreement(practising))
    practising.workspace.sync()
    before = practising.workspace
    link = confirm(before, decision(), new_key(), actor(practising).device.id)
    connect(practising, replace(account(sandbox), password="a new one"))
    assert practising.workspace is not before
    assert practising.workspace.commusoft.connection.password == "a new one"  # made up
    assert find_link(practising.workspace, link.id).id == link.id


def test_the_environments_account_takes_the_place_of_practice_without_decisions(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    settings = replace(practising.settings, commusoft=account(sandbox))
    assert not open_installation(settings).workspace.practice
    with practising.database.reading() as session:
        assert session.query(WorkspaceConnection).one().client_id == "sandbox"


def test_the_environments_account_asks_where_there_are_decisions_and_is_missed_when_gone(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    practise(practising)
    settings = replace(practising.settings, commusoft=account(sandbox))
    installation = open_installation(settings)
    with pytest.raises(ConnectionNotAgreed):
        _ = installation.workspace
    save_connection(
        installation.database,
        installation.access.workspace_id,
        account(sandbox),
        Consent(agreement=agreement(practising)),
    )
    assert not installation.workspace.practice
    with pytest.raises(CredentialsMissing):
        _ = open_installation(replace(settings, commusoft=None)).workspace


def test_the_worker_goes_over_to_an_account_and_reads_its_records(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    worker = Worker(practising)
    connect(practising, account(sandbox), agreement(practising))
    worker._sync_due()
    with practising.database.reading() as session:
        read = session.query(MirroredRecord).count()
    assert 60 < read < 200, "the account's few, not the thousands of practice"


def test_address_and_client_id_make_an_account(
    practising: Installation, sandbox: SandboxHandle
) -> None:
    connect(practising, account(sandbox), agreement(practising))
    for changed in ({"base_url": f"http://localhost:1{WEBSERVICE}"}, {"client_id": "second"}):
        connect(practising, replace(account(sandbox), **changed), agreement(practising))
    with practising.database.reading() as session:
        assert session.query(WorkspaceConnection).count() == 3
