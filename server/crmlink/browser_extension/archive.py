"""The extension's files, and the zip of them for one browser, the same to the byte each time.

A checkout has the files in ``extension/``; an installed package has a copy beside this module, in
``files/``.
"""

from __future__ import annotations

import io
import json
from enum import StrEnum
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MANIFEST = "manifest.json"
PACKAGED_FOLDER = Path(__file__).with_name("files")
CHECKOUT_FOLDER = Path(__file__).parents[3] / "extension"
OMITTED_FILES = {"package.json"}  # tells Node that these are modules; no browser reads it
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name
REGULAR_FILE = 0o100644 << 16
UNIX = 3  # the system that made the zip, whichever did

Files = dict[str, bytes]  # content by path, with slashes


class Browser(StrEnum):
    """A browser that has packages of its own."""

    CHROME = "chrome"
    EDGE = "edge"
    FIREFOX = "firefox"


class ExtensionMissing(Exception):
    """The installation came without the extension's files."""


def extension_folder() -> Path:
    """Return the folder of the extension's files; raises ExtensionMissing."""
    for folder in (PACKAGED_FOLDER, CHECKOUT_FOLDER):
        if (folder / MANIFEST).is_file():
            return folder
    raise ExtensionMissing


def extension_files(folder: Path) -> Files:
    """Return what belongs into a package: all files but hidden ones and those for developers."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_omitted(path.relative_to(folder))
    }


def extension_version(files: Files) -> str:
    """Return the version in the manifest."""
    return str(json.loads(files[MANIFEST])["version"])


def files_for(browser: Browser, files: Files, update_url: str = "") -> Files:
    """Return the files with the manifest that this browser reads without a warning.

    ``update_url`` is where a package that this server hands out looks for newer ones.
    """
    manifest: dict[str, Any] = json.loads(files[MANIFEST])
    if browser is Browser.FIREFOX:
        del manifest["background"]["service_worker"]
        del manifest["minimum_chrome_version"]
        if update_url:
            manifest["browser_specific_settings"]["gecko"]["update_url"] = update_url
    else:
        del manifest["background"]["scripts"]
        del manifest["browser_specific_settings"]
        if update_url:
            manifest["update_url"] = update_url
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return files | {MANIFEST: text.encode()}


def zip_of(files: Files) -> bytes:
    """Return a zip that depends on names and contents alone.

    Nothing is compressed, as compressed bytes differ between versions of zlib.
    """
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name in sorted(files):
            entry = ZipInfo(name, FIRST_DATE)
            entry.external_attr = REGULAR_FILE
            entry.create_system = UNIX
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def extension_zip(browser: Browser) -> bytes:
    """Return this installation's extension as a zip; raises ExtensionMissing."""
    return zip_of(files_for(browser, extension_files(extension_folder())))


def _is_omitted(path: Path) -> bool:
    return path.name in OMITTED_FILES or any(part.startswith(".") for part in path.parts)
