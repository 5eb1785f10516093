"""The pages of live contacts with something on them in real Chromium, as pictures to look at.

Run in the folder tests:

    python -m pages.screenshots_live FOLDER [NAME-PART ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import expect

from pages.live_page_cases import populate_sources
from pages.screenshots import SIZES
from support.live_server import running_server, start_chromium


def main(folder: Path, parts: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with start_chromium() as browser, running_server() as live:
        for case in populate_sources(live):
            if parts and not any(part in case.name for part in parts):
                continue
            for scheme in ("light", "dark"):
                context = live.context(browser, case.who, color_scheme=scheme)
                page = context.new_page()
                page.goto(live.address + case.path)
                expect(page.locator("main")).to_contain_text(case.shows)
                for size, viewport in SIZES.items():
                    page.set_viewport_size(viewport)
                    picture = folder / f"{case.name}-{scheme}-{size}.png"
                    page.screenshot(path=picture, full_page=True)
                context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
