"""The zips of the extension: complete, the same each time, right for each browser."""

from __future__ import annotations

import json
import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from crmlink.browser_extension import archive
from crmlink.browser_extension.archive import (
    Browser,
    ExtensionMissing,
    extension_files,
    extension_folder,
    extension_version,
    extension_zip,
    files_for_server,
    zip_of,
)


def _manifest(package: bytes) -> dict[str, Any]:
    with ZipFile(BytesIO(package)) as opened:
        manifest: dict[str, Any] = json.loads(opened.read("manifest.json"))
    return manifest


def test_a_zip_holds_every_file_of_the_extension_and_nothing_else() -> None:
    folder = extension_folder()
    with ZipFile(BytesIO(extension_zip(Browser.CHROME))) as package:
        names = package.namelist()
        assert package.testzip() is None
    on_disk = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(names) == on_disk - {"package.json"}
    assert names == sorted(names)


def test_a_zip_is_the_same_for_every_maker_and_time(tmp_path: Path) -> None:
    copy = tmp_path / "extension"
    shutil.copytree(extension_folder(), copy)
    for path in copy.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (2_000_000_000, 2_000_000_000))
    (copy / ".DS_Store").write_bytes(b"left by a file manager")
    assert zip_of(extension_files(copy)) == zip_of(extension_files(extension_folder()))
    (copy / "background.js").write_bytes(b"another program")
    assert zip_of(extension_files(copy)) != zip_of(extension_files(extension_folder()))


def test_each_browser_gets_a_manifest_of_its_own() -> None:
    chrome, firefox = (_manifest(extension_zip(b)) for b in (Browser.CHROME, Browser.FIREFOX))
    assert chrome["background"] == {"service_worker": "background.js", "type": "module"}
    assert firefox["background"] == {"scripts": ["background.js"], "type": "module"}
    assert "browser_specific_settings" not in chrome
    assert firefox["browser_specific_settings"]["gecko"]["id"]
    assert extension_zip(Browser.EDGE) == extension_zip(Browser.CHROME)
    for manifest in (chrome, firefox):  # stores refuse an address of another place for updates
        assert "update_url" not in json.dumps(manifest)
        assert manifest["version"] == extension_version(extension_files(extension_folder()))


@pytest.mark.parametrize(
    ("server", "pattern"),
    [
        ("https://crm.office.example", "https://crm.office.example/*"),
        ("http://192.168.1.5:8787", "http://192.168.1.5/*"),
        ("http://[::1]:8787", "http://[::1]/*"),
    ],
)
def test_a_package_of_this_server_may_reach_it_and_looks_for_newer_ones_there(
    server: str, pattern: str
) -> None:
    files, updates = extension_files(extension_folder()), f"{server}/updates"
    chrome, firefox = (
        json.loads(files_for_server(browser, files, server, updates)["manifest.json"])
        for browser in (Browser.CHROME, Browser.FIREFOX)
    )
    assert chrome["update_url"] == updates
    gecko = firefox["browser_specific_settings"]["gecko"]
    assert gecko.get("update_url") == (updates if server.startswith("https") else None)
    assert chrome["host_permissions"] == firefox["host_permissions"] == [pattern]


def test_the_files_of_an_installed_package_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PACKAGED_FOLDER", tmp_path)
    assert extension_folder() == archive.CHECKOUT_FOLDER
    shutil.copy(archive.CHECKOUT_FOLDER / "manifest.json", tmp_path)
    assert extension_folder() == tmp_path


def test_an_installation_without_the_extension_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PACKAGED_FOLDER", tmp_path)
    monkeypatch.setattr(archive, "CHECKOUT_FOLDER", tmp_path)
    with pytest.raises(ExtensionMissing):
        extension_zip(Browser.FIREFOX)
