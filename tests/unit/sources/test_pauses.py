"""Pauses between readings that fail: they grow up to a bound, and a success ends that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink.sources.context import SourceContext
from crmlink.sources.schedule import due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource
from crmlink.store.base import utc_now
from support.accounting_apis.servers import answers
from support.accounting_apis.xero import FakeXero
from support.source_factories import change_source, contacts_of, source_now


def failing(sources: SourceContext, source: ContactSource, times: int) -> list[int]:
    """Minutes that crmlink pauses after each of so many readings."""
    pauses = []
    for _ in range(times):
        change_source(sources, source, resume_at=None)
        before = utc_now()
        assert sync_source(sources, source.id).problem
        until = source_now(sources, source).resume_at
        assert until
        pauses.append(round((until - before) / timedelta(minutes=1)))
        assert due_sources(sources, 30) == []
    return pauses


@pytest.fixture
def paged(xero: FakeXero) -> FakeXero:
    for number in range(6):
        xero.add(f"Contact {number}")
    xero.page_size = 2
    return xero


def third_page_is(xero: FakeXero, status: int) -> None:
    fault = answers(status)
    xero.server.fault = lambda: fault() if xero.server.asked[-1][1].get("page") == "3" else None


def test_a_page_that_stays_unreadable_is_asked_for_less_and_less(
    sources: SourceContext, source: ContactSource, paged: FakeXero
) -> None:
    third_page_is(paged, 200)
    assert failing(sources, source, 9) == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    assert source_now(sources, source).read == 4
    assert not source_now(sources, source).is_begun
    paged.server.fault = lambda: None
    change_source(sources, source, resume_at=None)
    assert sync_source(sources, source.id).complete
    assert (len(contacts_of(sources, source)), source_now(sources, source).position) == (6, None)
    third_page_is(paged, 200)
    change_source(sources, source, fully_synced_at=None)
    assert failing(sources, source, 2) == [5, 10]


@pytest.mark.parametrize("status", [500, 200])
def test_a_first_page_that_fails_makes_longer_pauses_too(
    sources: SourceContext, source: ContactSource, paged: FakeXero, status: int
) -> None:
    paged.server.fault = answers(status)
    last = [60, 60] if status == 500 else [80, 160]
    assert failing(sources, source, 6) == [5, 10, 20, 40, *last]
    assert not source_now(sources, source).is_begun


def test_a_page_that_was_read_ends_the_pauses_of_a_fault_that_passes(
    sources: SourceContext, source: ContactSource, paged: FakeXero
) -> None:
    paged.add("Contact 6")
    third_page_is(paged, 500)
    assert failing(sources, source, 3) == [5, 10, 20]
    assert source_now(sources, source).is_begun
    paged.server.fault = lambda: (
        answers(500)() if paged.server.asked[-1][1].get("page") == "4" else None
    )
    assert failing(sources, source, 2) == [5, 10]
    assert len(contacts_of(sources, source)) == 6
