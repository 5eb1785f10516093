"""Every state of the popup, in real Chromium, light and dark, as pictures to look at.

Run in the folder tests:

    python -m extension.screenshots FOLDER [NAME-PART ...]

Fails when a state does not lead to the screen it should; so it is a check as well.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from extension.popup_states_runner import Stage, open_stage
from extension.states import STATES
from extension.steps import State

TALLEST = 600  # pixels that Chromium gives a popup


@dataclass
class Studio:
    """What a state is photographed with."""

    stage: Stage
    folder: Path

    def photograph(self, state: State) -> None:
        """Both pictures of a state, or the one of the site that it changes."""
        with self.stage.show(state) as page:
            if state.site:
                self.stage.extension.site.bring_to_front()
                self.stage.extension.site.screenshot(path=self.folder / f"{state.name}.png")
                return
            for scheme in ("light", "dark"):
                self._shoot(page, f"{state.name}-{scheme}.png", scheme)

    def _shoot(self, page: Page, name: str, scheme: Any) -> None:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        popup = page.evaluate("document.body.dataset.screen !== undefined")
        page.evaluate("document.documentElement.classList.remove('in-window')")
        if popup:
            page.set_viewport_size({"width": 400, "height": _height(page)})
        page.mouse.move(0, 0)
        page.screenshot(path=self.folder / name, full_page=not popup)


def _height(page: Page) -> int:
    """As high as the browser would make the popup."""
    return min(
        TALLEST, int(page.evaluate("Math.ceil(document.body.getBoundingClientRect().height)"))
    )


def main(folder: Path, parts: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in STATES if not parts or any(part in one.name for part in parts)]
    failed = []
    with open_stage() as stage:
        studio = Studio(stage, folder)
        for state in wanted:
            try:
                studio.photograph(state)
            except Exception as error:
                failed.append(state.name)
                print(f"FAILED {state.name}: {str(error).splitlines()[0]}", flush=True)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} states photographed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
