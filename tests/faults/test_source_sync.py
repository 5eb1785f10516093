"""Reading a source while processes are killed, disks fill up and sign-ins end: nothing is half."""

from __future__ import annotations

import shutil
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from bench.live_contacts import add_source, at, package_process, read_all
from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.sources.connecting import _end_access, take_over
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceSyncInProgress
from crmlink.sources.oauth import Credentials, RenewedTokens
from crmlink.sources.schedule import due_sources, firms_with_due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Device, Process, SourceContact
from crmlink.store.base import utc_now
from crmlink.web.problems import trouble
from faults.full_disks import TightDatabase
from faults.processes import processes
from faults.source_reader import read_source
from support.accounting_apis.xero import OFFICE, FakeXero
from support.databases import sqlite_database
from support.sandbox import FAST_LIMITS
from support.source_factories import (
    change_source,
    connect,
    contacts_of,
    device_of,
    source_now,
    sources_at,
)

CONTACTS, PAGE = 6, 2
PATIENCE = 120  # seconds


@pytest.fixture
def xero(xero: FakeXero) -> FakeXero:
    for number in range(CONTACTS):
        xero.add(f"Contact {number}")
    xero.page_size = PAGE
    return xero


@pytest.fixture
def source(source: ContactSource, xero: FakeXero) -> ContactSource:
    xero.server.asked.clear()
    return source


@dataclass
class Hold:
    """Keeps the second page's request waiting until it is let go."""

    xero: FakeXero
    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        if len(self.pages) == 2:
            self.arrived.set()
            assert self.go.wait(PATIENCE)

    @property
    def pages(self) -> list[str]:
        """The pages that were asked for."""
        asked = self.xero.server.asked
        return [query["page"] for path, query in asked if path.endswith("Contacts")]


@pytest.fixture
def hold(xero: FakeXero, source: ContactSource) -> Iterator[Hold]:
    held = Hold(xero)
    xero.server.fault = held
    yield held
    held.go.set()


def start(settings: Settings, sources: SourceContext, source: ContactSource) -> tuple[Any, Any]:
    """A process that reads the source; and where it says what became of it."""
    ours, its = processes().Pipe()
    theirs = replace(settings, source_packages=sources.registry)
    process = processes().Process(target=read_source, args=(theirs, source.id, its))
    process.start()
    return process, ours


def said(parent: Connection) -> str:
    assert parent.poll(PATIENCE), "the process said nothing"
    return str(parent.recv())


def count_as_dead(sources: SourceContext) -> None:
    """Spare the minute of silence after which others count a process as dead."""
    with sources.database.writing() as session:
        mine = sources.ownership.register(session)
        session.execute(delete(Process).where(Process.id != mine))


def test_a_process_that_is_killed_leaves_whole_pages_and_another_goes_on(
    settings: Settings, sources: SourceContext, source: ContactSource, hold: Hold
) -> None:
    process, _ = start(settings, sources, source)
    assert hold.arrived.wait(PATIENCE)
    with pytest.raises(SourceSyncInProgress):
        sync_source(sources, source.id)  # two at once: the second one leaves it alone
    process.kill()
    process.join(PATIENCE)
    hold.go.set()
    stopped = source_now(sources, source)
    assert (len(contacts_of(sources, source)), stopped.read, stopped.synced_at) == (
        PAGE,
        PAGE,
        None,
    )
    with pytest.raises(SourceSyncInProgress):
        sync_source(sources, source.id)  # it might only be slow
    count_as_dead(sources)
    assert due_sources(sources, 30) == [source.id]
    assert firms_with_due_sources(sources.database, 30) == [sources.workspace_id]
    assert sync_source(sources, source.id).complete
    assert hold.pages == ["1", "2", "2", "3"]
    assert len(contacts_of(sources, source)) == CONTACTS
    done = source_now(sources, source)
    assert (done.problem, done.position, done.read) == (None, None, CONTACTS)


def test_two_workers_at_once_read_each_page_once(
    settings: Settings, sources: SourceContext, source: ContactSource, hold: Hold
) -> None:
    first, first_said = start(settings, sources, source)
    assert hold.arrived.wait(PATIENCE)
    second, second_said = start(settings, sources, source)
    assert said(second_said) == "source-busy"
    hold.go.set()
    assert said(first_said) == "complete"
    for each in (first, second):
        each.join(PATIENCE)
    assert hold.pages == ["1", "2", "3"]
    assert len(contacts_of(sources, source)) == CONTACTS


def test_a_sign_in_that_ends_in_the_middle_keeps_the_pages_and_goes_on_after_the_next(
    sources: SourceContext, source: ContactSource, device: Device, xero: FakeXero
) -> None:
    def revoke() -> None:
        if len(xero.server.asked) == 2:
            xero.server.oauth.ended.add(1)

    xero.server.fault = revoke
    assert sync_source(sources, source.id).problem == "source-refused"
    stopped = source_now(sources, source)
    assert (stopped.read, len(contacts_of(sources, source))) == (PAGE, PAGE)
    assert (stopped.account.needs_sign_in, stopped.resume_at) == (True, None)
    assert due_sources(sources, 30) == firms_with_due_sources(sources.database, 30) == []
    again = connect(sources, device, xero.server, "xero", OFFICE)[0]
    xero.server.asked.clear()
    assert sync_source(sources, again.id).complete
    pages = [query["page"] for path, query in xero.server.asked if path.endswith("Contacts")]
    assert pages == ["2", "3"]
    assert len(contacts_of(sources, source)) == CONTACTS


def test_a_full_disk_stops_a_reading_after_a_whole_page(
    tmp_path: Path, xero: FakeXero, settings: Settings
) -> None:
    here = _opened(settings, tmp_path / "tight")
    disk = TightDatabase(tmp_path / "tight")
    disk.watch(here.database)
    here.database.engine.dispose()
    sources = sources_at(here, xero.server.package("xero"))
    device = device_of(here.access, _device_id(here))
    source = connect(sources, device, xero.server, "xero", OFFICE)[0]
    long = "A street that fills pages of the database. " * 40
    for entry in xero.contacts[OFFICE]:
        entry["Addresses"] = [{"AddressType": "STREET", "AddressLine1": long[:500],
                               "AddressLine2": long[:500], "City": "Otley"}]  # fmt: skip
    for number in range(60):
        xero.add(f"More {number}", Addresses=xero.contacts[OFFICE][0]["Addresses"])
    xero.page_size = 33
    xero.server.asked.clear()

    def fill() -> None:
        if len(xero.server.asked) == 2:
            disk.fill(here.database)

    xero.server.fault = fill
    with pytest.raises(OperationalError):
        sync_source(sources, source.id)
    assert len(contacts_of(sources, source)) == 33
    disk.free()
    here.database.engine.dispose()
    stopped = source_now(sources, source)
    assert (stopped.read, stopped.synced_at, stopped.position is None) == (33, None, False)
    assert due_sources(sources, 30) == [source.id]  # at its next turn, without a person
    assert sync_source(sources, source.id).complete
    assert len(contacts_of(sources, source)) == 66
    here.close()


def test_a_token_is_not_used_up_when_its_successor_could_not_be_stored(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    sealed = source_now(sources, source).account.credentials
    credentials = Credentials.from_secrets(sources.vault().open(sealed or ""))

    def keep(_renewed: Credentials) -> None:
        raise OperationalError("disk full", None, Exception())

    tokens = RenewedTokens(sources.registry["xero"], credentials, keep)
    with pytest.raises(OperationalError):
        tokens.header(renew=True)
    assert xero.server.oauth.renewals == 0
    assert sync_source(sources, source.id).complete


def test_a_copy_uses_no_sign_in_of_the_first_before_a_person_says_so(
    tmp_path: Path, settings: Settings, xero: FakeXero
) -> None:
    """The second one's folder was copied: both have the same token."""
    first = _opened(settings, tmp_path / "first")
    here = sources_at(first, xero.server.package("xero"))
    device = device_of(first.access, _device_id(first))
    source = connect(here, device, xero.server, "xero", OFFICE)[0]
    assert sync_source(here, source.id).complete
    first.database.engine.dispose()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    second = _opened(settings, tmp_path / "second")
    there = sources_at(second, xero.server.package("xero"))
    problems = []
    for ctx in (here, there, here):
        xero.server.oauth.expire_access()
        change_source(ctx, source, resume_at=None, requested_at=utc_now())
        problems.append(sync_source(ctx, source.id).problem)
    assert problems == [None, "source-elsewhere", None]
    assert xero.server.oauth.reused == 0
    assert due_sources(there, 30) == []
    assert len(contacts_of(there, source)) == CONTACTS
    assert "restored from a backup" in trouble("source-elsewhere").detail
    with there.database.reading() as session:
        copied = session.get_one(ContactSource, source.id).account
    assert not _end_access(there, copied, source.handle, is_last=True)
    assert not xero.server.oauth.ended
    assert OFFICE in xero.connections.values()
    take_over(there, device, source.public_id)
    assert sync_source(there, source.id).problem == "source-refused"  # the first has renewed it
    again = connect(there, device, xero.server, "xero", OFFICE)[0]
    assert sync_source(there, again.id).complete
    for each in (first, second):
        each.close()


def test_memory_is_that_of_a_page_however_long_the_list_is(installation: Installation) -> None:
    peaks = []
    for contacts in (2_000, 6_000):
        with package_process(contacts) as url:
            ctx = at(installation.sources, url)
            source_id = add_source(ctx, f"a company of {contacts}")
            tracemalloc.start()
            list(read_all(ctx, source_id))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        with ctx.database.reading() as session:
            read = select(func.count(SourceContact.id)).filter_by(source_id=source_id)
            assert session.scalar(read) == contacts
    assert peaks[1] < 1.3 * peaks[0]


def _opened(settings: Settings, folder: Path) -> Installation:
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'crmlink.sqlite'}"
    if not (folder / "crmlink.sqlite").exists():
        url = sqlite_database(folder)
    own = replace(settings, data_dir=folder, database_url=url)
    assert own.commusoft
    return open_installation(own, CommusoftClient(own.commusoft, limits=FAST_LIMITS))


def _device_id(installation: Installation) -> int:
    actor = command_line_actor(installation.access)
    return create_api_token(installation.access, actor, "Office")[0].id
