"""The README's pictures of a list under review and of the overview, from the sandbox's records.

Run in the folder tests, on a machine with ImageMagick:

    python -m pages.screenshots_readme
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from playwright.sync_api import Page, expect

from support.list_files import CAST, matched, unlinked
from support.live_server import await_keyboard, running_server, start_chromium

PICTURES = Path(__file__).parents[2] / "docs/pictures"
SIZE = {"width": 1280, "height": 960}
OVERVIEW_SIZE = {"width": 1280, "height": 1060}
SHARP = 2  # screen points to a point on the page
ALREADY_LINKED = ("customer-1001", "customer-1002", "customer-1003", "customer-1005")


def main() -> None:
    with start_chromium() as browser, running_server(customers=2_000, suppliers=200) as live:
        for record in ALREADY_LINKED:
            live.commusoft.put_reference(record, None)
        live.installation.workspace.sync()
        contacts = (*CAST, *unlinked(live.installation, 60))
        batch = matched(live.installation, live.sample.manager, contacts, name="Xero customers")
        context = live.context(
            browser, "manager", viewport=SIZE, device_scale_factor=SHARP, color_scheme="light"
        )
        page = context.new_page()
        page.goto(f"{live.address}/lists/{batch.id}")
        await_keyboard(page)
        _review(page)
        _take(page, "7-review.png")
        context.close()
    with start_chromium() as browser, running_server(customers=400, suppliers=60) as live:
        context = live.context(browser, "admin", viewport=OVERVIEW_SIZE, color_scheme="light")
        page = context.new_page()
        page.goto(live.address + "/")
        await_keyboard(page)
        _take(page, "admin-overview.png")
        context.close()


def _take(page: Page, name: str) -> None:
    """Take the picture in few colours."""
    picture = PICTURES / name
    page.screenshot(path=picture)
    few_colours = ["-dither", "None", "-colors", "256", "-strip"]
    subprocess.run(["convert", picture, *few_colours, f"png8:{picture}"], check=True)


def _review(page: Page) -> None:
    """The first contact is accepted, and the next stands open."""
    page.locator("#row-1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#row-1")).to_contain_text("Accepted")
    expect(page.locator("#row-2")).to_be_focused()
    expect(page.locator("#state")).to_contain_text("1 accepted")
    page.evaluate("document.getElementById('rows').scrollIntoView({block: 'start'})")


if __name__ == "__main__":
    main()
