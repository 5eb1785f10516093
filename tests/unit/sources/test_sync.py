"""A source is read whole and by changes, page by page, and goes on where it stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase, export
from crmlink.installation import Installation
from crmlink.sources.connecting import begin_sign_in, disconnect, finish_sign_in
from crmlink.sources.contact import ReadContact
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    SignInExpired,
    SourceLimited,
    SourceNotFound,
    SourceSyncInProgress,
)
from crmlink.sources.leases import account_lease
from crmlink.sources.oauth import Credentials
from crmlink.sources.schedule import due_sources
from crmlink.sources.stored_contacts import store_contacts
from crmlink.sources.sync import FULL_INTERVAL, sync_source
from crmlink.store import ContactSource, ContactState, Device
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails
from support.accounting_apis.oauth_server import CLIENT_ID, REDIRECT
from support.accounting_apis.servers import answers
from support.accounting_apis.xero import OFFICE, SHOP, FakeXero, full_contact, ms_date
from support.clocks import clock_off_by
from support.source_factories import (
    change_source,
    connect,
    contacts_of,
    source_now,
)


def test_a_contact_comes_with_its_details_and_the_reference_of_its_page(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    entry = xero.add("Margaret Holloway", **full_contact())
    assert sync_source(sources, source.id).complete
    contact = contacts_of(sources, source)["Margaret Holloway"]
    assert contact.reference == entry["ContactID"]
    assert contact.kind == "customer"
    assert contact.person == "Margaret Holloway"
    assert (contact.email, contact.other_emails) == ("m.holloway@home.example", ["jo@home.example"])
    assert (contact.address, contact.town) == ("12 Mill Lane\nFlat 2", "Otley")
    assert contact.postcode == "LS21 1AB"
    assert contact.phones == ["+44 0113 496 0018"]
    assert contact.other_addresses == [
        {"address": "PO Box 5", "town": "Leeds", "postcode": "LS1 1AA"}
    ]


@pytest.mark.parametrize(
    ("entry", "state", "kind"),
    [
        ({"IsSupplier": True}, ContactState.ACTIVE, ""),
        ({"IsCustomer": False}, ContactState.ACTIVE, ""),
        ({"IsCustomer": False, "IsSupplier": True}, ContactState.ACTIVE, "supplier"),
        ({"ContactStatus": "ARCHIVED"}, ContactState.ARCHIVED, "customer"),
        ({"ContactStatus": "GDPRREQUEST"}, ContactState.DELETED, "customer"),
        ({"ContactStatus": "ARCHIVED", "MergedToContactID": SHOP}, ContactState.MERGED, "customer"),
    ],
)
def test_kind_and_state_are_the_packages(
    sources: SourceContext,
    source: ContactSource,
    xero: FakeXero,
    entry: dict[str, Any],
    state: ContactState,
    kind: str,
) -> None:
    xero.add("A", **entry)
    sync_source(sources, source.id)
    contact = contacts_of(sources, source)["A"]
    assert (contact.state, contact.kind) == (state, kind)
    assert contact.merged_into == entry.get("MergedToContactID", "")


def test_only_the_chosen_companies_are_connected(
    sources: SourceContext, device: Device, xero: FakeXero
) -> None:
    found = connect(sources, device, xero.server, "xero")
    assert [source.name for source in found] == ["Office Ltd", "Shop Ltd"]  # and no practice
    xero.add("Of the office")
    xero.add("Of the shop", SHOP)
    for source in found:
        sync_source(sources, source.id)
    assert list(contacts_of(sources, found[1])) == ["Of the shop"]


def test_after_the_first_time_only_changes_are_asked_for(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    old, new = xero.add("Old"), xero.add("New")
    sync_source(sources, source.id)
    old["Name"] = "Old, silently changed"  # its time says that it is not
    new |= {"Name": "New name", "UpdatedDateUTC": ms_date(utc_now())}
    assert sync_source(sources, source.id).read == 1
    assert set(contacts_of(sources, source)) == {"Old", "New name"}
    change_source(sources, source, fully_synced_at=utc_now() - FULL_INTERVAL)
    assert sync_source(sources, source.id).read == 2


def test_a_contact_is_deleted_when_two_complete_lists_lack_it(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    xero.add("Stays")
    gone = xero.add("Gone")
    sync_source(sources, source.id)
    xero.contacts[OFFICE].remove(gone)
    states = []
    for _ in range(2):
        change_source(sources, source, fully_synced_at=None)
        sync_source(sources, source.id)
        states.append(contacts_of(sources, source)["Gone"].state)
    assert states == [ContactState.ACTIVE, ContactState.DELETED]
    xero.contacts[OFFICE].append(gone)
    change_source(sources, source, fully_synced_at=None)
    sync_source(sources, source.id)
    assert contacts_of(sources, source)["Gone"].state is ContactState.ACTIVE


def test_an_empty_list_deletes_nothing(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    xero.add("Stays")
    sync_source(sources, source.id)
    xero.contacts.clear()
    for _ in range(3):
        change_source(sources, source, fully_synced_at=None)
        assert sync_source(sources, source.id).problem == "source-unreadable"
    assert contacts_of(sources, source)["Stays"].state is ContactState.ACTIVE


FAULTS = {
    "rate limit": (answers(429, Retry_After="17"), "source-limited"),
    "closed for a while": (answers(503), "source-limited"),
    "a fault": (answers(500), "source-fault"),
    "no JSON": (answers(200), "source-unreadable"),
    "another form": (lambda: {"Contacts": "none"}, "source-unreadable"),
    "elsewhere": (answers(302, Location="http://127.0.0.1:9/"), "source-unreadable"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_nothing_is_half_and_reading_goes_on(
    sources: SourceContext, source: ContactSource, xero: FakeXero, name: str
) -> None:
    fault, problem = FAULTS[name]
    for number in range(5):
        xero.add(f"Contact {number}")
    xero.page_size, asked = 2, xero.server.asked
    asked.clear()
    xero.server.fault = lambda: fault() if len(asked) == 2 else None
    assert sync_source(sources, source.id).problem == problem
    stopped = source_now(sources, source)
    assert (stopped.problem, stopped.read, stopped.synced_at) == (problem, 2, None)
    assert len(contacts_of(sources, source)) == 2
    assert stopped.resume_at
    assert stopped.resume_at > utc_now()
    assert due_sources(sources, 30) == []
    change_source(sources, source, resume_at=utc_now())
    assert due_sources(sources, 30) == [source.id]
    assert sync_source(sources, source.id).complete
    assert len(contacts_of(sources, source)) == 5
    pages = [query["page"] for path, query in asked if path.endswith("Contacts")]
    again = ["1", "2", "3"] if problem == "source-unreadable" else ["2", "3"]
    assert pages == ["1", "2", *again]
    done = source_now(sources, source)
    assert (done.problem, done.resume_at, done.position) == (None, None, None)


def test_the_wait_that_the_package_asks_for_is_kept(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    xero.server.fault = answers(429, Retry_After="7200")
    sync_source(sources, source.id)
    resume_at = source_now(sources, source).resume_at
    assert resume_at
    assert timedelta(minutes=119) < resume_at - utc_now() <= timedelta(hours=2)


def test_reading_stops_before_the_days_calls_are_used_up(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    for number in range(6):
        xero.add(f"Contact {number}")
    xero.page_size, xero.day_calls_left = 2, 20
    assert sync_source(sources, source.id).problem == SourceLimited.code
    assert xero.day_calls_left == 19
    assert len(contacts_of(sources, source)) == 2  # what came was kept


def test_a_run_leaves_calls_of_its_minute_for_others(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    for number in range(60):
        xero.add(f"Contact {number}")
    xero.page_size = 1
    result = sync_source(sources, source.id)
    assert (result.complete, result.problem, result.read) == (False, None, 50)
    assert due_sources(sources, 30) == []
    change_source(sources, source, resume_at=utc_now())
    assert sync_source(sources, source.id).complete
    assert len(contacts_of(sources, source)) == 60


def test_an_expired_token_is_renewed_once_and_kept(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    xero.add("A")
    xero.server.oauth.expire_access()
    assert sync_source(sources, source.id).complete
    assert sync_source(sources, source.id).complete
    assert (xero.server.oauth.renewals, xero.server.oauth.reused) == (1, 0)


def test_a_sign_in_that_was_ended_at_the_package_waits_for_a_person(
    sources: SourceContext, source: ContactSource, xero: FakeXero, device: Device
) -> None:
    xero.add("A")
    xero.server.oauth.ended.add(1)
    assert sync_source(sources, source.id).problem == "source-refused"
    change_source(sources, source, requested_at=utc_now())
    assert due_sources(sources, 30) == []
    again = connect(sources, device, xero.server, "xero", OFFICE)[0]
    assert again.id == source.id
    assert due_sources(sources, 30) == [source.id]
    assert sync_source(sources, source.id).complete


def test_a_renewed_token_is_kept_before_it_is_used(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    """What the package answers afterwards must not lose the only token that is good now."""
    xero.add("A")
    xero.server.oauth.expire_access()
    xero.server.fault = answers(500)
    assert sync_source(sources, source.id).problem == "source-fault"
    xero.server.fault = lambda: None
    xero.server.oauth.expire_access()
    change_source(sources, source, resume_at=None)
    assert sync_source(sources, source.id).complete
    assert xero.server.oauth.reused == 0


def test_one_account_is_read_by_one_at_a_time(sources: SourceContext, device: Device,
                                              xero: FakeXero) -> None:  # fmt: skip
    source, shop = connect(sources, device, xero.server, "xero")
    with account_lease(sources, source.account_id):
        for each in (source, shop):
            with pytest.raises(SourceSyncInProgress):
                sync_source(sources, each.id)
        with pytest.raises(SourceSyncInProgress):
            disconnect(sources, device, source.public_id)
    assert sync_source(sources, source.id).complete


def test_disconnecting_forgets_the_contacts_and_ends_the_access_there(
    sources: SourceContext, device: Device, xero: FakeXero
) -> None:
    source, shop = connect(sources, device, xero.server, "xero")
    xero.add("A")
    sync_source(sources, source.id)
    assert disconnect(sources, device, source.public_id)
    assert list(xero.connections.values()) == [SHOP]
    assert contacts_of(sources, source) == {}
    with pytest.raises(SourceNotFound):
        sync_source(sources, source.id)
    assert sync_source(sources, shop.id).complete  # the other one's tokens are still good
    assert disconnect(sources, device, shop.public_id)
    assert xero.connections == {}


def test_a_package_that_does_not_answer_is_forgotten_all_the_same(
    sources: SourceContext, device: Device, source: ContactSource, xero: FakeXero
) -> None:
    xero.server.fault = answers(500)
    assert not disconnect(sources, device, source.public_id)
    with pytest.raises(SourceNotFound):
        sync_source(sources, source.id)


def test_an_answer_of_the_package_counts_once_and_for_its_own_person(
    sources: SourceContext, device: Device, xero: FakeXero, installation: Installation
) -> None:
    url = begin_sign_in(sources, device, "xero", Credentials(CLIENT_ID), REDIRECT)
    answer = xero.server.consent(url)
    other = create_api_token(installation.access, command_line_actor(installation.access), "B")[0]
    with pytest.raises(SignInExpired):
        finish_sign_in(sources, other, answer)
    with pytest.raises(SignInExpired):
        finish_sign_in(sources, device, answer | {"state": "guessed"})
    finish_sign_in(sources, device, answer)
    with pytest.raises(SignInExpired):
        finish_sign_in(sources, device, answer)


def test_an_erased_person_goes_out_and_stays_out(
    sources: SourceContext, source: ContactSource, xero: FakeXero, installation: Installation
) -> None:
    xero.add("Margaret Holloway", **full_contact())
    xero.add("Another")
    sync_source(sources, source.id)
    who, actor = "m.holloway@home.example", command_line_actor(installation.access)
    exported = export(installation.access, who)["contacts"]
    assert [each["name"] for each in exported] == ["Margaret Holloway"]
    version = source_now(sources, source).version
    erase(installation.access, actor, who)
    assert list(contacts_of(sources, source)) == ["Another"]
    assert source_now(sources, source).version > version
    xero.add("M Holloway", EmailAddress=who)  # the same person, entered once more
    change_source(sources, source, fully_synced_at=None)
    sync_source(sources, source.id)
    assert list(contacts_of(sources, source)) == ["Another"]


def test_an_erased_person_is_not_among_those_left_out(
    sources: SourceContext, source: ContactSource, xero: FakeXero, installation: Installation
) -> None:
    xero.add("Margaret Holloway", **full_contact())
    sync_source(sources, source.id)
    change_source(sources, source, left_out={"count": 1, "names": ["Margaret Holloway"]})
    who, actor = "m.holloway@home.example", command_line_actor(installation.access)
    erase(installation.access, actor, who)
    assert source_now(sources, source).left_out is None
    without = [
        ReadContact("1", "no id", ContactDetails(name="Margaret Holloway", email=who)),
        ReadContact("2", "no id", ContactDetails(name="Another")),
        ReadContact("3", "no id", ContactDetails(name="Gone"), ContactState.DELETED),
    ]
    with sources.database.writing() as session:
        current = session.get_one(ContactSource, source.id)
        store_contacts(session, current, without, sources.rules(), full=True)
    assert source_now(sources, source).left_out == {"count": 1, "names": ["Another"]}


def test_what_is_asked_for_during_a_reading_is_read_again_whatever_that_machines_clock_says(
    sources: SourceContext, source: ContactSource
) -> None:
    def asked_meanwhile() -> bool:
        with clock_off_by(-5):
            change_source(sources, source, requested_at=utc_now())
        return False

    change_source(sources, source, requested_at=utc_now())
    assert sync_source(sources, source.id, asked_meanwhile).complete
    assert due_sources(sources, 30) == [source.id]
    assert sync_source(sources, source.id).complete
    assert due_sources(sources, 30) == []


def test_what_was_asked_for_before_a_reading_by_a_clock_that_is_ahead_is_read_once(
    sources: SourceContext, source: ContactSource
) -> None:
    with clock_off_by(5):
        change_source(sources, source, requested_at=utc_now())
    assert sync_source(sources, source.id).complete
    assert due_sources(sources, 30) == []
