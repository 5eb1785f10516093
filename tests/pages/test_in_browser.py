"""The pages in real Chromium: the keyboard alone, axe on every page, and names that are scripts."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser, Page, expect

from browsers.axe import violations
from browsers.narrow import cut_off
from crmlink.access.people import invite
from pages.page_cases import PAGE_CASES, PageCase
from support.access_factories import PASSWORD, page_actor
from support.live_server import LiveServer, await_keyboard

FOCUSED = """(() => {
    const at = document.activeElement;
    return (at.labels?.[0] ?? at).textContent.trim();
})()"""


def test_axe_finds_nothing_wrong_on_any_page_and_each_fits_a_telephone(
    browser: Browser, live: LiveServer
) -> None:
    wrong: dict[str, Any] = {}
    with live.pages(browser) as page_of:
        for case in PAGE_CASES:
            page = _open(page_of(case.who), live, case)
            if found := violations(page):
                wrong[case.name] = found
            if case.name != "docs" and (found := cut_off(page)):
                wrong[f"{case.name} on a telephone"] = found
    assert not wrong, json.dumps(wrong, indent=1)


def test_axe_would_find_a_field_without_a_label_and_words_too_pale_in_the_dark(
    browser: Browser, live: LiveServer
) -> None:
    context = live.context(browser, "anonymous")
    page = _open(context.new_page(), live, PAGE_CASES[0])
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("@media (prefers-color-scheme: dark) { h1 { color: #333 } }");
        document.adoptedStyleSheets = [sheet];
    }""")
    found = " ".join(violations(page))
    assert "label:" in found
    assert "dark color-contrast:" in found
    context.close()


def _open(page: Page, live: LiveServer, case: PageCase) -> Page:
    page.goto(live.address + case.path(live.sample))
    case.steps(page)
    expect(page.locator("main")).to_contain_text(case.shows)
    return page


def test_the_keyboard_alone_logs_in_connects_a_browser_and_undoes_a_link(
    browser: Browser, live: LiveServer
) -> None:
    sample = live.sample
    context = live.context(browser, "anonymous")
    page = context.new_page()
    page.goto(f"{live.address}/pair?code={sample.fresh_code}")
    _go_to(page, "Email")
    page.keyboard.type(sample.clerk.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connect this browser?")).to_be_visible()
    _go_to(page, "Yes, connect")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    _go_to(page, "Links")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Links")).to_be_visible()
    _go_to(page, "Search")
    page.keyboard.type("M. Holl")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    _go_to(page, "M. Holloway")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="M. Holloway")).to_be_visible()
    _go_to(page, "Undo …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Undo this link?")).to_be_visible()
    _go_to(page, "Undo the link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert live.commusoft.reference(sample.linked.record_id) is None
    context.close()


def test_the_skip_link_is_the_first_stop_and_leads_past_the_navigation(
    browser: Browser, live: LiveServer
) -> None:
    context = live.context(browser, "clerk")
    page = context.new_page()
    page.goto(f"{live.address}/records")
    await_keyboard(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    context.close()


def test_pages_work_without_javascript(browser: Browser, live: LiveServer) -> None:
    sample = live.sample
    context = live.context(browser, "clerk", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live.address}/links")
    page.get_by_label("Search").fill("M. Holloway")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="M. Holloway").click()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo the link").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert live.commusoft.reference(sample.linked.record_id) is None
    context.close()


def test_an_invitation_leaves_the_address_and_the_history_once_it_is_opened(
    browser: Browser, live: LiveServer
) -> None:
    access = live.installation.access
    _, token = invite(
        access, page_actor(access, live.sample.admin), "Kim Osei", "kim@firm.example", "clerk"
    )
    asked: list[str] = []
    context = live.context(browser, "anonymous")
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live.address}/welcome#{token}")
    expect(page.get_by_role("heading", name="Welcome, Kim Osei")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("a bucket of elbow joints")
    page.get_by_label("Confirm password").fill("a bucket of elbow joints")
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    kept = context.new_cdp_session(page).send("Page.getNavigationHistory")["entries"]
    assert not any(token in entry["url"] for entry in kept)
    assert not any(token in url.partition("#")[0] for url in asked)
    context.close()


def test_a_secret_that_is_shown_once_can_be_copied_by_a_button(
    browser: Browser, live: LiveServer
) -> None:
    context = live.context(browser, "admin", permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{live.address}/devices/tokens/new")
    page.get_by_label("Name").fill("Stock system")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#secret").inner_text()
    context.close()


def test_a_server_that_is_gone_is_said_and_a_session_that_is_over_leads_to_the_log_in(
    browser: Browser, live: LiveServer
) -> None:
    context = live.context(browser, "clerk")
    page = context.new_page()
    page.goto(f"{live.address}/records")
    context.set_offline(True)
    page.get_by_label("Search").type("holl")
    expect(page.get_by_role("alert")).to_contain_text("crmlink did not answer")
    context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()
    context.clear_cookies()
    page.get_by_label("Search").type("oway")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


def test_reading_all_records_again_shows_when_it_is_done(
    browser: Browser, live: LiveServer
) -> None:
    context = live.context(browser, "admin")
    page = context.new_page()
    page.goto(f"{live.address}/commusoft")
    page.get_by_role("button", name="Update now").click()
    expect(page.get_by_text("Read again.")).to_be_visible()
    context.close()


def _go_to(page: Page, name: str) -> None:
    """Press Tab until the thing with this name has the keyboard."""
    await_keyboard(page)
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"the keyboard never comes to {name!r}")
