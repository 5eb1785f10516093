"""The real popup on a notebook's screen of 1366 x 768, at 100, 125 and 150 %, light and dark.

Run in the folder tests:

    python -m extension.screenshots_small FOLDER
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from browsers.chromium import Chromium
from browsers.keyboard import KeyboardDriver
from browsers.real_services import ServicesAhead
from browsers.saved import saved_site, xero_contact
from browsers.screen import open_screen

NOTEBOOK = (1366, 768)


def main(folder: Path) -> None:
    """Photograph the suggestions and what was linked, at each scale and in both colours."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(ServicesAhead()) as offices:
        for scale in (1, 1.25, 1.5):
            for scheme in ("light", "dark"):
                with offices.next() as access, open_screen(NOTEBOOK) as screen:
                    dark = ("--force-dark-mode",) if scheme == "dark" else ()
                    flags = (f"--force-device-scale-factor={scale}", *dark)
                    here = ("http://127.0.0.1/*",)
                    browser = Chromium(here, screen.display, NOTEBOOK, flags)
                    with closing(browser):
                        browser.serve(saved_site())
                        clerk = KeyboardDriver(browser, screen)
                        clerk.connect(access)
                        clerk.look_at(xero_contact())
                        clerk.link_to_crm()
                        name = f"{round(scale * 100)}-{scheme}.png"
                        screen.picture(folder / f"choose-{name}")
                        clerk.press("Enter")
                        clerk.sees("linked")
                        screen.picture(folder / f"linked-{name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
