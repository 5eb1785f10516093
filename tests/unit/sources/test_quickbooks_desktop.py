"""QuickBooks Desktop: sessions of the Web Connector, pages, names, and what must not be mixed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from qbwc_kit.testing import FakeQuickBooks
from sqlalchemy import select

from crmlink.installation import Installation
from crmlink.sources.connecting import disconnect
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    ConnectorRefused,
    OtherCompanyFile,
    SessionOver,
    SourceFault,
    SourceUnreadable,
)
from crmlink.sources.quickbooks_desktop import qbxml
from crmlink.sources.quickbooks_desktop.connectors import (
    SESSION_TTL,
    add_connector,
    has_open_session,
    open_session,
    replace_password,
)
from crmlink.sources.quickbooks_desktop.session import (
    close_session,
    error_of_session,
    next_request,
    note_unreachable,
    receive_answer,
)
from crmlink.sources.schedule import due_sources
from crmlink.store import ContactSource, ContactState, Device, WebConnector
from crmlink.store.base import utc_now
from security.attack_fixture import everything
from support.source_factories import contacts_of, source_now

PATH = r"C:\Users\Anna\Office.QBW"
COMPANY = {"CompanyName": "Office Ltd"}


@pytest.fixture
def sources(installation: Installation) -> SourceContext:
    return installation.sources


class Office:
    """One Web Connector and a QuickBooks."""

    def __init__(self, ctx: SourceContext, device: Device) -> None:
        made = add_connector(ctx, device, "QuickBooks Desktop")
        self.ctx, self.password, self.connector = ctx, made.password, made.connector
        self.id = made.connector.source.public_id
        self.quickbooks = FakeQuickBooks({"Company": [COMPANY], "Customer": [], "Vendor": []})
        self.path = PATH

    def add(self, number: int, entity: str = "Customer", **more: Any) -> dict[str, Any]:
        name = more.get("Name", f"{entity} {number}")
        entry = {"ListID": f"8000{number:04}-1", "Name": name, "FullName": name,
                 "IsActive": "true", "Sublevel": "0"} | more  # fmt: skip
        self.quickbooks.entities[entity].append(entry)
        return entry

    def sign_in(self) -> str:
        return open_session(self.ctx, self.id, self.connector.user_name, self.password)

    def ask(self, ticket: str) -> str:
        return next_request(self.ctx, self.id, ticket, self.path)

    def give(self, ticket: str, text: str, *, failed: bool = False) -> int:
        return receive_answer(self.ctx, self.id, ticket, text, failed=failed)

    def read(self) -> list[int]:
        """One whole session; what the Web Connector is told of its progress."""
        ticket = self.sign_in()
        told: list[int] = []
        while not told or told[-1] < 100:
            told.append(self.give(ticket, self.quickbooks(self.ask(ticket))))
        close_session(self.ctx, self.id, ticket)
        return told

    @property
    def source(self) -> ContactSource:
        return source_now(self.ctx, self.connector.source)

    def contacts(self) -> dict[str, tuple[str, str, ContactState]]:
        found = contacts_of(self.ctx, self.source)
        return {name: (each.reference, each.kind, each.state) for name, each in found.items()}


@pytest.fixture
def office(sources: SourceContext, device: Device) -> Office:
    return Office(sources, device)


def test_customers_vendors_jobs_and_inactive_ones_are_what_they_are(office: Office) -> None:
    office.add(
        1, Name="Smith & Son ", Email="jo@smith.example", Phone="0113 496 0018",
        CompanyName="Smith & Son Ltd", FirstName="Jo", LastName="Smith",
        BillAddress={"Addr1": "1 High St", "City": "Leeds", "PostalCode": "LS1 1AA"},
    )  # fmt: skip
    office.add(2, Name="Kitchen", FullName="Smith & Son :Kitchen", Sublevel="1")
    office.add(3, Name="Old", IsActive="false")
    office.add(1, "Vendor", Name="Pipes", VendorAddress={"Addr1": "2 Low St"})
    told = office.read()
    assert told == [1, 50, 100]
    active, archived = ContactState.ACTIVE, ContactState.ARCHIVED
    assert office.contacts() == {
        "Smith & Son": ("Smith & Son ", "customer", active),  # its space belongs to the name
        "Smith & Son :Kitchen": ("Smith & Son :Kitchen", "customer", active),
        "Old": ("Old", "customer", archived),
        "Pipes": ("Pipes", "supplier", active),
    }
    smith = contacts_of(office.ctx, office.source)["Smith & Son"]
    assert (smith.email, smith.phones, smith.person) == (
        "jo@smith.example", ["0113 496 0018"], "Jo Smith",
    )  # fmt: skip
    assert (smith.address, smith.town, smith.postcode) == ("1 High St", "Leeds", "LS1 1AA")
    assert office.source.name == "Office Ltd"
    assert due_sources(office.ctx, 30) == []  # the worker cannot read it


def test_every_page_is_asked_for_and_then_only_changes(office: Office) -> None:
    for number in range(120):
        office.add(number)
    office.add(1, "Vendor")
    told = office.read()
    assert told == [1, 21, 41, 50, 100]
    assert told == sorted(told)
    assert len(office.contacts()) == 121
    asked = office.quickbooks.seen
    assert 'iterator="Start"' in asked[1]
    assert 'iterator="Continue" iteratorID="iter-1"' in asked[2]
    assert asked[1].index("MaxReturned") < asked[1].index("ActiveStatus>All")
    assert not [each for each in asked if "FromModifiedDate" in each]
    office.read()
    assert "<FromModifiedDate>" in office.quickbooks.seen[-1]
    assert office.source.fully_synced_at is not None


def test_a_contact_is_deleted_when_two_complete_lists_lack_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.sources.sync.FULL_INTERVAL", timedelta(0))
    office.add(1)
    gone = office.add(2)
    office.read()
    office.quickbooks.entities["Customer"].remove(gone)
    states = []
    for _ in range(2):
        office.read()
        states.append(office.contacts()["Customer 2"][2])
    assert states == [ContactState.ACTIVE, ContactState.DELETED]


def test_a_session_goes_on_after_a_restart_and_a_new_one_begins_anew(
    installation: Installation, office: Office
) -> None:
    for number in range(120):
        office.add(number)
    ticket = office.sign_in()
    for _ in range(2):
        office.give(ticket, office.quickbooks(office.ask(ticket)))
    installation.database.engine.dispose()  # nothing of it was in memory
    assert office.give(ticket, office.quickbooks(office.ask(ticket))) == 41
    assert office.source.read == 100
    newer = office.sign_in()
    with pytest.raises(SessionOver):
        office.ask(ticket)
    assert "<CompanyQueryRq" in office.ask(newer)
    assert office.source.read == 0
    assert len(office.contacts()) == 100  # what was read is kept


@pytest.mark.parametrize("wrong", ["", "guessed", "x" * 5_000, "ünïcode"], ids=["", "a", "b", "c"])
def test_nothing_happens_without_the_password_or_the_ticket(office: Office, wrong: str) -> None:
    user = office.connector.user_name
    for source_id, name, password in (
        (office.id, user, wrong), (office.id, wrong, office.password),
        (wrong, user, office.password),
    ):  # fmt: skip
        with pytest.raises(ConnectorRefused):
            open_session(office.ctx, source_id, name, password)
    ticket = office.sign_in()
    for source_id, sent in ((office.id, wrong), (wrong, ticket)):
        with pytest.raises(SessionOver):
            next_request(office.ctx, source_id, sent, PATH)
        with pytest.raises(SessionOver):
            receive_answer(office.ctx, source_id, sent, "<QBXML/>", failed=False)
        close_session(office.ctx, source_id, sent)
        note_unreachable(office.ctx, source_id, sent)
    assert office.source.problem is None
    assert office.ask(ticket)


def test_a_ticket_of_one_source_is_none_of_another(
    office: Office, sources: SourceContext, device: Device
) -> None:
    other = Office(sources, device)
    ticket = office.sign_in()
    with pytest.raises(SessionOver):
        next_request(sources, other.id, ticket, PATH)
    with pytest.raises(ConnectorRefused):
        open_session(sources, other.id, office.connector.user_name, office.password)


def test_an_old_session_and_a_closed_one_are_over(office: Office) -> None:
    assert not has_open_session(office.ctx.database, office.id)
    ticket = office.sign_in()
    assert has_open_session(office.ctx.database, office.id)
    with office.ctx.database.writing() as session:
        row = session.scalars(select(WebConnector)).one()
        row.seen_at = utc_now() - SESSION_TTL
    assert not has_open_session(office.ctx.database, office.id)
    with pytest.raises(SessionOver):
        office.ask(ticket)
    ticket = office.sign_in()
    close_session(office.ctx, office.id, ticket)
    assert not has_open_session(office.ctx.database, office.id)
    with pytest.raises(SessionOver):
        office.ask(ticket)


def test_a_new_password_ends_the_old_one_and_its_session(office: Office, device: Device) -> None:
    ticket = office.sign_in()
    made = replace_password(office.ctx, device, office.id)
    with pytest.raises(SessionOver):
        office.ask(ticket)
    with pytest.raises(ConnectorRefused):
        office.sign_in()
    office.password = made.password
    assert office.sign_in()
    assert office.password not in repr(made)


def test_password_and_ticket_are_stored_as_hashes(
    installation: Installation, office: Office
) -> None:
    ticket = office.sign_in()
    office.ask(ticket)
    kept = repr(everything(installation.database))
    assert office.connector.user_name in kept  # the search does find things
    for secret in (office.password, ticket, "Anna"):
        assert secret not in kept


def test_another_company_file_reads_nothing_into_this_one(office: Office) -> None:
    office.add(1)
    office.read()
    office.quickbooks.entities["Company"] = [{"CompanyName": "Shop Ltd"}]
    office.add(2)
    office.path = r"C:\Shop.QBW"
    ticket = office.sign_in()
    with pytest.raises(OtherCompanyFile):
        office.give(ticket, office.quickbooks(office.ask(ticket)))
    assert error_of_session(office.ctx, office.id, ticket) == "source-other-file"
    assert list(office.contacts()) == ["Customer 1"]
    assert (office.source.name, office.source.problem) == ("Office Ltd", "source-other-file")


@pytest.mark.parametrize(
    ("name", "path"),
    [("Office (2026) Ltd", PATH.upper()), ("Office Ltd", r"D:\Moved.QBW"), ("Office Ltd", "")],
)
def test_a_renamed_company_or_a_moved_file_is_still_the_same(
    office: Office, name: str, path: str
) -> None:
    office.read()
    office.quickbooks.entities["Company"] = [{"CompanyName": name}]
    office.path = path
    office.add(1)
    office.read()
    assert office.source.name == name
    assert list(office.contacts()) == ["Customer 1"]


def test_another_company_is_known_without_a_path(office: Office) -> None:
    office.path = ""
    office.read()
    office.quickbooks.entities["Company"] = [{"CompanyName": "Shop Ltd"}]
    with pytest.raises(OtherCompanyFile):
        office.read()


def spoiled(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (spoiled('requestID="2"', 'requestID="1"'), SourceUnreadable),
        (spoiled("CustomerQueryRs", "VendorQueryRs"), SourceUnreadable),
        (spoiled('iteratorID="iter-1"', ""), SourceUnreadable),
        (spoiled('RemainingCount="70"', 'RemainingCount="x"'), SourceUnreadable),
        (spoiled("<QBXML>", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><QBXML>'),
         SourceUnreadable),
        (spoiled("</QBXML>", ""), SourceUnreadable),
        (spoiled('statusCode="0"', 'statusCode="3100"'), SourceFault),
        (spoiled('statusCode="0"', ""), SourceFault),
    ],
)  # fmt: skip
def test_an_answer_that_is_wrong_ends_the_list_and_keeps_what_was_read(
    office: Office, spoil: Callable[[str], str], error: type[Exception]
) -> None:
    for number in range(120):
        office.add(number)
    ticket = office.sign_in()
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    right = office.quickbooks(office.ask(ticket))
    wrong = spoil(right)
    assert wrong != right
    with pytest.raises(error):
        office.give(ticket, wrong)
    assert office.contacts() == {}
    assert office.source.problem == error.code  # type: ignore[attr-defined] # of SourceError
    assert error_of_session(office.ctx, office.id, ticket) == office.source.problem
    close_session(office.ctx, office.id, ticket)
    office.read()
    assert len(office.contacts()) == 120
    assert office.source.problem is None


def test_an_answer_that_comes_twice_is_stored_once(office: Office) -> None:
    for number in range(120):
        office.add(number)
    ticket = office.sign_in()
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    answer = office.quickbooks(office.ask(ticket))
    office.give(ticket, answer)
    with pytest.raises(SourceUnreadable):
        office.give(ticket, answer)
    assert len(office.contacts()) == 50


def test_an_error_of_quickbooks_is_noted(office: Office) -> None:
    ticket = office.sign_in()
    office.ask(ticket)
    with pytest.raises(SourceFault):
        office.give(ticket, "", failed=True)
    assert office.source.problem == "source-fault"
    note_unreachable(office.ctx, office.id, ticket)
    assert office.source.problem == "source-unreachable"


def test_an_empty_list_deletes_nothing(office: Office) -> None:
    office.add(1)
    office.read()
    with office.ctx.database.writing() as session:
        session.get_one(ContactSource, office.source.id).fully_synced_at = None
    office.quickbooks.entities["Customer"].clear()
    with pytest.raises(SourceUnreadable):
        office.read()
    assert office.contacts()["Customer 1"][2] is ContactState.ACTIVE


def test_disconnecting_ends_the_session_and_forgets(office: Office, device: Device) -> None:
    office.add(1)
    office.read()
    ticket = office.sign_in()
    assert disconnect(office.ctx, device, office.id)
    with pytest.raises(SessionOver):
        office.ask(ticket)
    with pytest.raises(ConnectorRefused):
        office.sign_in()


def test_a_request_has_only_what_is_read() -> None:
    request = qbxml.request_at(qbxml.first_position(None) | {"part": "Vendor"})
    assert "Balance" not in request
    assert request.count("IncludeRetElement>") == 2 * len(qbxml.ASKED["Vendor"])
