"""Policy files as browsers and Windows read them."""

from __future__ import annotations

import json
import plistlib
import re

import pytest

from crmlink.browser_extension.archive import Browser
from crmlink.browser_extension.policies import (
    Source,
    chromium_policy,
    firefox_policy,
    json_file,
    plist_file,
    reg_file,
)
from crmlink.browser_extension.store_links import NotAStoreLink, parse_store_links, store_source

SERVER = "https://crm.office.example"
ID = "abcdefghijklmnopabcdefghijklmnop"
SOURCE = Source(ID, f"{SERVER}/extension/updates.xml")


@pytest.mark.parametrize(
    ("browser", "shown"),
    [
        (Browser.CHROME, {"toolbar_pin": "force_pinned"}),
        (Browser.EDGE, {"toolbar_state": "force_shown"}),
    ],
)
def test_chrome_and_edge_install_pin_and_know_the_server(
    browser: Browser, shown: dict[str, str]
) -> None:
    policy = json.loads(json_file(chromium_policy(browser, SOURCE, SERVER)))
    assert policy["ExtensionSettings"][ID] == {
        "installation_mode": "force_installed",
        "update_url": SOURCE.url,
        "override_update_url": True,
        **shown,
    }
    assert policy["3rdparty"]["extensions"][ID] == {"server": SERVER, "only_this_server": True}
    assert plistlib.loads(plist_file(chromium_policy(browser, SOURCE, SERVER))) == policy


def _registry(content: bytes) -> dict[str, dict[str, object]]:
    """What Windows would have after the file was imported: values by key."""
    text = content.decode("ascii")
    assert text.startswith("Windows Registry Editor Version 5.00\r\n\r\n")
    assert "\n" not in text.replace("\r\n", "")
    keys: dict[str, dict[str, object]] = {}
    for line in text.split("\r\n")[2:]:
        if found := re.fullmatch(r"\[(HKEY_LOCAL_MACHINE\\.+)\]", line):
            values = keys.setdefault(found[1], {})
        elif found := re.fullmatch(r'"(\w+)"=dword:([0-9a-f]{8})', line):
            values[found[1]] = int(found[2], 16)
        elif found := re.fullmatch(r'"(\w+)"="((?:[^"\\]|\\.)*)"', line):
            values[found[1]] = re.sub(r"\\(.)", r"\1", found[2])
        else:
            assert not line or line.startswith(";"), line
    return keys


@pytest.mark.parametrize(
    ("browser", "root"), [(Browser.CHROME, r"Google\Chrome"), (Browser.EDGE, r"Microsoft\Edge")]
)
def test_the_registry_file_says_the_same(browser: Browser, root: str) -> None:
    keys = _registry(reg_file(browser, SOURCE, SERVER))
    policy = chromium_policy(browser, SOURCE, SERVER)
    top = rf"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\{root}"
    assert set(keys) == {top, rf"{top}\3rdparty\extensions\{ID}\policy"}
    assert json.loads(str(keys[top]["ExtensionSettings"])) == policy["ExtensionSettings"]
    assert keys[rf"{top}\3rdparty\extensions\{ID}\policy"] == {
        "server": SERVER,
        "only_this_server": 1,
    }


def test_firefox_installs_pins_and_knows_the_server() -> None:
    source = Source("crmlink@crmlink.example", f"{SERVER}/extension/crmlink.xpi")
    policies = firefox_policy(source, SERVER)["policies"]
    settings = policies["ExtensionSettings"][source.extension_id]
    assert settings["installation_mode"] == "force_installed"
    assert settings["install_url"] == source.url
    assert settings["default_area"] == "navbar"
    assert policies["3rdparty"]["Extensions"][source.extension_id]["server"] == SERVER
    assert "Preferences" not in policies  # it weakens no browser for our sake


def test_a_policy_takes_the_extension_from_a_store_where_it_is_published() -> None:
    links = parse_store_links(
        f"https://chromewebstore.google.com/detail/crmlink/{ID}, "
        f"https://microsoftedge.microsoft.com/addons/detail/{ID} "
        "https://addons.mozilla.org/en-GB/firefox/addon/crmlink/"
    )
    assert set(links) == set(Browser)
    chrome = store_source(Browser.CHROME, links, "x")
    firefox = store_source(Browser.FIREFOX, links, "crmlink@crmlink.example")
    assert chrome == Source(ID, "https://clients2.google.com/service/update2/crx")
    assert firefox == Source(
        "crmlink@crmlink.example",
        "https://addons.mozilla.org/firefox/downloads/latest/crmlink/latest.xpi",
    )
    assert store_source(Browser.EDGE, {}, "x") is None


@pytest.mark.parametrize(
    "link",
    [
        "http://chromewebstore.google.com/detail/crmlink/" + ID,
        "https://chromewebstore.google.com.evil.example/detail/crmlink/" + ID,
        "https://chromewebstore.google.com/detail/crmlink/" + ID.upper(),
        "https://addons.mozilla.org/firefox/addon/crm%2flink",
        "javascript:alert(1)",
    ],
)
def test_only_a_page_of_a_known_store_is_a_store_link(link: str) -> None:
    with pytest.raises(NotAStoreLink):
        parse_store_links(link)
