"""Which page is for whom, over the whole URL map."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Rule

from crmlink.installation import Installation
from support.access_factories import pair
from support.page_client import PageClient, words
from support.sample_data import SampleData

EVERYBODYS = {"pages.health", "pages.sign_in", "pages.welcome", "pages.privacy",
              "pages.extension_updates", "pages.extension_package", "pages.forgotten",
              "pages.ask_new_password", "pages.unsubscribe",
              "pages.end_optional_emails", "pages.web_connector",
              "pages.web_connector_description", "pages.accept_webhook"}  # fmt: skip
CLERKS = {
    "pages.overview", "pages.links", "pages.links_csv",
    "pages.link", "pages.ask_undo", "pages.do_undo", "pages.ask_withdraw", "pages.withdraw_link",
    "pages.records", "pages.record", "pages.refresh_record", "pages.pair", "pages.decide_pairing",
    "pages.account", "pages.new_password", "pages.end_log_in", "pages.rename_own",
    "pages.ask_disconnect_own", "pages.disconnect_own", "pages.start", "pages.docs",
    "pages.install", "pages.extension_download",
    "pages.sign_out", "pages.change_firm", "pages.end_everything",
    "pages.parked", "pages.parked_contact", "pages.link_parked", "pages.remove_parked",
    "pages.choose_emails",
}  # fmt: skip
# With one firm there are no such pages, for any role.
OF_SEVERAL_FIRMS = {
    "pages.firms", "pages.make_firm", "pages.firm", "pages.rename_firm", "pages.limit_firm",
    "pages.ask_suspend_firm", "pages.suspend_firm", "pages.resume_firm", "pages.export_firm",
    "pages.ask_delete_firm", "pages.delete_firm", "pages.ask_leave", "pages.leave",
}  # fmt: skip
# A package full of pages, and a description of SOAP, where a style is one of calls.
NO_PAGES = {"pages.extension_package", "pages.web_connector_description"}
MANAGERS = {"pages.list_source"}


def _is_here(rule: Rule) -> bool:
    """Whether a page is looked at here; lists, what is left and imports have their own tests."""
    own_tests = ("/lists", "/left", "/records/import")
    here = rule.endpoint.startswith("pages.") and not rule.rule.startswith(own_tests)
    return here and rule.endpoint not in OF_SEVERAL_FIRMS


def _pages(app: Flask, method: str) -> list[tuple[str, str]]:
    """Endpoint and address of every page that takes a method, with ids that lead nowhere."""
    found = []
    for rule in app.url_map.iter_rules():
        if _is_here(rule) and method in (rule.methods or ()):
            values = dict.fromkeys(rule.arguments, "nothing")
            found.append((rule.endpoint, rule.build(values)[1]))  # type: ignore[index] # it builds
    assert len(found) > 15
    return found


def test_who_is_not_logged_in_comes_to_the_log_in_or_is_refused(
    app: Flask, anonymous: PageClient
) -> None:
    for endpoint, path in _pages(app, "GET"):
        if endpoint not in EVERYBODYS:
            reply = anonymous.get(path)
            assert reply.status_code == 303, path
            assert reply.headers["Location"].startswith("/log-in"), path
    for endpoint, path in _pages(app, "POST"):
        if endpoint not in EVERYBODYS:
            assert anonymous.client.post(path).status_code == 401, path


@pytest.mark.parametrize("who", ["clerk", "manager"])
def test_what_is_for_admins_is_refused_to_others_before_anything_is_looked_up(
    app: Flask, who: str, request: pytest.FixtureRequest
) -> None:
    visitor: PageClient = request.getfixturevalue(who)
    allowed = EVERYBODYS | CLERKS | (MANAGERS if who == "manager" else set())
    for endpoint, path in _pages(app, "GET"):
        if endpoint not in allowed:
            reply = visitor.get(path)
            assert (reply.status_code, "Not allowed" in words(reply)) == (403, True), path
    for endpoint, path in _pages(app, "POST"):
        if endpoint not in allowed:
            assert visitor.send(path).status_code == 403, path


@pytest.mark.parametrize("who", ["clerk", "manager", "admin"])
def test_with_one_firm_nothing_is_there_for_several(
    app: Flask, who: str, request: pytest.FixtureRequest
) -> None:
    visitor: PageClient = request.getfixturevalue(who)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in OF_SEVERAL_FIRMS]
    assert len(rules) == len(OF_SEVERAL_FIRMS)
    for rule in rules:
        built = rule.build(dict.fromkeys(rule.arguments, "nothing"))
        assert built
        reply = visitor.get(built[1]) if "GET" in (rule.methods or ()) else visitor.send(built[1])
        assert reply.status_code == 404, rule.rule
    assert "Operator" not in visitor.read("/account")
    assert "Leave this firm" not in visitor.read("/account")


def test_a_clerk_is_not_shown_the_way_to_what_is_for_admins(clerk: PageClient) -> None:
    page = clerk.get("/").get_data(as_text=True)
    for path in ("/people", "/devices", "/commusoft", "/packages", "/audit", "/settings"):
        assert f'href="{path}' not in page
    assert 'aria-current="page"' in page


def test_an_admin_opens_every_page(
    app: Flask, installation: Installation, admin: PageClient, sample: SampleData
) -> None:
    own = pair(installation.access, sample.admin).device.public_id
    ids = {
        "link_id": sample.linked.id, "record_id": "customer-1001", "package": "sage_200",
        "person_id": sample.clerk.public_id, "device_id": sample.token.public_id,
        "session_id": "none", "parked_id": sample.parked.id, "browser": "edge",
        "name": "edge.reg", "filename": "none.zip", "kind": "invitation", "signed": "none",
        "source_id": "none",
    }  # fmt: skip
    for rule in app.url_map.iter_rules():
        if _is_here(rule) and "GET" in (rule.methods or ()):
            mine = {"device_id": own} if rule.endpoint.endswith("_own") else {}
            path = rule.build({name: (ids | mine)[name] for name in rule.arguments})[1]  # type: ignore[index] # it builds
            # Practice data cannot be disconnected, and what is linked cannot be withdrawn.
            away = path in ("/commusoft/disconnect", "/sources/callback")
            away = away or path.endswith("/withdraw")
            gone = path.startswith(
                ("/upkeep/backups/", "/unsubscribe/", "/sources/connect/", "/sources/none/")
            )
            assert admin.get(path).status_code == (303 if away else 404 if gone else 200), path


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere", "/links/none", "/links/none/undo", "/records/none", "/records/customer-0",
        "/records/customer-", "/people/none", "/people/none/remove", "/devices/browsers/none",
        "/devices/tokens/none/rotate",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_on_a_page(admin: PageClient, path: str) -> None:
    reply = admin.get(path)
    assert reply.status_code == 404
    assert reply.mimetype == "text/html"
    assert "Go to Overview" in words(reply)


def test_no_page_has_a_script_or_a_style_inside_it(app: Flask, admin: PageClient) -> None:
    for endpoint, path in _pages(app, "GET"):
        reply = admin.get(path)
        if endpoint in NO_PAGES:
            continue
        page = reply.get_data(as_text=True)
        assert "style=" not in page.replace("htmx-config", ""), endpoint
        assert "<style" not in page
        assert " onclick" not in page
        assert "<script>" not in page
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
