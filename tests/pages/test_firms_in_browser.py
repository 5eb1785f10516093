"""A person of two firms in real Chromium: the choice, and the way from one to the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from browsers.axe import violations
from browsers.narrow import cut_off
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.store import Person
from crmlink.store.workspaces import list_workspaces
from support.access_factories import PASSWORD, make_person
from support.live_server import LiveServer, await_keyboard

FIRST = "Holloway & Pryce-Davies Plumbing and Heating Engineers (Yorkshire) Limited"
SECOND = "Quill Heating"


@pytest.fixture
def two_firms(live: LiveServer) -> LiveServer:
    """The sample's admin is a manager of a second firm, with the same email and password."""
    installation, admin = live.installation, live.sample.admin
    rename_workspace(installation.sign_in, list_workspaces(installation.database)[0], FIRST)
    made, _ = make_workspace(installation.sign_in, SECOND)
    there = make_person(installation.sign_in.of(made.id), "manager", "Ada There")
    with installation.database.writing() as session:
        here, other = (session.get_one(Person, each.id) for each in (admin, there))
        other.email, here.password_hash = here.email, other.password_hash
    return live


def assert_fine(page: Page) -> None:
    assert violations(page) == []
    assert not cut_off(page)


def test_the_choice_and_the_menu_fit_and_lead_to_the_other_firm(
    browser: Browser, two_firms: LiveServer
) -> None:
    context = two_firms.context(browser, "anonymous")
    page = context.new_page()
    page.goto(f"{two_firms.address}/log-in")
    page.get_by_label("Email").fill(two_firms.sample.admin.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Choose a firm")).to_be_visible()
    assert_fine(page)
    page.get_by_role("button", name=FIRST).click()
    other = page.get_by_role("button", name=f"Go to {SECOND}")
    expect(other).to_be_visible()
    assert_fine(page)
    await_keyboard(page)
    other.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ada There")).to_be_visible()
    back = page.get_by_role("button", name=f"Go to {FIRST}")
    expect(back).to_be_visible()
    assert_fine(page)
    context.close()
