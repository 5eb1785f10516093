"""An office's policy, as Firefox reads it: Connect is the only step, to the office's own server."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from browsers.firefox import Firefox
from browsers.page_driver import EXTENSION
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import saved_site, xero_contact
from crmlink.access.devices import list_devices
from support.access_factories import make_person, pair

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="the folder where Firefox looks for policies is Linux's",
)
GECKO_ID = json.loads((EXTENSION / "manifest.json").read_text())["browser_specific_settings"][
    "gecko"
]["id"]


def set_policy(home: Path, **data: Any) -> None:
    """What IT rolls out to the office's computers."""
    folder = home / ".mozilla" / "managed-storage"
    folder.mkdir(parents=True)
    policy = {"name": GECKO_ID, "description": "crmlink", "type": "storage", "data": data}
    (folder / f"{GECKO_ID}.json").write_text(json.dumps(policy))


def test_where_it_has_set_the_server_connect_is_the_only_step(
    access: RunningServices, tmp_path: Path
) -> None:
    set_policy(tmp_path, server=access.server.address)
    anna = make_person(access.access_context, "clerk", "Anna Kowalska")
    with closing(Firefox(home=tmp_path)) as browser:
        browser.serve(saved_site())
        clerk = PopupDriver(browser)
        clerk.look_at(xero_contact())
        clerk.link_to_crm("not-connected")
        assert access.server.address in clerk.reads()
        assert clerk.popup.evaluate("document.querySelectorAll('input').length") == 0
        clerk.press("Enter")
        clerk.sees("pairing")
        clerk.popup.close()
        clerk.approve(access.server.address, anna)
        clerk.look_at(xero_contact())
        clerk.link_to_crm()


def test_a_browser_leaves_a_server_that_it_no_longer_allows(
    access: RunningServices, tmp_path: Path
) -> None:
    set_policy(tmp_path, server="https://crm.office.example", only_this_server=True)
    anna = make_person(access.access_context, "clerk", "Anna Kowalska")
    with closing(Firefox(home=tmp_path)) as browser:
        browser.serve(saved_site())
        clerk = PopupDriver(browser)
        clerk.in_own_page("chrome.storage.local.clear()")
        clerk.remember(
            access.server.address, pair(access.access_context, anna, thumbprint=clerk.new_key())
        )
        clerk.look_at(xero_contact())
        clerk.link_to_crm("not-connected")
        assert "https://crm.office.example" in clerk.reads()
        assert "Use another address" not in clerk.reads()
        kept = clerk.in_own_page("chrome.storage.local.get(null).then(JSON.stringify)")
    assert "crmr_" not in kept
    assert len(list_devices(access.access_context)) == 1
