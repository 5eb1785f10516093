"""FreeAgent: its company and contacts; a contact has no kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from requests.utils import parse_header_links

from crmlink.sources.api import Api, ApiReply
from crmlink.sources.contact import AddressBook, Company, ContactPage, Position, ReadContact
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.json_values import entries, lines, moment, text, texts
from crmlink.store import ContactState
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 100
CONTACT_URL = re.compile(r"/contacts/([0-9]+)$")


class FreeAgent:
    """Adapter of FreeAgent's API."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the company of the sign-in."""
        del answer
        document = api.get("/v2/company").document
        found = document.get("company") if isinstance(document, Mapping) else None
        if not isinstance(found, Mapping) or not text(found, "subdomain"):
            raise SourceUnreadable("no company")
        subdomain = text(found, "subdomain")
        return [Company(subdomain, text(found, "name") or subdomain, organisation=subdomain)]

    def first_position(self, since: datetime | None) -> Position:
        """Return the first page."""
        return {"since": since.isoformat() if since else None, "url": None}

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return a page of contacts, hidden ones too."""
        del tenant
        query = {"view": "all", "per_page": str(PAGE_SIZE), "sort": "created_at"}
        if position["since"]:
            query["updated_since"] = position["since"]
        reply = api.get(position["url"]) if position["url"] else api.get("/v2/contacts", query)
        document = reply.document
        if not isinstance(document, Mapping) or not isinstance(document.get("contacts"), list):
            raise SourceUnreadable("no list of contacts")
        found = entries(document["contacts"])
        contacts = [contact for entry in found if (contact := _contact(entry))]
        following = _next_url(reply)
        if following is None:
            return ContactPage(contacts)
        if following == position["url"]:
            raise SourceUnreadable("a page that follows itself")
        return ContactPage(contacts, position | {"url": following})

    def disconnect(self, api: Api, handle: str) -> bool:
        """Return False: FreeAgent has no way to end access from here."""
        del api, handle
        return False


def _next_url(reply: ApiReply) -> str | None:
    links = parse_header_links(reply.headers.get("Link", ""))
    url = next((str(link["url"]) for link in links if link.get("rel") == "next"), None)
    if url is not None and not (url.isascii() and url.isprintable()):
        raise SourceUnreadable("a next link that is no address")
    return url


def _contact(entry: Mapping[str, Any]) -> ReadContact | None:
    match = CONTACT_URL.search(text(entry, "url"))
    if match is None:
        return None
    emails = texts([text(entry, "email"), text(entry, "billing_email")])
    book = AddressBook()
    book.add(lines(entry, "address1", "address2", "address3"), text(entry, "town"),
             text(entry, "postcode"))  # fmt: skip
    person = " ".join(filter(None, (text(entry, "first_name"), text(entry, "last_name"))))
    company = text(entry, "organisation_name")
    details = ContactDetails(
        name=company or person,
        company=company,
        person=person,
        email=emails[0] if emails else "",
        other_emails=emails[1:],
        phones=texts([text(entry, "phone_number"), text(entry, "mobile")]),
        **book.as_details(),
    )
    hidden = text(entry, "status").lower() == "hidden"
    return ReadContact(
        key=match[1],
        reference=match[1],
        details=details,
        state=ContactState.ARCHIVED if hidden else ContactState.ACTIVE,
        changed_at=moment(entry.get("updated_at")),
    )
