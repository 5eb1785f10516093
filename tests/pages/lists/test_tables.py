"""The rows of a list sorted, narrowed and taken away by plain links and forms."""

from __future__ import annotations

import re

from flask import Flask

from crmlink.installation import Installation
from support.list_files import linked, matched, unlinked
from support.page_client import signed_in_client
from support.sample_data import SampleData
from support.tables import WRITTEN_DAY, downloaded


def test_results_that_are_taken_away_are_for_people(
    app: Flask, sample: SampleData, installation: Installation
) -> None:
    batch = linked(installation, sample.manager, unlinked(installation, 2))
    manager = signed_in_client(app, installation, sample.manager)
    rows = downloaded(manager, f"/lists/{batch.id}/results.csv")
    finished = [row for row in rows if row["Status"] == "Linked"]
    assert finished
    assert all(re.fullmatch(WRITTEN_DAY, row["Finished on"]) for row in finished)


def test_a_lists_rows_are_sorted_and_its_download_follows_the_filter(
    app: Flask, installation: Installation, sample: SampleData
) -> None:
    batch = matched(installation, sample.manager)
    manager = signed_in_client(app, installation, sample.manager)

    def names(query: str) -> list[str]:
        page = manager.get(f"/lists/{batch.id}?{query}").get_data(as_text=True)
        return [name.lower() for name in re.findall(r'id="who-\d+">(.*?)<', page)]

    up, down = names("sort=name"), names("sort=-name")
    assert len(up) > 2
    assert up == sorted(up)
    assert down == up[::-1]
    assert names("sort=%3Cscript%3E") == names("")
    page = manager.get(f"/lists/{batch.id}?sort=-name&q=a").get_data(as_text=True)
    places = re.search(r'data-places="([^"]*)"', page)
    assert places
    part = manager.get(f"/lists/{batch.id}/rows?at={places[1]}").get_data(as_text=True)
    shown = re.findall(r'<li class="row"[^>]* data-place="(\d+)"', part)
    assert shown == re.findall(r'<li class="row"[^>]* data-place="(\d+)"', page), (
        "the rest of a page has its order"
    )
    everything = downloaded(manager, f"/lists/{batch.id}/results.csv")
    some = downloaded(manager, f"/lists/{batch.id}/results.csv?q={up[0].split()[0]}")
    assert 0 < len(some) < len(everything)
