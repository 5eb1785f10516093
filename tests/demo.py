"""The main job, shown by itself: what `make demo` runs.

A real crmlink server, a sandbox that plays Commusoft, a real Chromium with the extension as it
ships, and a Xero contact page saved under its real address. Each step is said in a sentence and, on
Linux, photographed for the README. The exit code is 0 only when Commusoft holds what it should.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog

from browsers.assist_driver import AssistDriver, becomes, decide
from browsers.chromium import Chromium
from browsers.find import Unavailable
from browsers.keyboard import KeyboardDriver
from browsers.page_driver import (
    REPOSITORY,
    THIS_MACHINE,
    BrowserTrouble,
    focus,
    wait_for,
    wait_through,
)
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, ServiceFailed, running_services
from browsers.saved import MARGARET, saved_site, xero_contact
from browsers.screen import Screen, open_screen
from crmlink.store import Workspace, Writes
from support.access_factories import make_person

PICTURES = REPOSITORY / "docs/pictures"
RECORD = "customer-1001"
CUSTOMERS, SUPPLIERS = 2_000, 200
SHARP = 2  # screen points to a point on the page
SIZE = (1200 * SHARP, 900 * SHARP)


class Differs(Exception):
    """Something was not as it should be."""


class Demo:
    """One showing: a clerk, an office, and a camera where there is a screen."""

    def __init__(
        self, browser: Chromium, clerk: PopupDriver, access: RunningServices, screen: Screen | None
    ) -> None:
        self.browser = browser
        self.clerk = clerk
        self.access = access
        self.screen = screen
        self.assist = AssistDriver(browser)

    def show(self) -> None:
        """Every step. Raises Differs."""
        self.open_contact()
        self.connect()
        self.link()
        self.read_back(MARGARET)
        self.look_in_commusoft()
        self.undo()
        self.read_back(None)
        self.write_on_pages()
        self.fill_in()
        self.save()
        self.read_back(MARGARET)

    def open_contact(self) -> None:
        """The page where a clerk is when the job begins."""
        self.clerk.look_at(xero_contact())
        say(f"Margaret Holloway is open in Xero, at {xero_contact()}")
        self.picture("1-contact")

    def connect(self) -> None:
        """Once for each browser: Connect, allow, and yes on the server's own page."""
        anna = make_person(self.access.access_context, "clerk", "Anna Kowalska")
        address = self.access.server.address
        settings = self.clerk.press_connect(address)
        shown = settings.evaluate("document.querySelector('.code [aria-hidden]').innerText")
        code = self.clerk.approve(address, anna, look=lambda: self.picture("2-approve"))
        expect(code == shown, f"The page shows {code}, the extension {shown}")
        said = wait_for(settings, "document.querySelector('#outcome .good')?.innerText")
        expect("works" in said, said)
        self.picture("2-connected")
        settings.close()
        say(f"The extension is connected to {address}: both sides showed {code}, Anna said yes.")

    def link(self) -> None:
        """The job itself: one shortcut, one key."""
        self.clerk.link_to_crm()
        expect(self.clerk.chosen() == RECORD, f"{self.clerk.chosen()} is chosen, not {RECORD}")
        say(f"Link to CRM offers {RECORD} first, and has it chosen.")
        self.picture("3-suggestions")
        self.clerk.press("Enter")
        self.clerk.sees("linked")
        say("Enter: linked.")
        self.picture("4-linked")

    def look_in_commusoft(self) -> None:
        """The record's own page, by the popup's button."""
        self.clerk.press_button("Open in Commusoft")
        page = self.browser.newest_page()
        focus(page, "#logintype_username")
        page.press("Enter")
        wait_through(
            page, f"document.querySelector('#record-view').innerText.includes('{MARGARET}')"
        )
        say("Open in Commusoft: the record's page shows the reference.")
        self.picture("5-in-commusoft")
        page.close()

    def undo(self) -> None:
        """Later, from the contact's page again."""
        self.clerk.link_to_crm("already")
        self.clerk.press_button("Undo")
        self.clerk.sees("undone")
        say("Link to CRM again, Undo: undone.")
        self.picture("6-undone")

    def write_on_pages(self) -> None:
        """As for an office without the API: an admin's setting, and the switch of each browser."""
        with self.access.access_context.database.writing() as session:
            session.get_one(
                Workspace, self.access.access_context.workspace_id
            ).writes = Writes.PAGES
        settings = self.browser.open_own_page("options/options.html")
        focus(settings, "#on-page-commusoft")
        settings.press("Enter")
        said = wait_for(settings, "document.querySelector('.outcome > *')?.innerText")
        expect("now works" in said, said)
        settings.close()
        say("Now without the API: crmlink is switched on for Commusoft's own pages.")

    def fill_in(self) -> None:
        """The same decision, filled in on the record's own page."""
        decide(self.clerk)
        link = becomes(self.access, "intended")
        self.page = self.browser.turn_to(link["record"]["page_url"])
        self.assist.fill(self.page)
        say("Enter, Edit, Fill in: the reference is in its field on the page, not saved yet.")
        self.read_back(None)
        self.picture("8-fill-in")

    def save(self) -> None:
        """Commusoft's own Save is the person's; crmlink looks at the page again."""
        focus(self.page, "#editcustomer button.main")
        self.page.press("Enter")
        self.assist.says("Linked, seen on the page")
        becomes(self.access, "linked")
        say("Save, on Commusoft's page: linked, seen there.")
        self.picture("9-seen-on-the-page")

    def read_back(self, wanted: str | None) -> None:
        """What Commusoft holds, asked of the sandbox over HTTP, past crmlink's server."""
        found = self.access.reference(RECORD)
        expect(found == wanted, f"{RECORD} carries {found}, it should carry {wanted}")
        say(f"Read back from Commusoft: {RECORD} carries {found or 'no reference'}.")

    def picture(self, name: str) -> None:
        """What a person sees now; nothing where there is no screen."""
        if self.screen:
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.screen.picture(PICTURES / f"{name}.png")


@contextmanager
def browser_and_clerk() -> Iterator[tuple[Chromium, PopupDriver, Screen | None]]:
    """Chromium on a screen of its own, worked by keyboard; headless where this is not Linux."""
    if not sys.platform.startswith("linux"):
        with closing(Chromium((THIS_MACHINE,))) as browser:
            yield browser, PopupDriver(browser), None
        return
    with (
        open_screen(SIZE) as screen,
        closing(
            Chromium(screen=screen.display, flags=(f"--force-device-scale-factor={SHARP}",))
        ) as browser,
    ):
        yield browser, KeyboardDriver(browser, screen), screen


def expect(held: bool, otherwise: str) -> None:
    """Raises Differs with what was found instead."""
    if not held:
        raise Differs(otherwise)


def say(sentence: str) -> None:
    """One step, at once."""
    print(sentence, flush=True)


def main() -> int:
    """Show the main job; 0 when Commusoft held what it should at every step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    # Told to end, it still closes what it opened.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            running_services(CUSTOMERS, SUPPLIERS) as access,
            browser_and_clerk() as (browser, clerk, screen),
        ):
            say(
                f"crmlink runs, with a sandbox of {CUSTOMERS:,} made-up customers as its Commusoft."
            )
            browser.serve(saved_site())
            Demo(browser, clerk, access, screen).show()
    except (Differs, BrowserTrouble, ServiceFailed, Unavailable) as error:
        print(f"The demonstration failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"It worked: {RECORD} got {MARGARET} by the API, nothing by Undo, and got it on its page.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
