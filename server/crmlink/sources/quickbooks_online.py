"""QuickBooks Online: a company's customers and vendors, which have ids of their own each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crmlink.kinds import Kind
from crmlink.sources.api import Api
from crmlink.sources.contact import AddressBook, Company, ContactPage, Position, ReadContact
from crmlink.sources.errors import SignInDenied, SourceUnreadable
from crmlink.sources.json_values import entries, flag, lines, moment, number_text, text, texts
from crmlink.store import ContactState
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 1_000
ENTITIES: Mapping[str, Kind] = {"Customer": "customer", "Vendor": "supplier"}


class QuickBooksOnline:
    """Adapter of QuickBooks Online's API."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the company that the person chose at Intuit."""
        realm = answer.get("realmId", "")
        if not (realm.isascii() and realm.isdigit()):
            raise SignInDenied("no realm")
        document = api.get(f"/v3/company/{realm}/companyinfo/{realm}").document
        name = text(_part(document, "CompanyInfo"), "CompanyName", "LegalName")
        return [Company(realm, name or realm, organisation=realm)]

    def first_position(self, since: datetime | None) -> Position:
        """Return the first page of customers."""
        return {
            "entity": "Customer",
            "start": 1,
            "since": since.isoformat(timespec="seconds") if since else None,
        }

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return a page of customers or vendors, inactive ones too."""
        entity, start = position["entity"], position["start"]
        query = f"select * from {entity} where Active in (true, false)"  # noqa: S608 # Intuit's
        if position["since"]:
            query += f" and MetaData.LastUpdatedTime > '{position['since']}'"
        query += f" orderby Id startposition {start} maxresults {PAGE_SIZE}"
        document = api.get(f"/v3/company/{tenant}/query", {"query": query}).document
        if not isinstance(document, Mapping) or "QueryResponse" not in document:
            raise SourceUnreadable("no answer to a query")
        found = _part(document, "QueryResponse").get(entity)
        contacts = [contact for entry in entries(found) if (contact := _contact(entry, entity))]
        if isinstance(found, list) and found:  # a page may be smaller than was asked for
            return ContactPage(contacts, position | {"start": start + len(found)})
        following = position | {"entity": "Vendor", "start": 1}
        return ContactPage(contacts, following if entity == "Customer" else None)

    def disconnect(self, api: Api, handle: str) -> bool:
        """Return False: the token itself is revoked."""
        del api, handle
        return False


def _contact(entry: Mapping[str, Any], entity: str) -> ReadContact | None:
    number = number_text(entry, "Id")
    if not number:
        return None
    active = flag(entry, "Active") is not False
    return ReadContact(
        key=f"{entity}/{number}",
        reference=number,
        details=_details(entry, ENTITIES[entity]),
        state=ContactState.ACTIVE if active else ContactState.ARCHIVED,
        changed_at=moment(_part(entry, "MetaData").get("LastUpdatedTime")),
    )


def _details(entry: Mapping[str, Any], kind: Kind) -> ContactDetails:
    book = AddressBook()
    for name in ("BillAddr", "ShipAddr"):
        address = _part(entry, name)
        names = [f"Line{number}" for number in range(1, 6)]
        book.add(lines(address, *names), text(address, "City"), text(address, "PostalCode"))
    person = (text(entry, name) for name in ("GivenName", "MiddleName", "FamilyName"))
    phones = ("PrimaryPhone", "Mobile", "AlternatePhone")
    return ContactDetails(
        kind=kind,
        name=text(entry, "DisplayName"),
        company=text(entry, "CompanyName"),
        person=" ".join(filter(None, person)),
        email=text(_part(entry, "PrimaryEmailAddr"), "Address"),
        phones=texts(text(_part(entry, name), "FreeFormNumber") for name in phones),
        account_number=text(entry, "AcctNum"),
        **book.as_details(),
    )


def _part(entry: object, name: str) -> Mapping[str, Any]:
    part = entry.get(name) if isinstance(entry, Mapping) else None
    return part if isinstance(part, Mapping) else {}
