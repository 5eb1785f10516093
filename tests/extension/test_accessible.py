"""axe-core finds nothing wrong in any state of the popup and the settings, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browsers.axe import violations
from extension.popup_states_runner import Stage, open_stage
from extension.states import STATES
from extension.steps import State

OWN_PAGES = [state for state in STATES if not state.site]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with open_stage() as opened:
        yield opened


@pytest.mark.parametrize("state", OWN_PAGES, ids=lambda state: state.name)
def test_axe_finds_nothing_wrong_with(state: State, stage: Stage) -> None:
    with stage.show(state) as page:
        # What lies under the popup's steps comes out by scrolling, which axe does not do.
        width = page.evaluate("window.innerWidth")
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(600, height)})
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
