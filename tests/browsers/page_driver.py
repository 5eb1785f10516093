"""What every browser offers a test: pages to look into and a keyboard to work them with."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

REPOSITORY = Path(__file__).resolve().parents[2]
EXTENSION = REPOSITORY / "extension"
THIS_MACHINE = "http://127.0.0.1/*"  # the host permission that the tests' servers need
PAUSE = 0.05  # seconds between two looks
PATIENCE = 60.0  # seconds, after which a test says that it never came


class BrowserTrouble(Exception):
    """The browser did not do what was asked of it."""


class WaitTimeout(BrowserTrouble):
    """A condition did not come true in time."""


@dataclass(frozen=True, slots=True)
class SavedPage:
    """A page served in place of the real site."""

    body: str
    content_type: str = "text/html; charset=utf-8"


# By address without query and fragment. Any other https address answers 404, from this machine.
Site = Mapping[str, SavedPage]


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel on a Commusoft page, which the page itself cannot look into."""

    words: str
    focus: str  # the button that the keyboard is on, or nothing


class PageDriver(Protocol):
    """A page of any kind: a tab, a page of the extension, or its popup."""

    def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression in the page; promises are awaited."""

    def press(self, key: str) -> None:
        """One key, named as in KeyboardEvent.key."""

    def type(self, text: str) -> None:
        """Text into the focused field."""

    def close(self) -> None:
        """Close it; nothing happens when it is closed already."""


class Browser(Protocol):
    """A browser with the extension in it, and one tab in front."""

    name: str
    asks: bool  # whether it asks a person before the extension may talk to the server's host

    def serve(self, site: Site) -> None:
        """Answer for the accounting packages' hosts with these pages."""

    def visit(self, url: str) -> PageDriver:
        """Open an address in a fresh tab in front, and close the one before."""

    def open_popup(self) -> PageDriver:
        """Press the extension's button (Chromium) or shortcut (Firefox) over the tab in front."""

    def popup_shown(self) -> PageDriver:
        """The popup, once it is open, however that came about."""

    def open_own_page(self, path: str) -> PageDriver:
        """Open one of the extension's own pages in a tab."""

    def open_other_extension(self, folder: Path, path: str) -> PageDriver:
        """Install another, unpacked extension, and open one of its pages in a tab."""

    def tab_at(self, address: str) -> PageDriver:
        """The tab whose address begins so, once there is one."""

    def popup_is_open(self) -> bool:
        """Whether the popup can be seen."""

    def on_page_button(self) -> str | None:
        """What the button on the page in front says; None where none can be seen."""

    def on_page_panel(self) -> Panel | None:
        """What the panel on the page in front says; None where there is none."""

    def end_worker(self) -> None:
        """End the extension's background, as browsers do when they want its memory."""

    def remove_extension(self) -> None:
        """Take the extension out of the browser, as a person does in its settings."""

    def window_on_page(self) -> bool:
        """Whether the popup stands open in a window of its own; it is closed again."""

    def close(self) -> None:
        """End the browser and remove its profile."""


def wait_for(surface: PageDriver, expression: str, seconds: float = PATIENCE) -> Any:
    """The expression's first truthy value. Raises WaitTimeout with what the page showed instead."""
    outcome = surface.evaluate(_poll(expression, seconds))
    if outcome["value"]:
        return outcome["value"]
    raise WaitTimeout(f"{expression} never came true; the page shows: {outcome['text']}")


def wait_through(surface: PageDriver, expression: str, seconds: float = PATIENCE) -> Any:
    """As `wait_for`, in a tab that may be on its way to another page. Raises WaitTimeout."""
    until = time.monotonic() + seconds
    while True:
        try:
            return wait_for(surface, expression, max(0.1, until - time.monotonic()))
        except WaitTimeout:
            raise
        except BrowserTrouble:  # the page that was asked is gone
            if time.monotonic() > until:
                raise WaitTimeout(f"{expression} never came true") from None
            time.sleep(PAUSE)


def _poll(expression: str, seconds: float) -> str:
    """Watch in the page itself: a condition is seen when it comes, without many journeys."""
    return f"""new Promise((done) => {{
        const until = Date.now() + {seconds * 1000:.0f};
        const look = async () => {{
            let value = null;
            try {{ value = await ({expression}); }} catch {{ /* not there yet */ }}
            if (value instanceof Node) value = true;
            if (value || Date.now() > until) {{
                const text = document.body?.innerText.slice(0, 2000) ?? '';
                done({{ value: value ?? null, text }});
            }} else {{
                setTimeout(look, 20);
            }}
        }};
        look();
    }})"""


SEEN = """(() => {
    const host = document.querySelector('crmlink-button');
    if (!host) return false;
    const { display, visibility } = getComputedStyle(host);
    return display !== 'none' && visibility !== 'hidden' && host.getBoundingClientRect().width > 0;
})()"""


def focus(surface: PageDriver, selector: str) -> None:
    """Put the keyboard on an element once it is there, and select what is in it."""
    wait_for(
        surface,
        f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
        " if (!it || it.disabled) return false; it.focus(); it.select?.();"
        " return document.activeElement === it; })()",
    )
