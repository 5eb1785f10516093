"""An office's policy in a real Chromium: the extension comes from the server, works and updates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from flask import Flask

from browsers.chromium import Chromium
from browsers.managed import can_manage, set_policies
from browsers.popup_driver import PopupDriver
from browsers.saved import MARGARET, saved_site, xero_contact
from crmlink.access.sessions import create_session
from crmlink.browser_extension import archive
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.installation import Installation
from crmlink.web.auth import SESSION_COOKIE
from support.access_factories import make_person
from support.databases import sqlite_database
from support.sandbox import SandboxHandle

NEWER = "99.0.0"

pytestmark = pytest.mark.skipif(
    not can_manage(), reason="this machine lets no test put policies before a Chromium"
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return sqlite_database(tmp_path)


@dataclass(frozen=True)
class PolicyServer:
    """A server, and the policy file that its page gave the admin."""

    address: str
    policy: bytes


@pytest.fixture
def policy_server(app: Flask, installation: Installation) -> Iterator[PolicyServer]:
    with SandboxServer(app) as web:
        admin = make_person(installation.access, "admin")
        cookie = create_session(installation.access, admin, "127.0.0.1", "Chrome on Linux")
        reply = requests.get(
            f"{web.url}/install/policy/chrome.json", cookies={SESSION_COOKIE: cookie}, timeout=60
        )
        reply.raise_for_status()
        yield PolicyServer(web.url, reply.content)


def offer_newer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update of the server."""
    shutil.copytree(archive.CHECKOUT_FOLDER, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": NEWER}))
    monkeypatch.setattr(archive, "PACKAGED_FOLDER", folder)


def versions(browser: Chromium) -> Iterator[str]:
    """The version in place at each look, by the browser's own list, which wakes no extension."""
    page = browser.context.new_page()
    page.goto("chrome://extensions")
    while True:
        installed = page.evaluate("chrome.developerPrivate.getExtensionsInfo()")
        yield next(one["version"] for one in installed if one["id"] == browser.id)


def test_by_policy_it_arrives_is_pinned_connects_by_one_key_links_and_updates(
    policy_server: PolicyServer,
    installation: Installation,
    sandbox: SandboxHandle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anna = make_person(installation.access, "clerk", "Anna Kowalska")
    policies = set_policies(tmp_path / "etc", policy_server.policy)
    with closing(Chromium(policies=policies)) as browser:
        browser.serve(saved_site())
        clerk = PopupDriver(browser)
        assert clerk.in_own_page("chrome.action.getUserSettings()") == {"isOnToolbar": True}

        clerk.look_at(xero_contact())
        clerk.link_to_crm("not-connected")
        clerk.waits_for(policy_server.address)  # a browser learns its policy after it has started
        assert clerk.popup.evaluate("document.querySelectorAll('input').length") == 0
        clerk.press("Enter")  # the page that opens closes the popup
        clerk.approve(policy_server.address, anna)

        clerk.look_at(xero_contact())
        clerk.link_to_crm()
        clerk.press("Enter")
        clerk.sees("linked")
        assert sandbox.reference("customer-1001") == MARGARET

        offer_newer(tmp_path / "newer", monkeypatch)
        browser.close_popup()
        found = clerk.in_own_page("chrome.runtime.requestUpdateCheck()")
        assert found == {"status": "update_available", "version": NEWER}
        looks = versions(browser)
        assert next(looks) != NEWER
        browser.end_worker()  # as after half a minute in which it is not used
        browser.wait_until(lambda: next(looks) == NEWER, "the newer version is in place")
        clerk.look_at(xero_contact())
        clerk.link_to_crm("already")
