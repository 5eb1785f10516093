"""The pages of live contacts with something on them, in real Chromium."""

from __future__ import annotations

import json

from playwright.sync_api import Browser, expect

from browsers.axe import violations
from browsers.narrow import cut_off
from pages.live_page_cases import populate_sources
from support.live_server import LiveServer


def test_axe_finds_nothing_wrong_and_each_fits_a_telephone(
    browser: Browser, live: LiveServer
) -> None:
    wrong: dict[str, list[str]] = {}
    with live.pages(browser) as page_of:
        for case in populate_sources(live):
            page = page_of(case.who)
            page.goto(live.address + case.path)
            expect(page.locator("main")).to_contain_text(case.shows)
            if found := violations(page):
                wrong[case.name] = found
            if found := cut_off(page):
                wrong[f"{case.name} on a telephone"] = found
    assert not wrong, json.dumps(wrong, indent=1)
