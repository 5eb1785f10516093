"""The extension's icons in the sizes that browsers want, drawn by Chromium from icons/icon.svg.

Run in the folder tests, after the drawing was changed:

    python -m extension.draw_icons
"""

from __future__ import annotations

import shutil

from playwright.sync_api import sync_playwright

from extension.loaded_extension import EXTENSION

SIZES = (16, 32, 48, 128)
ICONS = EXTENSION / "icons"


def main() -> None:
    drawing = (ICONS / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for size in SIZES:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(
                f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}"
            )
            page.screenshot(path=ICONS / f"{size}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
