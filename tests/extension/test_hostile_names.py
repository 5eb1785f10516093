"""Names that try to be more than text, from Commusoft and from the page, through the real popup.

The browser is told to ignore the extension's Content-Security-Policy, so that nothing but the way
the popup is built holds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Error, Page, Request

from extension.popup_states_runner import Stage, open_stage
from extension.scripted_replies import (
    HOLLOWAY,
    LINKS,
    RECORDS,
    SUGGEST,
    WORKSPACE,
    link,
    offer,
    search_reply,
    suggestion,
)
from extension.scripted_server import Reply, problem
from extension.steps import State, chosen

VECTORS = Path(__file__).parents[1] / "vectors" / "hostile.json"
NAMES: list[str] = [
    name for names in json.loads(VECTORS.read_text("utf-8"))["names"].values() for name in names
]
AT_ONCE = 10  # the popup lists all that the server suggests
GROUPS = [NAMES[at : at + AT_ONCE] for at in range(0, len(NAMES), AT_ONCE)]
MAX_ON_PAGE = 250  # characters of a text; the extension reads no more of a name
PAGE = "<!doctype html><title></title><h1>Margaret Holloway</h1><dl><dt>Address</dt><dd></dd></dl>"
FOREIGN = """() => [...document.querySelectorAll("body, body *")].filter((one) =>
    one.matches("script, style, iframe, object, embed, math, link, meta, base, template, dialog")
    || one.matches("audio, video")
    || one.matches("svg:not(.icon), img:not([src='../icons/48.png']), a:not([href^='http'])")
    || [...one.attributes].some(({ name }) => /^(on|hx-|data-hx|style|srcdoc|form.)/.test(name)),
).map((one) => one.outerHTML.slice(0, 200))"""


@dataclass
class Watch:
    """What a name made happen, anywhere in the browser."""

    stage: Stage
    popup: Page
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage.extension.context.on("dialog", self._dialog)
        self.stage.extension.context.on("request", self._request)

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        ours = (self.stage.extension.origin, self.stage.server.address, "https://go.xero.com/")
        if not request.url.startswith(ours):
            self.seen.append(f"a request to {request.url}")

    def look(self, where: str) -> None:
        """Raise AssertionError when a name was more than text."""
        for place in (self.popup, self.stage.extension.site):
            if place.evaluate("'hostile' in window || 'hostile' in {}"):
                self.seen.append("a script ran")
        if markup := self.popup.evaluate(FOREIGN):
            self.seen.append(f"markup: {markup}")
        assert not self.seen, f"{where}: {self.seen}"


def spoilt(name: str, number: int) -> dict[str, Any]:
    """A record whose every text is that name."""
    texts = dict.fromkeys(
        ("label", "name", "company", "email", "address", "town", "postcode", "account_number"), name
    )
    return {**HOLLOWAY, **texts, "id": f"customer-{number}", "phones": [name], "page_url": name}


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    state = State("hostile", "choose", steps=lambda page, _: chosen(page), html=PAGE)
    with open_stage(bypass_csp=True) as stage, stage.show(state) as popup:
        yield Watch(stage, popup)


def serve(stage: Stage, names: list[str]) -> None:
    """Commusoft and its people are called like that."""
    records = [spoilt(name, number) for number, name in enumerate(names)]
    each = cycle(names)
    held = link(of=records[0], prior_reference=next(each), by=next(each), contact_name=next(each))
    held["record"]["reference"] = next(each)
    workspace = stage.server.replies[WORKSPACE]
    assert isinstance(workspace, Reply)
    person = {"name": next(each), "role": next(each)}
    body = {**workspace.body, "name": next(each), "person": person, "device": {"name": next(each)}}
    stage.server.replies |= {
        WORKSPACE: Reply(200, body),
        SUGGEST: offer(*(suggestion(one, 0.5, one["label"], f"!{one['town']}") for one in records)),
        RECORDS: search_reply(*records),
        LINKS: Reply(201, held),
    }


def say_on_page(stage: Stage, name: str, address: str) -> None:
    stage.extension.site.evaluate(
        """([name, address]) => {
            document.querySelector("h1").textContent = name;
            document.querySelector("dd").textContent = address;
        }""",
        [name, address],
    )


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: ascii(names[0])[:40])
def test_names_from_commusoft_stay_text_on_every_screen(names: list[str], watch: Watch) -> None:
    serve(watch.stage, names)
    popup = watch.popup
    popup.reload()
    popup.locator("body[data-screen='choose'] .option-name").first.wait_for()
    watch.look("suggestions")
    shown = popup.evaluate(
        "[...document.querySelectorAll('.option-name')].map((one) => one.textContent)"
    )
    assert shown == names

    linked = watch.stage.server.replies[LINKS]
    watch.stage.server.replies[LINKS] = problem(
        "write-refused", 502, names[-1], link=link("failed")
    )
    popup.keyboard.press("2")
    popup.keyboard.press("Enter")
    popup.locator("body[data-screen='trouble-write-refused']").wait_for()
    watch.look("refused")

    watch.stage.server.replies[LINKS] = linked
    popup.get_by_role("button", name="Try again").click()
    popup.locator("body[data-screen='linked']").wait_for()
    watch.look("linked")


def joined(names: list[str]) -> Iterator[str]:
    """Yield the names, as many in one text as the extension reads of it."""
    text = ""
    for name in names:
        if text and len(text) + len(name) > MAX_ON_PAGE:
            yield text
            text = ""
        text = f"{text} / {name}" if text else name
    yield text


@pytest.mark.parametrize("part", range(8))
def test_names_from_the_page_stay_text(part: int, watch: Watch) -> None:
    texts = list(joined(NAMES[part::8]))
    for name, address in zip(texts[::2], [*texts[1::2], ""], strict=False):
        say_on_page(watch.stage, name, address)
        watch.popup.reload()
        watch.popup.locator("body[data-screen='choose'] .option-name").first.wait_for()
        watch.look("the contact")


def test_the_same_names_put_in_as_markup_are_noticed(watch: Watch) -> None:
    noticed = 0
    address = watch.popup.url
    for name in NAMES:
        watch.seen.clear()
        try:
            watch.popup.evaluate("name => (document.querySelector('main').innerHTML = name)", name)
            watch.look("the twin")
        except AssertionError:
            noticed += 1
        except Error:  # it took the page elsewhere, or still does: only another page is quiet
            noticed += 1
            watch.popup.close()
            watch.popup = watch.stage.extension.context.new_page()
            watch.popup.goto(address)
    assert noticed > len(NAMES) / 3
