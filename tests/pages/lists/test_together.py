"""Deciding many rows of a list together, and telling who started it that it has ended."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from crmlink.batches.control import cancel
from crmlink.batches.drafts import rows_of
from crmlink.installation import Installation
from crmlink.store import Batch, BatchState, Choice, Person, RowState, Verdict
from support.access_factories import make_person
from support.list_files import CAST, linked, matched, started, work
from support.page_client import PageClient, signed_in_client, words
from support.sandbox import SandboxHandle


@pytest.fixture
def marcus(installation: Installation) -> Person:
    return make_person(installation.access, "manager", "Marcus Bello")


@pytest.fixture
def manager(app: Flask, installation: Installation, marcus: Person) -> PageClient:
    return signed_in_client(app, installation, marcus)


def _ticks(manager: PageClient, batch: Batch, query: str = "") -> dict[int, str]:
    """What the ticks on a list's page send, by position."""
    page = manager.get(f"/lists/{batch.id}{query}").get_data(as_text=True)
    return {
        int(value.split(":")[0]): value for value in re.findall(r'name="row" value="([^"]+)"', page)
    }


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def _send_all(manager: PageClient, path: str) -> str:
    """Open the page that asks, agree, and return what the list says then."""
    page = manager.get(path).get_data(as_text=True)
    action = re.search(r'action="(/lists/[^"]+/together/all[^"]*)"', page)
    assert action, words(manager.get(path))
    fields = {name: _hidden(page, name) for name in ("do", "contacts", "token")}
    reply = manager.send(action[1].replace("&amp;", "&"), **fields)
    assert reply.status_code == 303
    return words(manager.get(reply.location))


def test_all_without_a_match_are_marked_at_once_and_reopened(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    without = [
        row for row in rows_of(installation.workspace, batch.id) if row.verdict is Verdict.NONE
    ]
    assert f"Mark all {len(without)} as not in Commusoft" in manager.read(f"/lists/{batch.id}")
    path = f"/lists/{batch.id}/together?do=none&show=none&choice=open"
    said = _send_all(manager, path)
    assert f"{len(without)} contacts marked as not in Commusoft." in said
    rows = rows_of(installation.workspace, batch.id)
    assert {row.position for row in rows if row.choice is Choice.NONE} == {
        row.position for row in without
    }
    assert "reopened" in _send_all(manager, f"/lists/{batch.id}/together?do=reopen")
    rows = rows_of(installation.workspace, batch.id)
    assert all(row.choice is Choice.OPEN for row in rows)


def test_ticked_rows_are_decided_as_they_were_shown_and_no_others(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    ticks = _ticks(manager, batch)
    manager.send(f"/lists/{batch.id}/rows/2", do="none", version=0)
    reply = manager.send(f"/lists/{batch.id}/together", do="accept", row=[ticks[1], ticks[2]])
    said = words(manager.get(reply.location))
    assert "Suggestions accepted for 1 contact." in said
    assert "1 was left as before" in said
    rows = rows_of(installation.workspace, batch.id)
    assert (rows[0].choice, rows[0].record_id) == (Choice.RECORD, rows[0].best)
    assert rows[1].choice is Choice.NONE
    assert all(row.choice is Choice.OPEN for row in rows[2:])


def test_what_needs_a_second_look_is_never_accepted_together(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    ticks = _ticks(manager, batch)
    manager.send(f"/lists/{batch.id}/together", do="accept", row=",".join(ticks.values()))
    for row in rows_of(installation.workspace, batch.id):
        if row.verdict not in (Verdict.SURE, Verdict.CHECK):
            assert row.choice is Choice.OPEN, row.position
    chosen = [row.record_id for row in rows_of(installation.workspace, batch.id) if row.record_id]
    assert len(chosen) == len(set(chosen))


def test_a_record_that_was_not_offered_is_not_accepted_together(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    manager.send(f"/lists/{batch.id}/together", do="accept", row="1:0:customer-1002")
    assert rows_of(installation.workspace, batch.id)[0].choice is Choice.OPEN


def test_all_of_a_filter_is_decided_only_as_it_was_shown(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    path = f"/lists/{batch.id}/together"
    page = manager.get(f"{path}?do=none&show=none").get_data(as_text=True)
    fields = {name: _hidden(page, name) for name in ("do", "contacts", "token")}
    manager.send(f"{path}/all?show=none", **fields | {"token": "0" * 16})
    manager.send(f"{path}/all?show=none", **fields | {"contacts": "1"})
    manager.send(f"{path}/all?show=none", **fields | {"do": "accept"})
    assert all(row.choice is Choice.OPEN for row in rows_of(installation.workspace, batch.id))


def test_nothing_ticked_is_said(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    reply = manager.send(f"/lists/{batch.id}/together?show=none", do="none")
    assert "show=none" in reply.location
    assert "Select contacts first." in words(manager.get(reply.location))


def test_the_sides_are_labelled_and_the_first_row_to_check_is_named(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    page = manager.get(f"/lists/{batch.id}")
    assert "In Xero In Commusoft" in words(page)
    rows = rows_of(installation.workspace, batch.id)
    first = next(row for row in rows if row.verdict in (Verdict.CHECK, Verdict.CONFLICT))
    link = f"/lists/{batch.id}?from={first.position - 1}#row-{first.position}"
    assert link in page.get_data(as_text=True)


def test_a_filter_stays_when_the_list_goes_on(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = started(installation, marcus)
    reply = manager.send(f"/lists/{batch.id}/pause?show=waiting")
    assert reply.location == f"/lists/{batch.id}?show=waiting"
    page = manager.get(reply.location).get_data(as_text=True)
    assert re.search(r'id="show-waiting"[^>]*aria-current="true"', page)
    assert f"/lists/{batch.id}/resume?show=waiting" in page


def test_after_cancelling_the_rest_can_be_linked(
    manager: PageClient, installation: Installation, marcus: Person, sandbox: SandboxHandle
) -> None:
    batch = started(installation, marcus)
    cancel(installation.workspace, batch.device_id, batch.id)
    assert "Link the rest" in manager.read(f"/lists/{batch.id}")
    reply = manager.send(f"/lists/{batch.id}/rest")
    assert reply.location == f"/lists/{batch.id}/link"
    assert sandbox.reference("customer-1001") is None
    contacts = re.search(r"Link (\d+) contacts", manager.read(reply.location))
    assert contacts
    manager.send(reply.location, contacts=contacts[1])
    work(installation)
    assert sandbox.reference("customer-1001") == CAST[0].reference


def test_a_list_that_is_cancelled_after_some_links_offers_the_others_again(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = linked(installation, marcus)
    with installation.database.writing() as session:
        kept = session.get_one(Batch, batch.id)
        kept.state = BatchState.CANCELLED
    manager.send(f"/lists/{batch.id}/rest")
    rows = rows_of(installation.workspace, batch.id)
    assert sum(row.state is RowState.SUCCESSFUL for row in rows) > 0
    with installation.database.reading() as session:
        assert session.get_one(Batch, batch.id).state is BatchState.DONE


def test_a_list_that_ended_is_told_to_who_started_it_until_they_look(
    app: Flask, manager: PageClient, installation: Installation, marcus: Person
) -> None:
    other = signed_in_client(
        app, installation, make_person(installation.access, "manager", "Priya Nair")
    )
    batch = linked(installation, marcus)
    mark = "1 finished or stopped"
    assert mark in manager.read("/lists")
    assert mark not in other.read("/lists")
    other.read(f"/lists/{batch.id}")
    assert mark in manager.read("/lists/mark")
    manager.read(f"/lists/{batch.id}")
    assert mark not in manager.read("/lists/mark")
