"""Pages that change while they are looked at: all their parts say the same."""

from __future__ import annotations

import requests
from playwright.sync_api import Browser, Page, expect

from crmlink.access.pairing import approve_pairing
from crmlink.batches.control import cancel
from crmlink.batches.match_job import start_matching
from crmlink.batches.review import ShownRow, choose_none
from crmlink.batches.writer import write_waiting
from crmlink.linking.attempts import recover
from crmlink.store import Link, LinkState
from support.access_factories import page_actor, pair
from support.list_files import CAST, draft, matched, started, unlinked, work
from support.live_server import LiveServer, await_keyboard
from support.page_client import PageClient, words
from support.sample_data import SampleData

TIME = 60_000.0  # milliseconds; a page asks every few seconds


def _open(browser: Browser, live: LiveServer, path: str, who: str = "manager") -> Page:
    page = live.context(browser, who).new_page()  # type: ignore[arg-type] # one of Who
    page.goto(live.address + path)
    return page


def test_a_list_shows_its_suggestions_once_it_is_matched_and_takes_keys(
    browser: Browser, live: LiveServer
) -> None:
    batch = draft(live.installation, live.sample.manager)
    page = _open(browser, live, f"/lists/{batch.id}")
    page.get_by_role("button", name="Match 11 contacts").click()
    expect(page.locator("#state-title")).to_have_text("Matching")
    work(live.installation)
    expect(page.locator("#state-title")).to_have_text("To review", timeout=TIME)
    page.get_by_role("link", name="Go to the rows").click()
    row = page.locator("#row-1")
    expect(row.get_by_role("button", name="Accept")).to_be_visible(timeout=TIME)
    expect(row).to_contain_text("customer 1001")
    expect(page.get_by_role("link", name="Sure 1")).to_be_visible()
    await_keyboard(page)
    row.focus()
    page.keyboard.press("n")
    expect(row).to_contain_text("Not in Commusoft", timeout=TIME)


def test_a_row_of_a_list_shows_what_matching_again_found(
    browser: Browser, live: LiveServer
) -> None:
    """Its decision is the same as before; only what is suggested is another."""
    installation = live.installation
    batch = matched(installation, live.sample.manager)
    page = _open(browser, live, f"/lists/{batch.id}")
    expect(page.locator("#row-2")).to_contain_text("customer 1002")
    live.commusoft.put_reference("customer-1001", "OTHER-1")
    installation.workspace.sync()
    start_matching(installation.workspace, batch.device_id, batch.id, 0.998)
    work(installation)
    expect(page.locator("#row-1")).to_contain_text("OTHER-1", timeout=TIME)


def test_the_figures_above_the_rows_follow_what_others_do(
    browser: Browser, live: LiveServer
) -> None:
    installation, sample = live.installation, live.sample
    batch = started(installation, sample.manager, unlinked(installation, 5))
    page = _open(browser, live, f"/lists/{batch.id}?show=waiting")
    pills = page.get_by_role("navigation", name="Which contacts")
    expect(pills).to_contain_text("Waiting 5")
    write_waiting(installation.workspace)
    expect(pills).to_contain_text("Linked 5", timeout=TIME)
    expect(pills).not_to_contain_text("Waiting 5")
    expect(page.locator("#rows")).to_contain_text("0 contacts match this filter now", timeout=TIME)


def test_a_list_that_others_cancel_offers_no_decisions_any_more(
    browser: Browser, live: LiveServer
) -> None:
    installation, sample = live.installation, live.sample
    batch = started(installation, sample.manager, (*unlinked(installation, 5), *CAST[-2:]))
    page = _open(browser, live, f"/lists/{batch.id}")
    expect(page.get_by_role("button", name="Not in Commusoft", exact=True)).to_have_count(2)
    cancel(installation.workspace, batch.device_id, batch.id)
    expect(page.locator("#state-title")).to_have_text("Cancelled", timeout=TIME)
    expect(page.get_by_role("button", name="Not in Commusoft")).to_have_count(0, timeout=TIME)


def test_a_draft_follows_what_others_do_with_it(browser: Browser, live: LiveServer) -> None:
    installation = live.installation
    batch = draft(installation, live.sample.manager)
    page = _open(browser, live, f"/lists/{batch.id}")
    expect(page.locator("#state-title")).to_have_text("Draft")
    start_matching(installation.workspace, batch.device_id, batch.id, 0.998)
    work(installation)
    expect(page.locator("#state-title")).to_have_text("To review", timeout=TIME)
    expect(page.locator("#row-1").get_by_role("button", name="Accept")).to_be_visible(timeout=TIME)


def test_what_is_being_typed_in_a_live_page_stays(browser: Browser, live: LiveServer) -> None:
    installation = live.installation
    batch = matched(installation, live.sample.manager)
    page = _open(browser, live, f"/lists/{batch.id}")
    page.get_by_placeholder("Name, email, town or reference").fill("zebe")
    choose_none(installation.workspace, batch.device_id, ShownRow(batch.id, 11, 0))
    expect(page.locator("#row-11")).to_contain_text("Not in Commusoft", timeout=TIME)
    expect(page.get_by_placeholder("Name, email, town or reference")).to_have_value("zebe")


def test_a_name_that_is_typed_stays_until_the_pairing_is_another(
    browser: Browser, live: LiveServer
) -> None:
    installation, sample = live.installation, live.sample
    page = _open(browser, live, f"/pair?code={sample.fresh_code}", "clerk")
    page.get_by_label("Name this browser").fill("Reception, Anna")
    for _ in range(2):
        with page.expect_response("**/pair?code=*", timeout=TIME):
            pass
    expect(page.get_by_label("Name this browser")).to_have_value("Reception, Anna")
    expect(page.get_by_label("Name this browser")).to_be_focused()
    approve_pairing(
        installation.access,
        page_actor(installation.access, sample.clerk),
        sample.fresh_code,
        "Van 8",
    )
    expect(page.get_by_role("heading", name="Approved")).to_be_visible(timeout=TIME)


def test_a_link_whose_outcome_is_open_shows_it_once_it_is_known(
    browser: Browser, live: LiveServer
) -> None:
    installation, link = live.installation, live.sample.hanging
    page = _open(browser, live, f"/links/{link.id}")
    expect(page.locator("main")).to_contain_text("In progress")
    with installation.database.writing() as session:
        row = session.get_one(Link, link.id)
        row.state, row.failure = LinkState.LINKED, None
    expect(page.locator("main")).to_contain_text("Linked", timeout=TIME)
    expect(page.locator("main")).not_to_contain_text("Commusoft is taking too long")
    expect(page.get_by_role("link", name="Undo …")).to_be_visible()


def test_an_undo_without_an_answer_says_so_until_there_is_one(
    browser: Browser, live: LiveServer
) -> None:
    installation, sample = live.installation, live.sample
    page = _open(browser, live, f"/links/{sample.linked.id}/undo")
    faults = f"{live.commusoft.address}/sandbox/faults"
    fault = {"fault": "status", "status": 503, "method": "PUT"}
    requests.post(faults, json=fault, timeout=30).raise_for_status()
    page.get_by_role("button", name="Undo the link").click()
    expect(page.locator("main")).to_contain_text("Commusoft has not answered yet", timeout=60_000)
    requests.delete(faults, timeout=30).raise_for_status()
    recover(installation.workspace)
    expect(page.locator("main")).to_contain_text("Restored", timeout=TIME)
    expect(page.locator("body")).not_to_contain_text("has not answered yet")


def test_a_browser_that_another_admin_lets_in_is_among_the_browsers(
    browser: Browser, live: LiveServer
) -> None:
    installation, sample = live.installation, live.sample
    page = _open(browser, live, "/devices", "admin")
    waiting = page.locator("#waiting")
    expect(waiting).to_contain_text(sample.waiting_code)
    other = page_actor(installation.access, sample.admin)
    approve_pairing(installation.access, other, sample.waiting_code, "Chrome on reception")
    pair(installation.access, sample.clerk, "Van 7")
    expect(waiting).not_to_contain_text(sample.waiting_code, timeout=TIME)
    expect(page.get_by_role("link", name="Van 7")).to_be_visible(timeout=TIME)


def test_a_part_that_is_fetched_takes_no_notice_that_belongs_to_the_next_page(
    admin: PageClient, sample: SampleData
) -> None:
    admin.send(f"/people/{sample.clerk.public_id}/log-out")
    part = admin.client.get("/devices", headers={"HX-Request": "true"})
    assert "log-ins are ended" not in words(part)
    assert "They have been signed out everywhere." in admin.read("/people")


RECORD_NOTIFICATIONS = """
window.Notification = class {
  static permission = "granted";
  constructor(title, { body }) {
    const before = JSON.parse(localStorage.getItem("notified") ?? "[]");
    localStorage.setItem("notified", JSON.stringify([...before, `${title}: ${body}`]));
  }
  addEventListener() {}
};
"""
# Behind what any tab is doing about it: they do it one after the other.
NOTIFIED = """() => navigator.locks.request("crmlink-told-lists", () =>
    JSON.parse(localStorage.getItem("notified") ?? "[]"))"""
HOLD = """() => { navigator.locks.request("crmlink-told-lists", () =>
    new Promise((done) => { window.letGo = done; })); }"""
SETTLED = "() => !document.querySelector('.htmx-swapping, .htmx-settling, .htmx-added')"


def test_the_browser_says_once_that_a_list_is_finished_however_many_tabs_are_open(
    browser: Browser, live: LiveServer
) -> None:
    """Headless browsers show no notifications, so what would be shown is recorded."""
    started(live.installation, live.sample.manager)
    context = live.context(browser, "manager")
    context.add_init_script(RECORD_NOTIFICATIONS)
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(live.address + "/links")
    assert first.evaluate(NOTIFIED) == []
    holder = context.new_page()
    holder.goto(live.address + "/help")
    holder.evaluate(HOLD)  # so that both have looked before one tells
    work(live.installation)
    for page in (first, second):
        mark = page.locator("#lists-mark")
        expect(mark).to_contain_text("1 finished or stopped", timeout=TIME)
        page.wait_for_function(SETTLED)
    assert holder.evaluate("localStorage.getItem('notified')") is None
    holder.evaluate("letGo()")
    expected = ["Xero customers: All contacts of this list are linked or have failed."]
    assert first.evaluate(NOTIFIED) == expected
    first.reload()
    assert first.evaluate(NOTIFIED) == expected
