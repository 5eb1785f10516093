"""What a telephone's screen cuts off on a page."""

from __future__ import annotations

from playwright.sync_api import Page, ViewportSize

TELEPHONE: ViewportSize = {"width": 390, "height": 800}
_CUT_OFF = """() => {
    const wide = (element) => element.scrollWidth > element.clientWidth + 1;
    const tables = [...document.querySelectorAll(".table")].filter(
        (table) => table.checkVisibility() && wide(table));
    const named = tables.map((table) => table.getAttribute("aria-label"));
    return wide(document.documentElement) ? [...named, "the page"] : named;
}"""


def cut_off(page: Page) -> list[str]:
    """Return the tables that are wider than a telephone's screen, and the page if it is."""
    before = page.viewport_size
    page.set_viewport_size(TELEPHONE)
    found: list[str] = page.evaluate(_CUT_OFF)
    if before:
        page.set_viewport_size(before)
    return found
