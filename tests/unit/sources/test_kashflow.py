"""KashFlow asks each time: what is read, what is kept nowhere, and where reading goes on."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import request
from sqlalchemy import select

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.sources.asked_reading import start_reading
from crmlink.sources.asked_sign_in import begin_asked_sign_in, finish_asked_sign_in
from crmlink.sources.connecting import disconnect, request_sync
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    OtherCompany,
    SignInExpired,
    SignInWrong,
    SourceFault,
    SourceUnreadable,
)
from crmlink.sources.kashflow_session import SessionTokens
from crmlink.sources.schedule import due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, ContactState, Device, SourceAccount
from crmlink.store.base import utc_now
from security.attack_fixture import everything
from support.accounting_apis.kashflow import (
    CHARACTERS,
    PASSWORD,
    USER,
    FakeKashFlow,
)
from support.accounting_apis.servers import answers
from support.source_factories import change_source, contacts_of, source_now, sources_at


@pytest.fixture
def sources(installation: Installation, kashflow: FakeKashFlow) -> SourceContext:
    return sources_at(installation, kashflow.package())


def sign_in(
    sources: SourceContext, device: Device, source_id: str = ""
) -> tuple[ContactSource, SessionTokens]:
    asked = begin_asked_sign_in(sources, device, "kashflow", USER, PASSWORD, source_id)
    assert asked.positions == (3, 4, 6)
    return finish_asked_sign_in(sources, device, asked.choice, CHARACTERS)


def read(sources: SourceContext, source: ContactSource, session: SessionTokens) -> None:
    """Read in the thread of its own, until that has ended."""
    start_reading(sources, source.id, session)
    for thread in threading.enumerate():
        if thread.name == f"reading-{source.id}":
            thread.join(30)
            assert not thread.is_alive()


def test_the_number_is_the_reference_and_the_code_is_beside_it(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    kashflow.add(
        4471, Code="HILL01", Name="Hill & Son", Email="jo@hill.example",
        TelephoneNumber="0113 496 0018", MobileNumber="07700 900123",
        Contacts=[{"FirstName": "Jo", "LastName": "Hill", "Email": "bills@hill.example"}],
        Addresses=[{"Line1": "1 High St", "Line2": "Leeds", "PostCode": "LS1 1AA"}],
    )  # fmt: skip
    kashflow.add(4471, "suppliers", Name="Pipes Ltd", IsArchived=True)
    kashflow.add(0, Name="Without a number")
    kashflow.add(7, Id="eight", Name="Not a number")
    source, session = sign_in(sources, device)
    read(sources, source, session)
    found = contacts_of(sources, source)
    assert set(found) == {"Hill & Son", "Pipes Ltd"}
    customer, supplier = found["Hill & Son"], found["Pipes Ltd"]
    assert (customer.reference, customer.code, customer.kind) == ("4471", "HILL01", "customer")
    assert (supplier.reference, supplier.kind, supplier.state) == (
        "4471", "supplier", ContactState.ARCHIVED,
    )  # fmt: skip
    assert (customer.person, customer.email, customer.other_emails) == (
        "Jo Hill", "jo@hill.example", ["bills@hill.example"],
    )  # fmt: skip
    assert (customer.address, customer.postcode) == ("1 High St\nLeeds", "LS1 1AA")
    assert customer.phones == ["0113 496 0018", "07700 900123"]
    assert source_now(sources, source).fully_synced_at is not None
    assert kashflow.sessions == set()  # ended at KashFlow too


def test_nothing_of_the_sign_in_is_in_the_database(
    installation: Installation, sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    kashflow.add(1, Name="Margaret Holloway")
    asked = begin_asked_sign_in(sources, device, "kashflow", USER, PASSWORD)
    half_way = repr(everything(installation.database))
    source, session = finish_asked_sign_in(sources, device, asked.choice, CHARACTERS)
    read(sources, source, session)
    kept = half_way + repr(everything(installation.database))
    assert "Margaret Holloway" in kept  # the search does find things
    assert len(kashflow.seen) == 2
    for secret in (*kashflow.seen, PASSWORD, USER):
        assert secret not in kept
    assert session.token not in repr(session)
    with sources.database.reading() as found:
        assert found.scalars(select(SourceAccount.credentials)).all() == [None]


def test_nothing_of_the_sign_in_is_in_the_logs(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    kashflow.add(1, Name="Margaret Holloway", Email="m.holloway@home.example")
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(SignInWrong):
            begin_asked_sign_in(sources, device, "kashflow", USER, "Wrong-Pass-Word")
        source, session = sign_in(sources, device)
        kashflow.server.fault = answers(500)
        assert sync_source(sources, source.id, tokens=session).problem == "source-fault"
        kashflow.server.fault = lambda: None
        change_source(sources, source, resume_at=None)
        read(sources, source, session)
        kashflow.server.fault = answers(500)
        session.end()
    written = "\n".join([record.getMessage() for record in caplog.records] + [*capfd.readouterr()])
    assert "session not ended" in written
    for secret in (*kashflow.seen, PASSWORD, USER, "Wrong-Pass-Word", "Holloway", "home.example"):
        assert secret not in written


def test_it_is_never_read_by_itself(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    source, session = sign_in(sources, device)
    read(sources, source, session)
    request_sync(sources, source.public_id)
    assert source_now(sources, source).requested_at is None  # no page says that it comes
    assert due_sources(sources, 30) == []
    assert sync_source(sources, source.id).problem == "source-refused"


@pytest.mark.parametrize(
    ("user", "password", "characters"),
    [
        (USER, "wrong", CHARACTERS),
        ("another", PASSWORD, CHARACTERS),
        (USER, PASSWORD, ("x", *CHARACTERS[1:])),
        (USER, PASSWORD, CHARACTERS[:2]),
        (USER, PASSWORD, ("ne", *CHARACTERS[1:])),
    ],
)
def test_a_wrong_sign_in_connects_nothing(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow,
    user: str, password: str, characters: tuple[str, ...],
) -> None:  # fmt: skip
    def try_it() -> None:
        asked = begin_asked_sign_in(sources, device, "kashflow", user, password)
        finish_asked_sign_in(sources, device, asked.choice, characters)

    with pytest.raises(SignInWrong):
        try_it()
    with sources.database.reading() as session:
        assert session.scalars(select(ContactSource)).all() == []


def test_the_second_step_counts_once_and_for_one_device(
    installation: Installation, sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    asked = begin_asked_sign_in(sources, device, "kashflow", USER, PASSWORD)
    another = create_api_token(installation.access, command_line_actor(installation.access), "B")[0]
    with pytest.raises(SignInExpired):
        finish_asked_sign_in(sources, another, asked.choice, CHARACTERS)
    with pytest.raises(SignInExpired):
        finish_asked_sign_in(sources, device, "guessed", CHARACTERS)
    finish_asked_sign_in(sources, device, asked.choice, CHARACTERS)
    with pytest.raises(SignInExpired):
        finish_asked_sign_in(sources, device, asked.choice, CHARACTERS)


def test_another_companys_sign_in_reads_nothing_into_this_one(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    source, session = sign_in(sources, device)
    kashflow.add(1)
    read(sources, source, session)
    kashflow.company = "Shop Ltd"
    with pytest.raises(OtherCompany):
        sign_in(sources, device, source.public_id)
    assert kashflow.sessions == set()
    other, _ = sign_in(sources, device)
    assert other.id != source.id
    assert list(contacts_of(sources, source)) == ["Contact 1"]


def test_a_reading_that_stopped_goes_on_with_the_next_sign_in(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    for number in range(1, 6):
        kashflow.add(number)
    kashflow.page_size = 2
    source, session = sign_in(sources, device)
    calls = iter([None, answers(401)()])
    kashflow.server.fault = lambda: next(calls, None)
    read(sources, source, session)
    now = source_now(sources, source)
    assert (now.problem, now.read) == ("source-refused", 2)
    assert kashflow.sessions == set()
    kashflow.server.fault = lambda: None
    again, session = sign_in(sources, device, source.public_id)
    assert again.id == source.id
    kashflow.server.asked.clear()
    read(sources, again, session)
    lists = [path for path, _ in kashflow.server.asked if path == "/v2/customers"]
    assert len(lists) == 2  # the second page and the third
    assert len(contacts_of(sources, source)) == 5
    assert source_now(sources, source).problem is None


def test_a_limit_is_waited_for_and_reading_ends_after_too_many_faults(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    kashflow.add(1)
    source, session = sign_in(sources, device)
    calls = iter([answers(429, Retry_After="1")()])
    kashflow.server.fault = lambda: next(calls, None)
    read(sources, source, session)
    assert len(contacts_of(sources, source)) == 1
    source, session = sign_in(sources, device, source.public_id)
    limited = answers(429, Retry_After="7200")  # longer than the session lives
    kashflow.server.fault = lambda: limited() if request.method == "GET" else None
    read(sources, source, session)
    now = source_now(sources, source)
    assert now.problem == "source-limited"
    assert kashflow.sessions == set()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (answers(500), "source-fault"),
        (answers(503), "source-limited"),
        (answers(429, Retry_After="3600"), "source-limited"),
        (answers(200), "source-unreadable"),  # no JSON
        (answers(302, Location="http://169.254.169.254/"), "source-unreadable"),
        (answers(404), "source-unreadable"),
        (answers(403), "source-refused"),
    ],
)
def test_a_fault_on_the_second_page_stores_nothing_half_and_reading_resumes(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow, fault: Any, problem: str
) -> None:
    for number in range(1, 6):
        kashflow.add(number)
    kashflow.page_size = 2
    source, session = sign_in(sources, device)
    first = iter([True])
    kashflow.server.fault = lambda: None if next(first, False) else fault()
    assert sync_source(sources, source.id, tokens=session).problem == problem
    assert len(contacts_of(sources, source)) == 2
    assert source_now(sources, source).fully_synced_at is None
    kashflow.server.fault = lambda: None
    assert sync_source(sources, source.id, tokens=session).complete
    assert len(contacts_of(sources, source)) == 5
    assert source_now(sources, source).problem is None


@pytest.mark.parametrize(
    "elsewhere",
    ["http://169.254.169.254/latest", "https://api.kashflow.com@evil.example/v2/customers",
     "file:///etc/passwd", "customers?page=2"],
)  # fmt: skip
def test_a_next_page_elsewhere_is_never_asked_for(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow, elsewhere: str
) -> None:
    for number in range(1, 4):
        kashflow.add(number)
    kashflow.page_size, kashflow.next_link = 2, lambda _url: elsewhere
    source, session = sign_in(sources, device)
    assert sync_source(sources, source.id, tokens=session).problem == "source-unreadable"
    assert len(contacts_of(sources, source)) == 2


def test_a_page_that_follows_itself_ends_the_reading(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    for number in range(1, 6):
        kashflow.add(number)
    kashflow.page_size = 2
    kashflow.next_link = lambda _url: f"{kashflow.server.url}/v2/customers?page=2&perpage=2"
    source, session = sign_in(sources, device)
    assert sync_source(sources, source.id, tokens=session).problem == "source-unreadable"


@pytest.mark.parametrize(
    "reply",
    [
        {"TemporaryToken": "t", "MemorableWordList": []},
        {"TemporaryToken": "t", "MemorableWordList": [{"Position": 0}]},
        {"TemporaryToken": "t", "MemorableWordList": [{"Position": 2}, {"Position": 2}]},
        {"TemporaryToken": "t", "MemorableWordList": [{"Position": 2}, {"Position": "3"}]},
        {"TemporaryToken": "a b", "MemorableWordList": [{"Position": 2}]},
        {"MemorableWordList": [{"Position": 2}]},
        [],
    ],
)
def test_an_answer_that_is_no_session_is_refused(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow, reply: Any
) -> None:
    kashflow.server.fault = lambda: kashflow.server.app.json.response(reply)
    with pytest.raises(SourceUnreadable):
        begin_asked_sign_in(sources, device, "kashflow", USER, PASSWORD)


def test_a_fault_at_the_sign_in_is_not_a_wrong_password(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    kashflow.server.fault = answers(500)
    with pytest.raises(SourceFault):
        begin_asked_sign_in(sources, device, "kashflow", USER, PASSWORD)


def test_disconnecting_forgets_the_contacts(
    sources: SourceContext, device: Device, kashflow: FakeKashFlow
) -> None:
    kashflow.add(1)
    source, session = sign_in(sources, device)
    read(sources, source, session)
    change_source(sources, source, resume_at=utc_now() + timedelta(hours=1))
    assert disconnect(sources, device, source.public_id)
    with sources.database.reading() as session_:
        assert session_.scalars(select(SourceAccount)).all() == []
