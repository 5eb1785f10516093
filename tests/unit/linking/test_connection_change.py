"""Another connection: practice goes with consent, accounts keep their own, nothing crosses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from crmlink.access.api_tokens import script_actor
from crmlink.access.audit.log import entries, verify
from crmlink.access.context import Actor
from crmlink.access.devices import command_line_actor
from crmlink.batches.drafts import ListedContact, collect, list_batches
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.commusoft.vault import Vault
from crmlink.installation import KEYS_NAME, House, open_house
from crmlink.linking.attempts import attempt, recover
from crmlink.linking.connections import connect_account, contents_in_use, disconnect_account
from crmlink.linking.context import Desk
from crmlink.linking.decisions import confirm, find_link, undo
from crmlink.linking.errors import (
    ConnectionNotAgreed,
    CredentialsMissing,
    LinkUnknown,
)
from crmlink.settings import Settings
from crmlink.store import Link, LinkState, MirroredRecord, WorkspaceConnection
from crmlink.worker import Worker
from security.attack_fixture import everything
from support.access_factories import make_person, make_token, pair
from support.sandbox import HOLLOWAY, WEBSERVICE, Playing, connection_to, decision, new_key

OF_A_CONNECTION = (
    "batch", "batch_bad_row", "batch_page", "batch_row", "connection", "link", "linked_share",
    "lookalike", "record",
)  # fmt: skip


@pytest.fixture
def practising(tmp_path: Path, database_url: str) -> Iterator[House]:
    """An installation that has no account yet, its mirror full of practice data."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=secrets.token_urlsafe(48),
        calls_per_second=1000,
    )
    house = open_house(settings)
    house.desk.sync()
    yield house
    house.close()


@pytest.fixture
def other() -> Iterator[Playing]:
    """A second account's Commusoft, with the same records."""
    with ExitStack() as exits:
        server = exits.enter_context(SandboxServer(create_sandbox(60, 12)))
        yield Playing(server.url, exits.close)


def account(sandbox: Playing) -> Connection:
    return connection_to(sandbox.address)


def connect(house: House, to: Connection, agreement: str = "") -> None:
    vault = Vault.at(house.settings.data_dir / KEYS_NAME)
    connect_account(house.database, house.office.workspace_id, to, vault=vault, agreement=agreement)


def agreement(house: House) -> str:
    contents = contents_in_use(house.database, house.office.workspace_id)
    assert contents
    return contents.agreement


def actor(house: House) -> Actor:
    return command_line_actor(house.office)


def practise(house: House) -> Link:
    """A link and a list."""
    device_id = actor(house).device.id
    contact = ListedContact(HOLLOWAY, "customer", "Margaret Holloway", "", ())
    collect(house.desk, device_id, "xero", "!kR4N6", "customer", [contact], key=new_key())
    return confirm(house.desk, decision(), new_key(), device_id)


def test_practice_is_emptied_and_nothing_else_is_touched(
    practising: House, sandbox: Playing
) -> None:
    person = make_person(practising.office, "manager", "Anna Pike")
    browser, token = pair(practising.office, person), make_token(practising.office)
    practise(practising)
    before = everything(practising.database)
    with pytest.raises(ConnectionNotAgreed) as refused:
        connect(practising, account(sandbox))
    contents = refused.value.facts["contents"]
    assert (contents.practice, contents.links, contents.lists) == (True, 1, 1)
    assert contents.records > 2_000
    assert everything(practising.database) == before

    connect(practising, account(sandbox), contents.agreement)
    after = everything(practising.database)
    assert [len(after[name]) for name in OF_A_CONNECTION] == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    for name in set(before) - set(OF_A_CONNECTION) - {"audit_entry", "sqlite_sequence"}:
        assert after[name] == before[name], name
    assert after["audit_entry"][: len(before["audit_entry"])] == before["audit_entry"]
    told = entries(practising.office, action="commusoft.")
    assert [line.entry.action for line in told] == [
        "commusoft.connected",
        "commusoft.practice_emptied",
    ]
    assert told[1].entry.details == {"records": contents.records, "links": 1, "lists": 1}
    assert verify(practising.office).sound
    assert script_actor(practising.office, token, "").device
    assert not practising.desk.practice
    assert browser.person.id == person.id


def test_what_was_decided_since_the_consent_is_asked_for_again(
    practising: House, sandbox: Playing
) -> None:
    practise(practising)
    agreed = agreement(practising)
    contact = ListedContact(HOLLOWAY, "customer", "Margaret Holloway", "", ())
    device_id = actor(practising).device.id
    collect(practising.desk, device_id, "xero", "!other", "customer", [contact], key=new_key())
    with pytest.raises(ConnectionNotAgreed):
        connect(practising, account(sandbox), agreed)


def test_what_began_in_practice_ends_without_a_trace(practising: House, sandbox: Playing) -> None:
    practise(practising)
    stale = practising.desk
    connect(practising, account(sandbox), agreement(practising))
    with pytest.raises(ConnectionEnded):
        stale.sync()
    with pytest.raises(ConnectionEnded):
        stale.index.matcher()
    with pytest.raises(Exception):  # noqa: B017, PT011 # whatever it is, no row may come of it
        confirm(stale, decision(), new_key(), actor(practising).device.id)
    with pytest.raises(Exception):  # noqa: B017, PT011
        collect(
            stale, actor(practising).device.id, "xero", "", "customer",
            [ListedContact(HOLLOWAY, "customer", "M H", "", ())], key=new_key(),
        )  # fmt: skip
    after = everything(practising.database)
    assert [len(after[name]) for name in OF_A_CONNECTION] == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_links_of_an_account_are_seen_and_undone_in_that_account_only(
    practising: House, sandbox: Playing, other: Playing
) -> None:
    device_id = actor(practising).device.id
    connect(practising, account(sandbox), agreement(practising))
    practising.desk.sync()
    link = confirm(practising.desk, decision(), new_key(), device_id)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    with pytest.raises(ConnectionNotAgreed):
        connect(practising, account(other))
    connect(practising, account(other), agreement(practising))
    practising.desk.sync()
    with pytest.raises(LinkUnknown):
        find_link(practising.desk, link.id)
    with pytest.raises(LinkUnknown):
        undo(practising.desk, link.id, new_key(), device_id, frozenset())
    again = confirm(practising.desk, decision(), new_key(), device_id)
    assert again.state is LinkState.LINKED, "the record of the other account is another record"
    connect(practising, account(sandbox), agreement(practising))
    assert find_link(practising.desk, link.id).state is LinkState.LINKED
    assert undo(practising.desk, link.id, new_key(), device_id, frozenset()).state == "linked"
    assert sandbox.reference("customer-1001") is None
    assert other.reference("customer-1001") == HOLLOWAY


def test_nothing_is_sent_to_an_account_that_was_disconnected(
    practising: House, sandbox: Playing
) -> None:
    connect(practising, account(sandbox), agreement(practising))
    practising.desk.sync()
    desk, device_id = practising.desk, actor(practising).device.id
    link = _intended(desk, device_id)
    assert disconnect_account(practising.database, practising.office.workspace_id)
    left = attempt(desk, link)
    assert (left.state, left.writes) == (LinkState.INTENDED, 0)
    assert sandbox.reference("customer-1001") is None
    assert practising.desk.practice
    assert recover(practising.desk) == []
    connect(practising, account(sandbox))
    with practising.database.writing() as session:
        session.get_one(Link, link.id).attempt_id = ""
    (finished,) = recover(practising.desk)
    assert (finished.id, finished.state) == (link.id, LinkState.LINKED)
    assert sandbox.reference("customer-1001") == HOLLOWAY


def _intended(desk: Desk, device_id: int) -> Link:
    """A decision that was kept and not tried yet."""
    link = Link(
        connection_id=desk.connection_id, device_id=device_id, idempotency_key=new_key(),
        fingerprint="", package="xero", organisation="!kR4N6", kind="customer",
        reference=HOLLOWAY, contact_name="Margaret Holloway", record_number="1001",
        record_label="Margaret Holloway", prior=None, target=HOLLOWAY,
    )  # fmt: skip
    with desk.database.writing() as session:
        session.add(link)
    return link


def test_practice_begins_afresh_after_an_account_was_disconnected(
    practising: House, sandbox: Playing
) -> None:
    practise(practising)
    first = practising.desk
    assert first.commusoft.record("customer", "1001").reference == HOLLOWAY
    connect(practising, account(sandbox), agreement(practising))
    assert not practising.desk.practice
    disconnect_account(practising.database, practising.office.workspace_id)
    second = practising.desk
    assert second.practice
    assert second.connection_id > first.connection_id
    assert second.commusoft.record("customer", "1001").reference is None
    assert list_batches(second) == []
    with practising.database.reading() as session:
        assert session.query(MirroredRecord).count() == 0
        kept = session.query(WorkspaceConnection).filter_by(kind="api").one()
    assert (kept.credentials, kept.ended_at is None) == (None, False)


def test_an_account_that_is_connected_anew_keeps_its_links_and_its_new_password(
    practising: House, sandbox: Playing
) -> None:
    connect(practising, account(sandbox), agreement(practising))
    practising.desk.sync()
    before = practising.desk
    link = confirm(before, decision(), new_key(), actor(practising).device.id)
    connect(practising, replace(account(sandbox), password="a new one"))
    assert practising.desk is not before
    assert practising.desk.commusoft.connection.password == "a new one"  # made up
    assert find_link(practising.desk, link.id).id == link.id


def test_the_environments_account_takes_the_place_of_practice_without_decisions(
    practising: House, sandbox: Playing
) -> None:
    settings = replace(practising.settings, commusoft=account(sandbox))
    assert not open_house(settings).desk.practice
    with practising.database.reading() as session:
        assert session.query(WorkspaceConnection).one().client_id == "sandbox"


def test_the_environments_account_asks_where_there_are_decisions_and_is_missed_when_gone(
    practising: House, sandbox: Playing
) -> None:
    practise(practising)
    settings = replace(practising.settings, commusoft=account(sandbox))
    house = open_house(settings)
    with pytest.raises(ConnectionNotAgreed):
        _ = house.desk
    connect_account(
        house.database, house.office.workspace_id, account(sandbox),
        agreement=agreement(practising),
    )  # fmt: skip
    assert not house.desk.practice
    with pytest.raises(CredentialsMissing):
        _ = open_house(replace(settings, commusoft=None)).desk


def test_the_worker_goes_over_to_an_account_and_reads_its_records(
    practising: House, sandbox: Playing
) -> None:
    worker = Worker(practising)
    connect(practising, account(sandbox), agreement(practising))
    worker._follow_connection()
    with practising.database.reading() as session:
        read = session.query(MirroredRecord).count()
    assert 60 < read < 200, "the account's few, not the thousands of practice"


def test_address_and_client_id_make_an_account(practising: House, sandbox: Playing) -> None:
    connect(practising, account(sandbox), agreement(practising))
    for changed in ({"base_url": f"http://localhost:1{WEBSERVICE}"}, {"client_id": "second"}):
        connect(practising, replace(account(sandbox), **changed), agreement(practising))
    with practising.database.reading() as session:
        assert session.query(WorkspaceConnection).count() == 3
