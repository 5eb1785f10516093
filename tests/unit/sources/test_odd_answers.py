"""Answers of accounting software that are odd or hostile: read right, or refused in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import requests
from flask import jsonify
from hypothesis import example, given
from hypothesis import strategies as st

from crmlink.sources import freeagent, kashflow, quickbooks_online, sage_accounting, xero
from crmlink.sources.adapters import Adapter
from crmlink.sources.api import MAX_WAIT, Api, ApiReply, wait_until
from crmlink.sources.connecting import disconnect
from crmlink.sources.contact import ContactPage, Position, ReadContact
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.json_values import moment
from crmlink.sources.schedule import due_sources
from crmlink.sources.stored_contacts import store_contacts
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Device
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails
from support.accounting_apis.servers import answers
from support.accounting_apis.xero import OFFICE, SHOP, FakeXero
from support.source_factories import change_source, connect, contacts_of, source_now

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER_PAGE = "https://accounts-extra.sageone.com/contacts/contacts/7"


def read(
    adapter: Adapter,
    document: Any,
    position: Position | None = None,
    headers: Mapping[str, str] | None = None,
) -> ContactPage:
    """Read one answer with an adapter."""

    class Answering:
        def get(self, *_arguments: Any) -> ApiReply:
            return ApiReply(document, headers or {})

    return adapter.page(cast("Api", Answering()), "t", position or adapter.first_position(None))


@pytest.mark.parametrize(
    "value",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+23:59"],
)
def test_a_time_that_no_clock_has_is_none(value: str) -> None:
    assert moment(value) is None


@pytest.mark.parametrize("number", ["999999999999999", "-999999999999999"])
def test_a_time_of_xero_that_no_clock_has_is_none(number: str) -> None:
    entry = {"ContactID": "a", "UpdatedDateUTC": f"/Date({number}+0000)/"}
    [contact] = read(xero.Xero(), {"Contacts": [entry]}).contacts
    assert contact.changed_at is None


def waits(value: str) -> timedelta:
    """How long a Retry-After makes crmlink wait."""
    reply = requests.Response()
    reply.headers["Retry-After"] = value
    return wait_until(reply) - utc_now()


@example("Mon, 01 Jan 99999999999999 00:00:00 GMT")
@example("9" * 5000)
@example("0")
@example("-5")
@example("Mon, 01 Jan 1900 00:00:00 GMT")
@example("Fri, 31 Dec 9999 23:59:59 GMT")
@example("Mon, 01 Jan 2026 00:00:00 +99999999999999999999")
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_whatever_retry_after_says_the_wait_is_bounded(value: str) -> None:
    assert timedelta(0) <= waits(value) <= MAX_WAIT


@pytest.mark.parametrize("left", ["9" * 5000, "", "-3", "many", "²"])
def test_a_count_of_calls_that_is_none_stops_nothing(left: str) -> None:
    headers = {"X-DayLimit-Remaining": left}
    assert read(xero.Xero(), {"Contacts": []}, headers=headers).stop_until is None


def test_pages_that_are_promised_and_empty_are_no_list() -> None:
    document = {"Contacts": [], "pagination": {"pageCount": 10**9}}
    with pytest.raises(SourceUnreadable):
        read(xero.Xero(), document)


@pytest.mark.parametrize("value", ["false", "no", 0, None, [], {}])
def test_what_is_not_true_makes_no_customer(value: Any) -> None:
    entry = {"ContactID": "a", "IsCustomer": value}
    [contact] = read(xero.Xero(), {"Contacts": [entry]}).contacts
    assert contact.details.kind is None


def test_true_in_words_is_true() -> None:
    entry = {"ContactID": "a", "IsCustomer": "false", "IsSupplier": "true"}
    [contact] = read(xero.Xero(), {"Contacts": [entry]}).contacts
    assert contact.details.kind == "supplier"


@pytest.mark.parametrize("active", [False, "false", "False", 0])
def test_an_inactive_contact_is_archived_however_it_is_written(active: Any) -> None:
    entry = {"Id": "7", "DisplayName": "Aged Ltd", "Active": active}
    [contact] = read(
        quickbooks_online.QuickBooksOnline(), {"QueryResponse": {"Customer": [entry]}}
    ).contacts
    assert contact.state == "archived"


def kashflow_page(entry: Mapping[str, Any]) -> Any:
    return {"Data": [entry], "MetaData": {}}


@pytest.mark.parametrize("number", [7, "7", " 7 "])
def test_a_number_may_be_written_as_text_and_the_reverse(number: Any) -> None:
    pages = [
        read(kashflow.KashFlow(), kashflow_page({"Id": number, "Name": "A"})),
        read(
            quickbooks_online.QuickBooksOnline(),
            {"QueryResponse": {"Customer": [{"Id": number, "DisplayName": "A"}]}},
        ),
    ]
    assert [[each.reference for each in page.contacts] for page in pages] == [["7"], ["7"]]


@pytest.mark.parametrize(
    "number",
    [7.0, True, None, "", "007", "-7", "7.0", "\u0667", "7a", [7], {"a": 7}, -7, 0, 10**40],
)
def test_what_is_no_number_is_no_reference(number: Any) -> None:
    pages = [
        read(kashflow.KashFlow(), kashflow_page({"Id": number, "Name": "A"})),
        read(
            quickbooks_online.QuickBooksOnline(),
            {"QueryResponse": {"Customer": [{"Id": number, "DisplayName": "A"}]}},
        ),
    ]
    assert [page.contacts for page in pages] == [[], []]


def test_quickbooks_is_asked_until_a_page_is_empty() -> None:
    """A page may be smaller than was asked for, or hold something that is no contact."""
    entries = [{"Id": "1", "DisplayName": "A"}, "no contact"]
    adapter = quickbooks_online.QuickBooksOnline()
    page = read(adapter, {"QueryResponse": {"Customer": entries}})
    assert page.next is not None
    assert (page.next["entity"], page.next["start"]) == ("Customer", 3)
    ended = read(adapter, {"QueryResponse": {}}, page.next)
    assert ended.next is not None
    assert (ended.next["entity"], ended.next["start"]) == ("Vendor", 1)


def test_a_page_of_freeagent_that_follows_itself_is_no_end() -> None:
    url = "https://api.freeagent.com/v2/contacts?page=2"
    position = freeagent.FreeAgent().first_position(None) | {"url": url}
    with pytest.raises(SourceUnreadable):
        read(freeagent.FreeAgent(), {"contacts": []}, position, {"Link": f'<{url}>; rel="next"'})


def test_what_has_not_changed_is_an_empty_page() -> None:
    adapter = xero.Xero()
    assert read(adapter, None, adapter.first_position(SINCE)) == ContactPage([])
    with pytest.raises(SourceUnreadable):
        read(adapter, None)


HOSTILE: dict[str, tuple[Adapter, Callable[[Any], Any]]] = {
    "xero": (xero.Xero(), lambda entry: {"Contacts": [entry]}),
    "freeagent": (freeagent.FreeAgent(), lambda entry: {"contacts": [entry]}),
    "sage": (sage_accounting.SageAccounting(), lambda entry: {"$items": [entry]}),
    "quickbooks": (
        quickbooks_online.QuickBooksOnline(),
        lambda entry: {"QueryResponse": {"Customer": [entry]}},
    ),
    "kashflow": (kashflow.KashFlow(), kashflow_page),
}
NAMES = [
    "ContactID", "ContactStatus", "MergedToContactID", "IsCustomer", "UpdatedDateUTC", "Name",
    "ContactPersons", "Addresses", "Phones", "EmailAddress", "Id", "Active", "DisplayName",
    "MetaData", "BillAddr", "PrimaryEmailAddr", "url", "status", "address1", "updated_at", "id",
    "links", "contact_types", "main_address", "main_contact_person", "name", "deleted_at",
    "reference", "Code", "Contacts", "Telephone", "IsArchived", "LastUpdatedDate",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
    | st.sampled_from(["7", "/contacts/7", NUMBER_PAGE, "/Date(1)/", "\x00", "\ud800", "MERGED"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*NAMES, "href", "rel", "type", "Address"]), inner,
                      max_size=4),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@given(entry=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
def test_whatever_an_entry_holds_it_is_a_contact_or_left_out(
    name: str, entry: dict[str, Any]
) -> None:
    adapter, document = HOSTILE[name]
    try:
        page = read(adapter, document(entry))
    except SourceUnreadable:
        return
    for contact in page.contacts:
        assert contact.key
        assert contact.reference
        assert "\x00" not in repr(contact.details).replace("\\x00", "\x00")


def test_a_fault_of_crmlinks_own_stops_one_source_alone_and_is_told(
    sources: SourceContext, source: ContactSource, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> ContactPage:
        raise OverflowError("date value out of range")

    monkeypatch.setattr("crmlink.sources.xero.Xero.page", fail)
    assert sync_source(sources, source.id).problem == "source-unreadable"
    now = source_now(sources, source)
    assert now.resume_at is not None
    assert due_sources(sources, 15) == []


def test_a_page_that_comes_again_and_again_ends_the_reading(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    entry = xero.add("Again Ltd")
    xero.server.fault = lambda: jsonify({"Contacts": [entry]})
    result = sync_source(sources, source.id)
    assert result.problem == "source-unreadable"
    assert result.read <= 2
    xero.server.fault = lambda: None
    change_source(sources, source, resume_at=None)
    assert sync_source(sources, source.id).complete


@pytest.mark.slow
def test_a_page_may_hold_more_contacts_than_was_asked_for(
    sources: SourceContext, source: ContactSource
) -> None:
    many = [
        ReadContact(f"{number:032x}", f"{number:08x}-0000-4000-8000-000000000000",
                    ContactDetails(name=f"Contact {number}"))
        for number in range(70_000)
    ]  # fmt: skip
    with sources.database.writing() as session:
        current = session.get_one(ContactSource, source.id)
        store_contacts(session, current, many, sources.rules(), full=True)
    with sources.database.writing() as session:
        current = session.get_one(ContactSource, source.id)
        store_contacts(session, current, many, sources.rules(), full=True)
        assert current.version == 1


def test_a_company_that_was_disconnected_there_stops_no_other_one(
    sources: SourceContext, device: Device, xero: FakeXero
) -> None:
    office, shop = sorted(
        connect(sources, device, xero.server, "xero", OFFICE, SHOP), key=lambda each: each.tenant
    )
    xero.add("Office contact", OFFICE)
    xero.add("Shop contact", SHOP)
    xero.connections = {id_: each for id_, each in xero.connections.items() if each != SHOP}
    assert sync_source(sources, shop.id).problem == "source-refused"
    assert not source_now(sources, shop).account.needs_sign_in
    assert shop.id not in due_sources(sources, 15)
    assert sync_source(sources, office.id).complete
    assert list(contacts_of(sources, office)) == ["Office contact"]
    assert source_now(sources, shop).problem == "source-refused"


def test_what_is_disconnected_there_already_is_disconnected(
    sources: SourceContext, device: Device, xero: FakeXero, source: ContactSource
) -> None:
    xero.server.fault = answers(404)
    assert disconnect(sources, device, source.public_id)
