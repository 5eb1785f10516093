"""Policy files that make browsers install the extension, pin its button and know its server."""

from __future__ import annotations

import json
import plistlib
from dataclasses import dataclass
from typing import Any

from crmlink.browser_extension.archive import Browser

REGISTRY_ROOTS = {
    Browser.CHROME: r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome",
    Browser.EDGE: r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Edge",
}
BUTTON_SHOWN = {
    Browser.CHROME: {"toolbar_pin": "force_pinned"},
    Browser.EDGE: {"toolbar_state": "force_shown"},
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a browser gets the extension: its id there, and the address that the policy names."""

    extension_id: str
    url: str


def chromium_policy(browser: Browser, source: Source, server: str) -> dict[str, Any]:
    """Return the policy of Chrome or Edge as both read it on Linux."""
    return {
        "ExtensionSettings": _extension_settings(browser, source),
        "3rdparty": {"extensions": {source.extension_id: managed_storage(server)}},
    }


def firefox_policy(source: Source, server: str) -> dict[str, Any]:
    """Return Firefox's ``policies.json``."""
    settings = {
        "installation_mode": "force_installed",
        "install_url": source.url,
        "updates_disabled": False,
        "default_area": "navbar",
    }
    return {
        "policies": {
            "ExtensionSettings": {source.extension_id: settings},
            "3rdparty": {"Extensions": {source.extension_id: managed_storage(server)}},
        }
    }


def managed_storage(server: str) -> dict[str, Any]:
    """Return what ``managed_schema.json`` of the extension describes."""
    return {"server": server, "only_this_server": True}


def json_file(policy: dict[str, Any]) -> bytes:
    """Return a policy as a JSON file."""
    return (json.dumps(policy, indent=2) + "\n").encode()


def plist_file(policy: dict[str, Any]) -> bytes:
    """Return a policy as the property list that managed Macs read."""
    return plistlib.dumps(policy)


def reg_file(browser: Browser, source: Source, server: str) -> bytes:
    """Return the policy of Chrome or Edge as a file for Windows' registry."""
    root = REGISTRY_ROOTS[browser]
    settings = json.dumps(_extension_settings(browser, source))
    storage = managed_storage(server)
    lines = [
        "Windows Registry Editor Version 5.00",
        "",
        "; It replaces the value ExtensionSettings. If this PC has one already, add the entry of",
        f"; {source.extension_id} to it instead.",
        f"[{root}]",
        f'"ExtensionSettings"="{_escape(settings)}"',
        "",
        f"[{root}\\3rdparty\\extensions\\{source.extension_id}\\policy]",
        f'"server"="{_escape(str(storage["server"]))}"',
        f'"only_this_server"=dword:{int(storage["only_this_server"]):08x}',
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def _extension_settings(browser: Browser, source: Source) -> dict[str, Any]:
    settings = {
        "installation_mode": "force_installed",
        "update_url": source.url,
        "override_update_url": True,  # a store's own is not overridden: browsers ignore this there
        **BUTTON_SHOWN[browser],
    }
    return {source.extension_id: settings}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
