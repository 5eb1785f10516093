"""Accounting software whose answers do not end, or cannot be sent back: bounded, told, and over."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify

from crmlink.sources import freeagent, sage_accounting
from crmlink.sources.api import MAX_BYTES
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.schedule import due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource
from crmlink.store.base import utc_now
from support.accounting_apis.xero import FakeXero
from support.source_factories import change_source, contacts_of, source_now
from unit.sources.test_odd_answers import read

GUID = "9a1b2c3d-0000-4000-8000-000000000001"
MANY_YEARS = timedelta(days=3_650)


def gzip_bomb() -> bytes:
    """A hundred times what is taken, in a few hundred kB."""
    made = zlib.compressobj(9, wbits=31)
    return b"".join(made.compress(bytes(MAX_BYTES)) for _ in range(20)) + made.flush()


def endless() -> Iterator[bytes]:
    """A body without a length, of more than is taken."""
    for _ in range(2 * MAX_BYTES // 2**20):
        yield b" " * 2**20


BODIES: dict[str, Callable[[], Response]] = {
    "a gzip bomb": lambda: Response(gzip_bomb(), headers={"Content-Encoding": "gzip"}),
    "no length": lambda: Response(endless()),
    "a log-in page": lambda: Response("<html>Log in</html>"),
    "nothing": lambda: Response(b""),
    "depth": lambda: Response("[" * 100_000 + "]" * 100_000),
    "digits": lambda: Response('{"Contacts":[' + "9" * 1_000_000 + "]}"),
    "no number": lambda: Response('{"Contacts":[{"ContactID":NaN}]}'),
    "another host": lambda: Response(status=307, headers={"Location": "http://169.254.169.254/"}),
}


@pytest.mark.parametrize("body", BODIES)
def test_such_a_body_stores_and_deletes_nothing_and_the_next_list_is_complete(
    sources: SourceContext, source: ContactSource, xero: FakeXero, body: str
) -> None:
    xero.add("Kept Ltd")
    assert sync_source(sources, source.id).complete
    change_source(sources, source, fully_synced_at=None)
    xero.server.fault = BODIES[body]
    assert sync_source(sources, source.id).problem == "source-unreadable"
    assert [each.state for each in contacts_of(sources, source).values()] == ["active"]
    xero.server.fault = lambda: None
    assert sync_source(sources, source.id).complete


@pytest.mark.parametrize(("before", "round_"), [(0, 2), (3, 3), (6, 5)])
def test_pages_that_go_round_end_the_reading(
    sources: SourceContext, source: ContactSource, xero: FakeXero, before: int, round_: int
) -> None:
    """Some pages, and then the same ones again and again."""
    pages = [[xero.add(f"Contact {number}")] for number in range(before + round_)]
    order = itertools.chain(pages[:before], itertools.cycle(pages[before:]))
    xero.server.fault = lambda: jsonify({"Contacts": next(order)})
    result = sync_source(sources, source.id)
    assert result.problem == "source-unreadable"
    assert result.read <= 3 * (before + round_)
    assert len(contacts_of(sources, source)) == len(pages)


def test_a_list_of_ever_new_contacts_ends(
    sources: SourceContext, source: ContactSource, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.sources.sync.MAX_CONTACTS", 5)
    xero.server.fault = lambda: jsonify({"Contacts": [xero.add("One more"), xero.add("Another")]})
    assert sync_source(sources, source.id).problem == "source-unreadable"
    assert source_now(sources, source).read == 4


def test_a_control_character_hides_no_contact_beside_it(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    """Written as itself, which JSON does not allow; a reference with one is none."""
    other = GUID[:-1] + "2"
    xero.server.fault = lambda: Response(
        f'{{"pagination": {{"pageCount": 1}}, "Contacts": [{{"ContactID": "{GUID}", '
        f'"Name": "Bell\x07 and\tTab"}}, {{"ContactID": "{other}\x07", "Name": "Odd"}}]}}'
    )
    assert sync_source(sources, source.id).complete
    [(name, contact)] = contacts_of(sources, source).items()
    assert (name, contact.reference) == ("Bell\x07 and\tTab", GUID)
    assert source_now(sources, source).left_out == {"count": 1, "names": ["Odd"]}


def test_an_empty_page_of_sage_before_the_last_one_is_no_end() -> None:
    with pytest.raises(SourceUnreadable):
        read(sage_accounting.SageAccounting(), {"$items": [], "$next": "/contacts?page=3"})


@pytest.mark.parametrize(
    "link", ["https://api.freeagent.com/v2/\x00", "https://api.freeagent.com/\xe9"]
)
def test_a_next_page_whose_address_is_none_is_not_kept(link: str) -> None:
    with pytest.raises(SourceUnreadable):
        read(freeagent.FreeAgent(), {"contacts": []}, headers={"Link": f'<{link}>; rel="next"'})


def test_an_address_that_cannot_be_asked_begins_the_list_anew(
    sources: SourceContext, source: ContactSource, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> None:
    xero.add("Kept Ltd")
    position = {"full": True, "began": utc_now().isoformat(), "at": {"page": 2, "since": None}}
    change_source(sources, source, position=position)

    def unaskable(*_arguments: Any) -> str:
        return "http://*.x.example:99999/"

    with monkeypatch.context() as patch:
        patch.setattr("crmlink.sources.api.Api._url", unaskable)
        assert sync_source(sources, source.id).problem == "source-unreadable"
    assert not source_now(sources, source).is_begun


@pytest.mark.parametrize("name", ["synced_at", "resume_at"])
def test_a_time_noted_by_a_clock_that_was_ahead_keeps_no_source_from_its_turn(
    sources: SourceContext, source: ContactSource, xero: FakeXero, name: str
) -> None:
    assert sync_source(sources, source.id).complete
    assert due_sources(sources, 15) == []
    change_source(sources, source, **{name: utc_now() + MANY_YEARS})
    assert due_sources(sources, 15) == [source.id]
    assert sync_source(sources, source.id).complete
    assert due_sources(sources, 15) == []


def test_a_pause_of_a_day_is_kept(sources: SourceContext, source: ContactSource) -> None:
    change_source(sources, source, resume_at=utc_now() + timedelta(days=1))
    assert due_sources(sources, 15) == []
