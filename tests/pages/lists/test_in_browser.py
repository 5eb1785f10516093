"""Whole lists in real Chromium: the review by keyboard alone, axe on every state, hostile names."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from playwright.sync_api import Browser, FileChooser, FilePayload, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from browsers.axe import violations
from browsers.narrow import cut_off
from crmlink.batches.drafts import list_batches
from crmlink.batches.match_job import start_matching
from pages.list_page_cases import (
    LIST_PAGE_CASES,
    ListPageCase,
    SampleBatches,
    choose_reference,
    populate_batches,
)
from pages.test_hostile_names_on_pages import NAMES, Watch
from support.list_files import (
    CAST,
    GUID,
    Listed,
    work,
    xero_file,
)
from support.live_server import LiveServer, await_keyboard, running_server

NAMED = """(() => {
    const at = document.activeElement;
    return (at.labels?.[0] ?? at).textContent.trim();
})()"""


def test_axe_finds_nothing_wrong_in_any_state_and_each_fits_a_telephone(browser: Browser) -> None:
    wrong: dict[str, list[str]] = {}
    with running_server(150, 12) as live, live.pages(browser) as page_of:
        batches = populate_batches(live)
        for case in LIST_PAGE_CASES:
            page = _open(page_of(case.who), live, batches, case)
            if found := violations(page):
                wrong[case.name] = found
            if found := cut_off(page):
                wrong[f"{case.name} on a telephone"] = found
    assert not wrong, json.dumps(wrong, indent=1)


def _open(page: Page, live: LiveServer, batches: SampleBatches, case: ListPageCase) -> Page:
    page.goto(live.address + case.path(batches))
    case.steps(page)
    expect(page.locator("main")).to_contain_text(case.shows)
    return page


def test_the_keyboard_alone_takes_a_file_to_a_linked_list_and_undoes_one(
    browser: Browser, live: LiveServer
) -> None:
    for record in ("customer-1001", "customer-1002", "customer-1003", "customer-1005"):
        live.commusoft.put_reference(record, None)
    live.installation.workspace.sync()
    context = live.context(browser, "manager")
    page = context.new_page()
    page.goto(f"{live.address}/lists")
    _go_to(page, "Import a file")
    page.keyboard.press("Enter")
    _send_by_keyboard(page)
    _name_columns(page)
    _go_to(page, "Save as draft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("11 contacts saved as a draft")
    _go_to(page, "Match 11 contacts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Matching")).to_be_visible()
    work(live.installation)
    expect(page.get_by_role("heading", name="To review")).to_be_visible()
    page.reload()
    _review(page)
    _go_to(page, "Link 3 contacts …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Link 3 contacts?")).to_be_visible()
    assert live.commusoft.reference("customer-1001") is None
    _go_to(page, "Link 3 contacts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Linking")).to_be_visible()
    work(live.installation)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    expect(page.locator("#box-successful")).to_have_text("3 Linked")
    expect(page.locator("#row-1")).to_contain_text("Linked")
    assert live.commusoft.reference("customer-1001") == CAST[0].reference
    assert live.commusoft.reference("customer-1005") == CAST[3].reference
    _go_to(page, "View or undo this link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=CAST[0].name, exact=True)).to_be_visible()
    _go_to(page, "Undo …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Undo this link?")).to_be_visible()
    _go_to(page, "Undo the link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert live.commusoft.reference("customer-1001") is None
    context.close()


def _send_by_keyboard(page: Page) -> None:
    """Choose the file as a keyboard opens the browser's own dialog: with the space bar."""
    expect(page.get_by_role("heading", name="Import a file")).to_be_visible()
    await_keyboard(page)
    page.locator("#file").focus()
    _file_dialog(page).set_files(_payload(xero_file()))
    _go_to(page, "Upload")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Contacts.csv")).to_be_visible()


def _file_dialog(page: Page) -> FileChooser:
    """Asked for again, as a person would: on a busy machine a first one may not be told of."""
    for _ in range(5):
        with suppress(PlaywrightTimeout), page.expect_file_chooser(timeout=5_000) as asked:
            page.keyboard.press("Space")
            return asked.value
    raise AssertionError("the file's field opens no dialog")


def _payload(content: bytes, name: str = "Contacts.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def _name_columns(page: Page) -> None:
    _go_to(page, "Customers")
    page.keyboard.press("Space")
    _go_to(page, "Match your columns")
    page.keyboard.press("Enter")
    _go_to(page, "Reference")
    page.keyboard.type("ContactID")
    _go_to(page, "Update preview")
    page.keyboard.press("Enter")
    expect(page.locator(".preview")).to_contain_text(CAST[0].reference)


def _review(page: Page) -> None:
    """Three accepted, one of them by its digit and one by a search; none for the others."""
    said = page.locator("#said")
    await_keyboard(page)
    page.keyboard.press("j")
    expect(page.locator("#row-1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Accepted: Margaret Holloway is Margaret Holloway.")
    expect(page.locator("#row-2")).to_be_focused()
    page.keyboard.press("u")  # this row is open, so the last decision is taken back
    expect(said).to_have_text("Margaret Holloway reopened.")
    expect(page.locator("#row-1")).to_be_focused()
    page.keyboard.press("Enter")
    for row in ("#row-2", "#row-3"):
        expect(page.locator(row)).to_be_focused()
        page.keyboard.press("n")
    expect(page.locator("#row-4")).to_be_focused()
    page.keyboard.press("2")
    expect(said).to_have_text("2: John Smith. Enter accepts it.")
    expect(page.locator("#row-4")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#row-4")).to_contain_text("Accepted")
    page.keyboard.press("k")
    expect(page.locator("#row-4")).to_be_focused()
    for number in range(5, 11):
        page.keyboard.press("j")
        expect(page.locator(f"#row-{number}")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("pryce")
    expect(page.locator("#finder-found li")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(said).to_have_text("Accepted: Zebedee Quillfeather is Jonathan Pryce-Davies.")
    expect(page.locator("#row-11")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Use these keys")
    page.keyboard.press("Escape")
    expect(page.locator("#row-11")).to_be_focused()


def test_hostile_names_in_a_file_stay_text_on_every_page(
    browser: Browser, live: LiveServer
) -> None:
    installation = live.installation
    rows = tuple(
        Listed(name, name, name, name, "", name, GUID.format(number))
        for number, name in enumerate(NAMES, 70_000)
    )
    context = live.context(browser, "manager", bypass_csp=True)
    watch = Watch(context.new_page(), live.address)
    watch.visit("/lists/new")
    watch.page.locator("#file").set_input_files(_payload(xero_file(rows), NAMES[0]))
    watch.press("Upload", "the file that was sent")
    watch.page.get_by_text("Match your columns").click()
    choose_reference(watch.page, "ContactID")
    watch.page.get_by_label("Customers", exact=True).check()
    watch.page.get_by_label("Name of this list").fill(NAMES[1][:100])
    watch.press("Save as draft", "the question whether to leave lines out")
    watch.press(re.compile(r"^Save \d+ contacts, leave out \d+ lines$"), "the draft")
    batch = next(each.batch for each in list_batches(installation.workspace) if each.contacts > 50)
    start_matching(installation.workspace, batch.device_id, batch.id, 0.99)
    work(installation)
    for start in range(1, len(rows), 50):
        watch.visit(f"/lists/{batch.id}?from={start - 1}")
    for path in ("", "/sure", "/link", "/bad", "/summary", "/rows/1?q=%3Cscript%3E", "/discard"):
        watch.visit(f"/lists/{batch.id}{path}")
    watch.visit(f"/lists/{batch.id}")
    await_keyboard(watch.page)
    watch.page.locator("#row-1").focus()
    for key, row in (("j", "#row-2"), ("n", "#row-3"), ("u", "#row-2")):
        watch.page.keyboard.press(key)
        expect(watch.page.locator(row)).to_be_focused()
    expect(watch.page.locator("#row-2")).to_contain_text("Search …")
    watch.page.keyboard.press("/")
    expect(watch.page.locator("#finder-q")).to_be_focused()
    watch.page.keyboard.type("<img src=x onerror=window.hostile=1>")
    expect(watch.page.locator("#finder-found")).to_contain_text("No matches")
    watch.look("the review and its search")
    watch.visit("/lists")
    context.close()


def _go_to(page: Page, name: str) -> None:
    """Press Tab until the thing with this name has the keyboard."""
    await_keyboard(page)
    for _ in range(140):
        page.keyboard.press("Tab")
        if page.evaluate(NAMED) == name:
            return
    raise AssertionError(f"the keyboard never comes to {name!r}")
