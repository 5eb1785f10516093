"""PostgreSQL ends a connection in the middle of a sync: no page is half, and reading goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from crmlink.installation import Installation
from crmlink.sources.contact import ReadContact
from crmlink.sources.context import SourceContext
from crmlink.sources.schedule import due_sources
from crmlink.sources.stored_contacts import store_contacts
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Database, Device
from crmlink.values.contact_details import ContactDetails
from support.accounting_apis.xero import FakeXero
from support.source_factories import contacts_of, source_now
from unit.sources.test_quickbooks_desktop import Office

PAGE = 2
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def xero(xero: FakeXero) -> FakeXero:
    for number in range(6):
        xero.add(f"Contact {number}")
    xero.page_size = PAGE
    return xero


@pytest.fixture
def database(installation: Installation) -> Database:
    return installation.database


@contextmanager
def ended_at(database: Database, statement: str, time: int) -> Iterator[list[str]]:
    """Let PostgreSQL end the connection that sends such a statement for the so-manieth time."""
    seen: list[str] = []
    outside = create_engine(database.engine.url, isolation_level="AUTOCOMMIT")

    def end(connection: Connection, _cursor: Any, sent: str, *_: Any) -> None:
        if not sent.startswith(statement):
            return
        seen.append(sent)
        if len(seen) == time:
            driver: Any = connection.connection.dbapi_connection
            with outside.connect() as other:
                pid = driver.info.backend_pid
                other.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})

    event.listen(database.engine, "before_cursor_execute", end)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", end)
        outside.dispose()


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("statement", "time", "stored"),
    [
        ("INSERT INTO source_contact", 2, PAGE),
        ("UPDATE contact_source", 2, 0),
        ("INSERT INTO source_contact", 1, 0),
    ],
)
def test_a_connection_that_is_lost_in_a_page_leaves_whole_pages(
    database: Database, sources: SourceContext, source: ContactSource, xero: FakeXero,
    statement: str, time: int, stored: int,
) -> None:  # fmt: skip
    with ended_at(database, statement, time) as seen, pytest.raises(OperationalError):
        sync_source(sources, source.id)
    assert len(seen) == time
    stopped = source_now(sources, source)
    assert (len(contacts_of(sources, source)), stopped.read) == (stored, stored)
    assert (stopped.synced_at, stopped.account.sync_lease) == (None, "")
    assert due_sources(sources, 30) == [source.id]
    xero.server.asked.clear()
    assert sync_source(sources, source.id).complete
    pages = [query["page"] for path, query in xero.server.asked if path.endswith("Contacts")]
    assert pages == [str(number) for number in range(stored // PAGE + 1, 4)]
    assert len(contacts_of(sources, source)) == 6


@ON_POSTGRESQL
def test_a_renewed_token_is_not_used_when_its_row_could_not_be_stored(
    database: Database, sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    xero.server.oauth.expire_access()
    with ended_at(database, "UPDATE source_account", 2), pytest.raises(OperationalError):
        sync_source(sources, source.id)
    assert xero.server.oauth.renewals == 0
    assert sync_source(sources, source.id).complete
    assert xero.server.oauth.reused == 0


@ON_POSTGRESQL
def test_an_answer_of_quickbooks_is_stored_whole_or_not_at_all(
    database: Database, sources: SourceContext, device: Device
) -> None:
    office = Office(sources, device)
    for number in range(120):
        office.add(number)
    ticket = office.sign_in()
    for _ in range(2):
        office.give(ticket, office.quickbooks(office.ask(ticket)))
    answer = office.quickbooks(office.ask(ticket))
    with (
        ended_at(database, "INSERT INTO source_contact", 1),
        pytest.raises(OperationalError),
    ):
        office.give(ticket, answer)
    assert (len(office.contacts()), office.source.read) == (50, 50)
    assert office.give(ticket, answer) == 41  # sent once more
    while office.give(ticket, office.quickbooks(office.ask(ticket))) < 100:
        pass
    assert len(office.contacts()) == 120


def test_a_key_that_no_index_takes_stops_no_list(
    sources: SourceContext, source: ContactSource
) -> None:
    """PostgreSQL refuses 2.7 kB in an index, which three bytes a letter soon are."""
    reference = "00000000-0000-4000-8000-00000000000{}"
    keys = ["".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(2_000)), "ordinary"]
    contacts = [
        ReadContact(key, reference.format(number), ContactDetails(name=f"Contact {number}"))
        for number, key in enumerate(keys)
    ]
    with sources.database.writing() as session:
        current = session.get_one(ContactSource, source.id)
        store_contacts(session, current, contacts, sources.rules(), full=True)
    assert list(contacts_of(sources, source)) == ["Contact 1"]
