"""Linking a whole list through the pages: summary, progress, boxes, try again, undo, results."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask

from crmlink.batches.progress import overview
from crmlink.batches.writer import work_on
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.pace import PaceState
from crmlink.installation import Installation
from crmlink.linking.list_checks import ListChecker
from crmlink.store import Batch, BatchRow, BatchState, Person, RowState
from support.access_factories import make_person
from support.list_files import CAST, accepted, linked, matched, started, work
from support.page_client import PageClient, signed_in_client, words
from support.sandbox import SandboxHandle


@pytest.fixture
def marcus(installation: Installation) -> Person:
    return make_person(installation.access, "manager", "Marcus Bello")


@pytest.fixture
def manager(app: Flask, installation: Installation, marcus: Person) -> PageClient:
    return signed_in_client(app, installation, marcus)


def _state(installation: Installation, batch: Batch) -> BatchState:
    return overview(installation.workspace, batch.id).batch.state


def _count(installation: Installation, batch: Batch, state: RowState) -> int:
    return overview(installation.workspace, batch.id).counts.states[state]


def _to_link(page: str) -> int:
    found = re.search(r"Link (\d+) contacts?\?", page)
    assert found
    return int(found[1])


def test_matching_is_asked_for_and_can_be_stopped(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    assert manager.send(f"/lists/{batch.id}/match").status_code == 303
    page = manager.read(f"/lists/{batch.id}")
    assert "Matching" in page
    assert "0 of 11 matched, 11 left" in page
    manager.send(f"/lists/{batch.id}/match/stop")
    assert _state(installation, batch) is BatchState.REVIEW
    manager.send(f"/lists/{batch.id}/match")
    work(installation)
    assert _state(installation, batch) is BatchState.REVIEW


def test_nothing_is_written_until_as_many_contacts_are_confirmed_as_the_summary_says(
    manager: PageClient, installation: Installation, marcus: Person, sandbox: SandboxHandle
) -> None:
    batch = accepted(installation, marcus)
    path = f"/lists/{batch.id}/link"
    page = manager.read(path)
    contacts = _to_link(page)
    assert f"{contacts} sure matches, accepted as suggested" in page
    assert "1 already linked" in page
    refused = manager.send(path, contacts=contacts + 1)
    assert refused.status_code == 409
    assert f"The number of contacts is now {contacts}" in words(refused)
    work(installation)
    assert sandbox.reference("customer-1001") is None
    assert manager.send(path, contacts=contacts).headers["Location"] == f"/lists/{batch.id}"
    assert f"{contacts} Waiting 0 Processing 0 Failed 0 Linked" in manager.read(
        f"/lists/{batch.id}/state"
    )
    work(installation)
    assert sandbox.reference("customer-1001") == CAST[0].reference
    assert f"0 Waiting 0 Processing 0 Failed {contacts} Linked" in manager.read(
        f"/lists/{batch.id}/state"
    )


def test_a_list_that_is_linked_shows_how_often_commusoft_is_asked(
    manager: PageClient,
    installation: Installation,
    marcus: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"/lists/{started(installation, marcus).id}/state"
    most = installation.settings.max_calls_per_second
    assert f"Commusoft is asked at most {most} times a second." in manager.read(path)
    monkeypatch.setattr(CommusoftClient, "pace", PaceState(2.5, 5.0, "slow"))
    lower = "asked 2.5 times a second now, at most 5. Commusoft took twice as long as before."
    assert lower in manager.read(path)
    manager.send(path.replace("/state", "/pause"))
    assert "times a second" not in manager.read(path)


def test_a_list_is_paused_goes_on_and_is_cancelled(
    manager: PageClient, installation: Installation, marcus: Person, sandbox: SandboxHandle
) -> None:
    batch = started(installation, marcus)
    waiting = _count(installation, batch, RowState.WAITING)
    manager.send(f"/lists/{batch.id}/pause")
    work(installation)
    assert "Paused" in manager.read(f"/lists/{batch.id}")
    assert _count(installation, batch, RowState.WAITING) == waiting
    manager.send(f"/lists/{batch.id}/resume")
    assert _state(installation, batch) is BatchState.WRITING
    path = f"/lists/{batch.id}/cancel"
    assert f"The {waiting} contacts still waiting will not be linked." in manager.read(path)
    manager.send(path, form_on=path)
    work(installation)
    assert _state(installation, batch) is BatchState.CANCELLED
    assert sandbox.reference("customer-1001") is None
    reply = manager.send(f"/lists/{batch.id}/pause")
    assert "The list is cancelled" in manager.read(reply.location)


def test_a_list_of_one_contact_is_spoken_of_in_the_singular(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = started(installation, marcus, CAST[:1])
    path = f"/lists/{batch.id}"
    manager.send(f"{path}/pause")
    assert "The 1 contact still waiting will not be linked." in manager.read(f"{path}/cancel")
    manager.send(f"{path}/resume")
    work(installation)
    assert "Undo the link of “Xero customers”?" in manager.read(f"{path}/undo")


def test_a_failure_has_its_reason_and_is_tried_again_alone_or_with_all_others(
    manager: PageClient, installation: Installation, marcus: Person, sandbox: SandboxHandle
) -> None:
    batch = started(installation, marcus)
    sandbox.put_reference("customer-1001", "SOMEBODY-WAS-HERE")
    work(installation)
    page = manager.read(f"/lists/{batch.id}?show=failed")
    assert "Margaret Holloway already has the reference SOMEBODY-WAS-HERE" in page
    assert "Retry 1 failed" in page
    sandbox.put_reference("customer-1001", None)
    manager.send(f"/lists/{batch.id}/rows/1", do="again")
    assert _count(installation, batch, RowState.WAITING) == 1
    sandbox.put_reference("customer-1001", "HERE-AGAIN")
    work(installation)
    assert _count(installation, batch, RowState.FAILED) == 1
    sandbox.put_reference("customer-1001", None)
    manager.send(f"/lists/{batch.id}/again")
    work(installation)
    assert _count(installation, batch, RowState.FAILED) == 0
    assert sandbox.reference("customer-1001") == CAST[0].reference


def test_the_whole_list_is_undone_and_what_could_not_be_is_listed(
    manager: PageClient, installation: Installation, marcus: Person, sandbox: SandboxHandle
) -> None:
    batch = linked(installation, marcus)
    done = _count(installation, batch, RowState.SUCCESSFUL)
    sandbox.put_reference("customer-1001", "CHANGED-SINCE")
    path = f"/lists/{batch.id}/undo"
    assert f"Undo all {done} links of “Xero customers”?" in manager.read(path)
    manager.send(path, form_on=path)
    assert "Undoing" in manager.read(f"/lists/{batch.id}")
    work(installation)
    assert sandbox.reference("customer-1002") is None
    assert sandbox.reference("customer-1001") == "CHANGED-SINCE"
    summary = manager.read(f"/lists/{batch.id}/summary")
    assert f"{done - 1} undone" in summary
    assert "Could not be undone Row Contact Record Why 1 Margaret Holloway" in summary
    assert "the reference in Commusoft is now CHANGED-SINCE" in summary


def test_results_are_a_table_that_a_spreadsheet_opens(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = linked(installation, marcus, name="=Xero, May")
    reply = manager.get(f"/lists/{batch.id}/results.csv")
    assert reply.mimetype == "text/csv"
    assert "attachment" in reply.headers["Content-Disposition"]
    content = reply.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["Contact"] for row in rows] == [contact.name for contact in CAST]
    assert rows[0]["Status"] == "Linked"
    assert rows[5]["Status"] == "Already linked"


def test_what_the_list_is_called_stands_on_the_overview_of_lists(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    linked(installation, marcus, name="Xero, May")
    page = manager.read("/lists")
    assert "Xero, May" in page
    assert "✓ Finished" in page
    assert "contacts linked" in page


def test_a_link_that_was_undone_by_itself_is_shown_in_its_list(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = linked(installation, marcus)
    page = manager.get(f"/lists/{batch.id}?show=successful").get_data(as_text=True)
    found = re.search(r'href="(/links/[0-9a-f]+)"', page)
    assert found
    manager.send(f"{found[1]}/undo", form_on=f"{found[1]}/undo")
    assert "↶ Undone" in manager.read(f"/lists/{batch.id}")
    assert "Undone 1" in manager.read(f"/lists/{batch.id}")


def test_contacts_that_are_written_are_shown_as_not_checked_yet(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = started(installation, marcus)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ListChecker, "check", lambda *_: None)  # nothing is read meanwhile
        looks = iter(range(1000))

        def all_written() -> bool:
            return not _count(installation, batch, RowState.WAITING) and next(looks) > 5

        work_on(installation.workspace, batch.id, BatchState.WRITING, all_written)
    written = _count(installation, batch, RowState.WRITTEN)
    assert written > 1
    page = manager.read(f"/lists/{batch.id}")
    assert f"{written} contacts are written in Commusoft and still to be checked" in page
    assert f"{written} Written, to be checked" in page
    rows = manager.read(f"/lists/{batch.id}?show=written")
    assert "Commusoft accepted it. We read it again" in rows
    assert "0 already linked" not in manager.read(f"/lists/{batch.id}/cancel")
    with installation.database.reading() as session:
        link_id = session.query(BatchRow).filter_by(state=RowState.WRITTEN).limit(1).one().link_id
    assert "Written, to be checked. Commusoft accepted the change." in manager.read(
        f"/links/{link_id}"
    )
    manager.send(f"/lists/{batch.id}/pause")
    assert "Written, to be checked" in manager.read("/links")
    assert f"Undo all {written} links" in manager.read(f"/lists/{batch.id}/undo")
    assert f"{written} written, to be checked" in manager.read(f"/lists/{batch.id}/summary")
    manager.send(f"/lists/{batch.id}/resume")
    work(installation)
    assert _count(installation, batch, RowState.SUCCESSFUL) == written
