"""What browsers that an office manages fetch from this server: packages and lists of updates.

Everything here is the same for every caller: the extension's own files, its version, and the
address at which the server was asked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from crmlink.browser_extension.archive import (
    Browser,
    Files,
    extension_files,
    extension_folder,
    extension_version,
    files_for_server,
    gecko_id,
    zip_of,
)
from crmlink.browser_extension.crx import crx_of, extension_id
from crmlink.browser_extension.signing_key import signing_key

CHROMIUM_UPDATES, CHROMIUM_PACKAGE = "/extension/updates.xml", "/extension/crmlink.crx"
FIREFOX_UPDATES, FIREFOX_PACKAGE = "/extension/updates.json", "/extension/crmlink.xpi"
UPDATE_NAMESPACE = "http://www.google.com/update2/response"
MAX_ADDRESSES = 8  # packages kept, one for each address of the server


@dataclass(frozen=True, slots=True)
class SignedPackages:
    """The packages for one address of this server."""

    version: str
    chromium_id: str
    firefox_id: str
    crx: bytes
    xpi: bytes  # unsigned: only Mozilla signs for Firefox
    updates_xml: bytes
    updates_json: bytes


def signed_packages(data_dir: Path, server: str) -> SignedPackages:
    """Return the packages of this installation for an address without a trailing slash.

    Raises ExtensionMissing or SigningKeyUnreadable.
    """
    return _packages(data_dir, server, extension_folder())


@lru_cache(maxsize=MAX_ADDRESSES)
def _packages(data_dir: Path, server: str, folder: Path) -> SignedPackages:
    files, key = extension_files(folder), signing_key(data_dir)
    version, chromium_id = extension_version(files), extension_id(key)
    xpi = _zip(Browser.FIREFOX, files, server, FIREFOX_UPDATES)
    return SignedPackages(
        version=version,
        chromium_id=chromium_id,
        firefox_id=gecko_id(files),
        crx=crx_of(_zip(Browser.CHROME, files, server, CHROMIUM_UPDATES), key),
        xpi=xpi,
        updates_xml=_updates_xml(chromium_id, version, server + CHROMIUM_PACKAGE),
        updates_json=_updates_json(gecko_id(files), version, server + FIREFOX_PACKAGE, xpi),
    )


def _zip(browser: Browser, files: Files, server: str, updates: str) -> bytes:
    return zip_of(files_for_server(browser, files, server, server + updates))


def _updates_xml(chromium_id: str, version: str, package_url: str) -> bytes:
    """Return the update manifest of Chrome and Edge."""
    root = ElementTree.Element("gupdate", xmlns=UPDATE_NAMESPACE, protocol="2.0")
    app = ElementTree.SubElement(root, "app", appid=chromium_id)
    ElementTree.SubElement(app, "updatecheck", codebase=package_url, version=version)
    xml: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return xml


def _updates_json(firefox_id: str, version: str, package_url: str, xpi: bytes) -> bytes:
    """Return the update manifest of Firefox."""
    digest = f"sha256:{hashlib.sha256(xpi).hexdigest()}"
    update = {"version": version, "update_link": package_url, "update_hash": digest}
    return json.dumps({"addons": {firefox_id: {"updates": [update]}}}).encode()
