"""What pages state is true in the state in which they state it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask

from crmlink.access.joining import accept_invitation
from crmlink.access.people import invite
from crmlink.batches.control import pause
from crmlink.batches.match_job import start_matching
from crmlink.batches.progress import overview
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, undo
from crmlink.store import Batch, Link, LinkState, Verdict, WorkspaceConnection
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problem_texts.commusoft import CAUSES
from support.access_factories import (
    PASSWORD,
    make_person,
    make_token,
    page_actor,
    pair,
    with_token,
)
from support.list_files import draft, linked, matched, started, work
from support.page_client import PageClient, signed_in_client, words
from support.sample_data import SampleData
from support.sandbox import SandboxHandle, new_key

UNWRITTEN = "Nothing was saved"
NOTHING_TO_DO = "Nothing to do: this customer or supplier already has this reference"


@pytest.fixture
def in_state(installation: Installation, sample: SampleData) -> Callable[..., str]:
    """Put the clerk's undone link's twin into a state; the address of its page."""

    def put(state: LinkState, code: str | None, *, undoes: bool = False, writes: int = 0) -> str:
        with installation.database.writing() as session:
            link = session.get_one(Link, sample.hanging.id)
            link.state, link.failure, link.writes = state, {"code": code} if code else None, writes
            link.undoes_id = sample.linked.id if undoes else None
            if undoes:
                link.prior, link.target = link.target, None
        return f"/links/{sample.hanging.id}"

    return put


def _api(app: Flask, installation: Installation, path: str) -> dict[str, Any]:
    """What a script is told."""
    client = with_token(app, make_token(installation.access, "read", "batch", "link"))
    answer: dict[str, Any] = client.get(f"/api/v1/{path}").get_json()
    return answer


def _step(page: str, title: str) -> str:
    """What is right behind a step's title."""
    return page.partition(title)[2].split()[0]


def test_the_third_step_is_done_for_who_has_linked_and_for_no_one_else(
    app: Flask, installation: Installation, clerk: PageClient, admin: PageClient
) -> None:
    assert _step(clerk.read("/start"), "Try it on a contact") == "Done"
    new = signed_in_client(app, installation, make_person(installation.access, "clerk"))
    page = new.read("/start")
    assert _step(page, "Try it on a contact") != "Done"
    assert _step(page, "Browsers") != "Done"
    assert _step(admin.read("/start"), "Try it on a contact") != "Done"


def test_a_first_link_ends_no_older_one_and_a_second_does(
    admin: PageClient, installation: Installation, sample: SampleData
) -> None:
    first = admin.send("/people", name="Ida Marsh", email="ida@firm.example", role="clerk")
    assert "Give this link to Ida Marsh privately" in words(first)
    assert "older link" not in words(first)
    actor = page_actor(installation.access, sample.admin)
    person, token = invite(installation.access, actor, "Joe Park", "joe@firm.example", "clerk")
    accept_invitation(installation.access, token, PASSWORD)
    again = f"/people/{person.public_id}/invitation"
    assert "older link" not in words(admin.send(again))
    assert "The older link for Joe Park no longer works" in words(admin.send(again))


def test_before_there_is_an_admin_no_one_is_sent_to_one(
    app: Flask, installation: Installation
) -> None:
    page = app.test_client().get("/", follow_redirects=True)
    assert "Ask your admin" not in words(page)
    assert "where crmlink was started" in words(page)
    make_person(installation.access, "admin")
    assert "Ask your admin" in words(app.test_client().get("/", follow_redirects=True))


def test_the_audit_says_that_an_undo_was_asked_for(admin: PageClient, sample: SampleData) -> None:
    page = admin.read("/audit?action=link")
    assert "asked to undo a link" in page


@pytest.mark.parametrize("code", ["commusoft-slow", "commusoft-fault", "commusoft-unreachable"])
def test_of_a_link_without_an_outcome_no_one_says_that_nothing_was_written(
    app: Flask,
    installation: Installation,
    clerk: PageClient,
    sample: SampleData,
    in_state: Callable[..., str],
    code: str,
) -> None:
    page = clerk.read(in_state(LinkState.INTENDED, code, writes=1))
    assert UNWRITTEN not in page
    assert "it is not known yet whether Commusoft made it" in page
    assert "linked by" not in page
    answer = _api(app, installation, f"links/{sample.hanging.id}")["failure"]["detail"]
    assert UNWRITTEN not in answer
    assert "don't know yet" in answer


@pytest.mark.parametrize("state", [LinkState.FAILED, LinkState.CONFLICT, LinkState.INTENDED])
def test_an_undo_that_did_not_come_about_is_not_called_one(
    clerk: PageClient, in_state: Callable[..., str], state: LinkState
) -> None:
    page = clerk.read(in_state(state, "write-refused", undoes=True))
    assert "put back by" not in page
    assert "undone by" not in page
    assert "undo asked for by" in page
    assert "Castle View Care Home Xero Castle View Care Home customer 1010 removed" not in (
        clerk.read("/links?q=castle")
    )


def test_why_a_link_cannot_be_undone_is_said_for_each_state(
    clerk: PageClient, in_state: Callable[..., str]
) -> None:
    for state, undoes, why in (
        (LinkState.INTENDED, False, "we don't know its outcome yet"),
        (LinkState.FAILED, False, "it changed nothing"),
        (LinkState.FAILED, True, "it changed nothing"),
        (LinkState.CONFLICT, True, "it ended in a conflict"),
        (LinkState.LINKED, True, "it is itself an undo"),
    ):
        path = in_state(state, "write-refused" if state is LinkState.FAILED else None,
                        undoes=undoes)  # fmt: skip
        assert f"It cannot be undone: {why}" in clerk.read(path)
        refused = clerk.send(f"{path}/undo")
        assert f"This link can't be undone: {why}" in words(refused)


def test_a_paused_list_whose_commusoft_is_away_does_not_say_that_nothing_was_written(
    app: Flask, installation: Installation, manager: PageClient, sample: SampleData
) -> None:
    batch = started(installation, sample.manager)
    pause(installation.workspace, batch.device_id, batch.id)
    with installation.database.writing() as session:
        session.get_one(Batch, batch.id).last_error = {"code": "commusoft-unreachable"}
    page = manager.read(f"/lists/{batch.id}")
    assert "We can't reach Commusoft at the moment. What is linked already stays" in page
    assert UNWRITTEN not in page
    answer = _api(app, installation, f"batches/{batch.id}")["progress"]["trouble"]["detail"]
    assert answer == "We can't reach Commusoft at the moment."


def test_what_is_to_be_checked_and_what_has_no_match_are_told_apart(
    installation: Installation, manager: PageClient, sample: SampleData
) -> None:
    batch = matched(installation, sample.manager)
    undecided = overview(installation.workspace, batch.id).counts.undecided
    page = manager.read(f"/lists/{batch.id}")
    checked = undecided[Verdict.CHECK] + undecided[Verdict.CONFLICT]
    assert f"{checked} to check , one by one below" in page
    assert f"{undecided[Verdict.NONE]} with no match" in page


def test_cancelling_says_that_the_rest_can_be_linked_later(
    installation: Installation, manager: PageClient, sample: SampleData
) -> None:
    batch = started(installation, sample.manager)
    assert "You can link the rest later from this list" in manager.read(f"/lists/{batch.id}/cancel")
    manager.send(f"/lists/{batch.id}/cancel")
    assert "Link the rest" in manager.read(f"/lists/{batch.id}")


def test_notices_on_a_live_page_say_nothing_of_what_comes_later(
    installation: Installation, manager: PageClient, sample: SampleData
) -> None:
    batch = matched(installation, sample.manager)
    path = f"/lists/{batch.id}/sure"
    token = manager.get(path).get_data(as_text=True).partition('name="token" value="')[2]
    manager.send(path, token=token.partition('"')[0])
    page = manager.read(f"/lists/{batch.id}")
    assert "sure match" in page
    assert "Nothing has been sent to Commusoft yet" not in page


def test_a_row_that_was_linked_before_is_not_said_to_be_so_after_its_record_changed(
    installation: Installation, manager: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    batch = linked(installation, sample.manager)
    again = draft(installation, sample.manager, name="Confirm password")
    start_matching(installation.workspace, again.device_id, again.id, 0.998)
    work(installation)
    assert NOTHING_TO_DO in manager.read(f"/lists/{again.id}")
    for number in (*range(1001, 1009), 1010):
        sandbox.put_reference(f"customer-{number}", None)
    installation.workspace.sync()
    page = manager.read(f"/lists/{again.id}")
    assert NOTHING_TO_DO not in page
    assert "was removed after the list was matched. Match the list again" in page
    assert batch.id != again.id


def test_a_draft_without_references_is_sent_only_where_they_are_to_be_had(
    installation: Installation, manager: PageClient, sample: SampleData
) -> None:
    batch = draft(installation, sample.manager, references=False)
    page = manager.read(f"/lists/{batch.id}")
    assert "None was read from the file" in page
    assert "select Link these contacts in the browser extension" in page
    with installation.database.writing() as session:
        session.get_one(Batch, batch.id).package = "sage_50"
    page = manager.read(f"/lists/{batch.id}")
    assert "select Link these contacts" not in page
    assert "Import the file again with the column that has them" in page


def test_records_that_were_never_read_are_not_called_old(
    installation: Installation, admin: PageClient, sample: SampleData
) -> None:
    with installation.database.writing() as session:
        session.get_one(WorkspaceConnection, installation.workspace.connection_id).synced_at = None
    page = admin.read("/")
    assert "been updated for a while" not in page
    assert "Customers and suppliers have not been read yet" in page
    assert "in the first minute" not in page + admin.read("/left")


def test_an_undo_is_asked_about_without_saying_what_no_one_has_looked_up(
    clerk: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", "CHANGED")
    page = clerk.read(f"/links/{sample.linked.id}/undo")
    assert "Saved by this link" in page
    assert "Now" not in page


def test_a_trouble_with_commusoft_is_stated_without_what_became_of_a_request(
    installation: Installation, admin: PageClient, sample: SampleData
) -> None:
    faults = (
        f"{installation.workspace.commusoft.connection.base_url.split('/web')[0]}/sandbox/faults"
    )
    requests.post(faults, json={"fault": "status", "status": 503}, timeout=30).raise_for_status()
    admin.send("/records/customer-1001/look")
    assert UNWRITTEN in admin.read("/")  # of the reading that was asked for
    page = admin.read("/commusoft")
    assert "Commusoft has a problem. Commusoft reported an error." in page
    assert UNWRITTEN not in page


def test_which_files_hold_references_is_read_from_the_rules(clerk: PageClient) -> None:
    page = clerk.read("/lists/new")
    yes, _, no = page.partition(": yes.")
    assert all(name in yes for name in ("Sage 50", "QuickBooks Desktop", "KashFlow"))
    assert all(name in no for name in ("Xero", "QuickBooks Online", "FreeAgent"))


def test_only_what_stops_a_request_says_that_nothing_was_written() -> None:
    """A failed or open link, a list or the account may have been written to before."""
    says_so = {code for code, (_, _, sentence) in PROBLEMS.items() if UNWRITTEN in sentence}
    assert says_so == set(CAUSES)
    assert not any(UNWRITTEN in cause for cause in CAUSES.values())


def test_a_link_that_was_undone_by_another_is_not_offered_for_undo(
    installation: Installation, clerk: PageClient, sample: SampleData
) -> None:
    device = pair(installation.access, sample.manager).device
    undo(installation.workspace, UndoDecision(sample.linked.id), new_key(), device.id)
    page = clerk.read(f"/links/{sample.linked.id}/undo")
    assert "It cannot be undone: it was already undone, by Marcus Bello" in page
    assert "Undo this link?" not in page
