"""axe-core finds nothing wrong in any state of the popup and the settings, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from extension.stage import Stage, open_stage
from extension.states import STATES
from extension.steps import State

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async tags => (await axe.run({ runOnly: tags })).violations
    .map(one => `${one.id}: ${one.nodes.map(node => node.html).join(" | ")}`)"""
OWN_PAGES = [state for state in STATES if not state.site]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with open_stage() as opened:
        yield opened


def violations(page: Page) -> list[str]:
    """What axe has against a page: all of it in light, and its colours in dark."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(RUN, STANDARDS)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found + [f"dark {one}" for one in page.evaluate(RUN, ["color-contrast"])]


@pytest.mark.parametrize("state", OWN_PAGES, ids=lambda state: state.name)
def test_axe_finds_nothing_wrong_with(state: State, stage: Stage) -> None:
    with stage.show(state) as page:
        assert violations(page) == []


def test_axe_would_find_words_that_cannot_be_read_and_a_field_without_a_name(stage: Stage) -> None:
    with stage.show(OWN_PAGES[0]) as page:
        page.evaluate("""() => {
            document.querySelector("label").remove();
            document.querySelector("h1").style.color = "#ccc";
        }""")
        found = " ".join(violations(page))
    assert "label:" in found
    assert "color-contrast:" in found
