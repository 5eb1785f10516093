"""The extension's files, and the zip of them for one browser, the same to the byte each time.

A checkout has the files in ``extension/``; an installed package has a copy beside this module, in
``files/``.
"""

from __future__ import annotations

import io
import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
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
    return str(_manifest(files)["version"])


def files_for(browser: Browser, files: Files) -> Files:
    """Return the files with the manifest that this browser reads without a warning."""
    manifest = _manifest(files)
    if browser is Browser.FIREFOX:
        del manifest["background"]["service_worker"]
        del manifest["minimum_chrome_version"]
    else:
        del manifest["background"]["scripts"]
        del manifest["browser_specific_settings"]
    return _with_manifest(files, manifest)


def files_for_server(browser: Browser, files: Files, server: str, update_url: str) -> Files:
    """Return the files of a package that a server hands to the browsers that an office manages.

    It may reach that server, without asking, and looks there for newer versions.
    """
    files = files_for(browser, files)
    manifest = _manifest(files)
    host = urlsplit(server)
    manifest["host_permissions"] = [f"{host.scheme}://{_without_port(host.netloc)}/*"]
    if browser is not Browser.FIREFOX:
        manifest["update_url"] = update_url
    elif host.scheme == "https":  # Firefox refuses a package whose updates come unencrypted
        manifest["browser_specific_settings"]["gecko"]["update_url"] = update_url
    return _with_manifest(files, manifest)


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


def gecko_id(files: Files) -> str:
    """Return the id by which Firefox and its policies know the extension."""
    return str(_manifest(files)["browser_specific_settings"]["gecko"]["id"])


def extension_zip(browser: Browser) -> bytes:
    """Return this installation's extension as a zip; raises ExtensionMissing."""
    return zip_of(files_for(browser, extension_files(extension_folder())))


def _manifest(files: Files) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(files[MANIFEST])
    return manifest


def _with_manifest(files: Files, manifest: dict[str, Any]) -> Files:
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return files | {MANIFEST: text.encode()}


def _without_port(host: str) -> str:
    """Return the host for a pattern: patterns know no ports in every browser."""
    return re.sub(r":[0-9]+$", "", host)


def _is_omitted(path: Path) -> bool:
    return path.name in OMITTED_FILES or any(part.startswith(".") for part in path.parts)
