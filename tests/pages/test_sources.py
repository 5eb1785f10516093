"""/sources: connecting a package, reading it, lists of it, and disconnecting."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from crmlink.access.quotas import set_limits
from crmlink.installation import Installation
from crmlink.sources.context import SourceContext
from crmlink.sources.schedule import due_sources
from crmlink.sources.sync import sync_source
from crmlink.store import Batch, BatchRow, BatchSource, ContactSource, SourceAccount, SourceContact
from crmlink.store.base import utc_now
from crmlink.store.place import RESTORED
from crmlink.store.quotas import Quota
from crmlink.store.workspaces import find_workspace
from support.accounting_apis.oauth_server import CLIENT_ID, CLIENT_SECRET, REDIRECT
from support.accounting_apis.others import REALM, fake_quickbooks
from support.accounting_apis.servers import answers
from support.accounting_apis.xero import OFFICE, SHOP, FakeXero
from support.page_client import PageClient, words
from support.source_factories import change_source, sources_at

STEPS = '<ol class="sketched">'
URL = re.compile(r'href="(http://127\.0\.0\.1:[0-9]+/authorise\?[^"]+)"')


def start(admin: PageClient) -> str:
    """Begin a sign-in on the page; return where the person is sent."""
    page = admin.send("/sources/connect/xero", client_id=CLIENT_ID, redirect=REDIRECT)
    assert page.status_code == 200, words(page)
    found = URL.search(page.get_data(as_text=True))
    assert found
    return found[1].replace("&amp;", "&")


def come_back(admin: PageClient, answer: dict[str, str]) -> str:
    """Come back from the package with its answer; return what the page says."""
    query = "&".join(f"{name}={value}" for name, value in answer.items())
    return admin.get(f"/sources/callback?{query}").get_data(as_text=True)


def connect(admin: PageClient, xero: FakeXero, *tenants: str) -> None:
    page = come_back(admin, xero.server.consent(start(admin)))
    choice = re.search('name="choice" value="([^"]+)"', page)
    assert choice
    reply = admin.send("/sources/choose", choice=choice[1], tenant=list(tenants))
    assert reply.status_code == 303


def one_source(sources: SourceContext) -> ContactSource:
    with sources.database.reading() as session:
        return session.scalars(select(ContactSource)).one()


def test_the_page_says_in_five_steps_where_the_office_gets_its_id(admin: PageClient) -> None:
    page = admin.get("/sources/connect/xero").get_data(as_text=True)
    assert page.count(STEPS) == 1
    assert page.count("<li>", page.index(STEPS), page.index("</ol>")) == 5
    assert "Mobile or desktop app" in page
    assert 'value="http://localhost/sources/callback"' in page
    assert 'name="client_secret"' not in page
    assert admin.get("/sources/connect/zebra").status_code == 404


def test_connecting_leads_over_consent_and_choice_to_the_contacts(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    assert "Nothing is connected yet" in admin.read("/sources")
    page = come_back(admin, xero.server.consent(start(admin)))
    assert "Office Ltd" in page
    assert "Shop Ltd" in page
    assert "An accountant" not in page
    connect(admin, xero, OFFICE)
    text = admin.read("/sources")
    assert "Office Ltd connected. The contacts are being read now." in text
    assert "Not read yet" in text
    assert "Shop Ltd" not in text
    xero.add("Margaret Holloway")
    xero.add("Old", ContactStatus="ARCHIVED")
    sync_source(sources, one_source(sources).id)
    text = admin.read("/sources")
    assert "✓ Connected" in text
    assert "1, 1 archived" in text


def test_a_company_that_was_not_chosen_is_not_connected(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero)
    connect(admin, xero, SHOP, "a company that was not offered")
    assert one_source(sources).tenant == SHOP


def test_an_answer_that_is_not_ours_connects_nothing(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    answer = xero.server.consent(start(admin))
    for wrong in ({"state": "guessed"}, {"code": ""}):
        come_back(admin, answer | wrong)
    assert "started by someone else" in admin.read("/sources")
    come_back(admin, {"error": "access_denied", "state": answer["state"]})
    come_back(admin, answer)  # it was used by the one without a code
    with sources.database.reading() as session:
        assert session.scalars(select(SourceAccount)).all() == []


def test_the_address_can_be_pasted(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    answer = xero.server.consent(start(admin))
    address = f"{REDIRECT}?code={answer['code']}&state={answer['state']}"
    refused = admin.send("/sources/paste", address="http://localhost/sources/callback")
    assert refused.status_code == 422
    assert "Office Ltd" in words(admin.send("/sources/paste", address=address))
    assert "Paste the address" in admin.read("/sources/paste")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"client_id": "", "redirect": REDIRECT}, "Paste the client id"),
        ({"client_id": "a", "redirect": "http://office.example/back"}, "begins with https://"),
        ({"client_id": "a", "redirect": "http://[/"}, "begins with https://"),
    ],
)
def test_a_form_that_cannot_work_is_refused(
    admin: PageClient, sources: SourceContext, fields: dict[str, str], said: str
) -> None:
    reply = admin.send("/sources/connect/xero", **fields)
    assert reply.status_code == 422
    assert said in words(reply)


def test_an_address_elsewhere_is_pasted_instead_of_opened(
    admin: PageClient, sources: SourceContext
) -> None:
    elsewhere = "https://www.firm.example/back"
    page = admin.send("/sources/connect/xero", client_id=CLIENT_ID, redirect=elsewhere)
    assert "Refresh" not in page.headers
    assert "The address you were sent to" in words(page)


def test_problems_are_told_with_when_it_goes_on(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    source = one_source(sources)
    xero.server.fault = answers(429, Retry_After="3600")
    sync_source(sources, source.id)
    text = admin.read("/sources")
    assert "The limit is reached" in text
    assert "Next try:" in text
    xero.server.fault = answers(403)
    sync_source(sources, source.id)
    assert "Connect again" in admin.read("/sources")
    change_source(sources, source, problem=None, position={"at": {}}, read=7, resume_at=utc_now())
    with sources.database.writing() as session:
        session.get_one(SourceAccount, source.account_id).needs_sign_in = False
    assert "7 contacts read until now. Reading continues" in admin.read("/sources")


def test_reading_now_makes_the_source_due(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    source = one_source(sources)
    sync_source(sources, source.id)
    assert due_sources(sources, 30) == []
    assert admin.send(f"/sources/{source.public_id}/sync").status_code == 303
    assert due_sources(sources, 30) == [source.id]
    change_source(
        sources, source, problem="source-limited", resume_at=utc_now() + timedelta(hours=1)
    )
    admin.send(f"/sources/{source.public_id}/sync")
    assert due_sources(sources, 30) == []  # the package's limit is kept


def test_a_copy_asks_whether_the_first_one_is_still_used(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    source = one_source(sources)
    with sources.database.writing() as session:
        session.get_one(SourceAccount, source.account_id).used_by = RESTORED
    assert sync_source(sources, source.id).problem == "source-elsewhere"
    assert xero.server.oauth.renewals == 0
    text = admin.read("/sources")
    assert "Is another crmlink still used?" in text
    assert "Continue here" in text
    admin.send(f"/sources/{source.public_id}/sync")
    assert due_sources(sources, 30) == []
    admin.send(f"/sources/{source.public_id}/sync", here="yes")
    assert due_sources(sources, 30) == [source.id]
    assert sync_source(sources, source.id).complete
    assert "continued a sign-in" in admin.read("/audit")


def test_a_list_comes_from_a_source_in_one_click(
    admin: PageClient, manager: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    source = one_source(sources)
    path = f"/sources/{source.public_id}/list"
    manager.send(path)
    assert "There are no contacts yet" in manager.read("/lists")
    both = xero.add("Margaret Holloway", IsSupplier=True)
    xero.add("Old", ContactStatus="ARCHIVED")
    xero.add("Merged", ContactStatus="ARCHIVED", MergedToContactID=both["ContactID"])
    sync_source(sources, source.id)
    assert "Xero: Office Ltd" in manager.read("/lists/new")
    reply = manager.send(path)
    assert reply.status_code == 303
    with sources.database.reading() as session:
        batch = session.scalars(select(Batch).filter_by(source=BatchSource.LIVE)).one()
        rows = session.scalars(select(BatchRow).filter_by(batch_id=batch.id)).all()
    assert reply.headers["Location"] == f"/lists/{batch.id}"
    assert [(row.name, row.reference, row.kind, row.retired) for row in rows][:1] == [
        ("Margaret Holloway", both["ContactID"], "", False)
    ]
    assert [(row.name, row.retired) for row in rows[1:]] == [("Old", True)]
    assert "from your accounting software" in manager.read("/lists")


def test_disconnecting_asks_first_and_forgets(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    xero.add("Margaret Holloway")
    source = one_source(sources)
    sync_source(sources, source.id)
    path = f"/sources/{source.public_id}/disconnect"
    assert "The contacts read from there are deleted here." in admin.read(path)
    assert admin.send(path).status_code == 303
    assert "The sign-in and the contacts are deleted" in admin.read("/sources")
    with sources.database.reading() as session:
        assert session.scalars(select(SourceContact)).all() == []
    assert OFFICE not in xero.connections.values()
    assert admin.get(path).status_code == 404


def test_a_package_that_does_not_confirm_is_told(
    admin: PageClient, sources: SourceContext, xero: FakeXero
) -> None:
    connect(admin, xero, OFFICE)
    xero.server.fault = answers(500)
    admin.send(f"/sources/{one_source(sources).public_id}/disconnect")
    assert "Remove crmlink there too" in admin.read("/sources")


def test_no_secret_is_on_a_page(admin: PageClient, sources: SourceContext, xero: FakeXero) -> None:
    connect(admin, xero, OFFICE)
    pages = admin.get("/sources").get_data(as_text=True)
    pages += admin.get("/sources/connect/xero").get_data(as_text=True)
    assert xero.server.oauth.seen
    assert not [secret for secret in xero.server.oauth.seen if secret in pages]


def test_where_an_address_of_this_computer_is_refused_its_answer_is_pasted(
    admin: PageClient, installation: Installation
) -> None:
    page = admin.get("/sources/connect/quickbooks_online").get_data(as_text=True)
    assert 'name="redirect" type="url" autocomplete="off" value=""' in page
    with fake_quickbooks() as fake:
        sources = sources_at(installation, fake.server.package("quickbooks_online"))
        fields = {"client_id": CLIENT_ID, "redirect": REDIRECT}
        path = "/sources/connect/quickbooks_online"
        refused = admin.send(path, client_secret="", **fields)
        assert "Paste the client secret" in words(refused)
        reply = admin.send(path, client_secret=CLIENT_SECRET, **fields)
        found = URL.search(reply.get_data(as_text=True))
        assert found
        answer = fake.server.consent(found[1].replace("&amp;", "&"))
        address = f"{REDIRECT}?{urlencode(answer | {'realmId': REALM})}"
        page = admin.send("/sources/paste", address=address).get_data(as_text=True)
        choice = re.search('name="choice" value="([^"]+)"', page)
        assert choice
        admin.send("/sources/choose", choice=choice[1], tenant=REALM)
        assert one_source(sources).organisation == REALM
        assert CLIENT_SECRET not in admin.get("/sources").get_data(as_text=True)


@pytest.mark.parametrize("package", ["freeagent", "sage_business_cloud", "quickbooks_online"])
def test_every_package_has_its_five_steps(admin: PageClient, package: str) -> None:
    page = admin.get(f"/sources/connect/{package}").get_data(as_text=True)
    assert page.count("<li>", page.index(STEPS), page.index("</ol>")) == 5
    assert page.count('<svg class="sketch"') == 5
    assert 'name="client_secret"' in page


def test_the_agents_page_leads_to_a_token_that_can_do_nothing_else(admin: PageClient) -> None:
    page = admin.get("/sources/sage-50").get_data(as_text=True)
    assert "crmlink has no https address at the moment" in page
    assert 'href="/devices/tokens/new?scope=contacts"' in page
    form = admin.get("/devices/tokens/new?scope=contacts").get_data(as_text=True)
    assert re.findall(r'value="(\w+)"[^>]* checked', form) == ["contacts"]
    usual = admin.get("/devices/tokens/new?scope=everything").get_data(as_text=True)
    assert "contacts" not in re.findall(r'value="(\w+)"[^>]* checked', usual)


def test_above_a_limit_of_companies_none_is_connected_and_fewer_can_be_chosen(
    admin: PageClient, installation: Installation, sources: SourceContext, xero: FakeXero
) -> None:
    workspace = find_workspace(installation.database, sources.workspace_id)
    set_limits(installation.sign_in, workspace, {Quota.SOURCES: 1})
    page = come_back(admin, xero.server.consent(start(admin)))
    choice = re.search('name="choice" value="([^"]+)"', page)
    assert choice
    tenants = [OFFICE, SHOP]
    refused = admin.send("/sources/choose", choice=choice[1], tenant=tenants)
    shown = refused.get_data(as_text=True)
    assert (refused.status_code, "companies that are read live is 1" in shown) == (409, True)
    with sources.database.reading() as session:
        assert not session.scalars(select(ContactSource)).all()
        assert not session.scalars(select(SourceAccount)).all()
    assert f'name="choice" value="{choice[1]}"' in shown
    assert admin.send("/sources/choose", choice=choice[1], tenant=[SHOP]).status_code == 303
    assert one_source(sources).tenant == SHOP
