"""The browser extension as zip files, one a browser.

An installed crmlink contains the files; a source checkout packs them from its folder. The same
files always become the same bytes. ``setup.py`` imports this module, so it needs nothing else.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

BUILT = Path(__file__).with_name("built_extension")
SOURCE = Path(__file__).parents[2] / "extension"
SUFFIXES = {".css", ".html", ".js", ".json", ".png", ".svg"}
NOT_SHIPPED = {"package.json"}  # tells Node that the modules are modules
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
FILE_MODE = 0o100644 << 16


class Browser(StrEnum):
    """A browser with a store, and so a package, of its own."""

    CHROME = "chrome"
    EDGE = "edge"
    FIREFOX = "firefox"


def extension_zip(browser: Browser) -> bytes:
    """Return the extension for a browser, as its store and its developer mode take it."""
    built = BUILT / f"{browser}.zip"
    return built.read_bytes() if built.is_file() else pack_extension(SOURCE, browser)


def pack_extension(folder: Path, browser: Browser) -> bytes:
    """Return the zip of an extension's folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in _files(folder):
            content = path.read_bytes()
            if name == "manifest.json":
                manifest = manifest_for(browser, json.loads(content))
                content = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3  # Unix, wherever it is packed
            entry.external_attr = FILE_MODE
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def manifest_for(browser: Browser, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest without the keys that only the other browsers read."""
    background = dict(manifest["background"])
    if browser is Browser.FIREFOX:
        background.pop("service_worker")
        other = "minimum_chrome_version"
    else:
        background.pop("scripts")
        other = "browser_specific_settings"
    kept = {key: value for key, value in manifest.items() if key != other}
    return kept | {"background": background}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    names = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in SUFFIXES
    }
    yield from sorted((name, path) for name, path in names.items() if name not in NOT_SHIPPED)
