"""Who is no page of the extension's own may ask its background for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.page_driver import THIS_MACHINE, Browser, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import saved_site, xero_contact
from crmlink.access.devices import list_devices

XERO = "https://go.xero.com/*"
SILENT = "nobody answered"
# What the popup and the settings would say, in the words that the background knows.
FORGED = [
    {"type": "connection_status"},
    {"type": "disconnect"},
    {"type": "pair", "server": "http://127.0.0.1:9"},
    {"type": "search", "q": "a", "kind": "customer"},
    {"type": "open_url", "address": xero_contact()},
    {"type": "undo", "snapshot": None, "link": "lnk_1", "title": "", "also_on": []},
    {
        "type": "open_form",
        "package": "sage_50",
        "reference": "HOLL01",
        "name": "Margaret Holloway",
        "postcode": "",
        "kind": "customer",
    },
]
ANSWERED_WITHIN = 60_000  # milliseconds, where an answer is expected
SEND = """async (messages, patience = 1000) => {
    const answers = [];
    for (const message of messages) {
        const late = new Promise((resolve) => setTimeout(resolve, patience, undefined));
        const sent = chrome.runtime.sendMessage(message).catch(() => undefined);
        answers.push((await Promise.race([sent, late])) ?? "nobody answered");
    }
    return answers;
}"""


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension put scripts into Xero's pages."""
    running: Browser = Chromium((THIS_MACHINE, XERO)) if request.param == "chromium" else Firefox()
    yield running
    running.close()


@pytest.fixture
def clerk(browser: Browser, access: RunningServices) -> PopupDriver:
    browser.serve(saved_site())
    clerk = PopupDriver(browser)
    clerk.connect(access)
    return clerk


def test_a_script_of_ours_in_a_page_is_heard_only_in_its_own_two_words(
    clerk: PopupDriver, access: RunningServices
) -> None:
    """As if a page had got hold of it: it speaks under the extension's own name."""
    clerk.switch_on_page("xero")
    clerk.look_at(xero_contact())
    helper = clerk.browser.open_own_page("options/options.html")

    def from_page(*arguments: object) -> list[Any]:
        answers: list[Any] = helper.evaluate(
            "chrome.tabs.query({ url: 'https://go.xero.com/*' }).then(([tab]) =>"
            " chrome.scripting.executeScript({ target: { tabId: tab.id },"
            f" func: {SEND}, args: {json.dumps(arguments)} }}))"
            ".then(([done]) => done.result)"
        )
        return answers

    silence = from_page(FORGED)
    [mark] = from_page([{"type": "page_mark"}], ANSWERED_WITHIN)
    ours = helper.evaluate(f"({SEND})([{{ type: 'connection_status' }}], {ANSWERED_WITHIN})")
    helper.close()
    clerk.switch_on_page("xero")
    assert silence == [SILENT] * len(FORGED)
    assert set(mark) == {"ok", "data"}
    assert ours[0]["data"]["connected"] is True
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [False]


def test_a_web_page_has_no_way_to_the_background(clerk: PopupDriver, browser: Browser) -> None:
    own = browser.open_own_page("options/options.html")
    identity = own.evaluate("({ id: chrome.runtime.id, origin: location.origin })")
    own.close()
    clerk.look_at(xero_contact())
    assert clerk.page
    reached = clerk.page.evaluate(
        "typeof (globalThis.chrome ?? globalThis.browser)?.runtime?.sendMessage"
    )
    assert reached == "undefined"
    framed = clerk.page.evaluate(f"""new Promise((done) => {{
        const frame = document.createElement("iframe");
        frame.src = {json.dumps(identity["origin"])} + "/popup/popup.html";
        frame.onload = frame.onerror = () => setTimeout(done, 300, frame.contentDocument === null
            ? "closed" : frame.contentDocument.body?.textContent ?? "");
        document.body.append(frame);
    }})""")
    assert "Link to CRM" not in framed
    file = json.dumps(f"{identity['origin']}/lib/api.js")
    fetched = clerk.page.evaluate(f"fetch({file}).then(() => 'read', () => 'refused')")
    assert fetched == "refused"


def test_another_extension_is_not_heard(
    clerk: PopupDriver, browser: Browser, access: RunningServices, tmp_path: Path
) -> None:
    own = browser.open_own_page("options/options.html")
    identity = own.evaluate("chrome.runtime.id")
    own.close()
    (tmp_path / "manifest.json").write_text(
        json.dumps(
            {
                "manifest_version": 3,
                "name": "Another",
                "version": "1",
                "browser_specific_settings": {"gecko": {"id": "another@firm.example"}},
            }
        )
    )
    (tmp_path / "page.html").write_text("<!doctype html><title>Another</title>")
    page = browser.open_other_extension(tmp_path, "page.html")
    send = SEND.replace("sendMessage(message)", f"sendMessage({json.dumps(identity)}, message)")
    answers = page.evaluate(f"({send})({json.dumps(FORGED)})")
    page.close()
    assert answers == [SILENT] * len(FORGED)
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [False]
    wait_for_popup(clerk)


def wait_for_popup(clerk: PopupDriver) -> None:
    """What was refused has changed nothing."""
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    wait_for(clerk.popup, "document.querySelector('input[name=record]')")
