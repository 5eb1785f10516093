"""Addresses of the extension in the browsers' stores, once it is published there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crmlink.browser_extension.archive import Browser
from crmlink.browser_extension.policies import Source

StoreLinks = Mapping[Browser, str]
PAGES = {
    Browser.CHROME: r"https://chromewebstore\.google\.com/detail/(?:[\w%-]+/)?([a-p]{32})/?",
    Browser.EDGE: r"https://microsoftedge\.microsoft\.com/addons/detail/(?:[\w%-]+/)?([a-p]{32})/?",
    Browser.FIREFOX: r"https://addons\.mozilla\.org/(?:[\w-]+/)?firefox/addon/([\w-]+)/?",
}
PACKAGES = {
    Browser.CHROME: "https://clients2.google.com/service/update2/crx",
    Browser.EDGE: "https://edge.microsoft.com/extensionwebstorebase/v1/crx",
    Browser.FIREFOX: "https://addons.mozilla.org/firefox/downloads/latest/{}/latest.xpi",
}


class NotAStoreLink(Exception):
    """An address is not the extension's page in a known store."""


def parse_store_links(text: str) -> dict[Browser, str]:
    """Return the addresses in a text, separated by spaces or commas, by browser.

    Raises NotAStoreLink with the address.
    """
    links = {}
    for link in text.replace(",", " ").split():
        browser = next((one for one in Browser if re.fullmatch(PAGES[one], link, re.ASCII)), None)
        if browser is None:
            raise NotAStoreLink(link)
        links[browser] = link
    return links


def store_source(browser: Browser, links: StoreLinks, firefox_id: str) -> Source | None:
    """Return where a policy finds the extension in the browser's store; None: not published."""
    if browser not in links:
        return None
    match = re.fullmatch(PAGES[browser], links[browser], re.ASCII)
    name = match[1] if match else ""
    firefox = browser is Browser.FIREFOX
    return Source(firefox_id if firefox else name, PACKAGES[browser].format(name))
