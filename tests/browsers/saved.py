"""Saved pages of accounting packages, under their real addresses."""

import json
from collections.abc import Mapping

from browsers.page_driver import REPOSITORY, SavedPage, Site

PAGES = REPOSITORY / "tests/saved_pages"
ORGANISATION = "!kR4N6"
MARGARET = "8275f116-6419-4b82-889a-f41dcc1d6186"  # the contact that xero/contact.html shows
# What is on that page, by what it is.
AS_SAVED = {
    "name": "Margaret Holloway",
    "email": "margaret.holloway@postbox.example",
    "phone": "01632 960114",
    "mobile": "07700 900114",
    "address": "14 Orchard Close",
    "town": "Cheltenham",
    "postcode": "GL50 2TR",
}


def xero_contact(guid: str = MARGARET) -> str:
    """The address of a Xero contact page."""
    return f"https://go.xero.com/app/{ORGANISATION}/contacts/contact/{guid}"


def saved_site() -> dict[str, SavedPage]:
    """Every saved page that tells its address."""
    site = {}
    for file in sorted(PAGES.glob("*/*.json")):
        page = file.with_suffix(".html")
        address = json.loads(file.read_text("utf-8")).get("url", "")
        if page.exists() and address.startswith("https://"):
            site[address] = SavedPage(page.read_text("utf-8"))
    return site


def another_contact(guid: str, **details: str) -> Site:
    """The saved Xero page with another contact's details on it; the names are `AS_SAVED`'s."""
    return {xero_contact(guid): SavedPage(_rewritten(details))}


def _rewritten(details: Mapping[str, str]) -> str:
    body = (PAGES / "xero/contact.html").read_text("utf-8")
    for what, shown in AS_SAVED.items():
        if shown not in body:
            raise ValueError(f"the saved page no longer shows {shown}")
        body = body.replace(shown, details.get(what, ""))
    return body
