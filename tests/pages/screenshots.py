"""Every page in real Chromium, light and dark, wide and narrow, as pictures to look at.

Run in the folder tests:

    python -m admin.photograph FOLDER [NAME-PART ...]

Fails when an address does not lead to the page it should; so it is a check as well.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect

from pages.page_cases import PAGE_CASES, PageCase
from support.live_server import LiveServer, running_server, start_chromium

Scheme = Literal["light", "dark"]
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 390, "height": 840}


def main(folder: Path, parts: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        sight for sight in PAGE_CASES if not parts or any(part in sight.name for part in parts)
    ]
    with start_chromium() as browser:
        for scheme in ("light", "dark"):
            with running_server(customers=400, suppliers=60) as theatre:
                for sight in wanted:
                    _take(browser, theatre, sight, scheme, folder)


def _take(
    browser: Browser, theatre: LiveServer, sight: PageCase, scheme: Scheme, folder: Path
) -> None:
    context = theatre.context(browser, sight.who, color_scheme=scheme, viewport=WIDE)
    try:
        page = context.new_page()
        page.goto(theatre.address + sight.path(theatre.scene))
        sight.steps(page)
        expect(page.locator("main")).to_contain_text(sight.shows)
        page.screenshot(path=folder / f"{sight.name}-{scheme}.png", full_page=True)
        if scheme == "light":
            page.set_viewport_size(NARROW)  # type: ignore[arg-type] # it is one
            page.screenshot(path=folder / f"{sight.name}-narrow.png", full_page=True)
    finally:
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
