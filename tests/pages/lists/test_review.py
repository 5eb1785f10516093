"""The review over forms alone: decisions, second choices, several people, and the sure ones."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.batches.drafts import rows_of
from crmlink.batches.progress import overview
from crmlink.installation import Installation
from crmlink.store import Batch, BatchRow, Choice, Person, RowState
from support.access_factories import make_person
from support.list_files import CAST, GUID, Listed, draft, matched
from support.page_client import PageClient, signed_in_client, words
from support.sandbox import SandboxHandle

TOKEN = re.compile(r'name="token" value="([^"]*)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
PART = {"Crmlink-Part": "row"}


@pytest.fixture
def marcus(installation: Installation) -> Person:
    return make_person(installation.access, "manager", "Marcus Bello")


@pytest.fixture
def manager(app: Flask, installation: Installation, marcus: Person) -> PageClient:
    return signed_in_client(app, installation, marcus)


@pytest.fixture
def batch(installation: Installation, marcus: Person) -> Batch:
    return matched(installation, marcus)


def _row(installation: Installation, batch: Batch, position: int) -> BatchRow:
    return rows_of(installation.workspace, batch.id)[position - 1]


def _decide(
    visitor: PageClient, installation: Installation, batch: Batch, position: int, **fields: object
) -> TestResponse:
    fields["version"] = _row(installation, batch, position).version
    return visitor.send(f"/lists/{batch.id}/rows/{position}", "/account", **fields)


def test_the_list_shows_what_to_do_next_and_every_verdict_with_its_count(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    counts = overview(installation.workspace, batch.id).counts
    page = manager.read(f"/lists/{batch.id}")
    assert "To review 11 contacts" in page
    assert f"{counts.undecided['sure']} sure." in page  # type: ignore[index] # a word of it
    assert "Already linked 1" in page
    assert "No match 2" in page
    assert "✓ same email, phone, name, postcode, address, town" in page


def test_how_likely_a_match_is_comes_in_words_and_never_as_a_figure(
    manager: PageClient, batch: Batch
) -> None:
    pages = [manager.read(f"/lists/{batch.id}"), manager.read(f"/lists/{batch.id}/sure")]
    pages += [manager.read(f"/lists/{batch.id}/rows/{position}") for position in range(1, 12)]
    assert all("%" not in page for page in pages)
    assert "· Sure " in pages[0]
    assert "· Possible " in "".join(pages[2:])


def test_filters_and_the_search_show_what_fits(manager: PageClient, batch: Batch) -> None:
    assert "Siân O'Connor" in (page := manager.read(f"/lists/{batch.id}?show=linked"))
    assert "Holloway" not in page
    assert "Zebedee" in (page := manager.read(f"/lists/{batch.id}?q=truro+zeb"))
    assert "Holloway" not in page
    assert "No contact matches this filter" in manager.read(f"/lists/{batch.id}?q=nobody")
    assert "No contact matches this filter" in manager.read(f"/lists/{batch.id}?choice=record")
    assert "Margaret" in manager.read(f"/lists/{batch.id}?show=nonsense&choice=nonsense&from=x")


def test_accept_none_and_take_back_are_forms(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    reply = _decide(manager, installation, batch, 1, do="accept", record="customer-1001")
    assert reply.headers["Location"] == f"/lists/{batch.id}/rows/1"
    assert "Accepted: Margaret Holloway is Margaret Holloway." in manager.read(reply.location)
    assert _row(installation, batch, 1).record_id == "customer-1001"
    _decide(manager, installation, batch, 1, do="reopen")
    assert _row(installation, batch, 1).choice is Choice.OPEN
    _decide(manager, installation, batch, 10, do="none")
    assert _row(installation, batch, 10).choice is Choice.NONE


def test_a_decision_writes_nothing_to_commusoft(
    manager: PageClient, batch: Batch, installation: Installation, sandbox: SandboxHandle
) -> None:
    _decide(manager, installation, batch, 1, do="accept", record="customer-1001")
    assert sandbox.reference("customer-1001") is None
    assert _row(installation, batch, 1).state is RowState.IDLE


def test_another_record_is_found_by_the_search_of_a_row(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    page = manager.read(f"/lists/{batch.id}/rows/10?q=station+road+york")
    assert "John Smith customer 1005" in page
    _decide(manager, installation, batch, 10, do="accept", record="customer-1005")
    assert _row(installation, batch, 10).record_id == "customer-1005"
    assert "No matches for “qqqq”" in manager.read(f"/lists/{batch.id}/rows/11?q=qqqq")


def test_another_reference_on_the_record_needs_a_second_choice(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    reply = _decide(manager, installation, batch, 7, do="accept", record="customer-1007")
    assert reply.status_code == 409
    page = words(reply)
    assert "This record already has a reference." in page
    assert "c1a7e0d2-94b6-4f3a-8d5e-6f2b7c9a1e34" in page
    assert _row(installation, batch, 7).choice is Choice.OPEN
    _decide(
        manager, installation, batch, 7, do="accept", record="customer-1007",
        replaces="c1a7e0d2-94b6-4f3a-8d5e-6f2b7c9a1e34",
    )  # fmt: skip
    assert _row(installation, batch, 7).choice is Choice.RECORD
    page = manager.read(f"/lists/{batch.id}/link")
    assert "Link 1 contact ·" in page
    assert "1 replaces an existing reference (confirmed)" in page
    assert "This takes less than a minute." in page


def _is_supplier(installation: Installation, batch: Batch, position: int) -> None:
    with installation.database.writing() as session:
        session.query(BatchRow).filter_by(
            batch_id=batch.id, position=position
        ).one().kind = "supplier"


def test_a_record_of_the_other_kind_is_not_preselected_and_says_what_it_is(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    path = f"/lists/{batch.id}/rows?at=2"
    assert ' checked data-number="1"' in manager.get(path).get_data(as_text=True)
    _is_supplier(installation, batch, 2)
    page = manager.get(path).get_data(as_text=True)
    assert 'data-number="1"' in page
    assert " checked" not in page
    assert "is a customer, not a supplier" in manager.read(path)


def test_a_record_of_the_other_kind_needs_a_second_choice(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    _is_supplier(installation, batch, 1)
    reply = _decide(manager, installation, batch, 1, do="accept", record="customer-1001")
    assert reply.status_code == 409
    assert "The contact is a supplier, but Margaret Holloway is a customer" in words(reply)
    assert _row(installation, batch, 1).choice is Choice.OPEN
    asked = _asked(reply)
    assert asked["accepts_kind"] == ["yes"]
    _decide(manager, installation, batch, 1, **asked)
    assert _row(installation, batch, 1).choice is Choice.RECORD
    page = manager.read(f"/lists/{batch.id}/link")
    assert "1 goes to a record of the other kind, customer or supplier (confirmed)" in page


def test_one_choice_after_the_other_keeps_what_was_agreed_to_before(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    _is_supplier(installation, batch, 7)
    first = _asked(_decide(manager, installation, batch, 7, do="accept", record="customer-1007"))
    second = _asked(_decide(manager, installation, batch, 7, **first))
    assert second["replaces"] == ["c1a7e0d2-94b6-4f3a-8d5e-6f2b7c9a1e34"]
    assert _row(installation, batch, 7).choice is Choice.OPEN
    _decide(manager, installation, batch, 7, **second)
    assert _row(installation, batch, 7).choice is Choice.RECORD


def _asked(reply: TestResponse) -> dict[str, object]:
    """The form that asks for the second choice, as its button sends it."""
    form = reply.get_data(as_text=True).partition('class="notice caution asked"')[2]
    fields: dict[str, list[str]] = {"do": ["accept"]}
    for name, value in HIDDEN.findall(form.partition("</form>")[0]):
        if name not in ("csrf_token", "version"):
            fields.setdefault(name, []).append(value)
    return dict(fields)


def test_a_row_that_someone_else_decided_meanwhile_says_who(
    app: Flask, manager: PageClient, batch: Batch, installation: Installation
) -> None:
    priya = signed_in_client(
        app, installation, make_person(installation.access, "admin", "Priya Raman")
    )
    before = _row(installation, batch, 1).version
    _decide(priya, installation, batch, 1, do="accept", record="customer-1002")
    path = f"/lists/{batch.id}/rows/1"
    token = re.search(
        r'csrf_token" value="([^"]+)"', manager.get("/account").get_data(as_text=True)
    )
    assert token
    reply = manager.client.post(
        path,
        data={"csrf_token": token[1], "version": before, "do": "accept", "record": "customer-1001"},
        headers=PART,
    )
    assert reply.status_code == 409
    said = "Priya Raman has already decided this one: Jonathan Pryce-Davies"
    assert said in words(reply)
    assert _row(installation, batch, 1).record_id == "customer-1002"


def test_who_looks_at_a_row_is_shown_to_others_and_goes_when_they_leave(
    app: Flask, manager: PageClient, batch: Batch, installation: Installation
) -> None:
    priya = signed_in_client(
        app, installation, make_person(installation.access, "admin", "Priya Raman")
    )
    priya.send(f"/lists/{batch.id}/rows/3/claim")
    assert "Priya Raman is looking at this" in manager.read(f"/lists/{batch.id}/rows?at=3")
    assert "is looking at this" not in priya.read(f"/lists/{batch.id}/rows?at=3")
    priya.send(f"/lists/{batch.id}/leave")
    assert "is looking at this" not in manager.read(f"/lists/{batch.id}/rows?at=3")


def test_a_record_that_another_row_has_is_said(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    _decide(manager, installation, batch, 10, do="accept", record="customer-1001")
    assert "chosen for row 10 of this list" in manager.read(f"/lists/{batch.id}/rows?at=1")
    reply = _decide(manager, installation, batch, 1, do="accept", record="customer-1001")
    said = "Zebedee Quillfeather on this list. Only one of them can have this record."
    assert said in manager.read(reply.location)
    assert _row(installation, batch, 1).choice is Choice.OPEN


def test_sure_ones_are_accepted_in_one_go_only_after_a_sample_was_shown(
    manager: PageClient, batch: Batch, installation: Installation
) -> None:
    sure = overview(installation.workspace, batch.id).counts.undecided["sure"]  # type: ignore[index] # a word of it
    assert sure >= 3
    path = f"/lists/{batch.id}/sure"
    refused = manager.send(path, token="made up")
    assert refused.headers["Location"] == path
    assert overview(installation.workspace, batch.id).counts.choices[Choice.RECORD] == 0
    token = TOKEN.search(manager.get(path).get_data(as_text=True))
    assert token
    manager.send(path, token=token[1])
    assert overview(installation.workspace, batch.id).counts.choices[Choice.RECORD] == sure
    assert f"{sure} accepted , not linked yet." in manager.read(f"/lists/{batch.id}")
    assert "No sure matches left" in manager.read(path)


def test_a_row_without_a_reference_can_be_decided_and_is_left_out_of_the_summary(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    bare = matched(
        installation, marcus, (Listed("Margaret Holloway", CAST[0].email),), references=False
    )
    _decide(manager, installation, bare, 1, do="accept", record="customer-1001")
    page = manager.read(f"/lists/{bare.id}/link")
    assert "Nothing to link yet ·" in page
    assert "Nothing is ready to link" in page
    assert "1 without a reference yet" in page
    assert "1 contact on the list" in manager.read(f"/lists/{bare.id}/summary")


def test_one_sure_match_is_accepted_in_the_singular(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    one = matched(installation, marcus, CAST[:1])
    path = f"/lists/{one.id}/sure"
    token = TOKEN.search(manager.get(path).get_data(as_text=True))
    assert token
    assert "1 sure match accepted." in manager.read(manager.send(path, token=token[1]).location)


def test_rows_are_handed_out_by_their_places(manager: PageClient, batch: Batch) -> None:
    part = manager.get(f"/lists/{batch.id}/rows?at=2,10-11").get_data(as_text=True)
    assert re.findall(r'id="row-(\d+)"', part) == ["2", "10", "11"]
    for nonsense in ("", "x", "1-", "-1", "5-2", "9" * 12, "1-999999999"):
        reply = manager.get(f"/lists/{batch.id}/rows?at={nonsense}")
        assert reply.status_code == 200, nonsense


def test_a_long_list_brings_its_first_rows_and_the_places_of_the_others(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    many = tuple(
        Listed(f"Contact {number}", reference=GUID.format(number)) for number in range(120)
    )
    page = manager.get(f"/lists/{draft(installation, marcus, many).id}").get_data(as_text=True)
    assert page.count('class="row"') == 50
    assert 'data-places="1-120"' in page
    assert "from=50#rows" in page


CLERKS = {
    "/lists", "/lists/new", "/lists/new/nothing", "/lists/nothing", "/lists/nothing/state",
    "/lists/nothing/bad", "/lists/nothing/rows", "/lists/nothing/discard",
    "/lists/nothing/summary", "/lists/nothing/results.csv", "/lists/new/nothing/forget",
}  # fmt: skip


def test_clerks_bring_lists_and_managers_do_the_rest(
    app: Flask, installation: Installation, manager: PageClient
) -> None:
    clerk = signed_in_client(app, installation, make_person(installation.access, "clerk"))
    seen = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/lists"):
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "nothing"))[1]  # type: ignore[index] # it builds
        seen.add(path)
        for method in {"GET", "POST"} & (rule.methods or set()):
            ask = {"GET": PageClient.get, "POST": PageClient.send}[method]
            status = ask(clerk, path).status_code
            assert (status != 403) == (path in CLERKS), (method, path, status)
            assert ask(manager, path).status_code != 403, path
    assert seen > CLERKS


def test_a_clerk_sees_a_list_without_being_asked_to_decide(
    app: Flask, installation: Installation, batch: Batch
) -> None:
    clerk = signed_in_client(app, installation, make_person(installation.access, "clerk"))
    page = clerk.get(f"/lists/{batch.id}").get_data(as_text=True)
    assert "Managers and admins review and link lists" in page
    assert 'value="accept"' not in page
    assert clerk.send(f"/lists/{batch.id}/discard").status_code == 403


@pytest.mark.parametrize("path", ["/lists/none", "/lists/none/link", "/lists/none/results.csv"])
def test_a_list_that_is_not_there_is_said(manager: PageClient, path: str) -> None:
    assert manager.get(path).status_code == 404


@pytest.mark.parametrize("position", ["0", "99", "x", "-1", "1" * 12])
def test_a_row_that_is_not_there_is_said(manager: PageClient, batch: Batch, position: str) -> None:
    assert manager.get(f"/lists/{batch.id}/rows/{position}").status_code == 404
    assert manager.send(f"/lists/{batch.id}/rows/{position}", do="none").status_code == 404
