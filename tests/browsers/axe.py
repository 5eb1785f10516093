"""What axe-core finds wrong with a page, light and dark."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async tags => (await axe.run({ runOnly: tags })).violations
    .map(one => `${one.id}: ${one.nodes.map(node => node.html).join(" | ")}`)"""


def violations(page: Page) -> list[str]:
    """What axe has against a page: all of it in light, and its colours in dark."""
    page.wait_for_load_state()
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(RUN, STANDARDS)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found + [f"dark {one}" for one in page.evaluate(RUN, ["color-contrast"])]
