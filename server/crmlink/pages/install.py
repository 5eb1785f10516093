"""/install: the extension for the browser that looks, and by policy for all of an office's."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, abort, render_template, request

from crmlink.browser_extension.archive import Browser, ExtensionMissing, extension_zip
from crmlink.browser_extension.policies import (
    Source,
    chromium_policy,
    firefox_policy,
    json_file,
    plist_file,
    reg_file,
)
from crmlink.browser_extension.signed_packages import (
    CHROMIUM_UPDATES,
    FIREFOX_PACKAGE,
    SignedPackages,
)
from crmlink.browser_extension.store_links import store_source
from crmlink.hosts import Host
from crmlink.pages.blueprint import blueprint
from crmlink.pages.extension_packages import packages_here
from crmlink.web.auth import current_installation, require_permission
from crmlink.web.hosts import public_address

WINDOWS, MAC, LINUX = "Windows", "Mac", "Linux"
ANY_SYSTEM = "Windows, Mac and Linux"
NAMES = {Browser.CHROME: "Chrome", Browser.EDGE: "Edge", Browser.FIREFOX: "Firefox"}
OTHER_BROWSERS = ("OPR/", "Android", "iPhone", "iPad")  # they call themselves Chrome or Safari too
MARKS = {Browser.EDGE: "Edg/", Browser.FIREFOX: "Firefox/", Browser.CHROME: "Chrome/"}


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy file: its name, and the browser and system that read it."""

    name: str
    browser: Browser
    system: str


POLICY_FILES = (
    PolicyFile("chrome.reg", Browser.CHROME, WINDOWS),
    PolicyFile("chrome.plist", Browser.CHROME, MAC),
    PolicyFile("chrome.json", Browser.CHROME, LINUX),
    PolicyFile("edge.reg", Browser.EDGE, WINDOWS),
    PolicyFile("edge.plist", Browser.EDGE, MAC),
    PolicyFile("edge.json", Browser.EDGE, LINUX),
    PolicyFile("policies.json", Browser.FIREFOX, ANY_SYSTEM),
)


@blueprint.get("/install")
@require_permission("read")
def install() -> str:
    """Show how this browser gets the extension, and admins how all of them do."""
    settings = current_installation().settings
    address = public_address()
    host = Host.from_text(address.partition("://")[2])
    return render_template(
        "install.html",
        browser=_browser_that_looks(),
        names=NAMES,
        links=settings.store_links,
        address=address,
        only_here=host is None or host.is_loopback,
        files=POLICY_FILES,
        packages=packages_here(),
    )


@blueprint.get("/install/<browser>.zip")
@require_permission("read")
def extension_download(browser: str) -> Response:
    """Return the extension's files for one browser, to unpack and load by hand."""
    if browser not in list(Browser):
        abort(404)
    try:
        return _download(f"crmlink-{browser}.zip", extension_zip(Browser(browser)))
    except ExtensionMissing:
        abort(404)


@blueprint.get("/install/policy/<name>")
@require_permission("admin")
def policy_file(name: str) -> Response:
    """Return a policy file with this server's address in it."""
    wanted = next((file for file in POLICY_FILES if file.name == name), None)
    if wanted is None:
        abort(404)
    return _download(name, _policy_content(wanted))


def _policy_content(wanted: PolicyFile) -> bytes:
    server, source = public_address(), _source(wanted.browser, packages_here())
    if wanted.browser is Browser.FIREFOX:
        return json_file(firefox_policy(source, server))
    if wanted.system == WINDOWS:
        return reg_file(wanted.browser, source, server)
    policy = chromium_policy(wanted.browser, source, server)
    return plist_file(policy) if wanted.system == MAC else json_file(policy)


def _source(browser: Browser, packages: SignedPackages) -> Source:
    """Return where the policy of a browser finds the extension: its store, else this server."""
    links = current_installation().settings.store_links
    if found := store_source(browser, links, packages.firefox_id):
        return found
    if browser is Browser.FIREFOX:
        return Source(packages.firefox_id, public_address() + FIREFOX_PACKAGE)
    return Source(packages.chromium_id, public_address() + CHROMIUM_UPDATES)


def _browser_that_looks() -> Browser | None:
    agent = request.user_agent.string
    if any(mark in agent for mark in OTHER_BROWSERS):
        return None
    return next((browser for browser, mark in MARKS.items() if mark in agent), None)


def _download(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype="application/octet-stream", headers=headers)
