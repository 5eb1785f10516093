"""Names that try to be markup, through every page that shows one, in real Chromium.

The browser is told to ignore the Content-Security-Policy, so that only the escaping holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request

from crmlink.access.pairing import start_pairing
from crmlink.store import Device, Link, LinkState, MirroredRecord, Pairing, Person
from crmlink.store.base import utc_now
from support.browser_client import proven
from support.live_server import LiveServer, running_server
from support.sample_data import SampleData
from support.sandbox import new_key

VECTORS = Path(__file__).parents[1] / "vectors" / "hostile.json"
NAMES: list[str] = [
    name for names in json.loads(VECTORS.read_text())["names"].values() for name in names
]
PAGE = 50
FOREIGN = """() => [...document.querySelectorAll("main, main *")].filter((one) =>
    one.matches("img, script, style, iframe, object, embed, math, link, meta, base, audio, video")
    || [...one.attributes].some(({ name }) => /^(on|srcdoc)/.test(name)),
).map((one) => one.outerHTML.slice(0, 200))"""


@dataclass
class Watch:
    """Looks at a page for anything that a name made happen."""

    page: Page
    home: str
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:")):
            self.seen.append(f"a request to {request.url}")

    def visit(self, path: str) -> None:
        self.page.goto(self.home + path)
        self.look(path)

    def press(self, button: str | re.Pattern[str], where: str) -> None:
        """Send a form, and look at what its answer shows, not at the page before."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()
        self.look(where)

    def look(self, where: str) -> None:
        """Raise AssertionError when a name was more than text."""
        if self.page.evaluate("'hostile' in window"):
            self.seen.append("a script ran")
        if found := self.page.evaluate(FOREIGN):
            self.seen.append(f"markup: {found}")
        assert not self.seen, f"{where}: {self.seen}"


@pytest.fixture(scope="module")
def live() -> Iterator[LiveServer]:
    with running_server() as opened:
        _spoil(opened)
        yield opened


@pytest.fixture(scope="module")
def watch(live: LiveServer, browser: Browser) -> Iterator[Watch]:
    context = live.context(browser, "admin", bypass_csp=True)
    yield Watch(context.new_page(), live.address)
    context.close()


def test_lists_show_every_hostile_name_as_text(live: LiveServer, watch: Watch) -> None:
    for number in range(1, len(NAMES) // PAGE + 3):
        watch.visit(f"/links?page={number}")
        watch.visit(f"/records?page={number}")
    for path in ("/", "/people", "/devices?ended=yes", "/audit", "/links?q=script"):
        watch.visit(path)


@pytest.mark.parametrize("start", range(4))
def test_single_pages_show_hostile_names_as_text(
    live: LiveServer, watch: Watch, start: int
) -> None:
    for number in range(start, len(NAMES), 16):
        watch.visit(f"/records/customer-{90_000 + number}")
        watch.visit(f"/links/{number:032x}")
        watch.visit(f"/links/{number:032x}/undo")


def test_people_and_devices_with_hostile_names_are_asked_about_as_text(
    live: LiveServer, watch: Watch
) -> None:
    with live.installation.database.reading() as session:
        people = session.query(Person).filter(Person.name.in_(NAMES)).all()
        devices = session.query(Device).filter(Device.name.in_(NAMES)).all()
    assert len(people) > 10
    assert len(devices) > 10
    for person in people:
        watch.visit(f"/people/{person.public_id}")
        watch.visit(f"/people/{person.public_id}/remove")
    for device in devices:
        watch.visit(f"/devices/browsers/{device.public_id}")
        watch.visit(f"/devices/browsers/{device.public_id}/revoke")


def test_a_browser_that_calls_itself_something_hostile_is_shown_as_text(
    live: LiveServer, watch: Watch
) -> None:
    access = live.installation.access
    for name in NAMES[::16]:
        code = start_pairing(access, name[:60], name[:60], proven("a key")).user_code
        watch.visit(f"/pair?code={code}")


def test_what_is_typed_comes_back_as_text(live: LiveServer, watch: Watch) -> None:
    for name in [*NAMES[::16], *(name for name in NAMES if name.startswith('"'))]:
        watch.visit(f"/records?{urlencode({'q': name[:300]})}")
    for name in NAMES[::32]:
        watch.page.goto(watch.home + "/people")
        watch.page.get_by_label("Name").fill(name[:90])
        watch.page.get_by_label("Email").fill("no@email")
        watch.press("Add and show", f"a person called {name[:40]!r}")


def test_the_watch_sees_a_name_that_is_written_as_markup(live: LiveServer, watch: Watch) -> None:
    watch.page.goto(watch.home + "/records")
    own = Watch(watch.page, watch.home)
    watch.page.evaluate(
        "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)",
        '<img src=x onerror="window.hostile=1">',
    )
    watch.page.wait_for_function("'hostile' in window")
    with pytest.raises(AssertionError, match="a script ran"):
        own.look("here")


def _spoil(live: LiveServer) -> None:
    """Give every sort of thing that has a name each of the hostile ones, or some of them."""
    sample, installation = live.sample, live.installation
    with installation.database.writing() as session:
        for number, name in enumerate(NAMES):
            session.add(_record(installation.workspace.connection_id, number, name))
            session.add(_link(installation.workspace.connection_id, sample, number, name))
        for number, name in enumerate(NAMES[::16]):
            session.add(
                Person(
                    workspace_id=installation.workspace.workspace_id,
                    name=name,
                    email=f"{number}@hostile.example",
                    role=sample.clerk.role,
                    joined_at=utc_now(),
                )
            )
            session.add(_device(sample, number, name))
        session.flush()
        workspace = sample.browser.workspace_id
        session.query(Pairing).filter_by(workspace_id=workspace).update(
            {"device_name": NAMES[0], "browser": NAMES[1], "address": NAMES[2]}
        )


def _record(connection_id: int, number: int, name: str) -> MirroredRecord:
    return MirroredRecord(
        connection_id=connection_id, kind="customer", number=str(90_000 + number), name=name,
        company=name if number % 2 else "", email=name, phones=[name], address=name, town=name,
        postcode=name, account_number=name, reference=name, mirror_version=1_000_000,
    )  # fmt: skip


def _link(connection_id: int, sample: SampleData, number: int, name: str) -> Link:
    return Link(
        id=f"{number:032x}", connection_id=connection_id, device_id=sample.browser.id,
        idempotency_key=new_key(), fingerprint="", package=name, organisation=name,
        kind="customer", reference=name, contact_name=name, record_number=str(90_000 + number),
        record_label=name, prior=name, target=name + "2", state=LinkState.LINKED,
        differences=[{"field": name, "contact": name, "record": name}], created_at=utc_now(),
        settled_at=utc_now(),
    )  # fmt: skip


def _device(sample: SampleData, number: int, name: str) -> Device:
    return Device(
        workspace_id=sample.browser.workspace_id, person_id=sample.clerk.id,
        sort="script" if number % 2 else "browser", name=name, prefix=f"crm_{number}",
        token_hash=f"hostile {number}", scopes=["read"], expires_at=sample.token.expires_at,
        last_used_address=name, last_used_at=utc_now(),
    )  # fmt: skip
