"""The review of a list in real Chromium: its keys, two people at once, thousands of rows."""

from __future__ import annotations

from threading import Event

from playwright.sync_api import Browser, Page, Route, expect

from crmlink.batches.drafts import rows_of
from crmlink.store import Batch, Choice
from support.list_files import (
    GUID,
    Listed,
    draft,
    matched,
    started,
    unlinked,
    work,
)
from support.live_server import LiveServer, await_keyboard


def test_a_second_choice_is_asked_and_only_its_own_key_agrees(
    browser: Browser, live: LiveServer
) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = _at_list(browser, live, batch)
    page.locator("#row-7").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#row-7 .asked")).to_contain_text("This record already has a reference.")
    expect(page.locator("#said")).to_contain_text("already has the reference")
    expect(page.locator("#row-7")).to_be_focused()
    page.keyboard.press("Enter")
    _answered(page, "#row-7")
    expect(page.locator("#row-7 .asked")).to_be_visible()
    assert rows_of(live.installation.workspace, batch.id)[6].choice is Choice.OPEN
    page.keyboard.press("r")
    expect(page.locator("#row-7")).to_contain_text("Accepted")
    expect(page.locator("#row-8")).to_be_focused()
    page.context.close()


def test_a_key_held_down_decides_once(browser: Browser, live: LiveServer) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = _at_list(browser, live, batch)
    page.locator("#row-10").focus()
    for _ in range(3):  # the second and third as a keyboard repeats it
        page.keyboard.down("n")
        _answered(page, "#row-10")
    page.keyboard.up("n")
    expect(page.locator("#row-11")).to_be_focused()
    assert rows_of(live.installation.workspace, batch.id)[9].choice is Choice.NONE
    assert rows_of(live.installation.workspace, batch.id)[10].choice is Choice.OPEN
    page.context.close()


def test_an_answer_from_before_a_decision_does_not_hide_it(
    browser: Browser, live: LiveServer
) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = _at_list(browser, live, batch)
    address = f"{live.address}/lists/{batch.id}/rows"
    before = page.context.request.get(f"{address}?at=10").text()
    held: list[Route] = []
    page.route(f"{address}/10/claim", lambda route: held.append(route))
    with page.expect_request(f"{address}/10/claim"):
        page.locator("#row-10").focus()
    page.keyboard.press("n")
    expect(page.locator("#row-11")).to_be_focused()
    with page.expect_response(f"{address}/10/claim"):
        held[0].fulfill(body=before, content_type="text/html")
    page.evaluate("address => fetch(address).then((answer) => answer.text())", f"{address}?at=9")
    expect(page.locator("#row-10")).to_contain_text("Reopen")
    page.context.close()


def test_the_keys_can_be_switched_off(browser: Browser, live: LiveServer) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = _at_list(browser, live, batch)
    page.locator("#row-1").focus()
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    await_keyboard(page)
    page.locator("#row-1").focus()
    page.keyboard.press("n")
    page.keyboard.press("j")
    expect(page.locator("#row-1")).to_be_focused()
    assert rows_of(live.installation.workspace, batch.id)[0].choice is Choice.OPEN
    page.context.close()


def test_two_people_on_one_list_see_what_the_other_does(browser: Browser, live: LiveServer) -> None:
    batch = matched(live.installation, live.sample.manager)
    marcus = live.context(browser, "manager").new_page()
    priya = live.context(browser, "admin").new_page()
    news: list[Route] = []
    hears = Event()  # at first she has not heard of it

    def tell(route: Route) -> None:
        route.continue_() if hears.is_set() else news.append(route)

    priya.route(f"**/lists/{batch.id}/state?*", tell)
    for page in (marcus, priya):
        page.goto(f"{live.address}/lists/{batch.id}")
        await_keyboard(page)
    marcus.locator("#row-10").focus()
    marcus.keyboard.press("n")
    expect(marcus.locator("#row-10")).to_contain_text("Not in Commusoft")
    priya.locator("#row-10").focus()
    priya.keyboard.press("n")
    expect(priya.locator("#said")).to_contain_text("Marcus Bello has already decided this one")
    expect(priya.locator("#row-10")).to_contain_text("Not in Commusoft")
    hears.set()
    for each in news:
        each.continue_()
    marcus.locator("#row-11").focus()
    marcus.keyboard.press("n")
    expect(priya.locator("#row-11")).to_contain_text("Marcus Bello")
    marcus.context.close()
    priya.context.close()


def test_a_list_of_thousands_keeps_few_rows_in_the_page_and_loses_none(
    browser: Browser, live: LiveServer
) -> None:
    many = tuple(
        Listed(f"Contact {number}", reference=GUID.format(number)) for number in range(3_000)
    )
    batch = draft(live.installation, live.sample.manager, many)
    page = _at_list(browser, live, batch)
    page.keyboard.press("End")
    expect(page.locator("#row-3000")).to_be_visible()
    expect(page.locator("#row-1")).to_have_count(0)
    assert page.locator(".row").count() <= 400
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    middle = page.locator("li.row").filter(visible=True)
    expect(middle.first).to_be_visible()
    page.keyboard.press("Home")
    expect(page.locator("#row-1")).to_be_visible()
    page.context.close()


def test_a_list_is_reviewed_without_javascript(browser: Browser, live: LiveServer) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = live.context(browser, "manager", java_script_enabled=False).new_page()
    page.goto(f"{live.address}/lists/{batch.id}")
    page.locator("#row-10").get_by_role("button", name="Not in Commusoft").click()
    expect(page.get_by_role("status").first).to_contain_text(
        "Zebedee Quillfeather marked as not in Commusoft"
    )
    page.get_by_role("button", name="Reopen").click()
    page.get_by_label("Name, address").fill("owusu")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Accept David Owusu").click()
    expect(page.get_by_role("alert").or_(page.locator(".asked"))).to_contain_text("reference")
    page.context.close()


def test_rows_are_selected_by_shift_and_by_keys_and_decided_together(
    browser: Browser, live: LiveServer
) -> None:
    batch = matched(live.installation, live.sample.manager)
    page = _at_list(browser, live, batch)
    page.locator("#row-9 .tick").click()
    page.locator("#row-11 .tick").click(modifiers=["Shift"])
    expect(page.locator("#ticked-count")).to_have_text("3 selected")
    page.locator("#row-9").focus()
    page.keyboard.press("x")
    expect(page.locator("#row-9 .tick")).not_to_be_checked()
    page.get_by_role("button", name="Mark as not in Commusoft").first.click()
    expect(page.get_by_role("status").first).to_contain_text("2 contacts marked")
    rows = rows_of(live.installation.workspace, batch.id)
    assert [row.position for row in rows if row.choice is Choice.NONE] == [10, 11]
    page.context.close()


def test_pausing_and_going_on_show_without_loading_the_page_again(
    browser: Browser, live: LiveServer
) -> None:
    installation = live.installation
    batch = started(installation, live.sample.manager, unlinked(installation, 6))
    page = _at_list(browser, live, batch)
    expect(page.locator("#box-waiting")).to_have_text("6 Waiting")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Linking")).to_be_visible()
    work(installation)
    expect(page.locator("#box-successful")).to_have_text("6 Linked")
    expect(page.locator("#row-6")).to_contain_text("Linked")
    page.context.close()


def _answered(page: Page, row: str) -> None:
    """Until the server has answered the row's last decision: a key before that says so only."""
    expect(page.locator(row)).not_to_have_attribute("aria-busy", "true")


def _at_list(browser: Browser, live: LiveServer, batch: Batch) -> Page:
    """A manager's browser that shows a list and takes keys."""
    page = live.context(browser, "manager").new_page()
    page.goto(f"{live.address}/lists/{batch.id}")
    await_keyboard(page)
    return page
