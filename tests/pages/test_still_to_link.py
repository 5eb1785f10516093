"""/left: shares over time, unlinked records by value, duplicates, wrong forms."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from crmlink.installation import Installation
from crmlink.kinds import KINDS
from crmlink.linking.decisions import confirm
from crmlink.pages.still_to_link import draw
from crmlink.reports.duplicates import search_duplicates
from crmlink.reports.unlinked import SharePoint
from crmlink.store import BatchRow, MirroredRecord, Person
from support.access_factories import make_person
from support.list_files import CAST, GUID, Listed, linked, matched
from support.page_client import PageClient, signed_in_client, words
from support.page_forms import forms_on
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key

XERO = "https://go.xero.com/app/!kR4N6/contacts/contact/"


@pytest.fixture
def marcus(installation: Installation) -> Person:
    return make_person(installation.access, "manager", "Marcus Bello")


@pytest.fixture
def manager(app: Flask, installation: Installation, marcus: Person) -> PageClient:
    return signed_in_client(app, installation, marcus)


@pytest.fixture
def clerk(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(app, installation, make_person(installation.access, "clerk"))


def _points(*shares: tuple[int, int]) -> list[SharePoint]:
    first = date(2026, 3, 1)
    return [
        SharePoint(first + timedelta(days=number), kind, 100, linked_, True)
        for number, both in enumerate(shares)
        for kind, linked_ in zip(KINDS, both, strict=True)
    ]


def test_a_line_rises_where_more_is_linked_and_names_do_not_lie_on_each_other() -> None:
    plot = draw(_points((10, 50), (20, 50), (52, 50)))
    customers, suppliers = plot.lines
    heights = [float(pair.split(",")[1]) for pair in customers.points.split()]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > heights[-1]
    assert abs(customers.label_y - suppliers.label_y) >= 16
    assert [mark.text for mark in plot.heights] == ["0%", "25%", "50%", "75%", "100%"]


def test_the_table_has_the_days_on_which_something_changed(clerk: PageClient) -> None:
    plot = draw(_points((10, 50), (10, 50), (11, 50), (11, 50)))
    assert [day.day for day, _ in plot.rows] == [4, 3, 1]


def test_one_day_and_no_records_can_be_drawn() -> None:
    assert len(draw(_points((10, 50))).lines) == 2
    nothing = [SharePoint(date(2026, 3, 1), kind, 0, 0, True) for kind in KINDS]
    assert draw(nothing).lines == ()


def test_the_plot_has_words_and_a_table_for_who_does_not_see_it(clerk: PageClient) -> None:
    page = clerk.get("/left?days=30").get_data(as_text=True)
    assert re.search(r'role="img" aria-label="The share of customers and suppliers linked', page)
    assert "As a table" in page
    assert "style=" not in page.replace("htmx-config", "")


def test_who_owes_most_comes_first_and_is_decided_on_its_list(
    manager: PageClient, clerk: PageClient, installation: Installation, marcus: Person
) -> None:
    batch = matched(installation, marcus)
    with installation.database.writing() as session:
        owed = update(BatchRow).where(BatchRow.batch_id == batch.id, BatchRow.position == 3)
        session.execute(owed.values(open_pence=123_456))
    page = manager.get("/left/customer").get_data(as_text=True)
    first = re.search(r"<tbody>(.*?)</tr>", page, re.S)
    assert first
    assert "Ashdown" in first[1]
    assert "£1,234.56" in first[1]
    assert f"/lists/{batch.id}/rows/3" in first[1]
    assert "/rows/3" not in clerk.get("/left/customer").get_data(as_text=True)


def put_on(clerk: PageClient, record_id: str, url: str) -> TestResponse:
    """Press the button of the page that shows this record."""
    path = f"/left/link/{record_id}"
    connection_id = clerk.hidden_field(f"{path}?url={XERO}{HOLLOWAY}", "connection_id")
    return clerk.send(path, url=url, connection_id=connection_id)


def test_a_record_is_linked_by_the_address_of_its_contact(
    clerk: PageClient, sandbox: SandboxHandle
) -> None:
    path = "/left/link/customer-1001"
    assert "Is this right?" not in clerk.read(path)
    assert "a contact page we recognise" in clerk.read(f"{path}?url=https://go.xero.com/app/")
    assert HOLLOWAY in clerk.read(f"{path}?url={XERO}{HOLLOWAY}")
    assert sandbox.reference("customer-1001") is None
    reply = put_on(clerk, "customer-1001", XERO + HOLLOWAY)
    assert "Linked. Commusoft now shows the reference" in clerk.read(reply.location)
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_form_sent_again_after_the_undo_says_nothing_that_is_not_so(
    clerk: PageClient, sandbox: SandboxHandle
) -> None:
    path = "/left/link/customer-1001"
    shown = clerk.get(f"{path}?url={XERO}{HOLLOWAY}")
    form = next(form for form in forms_on(shown) if form.values.get("key")).values
    first = clerk.client.post(path, data=form).location
    assert "Linked. Commusoft now shows" in clerk.read(first)
    assert clerk.send(f"{first}/undo", f"{first}/undo").status_code == 303
    clerk.read(first)
    again = clerk.client.post(path, data=form)
    assert again.location == first, "the same form is the same decision"
    page = clerk.read(first)
    assert "Linked. Commusoft now shows" not in page
    assert "That did not work." not in page, "there is no reason to give"
    assert "Undone" in page
    assert sandbox.reference("customer-1001") is None


def test_what_stands_there_already_is_never_replaced_from_here(
    clerk: PageClient, sandbox: SandboxHandle
) -> None:
    before = sandbox.reference("customer-1007")
    reply = put_on(clerk, "customer-1007", XERO + HOLLOWAY)
    assert reply.status_code == 409
    assert "already has the reference" in words(reply)
    assert sandbox.reference("customer-1007") == before
    put_on(clerk, "customer-1001", XERO + HOLLOWAY)
    taken = put_on(clerk, "customer-1002", XERO + HOLLOWAY)
    assert "already has this reference" in words(taken)
    assert sandbox.reference("customer-1002") is None


def test_a_page_of_the_other_kind_is_refused(clerk: PageClient, sandbox: SandboxHandle) -> None:
    url = "https://c12.qbo.intuit.com/app/vendordetail?nameId=17"
    reply = put_on(clerk, "customer-1001", url)
    assert reply.status_code == 422
    assert "That is the page of a supplier, and this record is a customer." in words(reply)
    assert sandbox.reference("customer-1001") is None


def test_a_reference_on_two_records_and_one_of_a_wrong_form_are_shown(
    manager: PageClient, installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    assert "Not known yet" in manager.read("/left")
    sandbox.put_reference("customer-1002", HOLLOWAY)
    sandbox.put_reference("customer-1003", "typed by hand")
    installation.workspace.sync()
    both = decision(also_on=frozenset({"customer-1002"}))
    confirm(installation.workspace, both, new_key(), device_id)
    page = manager.read("/left")
    assert "One reference on two records" in page
    assert "Margaret Holloway customer 1001 , Jonathan Pryce-Davies customer 1002" in page
    assert "Unusual references" in page
    assert "typed by hand" in page


def test_two_contacts_on_one_record_lead_to_their_rows(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    again = Listed("M Holloway", CAST[0].email, CAST[0].street, CAST[0].town, CAST[0].postcode,
                   CAST[0].phone, GUID.format(9_003))  # fmt: skip
    batch = matched(installation, marcus, (*CAST, again))
    page = manager.read("/left")
    assert "Two contacts on one record" in page
    assert "Decide row 1" in page
    assert f"/lists/{batch.id}/rows/12" in manager.get("/left").get_data(as_text=True)


def test_records_that_look_alike_are_shown_until_a_manager_says_that_they_are_two(
    manager: PageClient, clerk: PageClient, installation: Installation
) -> None:
    with installation.database.writing() as session:
        twin = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        values = {name: getattr(twin, name) for name in (
            "connection_id", "kind", "name", "company", "email", "phones", "address", "town",
            "postcode", "account_number", "mirror_version",
        )}  # fmt: skip
        session.add(MirroredRecord(**values, number="99001"))
    search_duplicates(installation.workspace)
    page = manager.get("/left").get_data(as_text=True)
    assert "Records that look alike" in page
    found = re.search(r'action="(/left/lookalikes/\d+)"', page)
    assert found
    assert "/left/lookalikes" not in clerk.get("/left").get_data(as_text=True)
    assert clerk.send(found[1]).status_code == 403
    manager.send(found[1])
    assert "Records that look alike" not in manager.read("/left")


def test_a_linked_list_shows_in_the_share(
    manager: PageClient, installation: Installation, marcus: Person
) -> None:
    before = manager.read("/left")
    linked(installation, marcus)
    assert manager.read("/left") != before


@pytest.mark.parametrize("path", ["/left/customer?page=99", "/left/nothing", "/left/supplier"])
def test_any_address_below_shows_something(clerk: PageClient, path: str) -> None:
    assert clerk.get(path).status_code == 200


def test_a_record_that_is_not_there_is_said(clerk: PageClient) -> None:
    assert clerk.get("/left/link/customer-0").status_code == 404
