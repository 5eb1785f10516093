"""KashFlow: customers and suppliers; the number is the reference, the Code another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crmlink.kinds import Kind
from crmlink.sources.api import Api
from crmlink.sources.contact import AddressBook, Company, ContactPage, Position, ReadContact
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.json_values import entries, flag, lines, moment, number_text, text, texts
from crmlink.store import ContactState
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 100
PARTS: Mapping[str, Kind] = {"customers": "customer", "suppliers": "supplier"}


class KashFlow:
    """Adapter of KashFlow's REST API, which cannot be asked for changes alone."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the company that the session names."""
        del api
        name = text(answer, "CompanyName")
        if not name:
            raise SourceUnreadable("no company")
        return [Company(name, name)]

    def first_position(self, since: datetime | None) -> Position:
        """Return the first page of customers."""
        del since
        return {"part": "customers", "url": None}

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return a page of customers or suppliers."""
        del tenant
        part, url = position["part"], position["url"]
        query = {"page": "1", "perpage": str(PAGE_SIZE)}
        document = api.get(url).document if url else api.get(f"/v2/{part}", query).document
        if not isinstance(document, Mapping) or not isinstance(document.get("Data"), list):
            raise SourceUnreadable("no list")
        found = entries(document["Data"])
        contacts = [contact for entry in found if (contact := _contact(entry, part))]
        following = text(_part(document, "MetaData"), "NextPageUrl")
        if following and following == url:
            raise SourceUnreadable("a page that follows itself")
        if following:
            return ContactPage(contacts, {"part": part, "url": following})
        return ContactPage(
            contacts, {"part": "suppliers", "url": None} if part == "customers" else None
        )

    def disconnect(self, api: Api, handle: str) -> bool:
        """Return False: a session ends when its reading does."""
        del api, handle
        return False


def _contact(entry: Mapping[str, Any], part: str) -> ReadContact | None:
    number = number_text(entry, "Id")
    if not number:
        return None
    return ReadContact(
        key=f"{part}/{number}",
        reference=number,
        code=text(entry, "Code"),
        details=_details(entry, PARTS[part]),
        state=ContactState.ARCHIVED if flag(entry, "IsArchived") else ContactState.ACTIVE,
        changed_at=moment(entry.get("LastUpdatedDate")),
    )


def _details(entry: Mapping[str, Any], kind: Kind) -> ContactDetails:
    people = entries(entry.get("Contacts"))
    first: Mapping[str, Any] = people[0] if people else {}
    book = AddressBook()
    for name in ("Addresses", "DeliveryAddresses"):
        for address in entries(entry.get(name)):
            book.add(
                lines(address, "Line1", "Line2", "Line3", "Line4"),
                "",
                text(address, "PostCode", "Postcode", "postCode"),
            )
    emails = texts([text(entry, "Email"), *(text(person, "Email") for person in people)])
    phones = [text(entry, "TelephoneNumber", "Telephone"), text(entry, "MobileNumber", "Mobile")]
    for person in people:
        phones += [text(person, "Telephone", "TelephoneNumber"), text(person, "Mobile")]
    return ContactDetails(
        kind=kind,
        name=text(entry, "Name", "DisplayName"),
        person=text(first, "Name")
        or " ".join(filter(None, (text(first, "FirstName"), text(first, "LastName")))),
        email=emails[0] if emails else "",
        other_emails=emails[1:],
        phones=texts(phones),
        account_number=text(entry, "Code"),
        **book.as_details(),
    )


def _part(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = entry.get(name)
    return part if isinstance(part, Mapping) else {}
