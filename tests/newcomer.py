"""Plays an office that has never seen crmlink: from the wheel to a first link, each step timed.

`make newcomer` runs it. Nothing of it uses the checkout but the wheel that is built first, which a
newcomer downloads: the environment, the server and its data are in a folder elsewhere, and Python's
own package index (or what pip is told) has the libraries. A real Chromium gets the extension by the
policy file that the server's page hands out. Commusoft is crmlink's own practice data.

The service is systemd's, of this person, where there is one; elsewhere the service's own command is
run, and the script says so. The exit code is 0 only if the link was made, within LIMIT.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page

from browsers.chromium import Chromium
from browsers.find import CHROMIUM, Unavailable, find
from browsers.managed import can_manage, set_policies
from browsers.page_driver import REPOSITORY, BrowserTrouble
from browsers.popup_driver import PopupDriver
from browsers.real_services import Service, ServiceFailed, wait_until
from browsers.saved import MARGARET, saved_site, xero_contact
from browsers.shared_playwright import shared_playwright
from crmlink.store import Person
from release.package import build_release, commit_time
from support.access_factories import PASSWORD

LIMIT = 15 * 60.0  # seconds
ADMIN = Person(name="Ann Archer", email="ann@firm.example", role="admin")


class WentWrong(Exception):
    """A step did not lead to what it should; the message says what was seen."""


class Clock:
    """Times the steps, and prints each at once."""

    def __init__(self) -> None:
        self.total = 0.0

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        before = time.monotonic()
        yield
        seconds = time.monotonic() - before
        self.total += seconds
        print(f"{seconds:6.1f} s  {what}", flush=True)


class Newcomer:
    """One computer, from nothing."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock, self.data = folder, clock, folder / "data"
        self.bin = folder / "environment" / "bin"
        self.settings = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CRMLINK_", "PYTHON", "VIRTUAL_ENV"))
        } | {"CRMLINK_DATA_DIR": str(self.data)}

    def install(self, wheel: Path) -> None:
        with self.clock.step("a fresh environment, and the wheel with its libraries in it"):
            self._run(sys.executable, "-m", "venv", str(self.bin.parent))
            self._run(str(self.bin / "pip"), "install", "--quiet", str(wheel))

    @contextmanager
    def service(self) -> Iterator[str]:
        """The server's address, while it runs."""
        with ExitStack() as stack:
            with self.clock.step(f"the service answers ({self._kind()})"):
                if self._has_systemd():
                    crmlink = str(self.bin / "crmlink")
                    self._run(crmlink, "service", "install", "--user", "--data-dir", str(self.data))
                    stack.callback(self._run, crmlink, "service", "uninstall", "--user")
                    self._run(crmlink, "service", "start", "--user")
                    address = "http://127.0.0.1:8787"
                else:
                    program = (self.bin / "python", "-m", "crmlink")
                    server = Service("serve --service", self.folder, self.settings, program)
                    stack.callback(server.stop)
                    server.start()
                    address = server.address
                wait_until((self.data / "first-admin.html").is_file, "it writes the admin's file")
            yield address

    def _kind(self) -> str:
        if self._has_systemd():
            return "of systemd, this person's"
        return "this session has no systemd of its own, so by the service's own command"

    def _has_systemd(self) -> bool:
        asked = ["systemctl", "--user", "show-environment"]
        try:
            return subprocess.run(asked, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False

    def become_admin(self, page: Page) -> None:
        with self.clock.step("the file with the one-time code opens, the first admin is made"):
            page.goto((self.data / "first-admin.html").as_uri())
            page.wait_for_selector("input[name=email]")
            page.fill("input[name=name]", ADMIN.name)
            page.fill("input[name=email]", ADMIN.email)
            page.fill("input[name=password]", PASSWORD)
            page.fill("input[name=again]", PASSWORD)
            page.press("input[name=again]", "Enter")
            page.wait_for_selector("h1:has-text('Getting started')")

    def take_steps(self, page: Page, address: str) -> bytes:
        """The steps of the set-up page; the policy file for the office's browsers."""
        with self.clock.step("the set-up page: records are there, the package is chosen"):
            page.goto(f"{address}/start")
            page.wait_for_function(
                "/[1-9][0-9,]* customers/.test(document.querySelector('#records-step').innerText)"
            )
            page.check("#package-xero")
            page.click("#packages-step button")
            page.wait_for_selector("#packages-step.done")
        with self.clock.step("the policy file is downloaded from Install"):
            page.goto(f"{address}/install")
            name = re.search(r"/install/policy/chrome\.json", page.content())
            if not name:
                raise WentWrong("Install offers no policy for Chrome on Linux.")
            return page.request.get(address + name[0]).body()

    def link(self, policy: bytes, address: str) -> None:
        with ExitStack() as stack:
            with self.clock.step("Chromium starts, and the extension arrives by policy"):
                policies = set_policies(self.folder / "etc", policy)
                browser = stack.enter_context(closing(Chromium(policies=policies)))
                browser.serve(saved_site())
                clerk = PopupDriver(browser)
            with self.clock.step("Connect, log in, approve"):
                clerk.look_at(xero_contact())
                clerk.link_to_crm("not-connected")
                clerk.waits_for(address)
                clerk.press("Enter")
                clerk.approve(address, ADMIN)
            with self.clock.step("the first link"):
                clerk.look_at(xero_contact())
                clerk.link_to_crm()
                clerk.press("Enter")
                clerk.sees("linked")

    def see_link(self, page: Page, address: str) -> None:
        """Look at the server's own page of links. Raises WentWrong."""
        page.goto(f"{address}/links")
        if MARGARET not in page.content():
            raise WentWrong("The link isn't among crmlink's links.")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.settings, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise WentWrong(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout


def play(folder: Path, clock: Clock) -> None:
    """Every step. Raises WentWrong and what browsers and services raise."""
    build_release(REPOSITORY, folder / "release", commit_time(REPOSITORY), installer=False)
    newcomer = Newcomer(folder, clock)
    newcomer.install(next((folder / "release").glob("*.whl")))
    with newcomer.service() as address:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = shared_playwright().chromium.launch(
            executable_path=find(CHROMIUM).path, args=flags
        )
        with closing(browser):
            page = browser.new_page()
            newcomer.become_admin(page)
            policy = newcomer.take_steps(page, address)
            newcomer.link(policy, address)
            newcomer.see_link(page, address)


def main() -> int:
    """Play it; 0 if the first link was made in time."""
    if not can_manage():
        print("This machine lets no program put policies before a Chromium.", file=sys.stderr)
        return 1
    clock = Clock()
    try:
        with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
            play(Path(folder), clock)
    except (WentWrong, Error, BrowserTrouble, ServiceFailed, Unavailable) as error:
        print(f"The newcomer did not get through: {error}", file=sys.stderr)
        return 1
    print(f"{clock.total:6.1f} s  from the wheel to the first link")
    return 0 if clock.total < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
