"""The extension brought into any of its states, in real Chromium, with a scripted server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, expect

from browsers.shared_playwright import shared_playwright
from extension.loaded_extension import LoadedExtension, Stored
from extension.scripted_replies import usual_replies
from extension.scripted_server import ScriptedServer
from extension.steps import State

NO_SERVER = "http://127.0.0.1:9"  # the discard port: nothing listens there
WINDOW = {"width": 760, "height": 820}
SIZE = {"width": 400, "height": 600}


@dataclass
class Stage:
    """The extension, and the server that it talks to."""

    extension: LoadedExtension
    server: ScriptedServer
    _connected: dict[bool, Stored] = field(default_factory=dict)  # by whether it is a sandbox's

    @contextmanager
    def show(self, state: State) -> Iterator[Page]:
        """The popup or the settings in a state. Fails when it does not lead there."""
        self._prepare(state)
        with self._page_of(state) as page:
            if state.types_address:
                page.locator("#server").fill(self.server.address)
            state.steps(page, self.extension.site)
            if state.screen:
                expect(page.locator(f"body[data-screen='{state.screen}']")).to_be_attached()
            if state.shows:
                expect(page.get_by_text(state.shows).first).to_be_visible()
            yield page

    def _prepare(self, state: State) -> None:
        self.server.let_go.clear()
        self.server.replies = usual_replies(sandbox=state.sandbox)
        self.extension.forget()
        if state.connected:
            self._connect(state.sandbox)
        self.extension.set_policy(state.policy)
        if state.lapsed:
            self.extension.let_token_lapse()
        if state.server_gone:
            self.extension.move_server(NO_SERVER)
        self.server.replies |= state.replies

    def _connect(self, sandbox: bool) -> None:
        """By the settings once: opening them takes longer than most of what a state shows."""
        if stored := self._connected.get(sandbox):
            self.extension.restore(stored)
        else:
            self._connected[sandbox] = self.extension.connect(self.server.address)

    @contextmanager
    def _page_of(self, state: State) -> Iterator[Page]:
        loaded = self.extension
        loaded.html = state.html
        loaded.visit(state.url)
        page = loaded.open_settings() if state.settings else loaded.open_popup()
        page.set_viewport_size(WINDOW if state.settings else SIZE)  # type: ignore[arg-type] # a plain dict will do
        try:
            yield page
        finally:
            self.server.let_go.set()
            page.close()
            loaded.close_others()


@contextmanager
def open_stage(*, bypass_csp: bool = False) -> Iterator[Stage]:
    """A browser and a server for as long as the block lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="crmlink-", ignore_cleanup_errors=True) as profile,
        closing(ScriptedServer()) as server,
        LoadedExtension.launch(shared_playwright(), Path(profile), bypass_csp=bypass_csp) as loaded,
    ):
        yield Stage(loaded, server)
