"""Every page of whole lists in real Chromium, light and dark, wide and narrow, to look at.

Run in the folder tests:

    python -m pages.screenshots_lists FOLDER [NAME-PART ...]

Fails when an address does not lead to the page it should; so it is a check as well.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, expect

from pages.list_page_cases import LIST_PAGE_CASES, ListPageCase, SampleBatches, populate_batches
from support.live_server import LiveServer, running_server, start_chromium

Scheme = Literal["light", "dark"]
SIZES: dict[str, ViewportSize] = {  # an office's screen, enlarged by its system, and a telephone
    "100": {"width": 1366, "height": 768},
    "125": {"width": 1093, "height": 614},
    "150": {"width": 911, "height": 512},
    "narrow": {"width": 390, "height": 840},
}


def main(folder: Path, parts: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        each for each in LIST_PAGE_CASES if not parts or any(part in each.name for part in parts)
    ]
    with start_chromium() as browser:
        for scheme in ("light", "dark"):
            with running_server(customers=400, suppliers=60) as live:
                batches = populate_batches(live)
                for case in wanted:
                    _take(browser, live, batches, case, scheme, folder)


def _take(
    browser: Browser,
    live: LiveServer,
    batches: SampleBatches,
    case: ListPageCase,
    scheme: Scheme,
    folder: Path,
) -> None:
    context = live.context(browser, case.who, color_scheme=scheme, viewport=SIZES["100"])
    try:
        page = context.new_page()
        page.goto(live.address + case.path(batches))
        case.steps(page)
        expect(page.locator("main")).to_contain_text(case.shows)
        whole = not page.locator("dialog[open]").count()
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            picture = folder / f"{case.name}-{scheme}-{size}.png"
            page.screenshot(path=picture, full_page=whole)
    finally:
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
