"""Operators' pages and joining a firm in real Chromium: by mouse, by keyboard, by axe, narrow.

With CRMLINK_PICTURES set to a folder, pictures of each page are kept there.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browsers.axe import violations
from browsers.narrow import cut_off
from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.operators import set_operator
from crmlink.access.people import invite
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.store.workspaces import list_workspaces
from support.access_factories import PASSWORD, make_person
from support.live_server import LiveServer, await_keyboard

PICTURES = os.environ.get("CRMLINK_PICTURES", "")
FIRST, SECOND = "Holloway Plumbing and Heating", "Quill Heating"
WIDE, NARROW = {"width": 1366, "height": 768}, {"width": 390, "height": 840}


@pytest.fixture
def second(live: LiveServer) -> AccessContext:
    context = live.installation.sign_in
    rename_workspace(context, list_workspaces(live.installation.database)[0], FIRST)
    for name in (SECOND, "Thornbury Drains"):
        made, _ = make_workspace(context, name)
        make_person(context.of(made.id), "admin")
    set_operator(live.installation.access, live.sample.clerk, operates=True)
    return context.of(list_workspaces(live.installation.database)[1].id)


@pytest.fixture
def context(browser: Browser, live: LiveServer) -> BrowserContext:
    return live.context(browser, "clerk", accept_downloads=True)


def check(page: Page, name: str) -> None:
    """Axe in light and dark, a telephone's width, and pictures where they are wanted."""
    assert violations(page) == [], name
    assert cut_off(page) == [], name
    if PICTURES:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for size in (WIDE, NARROW):
                page.set_viewport_size(size)  # type: ignore[arg-type] # width and height
                file = Path(PICTURES) / f"{name}-{scheme}-{size['width']}.png"
                page.screenshot(path=file, full_page=True)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type] # width and height
        page.emulate_media(color_scheme="light")


def test_an_operator_makes_suspends_exports_and_deletes_a_firm(
    context: BrowserContext, live: LiveServer, second: AccessContext, tmp_path: Path
) -> None:
    page = context.new_page()
    page.goto(live.address)
    page.get_by_role("link", name="Firms").click()
    expect(page.get_by_role("heading", name="Firms", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name=FIRST)).to_be_visible()
    check(page, "firms")
    page.get_by_label("Name of the firm").fill(SECOND)
    page.get_by_role("button", name="Add and show the link").click()
    expect(page.get_by_label("Name of the firm")).to_have_accessible_description(
        "Another firm has this name."
    )
    page.get_by_label("Name of the firm").fill("Marsh Boilers")
    page.get_by_role("button", name="Add and show the link").click()
    expect(page.locator("#secret")).to_contain_text("/welcome#crmi_")
    check(page, "firm-made")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Marsh Boilers")).to_be_visible()
    check(page, "firm")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "export.zip")
    assert "person.jsonl" in zipfile.ZipFile(tmp_path / "export.zip").namelist()
    page.get_by_role("link", name="Suspend …").click()
    check(page, "firm-suspend")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("status")).to_contain_text("Suspended.")
    check(page, "firm-suspended")
    page.get_by_role("button", name="End the suspension").click()
    expect(page.get_by_role("link", name="Suspend …")).to_be_visible()
    page.get_by_role("link", name="Suspend …").click()
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("link", name="Delete …").click()
    page.get_by_label("Type the firm").fill("Marsh")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "firm-delete")
    page.get_by_label("Type the firm").fill("Marsh Boilers")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_contain_text("Marsh Boilers is deleted")
    expect(page.get_by_role("heading", name="Deleted firms")).to_be_visible()
    check(page, "firms-deleted")
    context.close()


def focused(page: Page) -> str:
    name: str = page.evaluate(
        "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
    )
    return name


def go_to(page: Page, name: str) -> None:
    await_keyboard(page)
    for _ in range(80):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"The keyboard does not come to {name}.")


def test_the_keyboard_alone_suspends_and_deletes_a_firm(
    context: BrowserContext, live: LiveServer, second: AccessContext
) -> None:
    page = context.new_page()
    page.goto(live.address + "/firms")
    for name, then in ((SECOND, SECOND), ("Suspend …", f"Suspend {SECOND}?"), ("Suspend", SECOND)):
        go_to(page, name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=then, level=1)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Suspended.")
    go_to(page, "Delete …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Delete {SECOND}?")).to_be_visible()
    go_to(page, "Type the firm")
    page.keyboard.type(SECOND)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"{SECOND} is deleted")
    context.close()


def test_a_person_joins_a_second_firm_goes_there_and_leaves_it(
    browser: Browser, live: LiveServer, second: AccessContext
) -> None:
    me = live.sample.manager
    _, token = invite(second, command_line_actor(second), me.name, me.email, "clerk")
    context = live.context(browser, "anonymous")
    page = context.new_page()
    page.goto(f"{live.address}/welcome#{token}")
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    other = page.get_by_role("button", name="I have a password for another firm here")
    expect(other).to_be_visible()
    check(page, "welcome-several")
    other.click()
    expect(page.get_by_role("heading", name="Sign in to join")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(me.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in and join").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong email or password")
    check(page, "join-refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in and join").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name=f"Go to {FIRST}").click()
    page.get_by_role("button", name=f"Go to {SECOND}").click()
    page.get_by_role("link", name="Your account").click()
    check(page, "account-several")
    page.get_by_role("link", name="Leave …").click()
    expect(page.get_by_role("heading", name=f"Leave {SECOND}?")).to_be_visible()
    check(page, "leave")
    page.get_by_role("button", name="Leave the firm").click()
    expect(page.get_by_role("status")).to_contain_text("You have left the firm.")
    expect(page.get_by_role("button", name=f"Go to {SECOND}")).to_have_count(0)
    context.close()
