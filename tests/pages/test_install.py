"""Install: the right way for the browser that looks, policy files for admins, public packages."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask

from crmlink.app import create_app
from crmlink.browser_extension import archive
from crmlink.browser_extension.archive import Browser
from crmlink.installation import Installation
from crmlink.settings import load_settings
from crmlink.settings.errors import InvalidSettings
from support.installations import installation_of, open_app
from support.page_client import PageClient, signed_in_client, words
from support.sample_data import SampleData

AGENTS = {
    "chrome": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
    "edge": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 Version/18.0 Safari/605",
    "telephone": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/156.0 Mobile Safari",
    "opera": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari OPR/120.0",
}
STORE = "https://chromewebstore.google.com/detail/crmlink/abcdefghijklmnopabcdefghijklmnop"
PUBLIC_PATHS = (
    "/extension/updates.xml", "/extension/updates.json",
    "/extension/crmlink.crx", "/extension/crmlink.xpi",
)  # fmt: skip


def seen(reader: PageClient, agent: str) -> str:
    reply = reader.client.get("/install", headers={"User-Agent": AGENTS[agent]})
    assert reply.status_code == 200
    return words(reply)


@pytest.mark.parametrize(
    ("agent", "offered"),
    [
        ("chrome", "Download for Chrome"),
        ("edge", "Download for Edge"),
        ("firefox", "Download for Firefox"),
        ("safari", "have it"),
        ("telephone", "have it"),
        ("opera", "have it"),
    ],
)
def test_each_browser_is_offered_its_own_way(clerk: PageClient, agent: str, offered: str) -> None:
    page = seen(clerk, agent)
    others = {"Download for Chrome", "Download for Edge", "Download for Firefox", "have it"}
    assert offered in page
    assert not any(other in page for other in others - {offered})
    assert "by policy" not in page


def test_a_store_comes_before_the_zip(
    app: Flask, installation: Installation, sample: SampleData
) -> None:
    settings = replace(installation.settings, store_links={Browser.CHROME: STORE})
    installation.settings = settings
    published = create_app(settings, installation)
    reader = signed_in_client(published, installation, sample.admin)
    assert "Add to Chrome" in seen(reader, "chrome")
    assert "Download for Chrome" not in seen(reader, "chrome")
    assert "Download for Edge" in seen(reader, "edge")
    policy = json.loads(reader.get("/install/policy/chrome.json").data)
    [extension] = policy["ExtensionSettings"].items()
    assert extension[0] == STORE[-32:]
    assert extension[1]["update_url"] == "https://clients2.google.com/service/update2/crx"


@pytest.mark.parametrize("browser", ["chrome", "edge", "firefox"])
def test_the_zip_is_the_whole_extension_for_that_browser(clerk: PageClient, browser: str) -> None:
    reply = clerk.get(f"/install/{browser}.zip")
    assert reply.headers["Content-Disposition"] == f'attachment; filename="crmlink-{browser}.zip"'
    with ZipFile(BytesIO(reply.data)) as package:
        assert "background.js" in package.namelist()
        manifest = json.loads(package.read("manifest.json"))
    assert ("scripts" in manifest["background"]) == (browser == "firefox")
    assert clerk.get("/install/safari.zip").status_code == 404


def test_policy_files_name_this_server_and_its_extension(admin: PageClient) -> None:
    page = seen(admin, "chrome")
    for name in ("chrome.reg", "chrome.plist", "chrome.json", "edge.reg", "edge.json"):
        assert name in page
        content = admin.get(f"/install/policy/{name}").get_data(as_text=True)
        assert "http://localhost/extension/updates.xml" in content
    firefox = json.loads(admin.get("/install/policy/policies.json").data)["policies"]
    [settings] = firefox["ExtensionSettings"].values()
    assert settings["install_url"] == "http://localhost/extension/crmlink.xpi"
    assert admin.get("/install/policy/chrome.txt").status_code == 404


def test_an_admin_is_warned_where_other_computers_cannot_come(
    admin: PageClient, installation: Installation, sample: SampleData
) -> None:
    assert "use http://localhost" in seen(admin, "chrome")
    settings = replace(installation.settings, public_url="https://crm.office.example")
    public = create_app(settings, installation)
    reader = signed_in_client(public, installation, sample.admin)
    assert "Other computers" not in seen(reader, "chrome")
    assert "https://crm.office.example" in reader.get("/install/policy/edge.reg").text


def test_without_the_extensions_files_nothing_is_offered(
    clerk: PageClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PACKAGED_FOLDER", tmp_path)
    monkeypatch.setattr(archive, "CHECKOUT_FOLDER", tmp_path)
    for path in (*PUBLIC_PATHS, "/install/chrome.zip", "/install"):
        assert clerk.get(path).status_code == 404


def test_packages_are_public_but_count(tmp_path: Path) -> None:
    with open_app(tmp_path, requests_per_minute=100) as app:
        stranger = app.test_client()
        for path in PUBLIC_PATHS:
            reply = stranger.get(path)
            assert reply.status_code == 200
            assert "Set-Cookie" not in reply.headers
            assert stranger.post(path).status_code in (401, 405)
        codes = [stranger.get("/extension/crmlink.crx").status_code for _ in range(12)]
        assert codes.count(429) >= 2
        assert installation_of(app).settings.data_dir == tmp_path


def test_a_package_is_made_for_served_hosts_only(tmp_path: Path) -> None:
    with open_app(tmp_path) as app:
        reply = app.test_client().get(PUBLIC_PATHS[2], headers={"Host": "evil.example"})
        assert reply.status_code == 421


def test_a_store_link_that_is_none_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRMLINK_STORE_LINKS", STORE)
    assert load_settings().store_links == {Browser.CHROME: STORE}
    monkeypatch.setenv("CRMLINK_STORE_LINKS", "https://store.example/crmlink")
    with pytest.raises(InvalidSettings, match=r"store\.example"):
        load_settings()
