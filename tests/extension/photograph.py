"""Every state of the popup, in real Chromium, light and dark, as pictures to look at.

Run in the folder tests:

    python -m extension.photograph FOLDER [NAME-PART ...]

Fails when a state does not lead to the screen it should; so it is a check as well.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from extension.loaded_extension import LoadedExtension
from extension.replies import usual_replies
from extension.scripted_server import ScriptedServer
from extension.states import STATES
from extension.steps import State

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there
WINDOW = {"width": 760, "height": 820}
SIZE = {"width": 400, "height": 600}


@dataclass
class Studio:
    """What a state is photographed with."""

    extension: LoadedExtension
    server: ScriptedServer
    folder: Path

    def photograph(self, state: State) -> None:
        self.server.let_go.clear()
        self.server.replies = usual_replies(sandbox=state.sandbox)
        self.extension.forget()
        if state.connected:
            self.extension.connect(self.server.address)
        self.extension.set_policy(state.policy)
        if state.lapsed:
            self.extension.let_token_lapse()
        if state.server_gone:
            self.extension.move_server(NOBODY)
        self.server.replies |= state.replies
        with self.page_of(state) as page:
            if state.types_address:
                page.locator("#server").fill(self.server.address)
            state.steps(page, self.extension.site)
            if state.screen:
                expect(page.locator(f"body[data-screen='{state.screen}']")).to_be_attached()
            if state.shows:
                expect(page.get_by_text(state.shows).first).to_be_visible()
            if state.site:
                self.extension.site.bring_to_front()
                self.extension.site.screenshot(path=self.folder / f"{state.name}.png")
                return
            for scheme in ("light", "dark"):
                self._shoot(page, f"{state.name}-{scheme}.png", scheme)
        self.server.let_go.set()

    @contextmanager
    def page_of(self, state: State) -> Iterator[Page]:
        self.extension.html = state.html
        self.extension.visit(state.url)
        loaded = self.extension
        page = loaded.open_settings() if state.settings else loaded.open_popup()
        page.set_viewport_size(WINDOW if state.settings else SIZE)  # type: ignore[arg-type] # a plain dict will do
        try:
            yield page
        finally:
            page.close()
            loaded.close_others()

    def _shoot(self, page: Page, name: str, scheme: Any) -> None:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("document.documentElement.classList.remove('in-window')")
        page.mouse.move(0, 0)
        page.locator("body").screenshot(path=self.folder / name)


def main(folder: Path, parts: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in STATES if not parts or any(part in one.name for part in parts)]
    failed = []
    server = ScriptedServer()
    profile = Path(tempfile.mkdtemp())
    try:
        with sync_playwright() as playwright, LoadedExtension.launch(playwright, profile) as loaded:
            studio = Studio(loaded, server, folder)
            for state in wanted:
                try:
                    studio.photograph(state)
                except Exception as error:
                    failed.append(state.name)
                    print(f"FAILED {state.name}: {str(error).splitlines()[0]}", flush=True)
    finally:
        server.close()
        shutil.rmtree(profile, ignore_errors=True)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} states photographed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
