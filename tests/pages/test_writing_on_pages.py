"""Pages about work on Commusoft's own pages: the setting, the account, what waits, shown fields."""

from __future__ import annotations

import pytest
from flask import Flask

from crmlink.access.devices import command_line_actor
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.connection import DEFAULT_ORIGIN, WebApplication
from crmlink.commusoft.mirror import show_reference
from crmlink.commusoft.sandbox.web.addresses import TABLE
from crmlink.installation import Installation
from crmlink.linking.connections import save_connection
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.on_page import Observation, SeenOnPage, observe, withdraw
from crmlink.linking.records.fields import ShownField, record_fields, show_field
from crmlink.linking.ways import choose_writes, how_it_writes
from crmlink.store import Link, LinkState, Writes
from support.access_factories import make_person
from support.batch_factories import asked_for, lines_of, records_of
from support.page_client import PageClient, signed_in_client, words
from support.page_links import link_of
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key
from unit.batches.test_on_pages import show


@pytest.fixture
def device_id(without_api: Installation) -> int:
    return command_line_actor(without_api.access).device.id


@pytest.fixture
def waiting(without_api: Installation, device_id: int) -> Link:
    return confirm(without_api.workspace, decision(), new_key(), device_id)


def test_an_admin_chooses_how_references_are_written(
    admin: PageClient, installation: Installation
) -> None:
    page = admin.read("/commusoft")
    assert "By Commusoft's API" in page
    assert "you press Save there" in page
    for way in (Writes.PAGES, Writes.API_THEN_PAGES, Writes.API):
        assert admin.send("/commusoft/writes", writes=way.value).status_code == 303
        assert how_it_writes(installation.workspace) is way
        shown = admin.get("/commusoft").get_data(as_text=True)
        assert f'value="{way.value}" checked' in shown
    assert admin.send("/commusoft/writes", writes="by hand").status_code == 303
    assert how_it_writes(installation.workspace) is Writes.API


def test_an_account_without_an_api_is_connected_by_its_address(
    admin: PageClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "environment variables" in admin.read("/commusoft/connect-pages")
    installation.first.account_of_environment = None
    assert "Our office has no API access" in admin.read("/commusoft/connect")
    form = admin.get("/commusoft/connect-pages").get_data(as_text=True)
    assert 'value="https://app.commusoft.co.uk"' in form
    wrong = admin.send("/commusoft/connect-pages", origin="http://app.commusoft.co.uk")
    assert wrong.status_code == 422
    assert admin.send("/commusoft/connect-pages", origin="https://crm.example/x").status_code == 422
    asked = admin.send("/commusoft/connect-pages", origin="https://crm.firm.example")
    assert asked.status_code == 422
    assert "Tick the box" in words(asked)
    shown = admin.get("/commusoft/connect-pages").get_data(as_text=True)
    agreement = shown.partition('name="agreement" value="')[2].partition('"')[0]
    done = admin.send(
        "/commusoft/connect-pages", origin="https://CRM.firm.example/", agreement=agreement,
        agreed="yes",
    )  # fmt: skip
    assert done.status_code == 303
    assert installation.workspace.commusoft.web_url == "https://crm.firm.example"
    page = admin.read("/commusoft")
    assert "without an API" in page
    assert "Update now" not in page
    assert admin.send("/commusoft/sync").status_code == 409
    assert admin.send("/commusoft/doctor", record="").status_code == 409


def test_what_waits_on_pages_is_shown_and_can_be_withdrawn(
    pages_admin: PageClient, without_api: Installation, waiting: Link
) -> None:
    page = pages_admin.get("/commusoft").get_data(as_text=True)
    assert "Ashworth Bakery Limited" in page
    address = "https://app.commusoft.co.uk/customers/customer/1001/view/property/view"
    assert f'href="{address}"' in page
    assert HOLLOWAY in page
    assert "Waits to be saved" in pages_admin.read(f"/links/{waiting.id}")
    assert "To save in Commusoft" in pages_admin.read("/links")
    assert "has not looked at the page" in pages_admin.read(f"/links/{waiting.id}/withdraw")
    assert pages_admin.send(f"/links/{waiting.id}/withdraw").status_code == 303
    assert link_of(without_api.workspace, waiting.id).state is LinkState.FAILED
    assert "Check the record there" in pages_admin.read(f"/links/{waiting.id}")
    assert "Ashworth Bakery" not in pages_admin.read("/commusoft")
    assert pages_admin.get(f"/links/{waiting.id}/withdraw").status_code == 303


def test_a_link_of_another_is_not_withdrawn_by_a_clerk(
    pages_app: Flask, without_api: Installation, waiting: Link
) -> None:
    person = make_person(without_api.access, "clerk", "Clara Clerk")
    clerk = signed_in_client(pages_app, without_api, person)
    assert clerk.send(f"/links/{waiting.id}/withdraw").status_code == 403
    assert "go-withdraw" not in clerk.get(f"/links/{waiting.id}").get_data(as_text=True)
    assert link_of(without_api.workspace, waiting.id).state is LinkState.INTENDED


def test_a_link_that_waits_on_a_page_is_not_called_stalled(
    pages_admin: PageClient, waiting: Link
) -> None:
    assert waiting.state is LinkState.INTENDED
    assert "do not finish" not in pages_admin.read("/")


def test_a_field_that_was_shown_is_listed_and_can_be_removed(
    pages_admin: PageClient, without_api: Installation, device_id: int
) -> None:
    shown = ShownField("customer", "app.commusoft.co.uk", "#ref", "Our reference")
    show_field(without_api.workspace, shown, device_id)
    page = pages_admin.read("/commusoft")
    assert "Our reference" in page
    assert pages_admin.send("/commusoft/fields/customer/remove").status_code == 303
    assert pages_admin.send("/commusoft/fields/nothing/remove").status_code == 404
    assert record_fields(without_api.workspace) == []
    assert "Our reference" not in pages_admin.read("/commusoft")


def test_a_list_says_what_to_do_on_commusofts_page(
    pages_admin: PageClient, without_api: Installation, device_id: int
) -> None:
    ctx = without_api.workspace
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    write_waiting(ctx)
    page = pages_admin.read(f"/lists/{batch_id}")
    assert "To fill in " in page
    assert "3 contacts wait to be filled in" in page
    assert "Save Accounting References" in page
    assert "Quick Links" in page
    raw = pages_admin.get(f"/lists/{batch_id}").get_data(as_text=True)
    assert 'href="https://app.commusoft.co.uk" target="_blank"' in raw
    assert "to be saved on Commusoft" in pages_admin.read(f"/lists/{batch_id}/summary")
    assert "3 contacts are not seen" in pages_admin.read(f"/lists/{batch_id}/cancel")
    assert "To fill in" in pages_admin.read("/lists")
    show(ctx, batch_id, device_id, "after")
    assert "Finished" in pages_admin.read(f"/lists/{batch_id}")
    assert pages_admin.send(f"/lists/{batch_id}/undo").status_code == 303
    write_waiting(ctx)
    assert "3 contacts wait to be put back" in pages_admin.read(f"/lists/{batch_id}")


def test_in_practice_a_list_leads_straight_to_the_sandboxs_table(
    admin: PageClient, installation: Installation
) -> None:
    ctx = installation.workspace
    device_id = command_line_actor(installation.access).device.id
    choose_writes(ctx, Writes.PAGES, device_id)
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    write_waiting(ctx)
    page = admin.get(f"/lists/{batch_id}").get_data(as_text=True)
    assert f'href="{ctx.commusoft.web_url}{TABLE}/link/customers"' in page
    assert "Quick Links" not in page


def test_an_undo_on_the_page_says_that_it_waits(
    pages_admin: PageClient, without_api: Installation, device_id: int
) -> None:
    ctx = without_api.workspace
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    write_waiting(ctx)
    show(ctx, batch_id, device_id, "after")
    with ctx.database.reading() as session:
        link = session.query(Link).one()
    back = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert "undo asked for" in pages_admin.read(f"/links/{back.id}")
    assert "Waits to be saved" in pages_admin.read(f"/links/{back.id}")


def test_a_withdrawn_link_needs_attention_only_until_the_page_was_looked_at(
    pages_admin: PageClient, without_api: Installation, waiting: Link, device_id: int
) -> None:
    ctx = without_api.workspace
    withdraw(ctx, waiting.id, SeenOnPage(None), device_id)
    page = pages_admin.read("/")
    assert "Withdrawn links to check" not in page
    assert "Withdrawn" in page  # among the newest links, and not as failed
    assert "✕ Failed" not in page
    assert "Failed links" not in page

    unseen = confirm(ctx, decision(), new_key(), device_id)
    withdraw(ctx, unseen.id, None, device_id)
    page = pages_admin.read("/")
    assert "Withdrawn links to check" in page
    assert "Failed links" not in page
    with ctx.database.writing() as session:  # as an import, or the next decision, tells it
        show_reference(session, ctx.connection_id, "customer", "1001", None)
    assert "Withdrawn links to check" not in pages_admin.read("/")


def test_a_withdrawn_link_is_checked_by_the_next_full_sync(
    admin: PageClient, installation: Installation, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, command_line_actor(installation.access).device.id
    choose_writes(ctx, Writes.PAGES, device_id)
    free = records_of(ctx)[-1].public_id
    link = confirm(ctx, decision(free, OTHER), new_key(), device_id)
    withdraw(ctx, link.id, None, device_id)
    assert "Withdrawn links to check" in admin.read("/")
    ctx.sync(full=True)
    assert "Withdrawn links to check" not in admin.read("/")


def test_disconnecting_says_that_links_on_pages_wait_and_they_do(
    pages_admin: PageClient, without_api: Installation, waiting: Link, device_id: int
) -> None:
    page = pages_admin.read("/commusoft/disconnect")
    assert "1 link not seen on Commusoft's pages yet will wait" in page
    assert "will be finished then" not in page  # by nothing but a page
    assert "redentials" not in page  # it has none
    assert "imported records, 1 link and 0 lists of this account are kept" in page
    pages_admin.send("/commusoft/disconnect")
    told = pages_admin.read("/commusoft")
    assert "Commusoft is disconnected." in told
    assert "redentials are deleted" not in told
    assert without_api.workspace.practice
    assert link_of(without_api.workspace, waiting.id).state is LinkState.INTENDED
    save_connection(
        without_api.database, without_api.access.workspace_id, WebApplication(DEFAULT_ORIGIN)
    )
    seen = observe(
        without_api.workspace, waiting.id, Observation("after", SeenOnPage(HOLLOWAY)), device_id
    )
    assert seen.link.state is LinkState.LINKED


def test_links_on_pages_wait_whatever_way_of_writing_is_chosen(
    admin: PageClient, installation: Installation
) -> None:
    ctx, device_id = installation.workspace, command_line_actor(installation.access).device.id
    choose_writes(ctx, Writes.PAGES, device_id)
    link = confirm(ctx, decision(records_of(ctx)[-1].public_id, OTHER), new_key(), device_id)
    admin.send("/commusoft/writes", writes="api")
    assert link_of(ctx, link.id).state is LinkState.INTENDED
    assert "To be saved on Commusoft" in admin.read("/commusoft")
    seen = observe(ctx, link.id, Observation("after", SeenOnPage(OTHER)), device_id)
    assert seen.link.state is LinkState.LINKED
