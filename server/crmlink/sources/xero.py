"""Xero: its companies ("tenants") and contacts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from crmlink.kinds import Kind
from crmlink.sources.api import Api, ApiReply
from crmlink.sources.contact import AddressBook, Company, ContactPage, Position, ReadContact
from crmlink.sources.errors import SourceUnreadable
from crmlink.sources.json_values import entries, flag, lines, moment, text, texts
from crmlink.store import ContactState
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 1_000
KEPT_CALLS = 20  # of a day's calls, for people who connect or disconnect
DAY_RESET = timedelta(hours=1)  # when to look again; Xero does not say when its day ends
DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TENANT = "xero-tenant-id"


class Xero:
    """Adapter of Xero's Accounting API."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the organisations that the person chose at Xero."""
        del answer
        found = api.get("/connections").document
        return [
            Company(text(each, "tenantId"), text(each, "tenantName"), handle=text(each, "id"))
            for each in entries(found)
            if each.get("tenantType") == "ORGANISATION" and text(each, "tenantId")
        ]

    def first_position(self, since: datetime | None) -> Position:
        """Return the first page."""
        return {"page": 1, "since": since.isoformat() if since else None}

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return a page of contacts, archived ones too."""
        number = int(position["page"])
        headers = {TENANT: tenant}
        if since := moment(position.get("since")):
            headers["If-Modified-Since"] = format_datetime(since.astimezone(UTC), usegmt=True)
        reply = api.get(
            "/api.xro/2.0/Contacts",
            {
                "page": str(number),
                "pageSize": str(PAGE_SIZE),
                "includeArchived": "true",
                "order": "ContactID ASC",  # a page must not shift while others are read
            },
            headers,
        )
        document = reply.document
        if document is None and since:
            return ContactPage([])  # nothing has changed
        if not isinstance(document, Mapping) or not isinstance(document.get("Contacts"), list):
            raise SourceUnreadable("no list of contacts")
        found = entries(document["Contacts"])
        contacts = [contact for entry in found if (contact := _contact(entry))]
        more = _has_more(document, number, len(found))
        following = position | {"page": number + 1} if more else None
        return ContactPage(contacts, following, _day_limit(reply))

    def disconnect(self, api: Api, handle: str) -> bool:
        """End the access to one organisation; others of the same sign-in go on."""
        api.delete(f"/connections/{handle}")
        return True


def _has_more(document: Mapping[str, Any], number: int, found: int) -> bool:
    pagination = document.get("pagination")
    count = pagination.get("pageCount") if isinstance(pagination, Mapping) else None
    if not isinstance(count, int) or isinstance(count, bool):
        return found > 0
    if number < count and not found:
        raise SourceUnreadable("an empty page before the last one")
    return number < count


def _day_limit(reply: ApiReply) -> datetime | None:
    left = reply.headers.get("X-DayLimit-Remaining", "")
    is_count = left.isascii() and left.isdigit() and len(left) < 10
    is_low = is_count and int(left) < KEPT_CALLS
    return utc_now() + DAY_RESET if is_low else None


def _contact(entry: Mapping[str, Any]) -> ReadContact | None:
    contact_id = text(entry, "ContactID").lower()
    if not contact_id:
        return None
    return ReadContact(
        key=contact_id,
        reference=contact_id,
        details=_details(entry),
        state=_state(entry),
        merged_into=text(entry, "MergedToContactID").lower(),
        changed_at=_changed(entry),
    )


def _state(entry: Mapping[str, Any]) -> ContactState:
    if text(entry, "MergedToContactID"):
        return ContactState.MERGED
    match entry.get("ContactStatus"):
        case "ARCHIVED":
            return ContactState.ARCHIVED
        case "GDPRREQUEST":  # erased there on a person's request
            return ContactState.DELETED
        case _:
            return ContactState.ACTIVE


def _kind(entry: Mapping[str, Any]) -> Kind | None:
    match bool(flag(entry, "IsCustomer")), bool(flag(entry, "IsSupplier")):
        case True, False:
            return "customer"
        case False, True:
            return "supplier"
        case _:
            return None  # both or neither


def _details(entry: Mapping[str, Any]) -> ContactDetails:
    people = entries(entry.get("ContactPersons"))
    emails = texts([text(entry, "EmailAddress"), *(text(each, "EmailAddress") for each in people)])
    book = AddressBook()
    for kind in ("STREET", "POBOX"):
        for each in entries(entry.get("Addresses")):
            if each.get("AddressType") == kind:
                names = [f"AddressLine{number}" for number in range(1, 5)]
                book.add(lines(each, *names), text(each, "City"), text(each, "PostalCode"))
    person = " ".join(filter(None, (text(entry, "FirstName"), text(entry, "LastName"))))
    return ContactDetails(
        kind=_kind(entry),
        name=text(entry, "Name"),
        person=person,
        email=emails[0] if emails else "",
        other_emails=emails[1:],
        phones=texts(
            _phone(each) for each in entries(entry.get("Phones")) if each.get("PhoneType") != "FAX"
        ),
        account_number=text(entry, "AccountNumber"),
        **book.as_details(),
    )


def _phone(each: Mapping[str, Any]) -> str:
    if not text(each, "PhoneNumber"):
        return ""
    country = text(each, "PhoneCountryCode").lstrip("+")
    parts = (f"+{country}" if country else "", text(each, "PhoneAreaCode"))
    return " ".join(filter(None, (*parts, text(each, "PhoneNumber"))))


def _changed(entry: Mapping[str, Any]) -> datetime | None:
    match = DATE.fullmatch(text(entry, "UpdatedDateUTC"))
    return moment_of(int(match[1])) if match else None


def moment_of(milliseconds: int) -> datetime | None:
    """Return the time so many milliseconds after 1970; None outside of the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
