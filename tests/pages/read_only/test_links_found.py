"""Links looked through by words and filters."""

from __future__ import annotations

import re

import pytest

from support.page_client import PageClient
from support.sample_data import SampleData


@pytest.mark.parametrize(
    ("query", "contacts"),
    [
        ("q=holloway", {"M. Holloway", "Margaret Holloway"}),
        ("q=HOLL+m.", {"M. Holloway"}),
        ("q=186204511", {"Ashdown & Sons Builders"}),
        ("q=1003", {"Ashdown & Sons Builders"}),
        ("q=%25", set()),
        ("q=_", set()),
        ("state=conflict", {"John Smith (Ripon)"}),
        ("state=failed&kind=supplier", {"Ohm and Watt"}),
        ("state=failed&kind=customer", set()),
        ("package=freeagent", {"Pryce-Davies, Jonathan"}),
        ("kind=supplier&package=xero&state=linked", {"Northgate Plumbing"}),
        ("until=31/12/2019", set()),
        ("since=31/12/2099", set()),
    ],
)
def test_links_are_found_by_words_and_filters(
    clerk: PageClient, query: str, contacts: set[str]
) -> None:
    page = clerk.get(f"/links?{query}").get_data(as_text=True)
    found = set(re.findall(r'<a href="/links/\w{32}">([^<]+)</a>', page))
    assert {name.replace("&amp;", "&") for name in found} == contacts


def test_links_are_found_by_who_made_them(clerk: PageClient, sample: SampleData) -> None:
    page = clerk.read(f"/links?person={sample.manager.public_id}")
    assert "Northgate Plumbing" in page
    assert "David Owusu" not in page


@pytest.mark.parametrize(
    "query",
    ["state=nonsense", "kind=x", "person=x", "page=0", "page=-1", "page=x", "page=1e9", "zebra=1"],
)
def test_a_filter_that_means_nothing_harms_nothing(clerk: PageClient, query: str) -> None:
    assert clerk.get(f"/links?{query}").status_code == 200
    assert clerk.get(f"/records?{query}").status_code == 200


@pytest.mark.parametrize("day", ["yesterday", "2026-01-31", "31/02/2026", "0/0/0"])
def test_a_day_that_is_none_is_said_at_its_field(clerk: PageClient, day: str) -> None:
    page = clerk.get(f"/links?since={day}").get_data(as_text=True)
    assert "Enter a date like 31/01/2026." in page
    assert 'aria-describedby="since-error"' in page
