"""Tables sorted, narrowed and taken away by plain links and forms."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from crmlink.installation import Installation
from crmlink.store import Device, DeviceType
from crmlink.store.base import utc_now
from support.page_client import PageClient
from support.sample_data import SampleData
from support.tables import WRITTEN_DAY, downloaded

SHOWN_DAY = r"\b[1-9]\d? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}, \d\d:\d\d\b"


def _column(page: str, number: int = 1) -> list[str]:
    """The words of one cell of every row of the first table."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)
    assert body
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)[number - 1] for row in rows]
    return [re.sub(r"<span.*", "", cell, flags=re.S).strip() for cell in cells]


def _names(page: str, number: int = 1) -> list[str]:
    return [re.sub(r"<[^>]+>", "", cell).lower() for cell in _column(page, number)]


@pytest.mark.parametrize(
    ("path", "column"),
    [("/links", "contact"), ("/records", "name"), ("/people", "name"), ("/devices", "name")],
)
def test_a_heading_sorts_its_table_and_once_more_the_other_way(
    admin: PageClient, path: str, column: str
) -> None:
    up = admin.get(f"{path}?sort={column}").get_data(as_text=True)
    down = admin.get(f"{path}?sort=-{column}").get_data(as_text=True)
    assert 'aria-sort="ascending"' in up
    assert f"sort=-{column}" in up
    assert _names(up) == sorted(_names(up))
    assert _names(down) == sorted(_names(down), reverse=True)
    assert len(_names(up)) > (path != "/devices")


@pytest.mark.parametrize("path", ["/links", "/records", "/audit", "/people", "/devices"])
def test_an_order_that_cannot_be_is_the_usual_one(admin: PageClient, path: str) -> None:
    assert admin.get(f"{path}?sort=%3Cscript%3E").status_code == 200


@pytest.mark.parametrize("path", ["/links", "/links.csv", "/audit", "/audit.csv"])
@pytest.mark.parametrize("day", ["01/01/0001", "31/12/9999", "30/12/9999", "02/01/0001"])
@pytest.mark.parametrize("end", ["since", "until"])
def test_the_first_and_the_last_day_of_all_are_days_too(
    admin: PageClient, path: str, day: str, end: str
) -> None:
    """The day after the last one, and the hours before the first, are outside what a date holds."""
    assert admin.get(f"{path}?{end}={day}").status_code == 200


def test_an_order_stays_with_a_filter_and_on_the_next_page(admin: PageClient) -> None:
    page = admin.get("/links?sort=contact&state=linked").get_data(as_text=True)
    assert '<input type="hidden" name="sort" value="contact">' in page
    assert (
        "state=linked" in (re.search(r'href="(/links\?[^"]*sort=-contact[^"]*)"', page) or [""])[0]
    )


def test_the_audit_is_found_by_a_person_s_name_and_email_of_any_origin(
    admin: PageClient, sample: SampleData
) -> None:
    for search in (sample.clerk.name, sample.clerk.email):
        page = admin.read(f"/audit?q={search}")
        assert "added a person" in page or "set a password" in page, search
    assert "No entries match" in admin.read("/audit?q=nobody@nowhere.example")


def test_the_audit_is_narrowed_by_person_and_day_and_turned_round(
    admin: PageClient, sample: SampleData
) -> None:
    page = admin.get(f"/audit?person={sample.manager.public_id}").get_data(as_text=True)
    assert set(_names(page, 3)) == {sample.manager.name.lower()}
    assert "No entries match" in admin.read("/audit?until=01/01/2020")
    assert "Enter a date like" in admin.read("/audit?since=yesterday")
    first = admin.get("/audit?sort=when").get_data(as_text=True)
    assert _names(first)[0] == "1"
    older = re.search(r'rel="next" href="([^"]+)"', first)
    if older:
        second = admin.get(older[1].replace("&amp;", "&")).get_data(as_text=True)
        assert int(_names(second)[0]) == int(_names(first)[-1]) + 1


def test_days_are_written_in_one_way(admin: PageClient) -> None:
    for path in ("/", "/links", "/records", "/audit", "/people", "/devices", "/account"):
        page = re.sub(
            r"<input[^>]*>|<p class=.field-error.*?</p>", "", admin.get(path).get_data(as_text=True)
        )
        assert not re.search(r"\b\d\d/\d\d/\d{4}\b", page), path
    assert re.search(SHOWN_DAY, admin.read("/audit"))


@pytest.mark.parametrize("path", ["/people", "/devices", "/records"])
def test_a_table_is_narrowed_by_day(
    admin: PageClient, installation: Installation, path: str
) -> None:
    with installation.database.writing() as session:
        used = session.scalars(select(Device).where(Device.sort == DeviceType.BROWSER)).all()
        used[0].last_used_at = utc_now()
    today = datetime.now().astimezone()
    since, until = f"{today - timedelta(days=1):%d/%m/%Y}", f"{today + timedelta(days=1):%d/%m/%Y}"
    within = admin.get(f"{path}?since={since}&until={until}").get_data(as_text=True)
    rows = len(re.findall("<tr>", within))
    assert 1 < rows < len(re.findall("<tr>", admin.get(path).get_data(as_text=True))), rows
    assert f'value="{since}"' in within
    sorting = re.search(r'href="([^"]*sort=-name[^"]*)"', within)
    assert sorting
    assert f"since={since}" in sorting[1]
    before = admin.get(f"{path}?until=01/01/2020").get_data(as_text=True)
    assert "<tbody><tr>" not in re.sub(r"\s", "", before)
    assert re.search("match(es)?<", before), "an empty table says so"
    assert "Enter a date like 31/01/2026." in admin.read(f"{path}?since=yesterday")


def test_records_are_narrowed_by_the_day_they_were_linked_also_in_a_search(
    admin: PageClient, sample: SampleData
) -> None:
    found = _column(admin.get("/records?since=01/01/2020").get_data(as_text=True))
    assert sample.linked.record_label in " ".join(found)
    word = sample.linked.record_label.split()[-1]
    assert sample.linked.record_label in admin.read(f"/records?q={word}&since=01/01/2020")
    assert "No matches" in admin.read(f"/records?q={word}&until=01/01/2020")


def test_the_navigation_folds_without_javascript(admin: PageClient) -> None:
    page = admin.get("/").get_data(as_text=True)
    assert '<label class="button small menu-button" for="menu">Menu</label>' in page


def test_tables_that_are_taken_away_are_for_people(admin: PageClient, sample: SampleData) -> None:
    rows = downloaded(admin, "/audit.csv")
    assert rows[0]["Line"] == "1"
    assert all(re.fullmatch(WRITTEN_DAY, row["When"]) for row in rows)
    assert not [row for row in rows if "{" in row["Details"]]
    rows = downloaded(admin, f"/audit.csv?person={sample.manager.public_id}")
    assert {row["Who"] for row in rows} == {sample.manager.name}
    rows = downloaded(admin, "/links.csv?state=linked")
    assert {row["Status"] for row in rows} <= {"Linked", "Restored"}
    assert re.fullmatch(WRITTEN_DAY, rows[0]["When"])
