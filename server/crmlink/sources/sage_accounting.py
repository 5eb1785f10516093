"""Sage Accounting (Business Cloud): its businesses and contacts.

A contact's `id` is not the reference: that is the number at the end of its page's address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crmlink.kinds import Kind
from crmlink.sources.api import Api
from crmlink.sources.contact import AddressBook, Company, ContactPage, Position, ReadContact
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.json_values import entries, lines, moment, text, texts
from crmlink.store import ContactState
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 200
NUMBER_AT_END = re.compile(r"/([1-9][0-9]*)/?$")
KINDS: Mapping[str, Kind] = {"CUSTOMER": "customer", "VENDOR": "supplier"}


class SageAccounting:
    """Adapter of Sage Accounting's API."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the businesses that the person may see."""
        del answer
        found = _items(api.get("/v3.1/businesses", {"items_per_page": str(PAGE_SIZE)}).document)
        return [
            Company(text(each, "id"), text(each, "displayed_as", "name"))
            for each in found
            if text(each, "id")
        ]

    def first_position(self, since: datetime | None) -> Position:
        """Return the first page; of changes, deleted contacts follow."""
        return {"part": "contacts", "page": 1, "since": since.isoformat() if since else None}

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return a page of contacts, or of contacts that were deleted since."""
        query = {
            "attributes": "all",
            "page": str(position["page"]),
            "items_per_page": str(PAGE_SIZE),
        }
        deleted = position["part"] == "deleted"
        if position["since"]:
            query["deleted_since" if deleted else "updated_or_created_since"] = position["since"]
        document = api.get("/v3.1/contacts", query, {"X-Business": tenant}).document
        found = _items(document)
        contacts = [contact for entry in found if (contact := _contact(entry, deleted=deleted))]
        return ContactPage(contacts, _following(position, document))

    def disconnect(self, api: Api, handle: str) -> bool:
        """Return False: the token itself is revoked."""
        del api, handle
        return False


def _items(document: object) -> list[Mapping[str, Any]]:
    if not isinstance(document, Mapping) or not isinstance(document.get("$items"), list):
        raise SourceUnreadable("no list")
    return entries(document["$items"])


def _following(position: Position, document: Mapping[str, Any]) -> Position | None:
    if document.get("$next"):
        if not document["$items"]:
            raise SourceUnreadable("an empty page before the last one")
        return position | {"page": position["page"] + 1}
    if position["since"] and position["part"] == "contacts":
        return position | {"part": "deleted", "page": 1}
    return None


def _contact(entry: Mapping[str, Any], *, deleted: bool) -> ReadContact | None:
    reference = _reference(entry)
    if not text(entry, "id") or not reference:
        return None
    is_deleted = deleted or bool(entry.get("deleted_at"))
    return ReadContact(
        key=text(entry, "id"),
        reference=reference,
        details=_details(entry),
        state=ContactState.DELETED if is_deleted else ContactState.ACTIVE,
        code=text(entry, "reference"),
        changed_at=moment(entry.get("updated_at")),
    )


def _reference(entry: Mapping[str, Any]) -> str:
    for link in entries(entry.get("links")):
        if link.get("rel") == "alternate" and link.get("type") == "text/html":
            match = NUMBER_AT_END.search(text(link, "href"))
            if match:
                return match[1]
    return ""


def _details(entry: Mapping[str, Any]) -> ContactDetails:
    person = _part(entry, "main_contact_person")
    emails = texts([text(person, "email"), text(entry, "email")])
    book = AddressBook()
    for name in ("main_address", "delivery_address"):
        address = _part(entry, name)
        book.add(
            lines(address, "address_line_1", "address_line_2"),
            text(address, "city"),
            text(address, "postal_code"),
        )
    return ContactDetails(
        kind=_kind(entry),
        name=text(entry, "name", "displayed_as"),
        person=text(person, "name"),
        email=emails[0] if emails else "",
        other_emails=emails[1:],
        phones=texts([text(person, "telephone"), text(person, "mobile")]),
        account_number=text(entry, "reference"),
        **book.as_details(),
    )


def _kind(entry: Mapping[str, Any]) -> Kind | None:
    types = {text(each, "id") for each in entries(entry.get("contact_types"))}
    kinds = {KINDS[each] for each in types if each in KINDS}
    return kinds.pop() if len(kinds) == 1 else None


def _part(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = entry.get(name)
    return part if isinstance(part, Mapping) else {}
