"""The pictures of the clicks on the page Install, from the machine's own Chromium.

Run in the folder tests, on a machine with ImageMagick:

    python -m pages.screenshots_install
"""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

from playwright.sync_api import FloatRect, Page

import crmlink
from browsers.chromium import Chromium

FOLDER = Path(crmlink.__file__).parent / "pages" / "static" / "install"
WIDTH = 760
RING = """(box) => {
  const ring = document.createElement("div");
  ring.id = "ring";
  Object.assign(ring.style, {
    position: "fixed", zIndex: 99999, border: "3px solid #c2410c", borderRadius: "10px",
    left: `${box.x - 7}px`, top: `${box.y - 7}px`, pointerEvents: "none",
    width: `${box.width + 8}px`, height: `${box.height + 8}px`,
  });
  document.getElementById("ring")?.remove();
  document.body.append(ring);
}"""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with closing(Chromium(size=(WIDTH, 700))) as browser:
        page = browser.context.new_page()
        page.set_viewport_size({"width": WIDTH, "height": 700})
        page.goto("chrome://extensions")
        _take(page, "developer-mode", "#devMode", 64)
        page.locator("#devMode").click()
        page.locator("#loadUnpacked").wait_for()
        page.wait_for_timeout(600)  # the bar slides in
        _take(page, "load-unpacked", "#loadUnpacked", 118)
        page.evaluate("document.getElementById('ring').remove()")
        page.locator("extensions-item").first.screenshot(path=FOLDER / "loaded.png")
        page.goto(f"chrome-extension://{browser.id}/popup/popup.html")
        page.set_viewport_size({"width": 400, "height": 305})
        page.locator("#connect").wait_for()
        page.screenshot(path=FOLDER / "connect.png")
    for picture in FOLDER.glob("*.png"):
        few = ["-dither", "None", "-colors", "64", "-strip"]
        subprocess.run(["convert", picture, *few, f"png8:{picture}"], check=True)


def _take(page: Page, name: str, marked: str, height: int) -> None:
    """The top of the page, with a ring around what is to be clicked."""
    box = page.locator(marked).bounding_box()
    page.evaluate(RING, box)
    clip: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": height}
    page.screenshot(path=FOLDER / f"{name}.png", clip=clip)


if __name__ == "__main__":
    main()
