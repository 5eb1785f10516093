"""qbXML: what QuickBooks is asked, and its answers as contacts.

Names are exact, with any spaces: the Name is the reference, of a job its whole name
(Customer:Job). The order of elements in a request is that of Intuit's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from crmlink.kinds import Kind
from crmlink.sources.contact import AddressBook, ContactPage, Position, ReadContact
from crmlink.sources.errors import SourceFault, SourceUnreadable
from crmlink.sources.json_values import MAX_TEXT, moment, texts
from crmlink.store import ContactState
from crmlink.strict_xml import UNREADABLE, NotXML, read_xml
from crmlink.values.contact_details import ContactDetails

PAGE_SIZE = 50  # keeps an answer well below the bound of a body
VERSION = "13.0"
KINDS: Mapping[str, Kind] = {"Customer": "customer", "Vendor": "supplier"}
NEXT_PART = {"Company": "Customer", "Customer": "Vendor", "Vendor": None}
FIRST_PERCENT = {"Company": 0, "Customer": 1, "Vendor": 50}
COMMON = (
    "ListID", "TimeModified", "Name", "IsActive", "CompanyName", "FirstName", "MiddleName",
    "LastName", "Phone", "AltPhone", "Mobile", "Email", "Contact", "AccountNumber",
)  # fmt: skip
ASKED = {
    "Customer": (*COMMON, "FullName", "Sublevel", "BillAddress", "ShipAddress"),
    "Vendor": (*COMMON, "VendorAddress", "ShipAddress"),
}
OK, NOTHING_FOUND = "0", "1"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its page, how far the list is, and the company if it was asked for."""

    page: ContactPage
    percent: int
    company: str = ""


def first_position(since: datetime | None) -> Position:
    """Return where a list begins: with the company, to know that it is still the same."""
    return _position("Company", 1, since.strftime("%Y-%m-%dT%H:%M:%S") if since else None)


def request_at(position: Position) -> str:
    """Return the request for what comes at a position."""
    part, iterator = position["part"], position["iterator"]
    attributes = f" requestID={quoteattr(str(position['number']))}"
    body = ""
    if part != "Company":
        attributes += f' iterator="{"Continue" if iterator else "Start"}"'
        attributes += f" iteratorID={quoteattr(iterator)}" if iterator else ""
        body = f"<MaxReturned>{PAGE_SIZE}</MaxReturned><ActiveStatus>All</ActiveStatus>"
        if position["since"]:
            body += f"<FromModifiedDate>{escape(position['since'])}</FromModifiedDate>"
        body += "".join(f"<IncludeRetElement>{name}</IncludeRetElement>" for name in ASKED[part])
    return (
        f'<?xml version="1.0" encoding="utf-8"?><?qbxml version="{VERSION}"?>'
        '<QBXML><QBXMLMsgsRq onError="stopOnError">'
        f"<{part}QueryRq{attributes}>{body}</{part}QueryRq></QBXMLMsgsRq></QBXML>"
    )


def read_answer(text: str, position: Position) -> Answer:
    """Return the answer to the request of a position.

    Raises SourceUnreadable if it is another one's, or SourceFault if QuickBooks reports an error.
    """
    part = position["part"]
    answer = _only_answer(text)
    if answer.tag != f"{part}QueryRs" or answer.get("requestID") != str(position["number"]):
        raise SourceUnreadable("an answer to another request")
    status = answer.get("statusCode")
    if status not in (OK, NOTHING_FOUND):
        raise SourceFault(f"status {str(status)[:10]}")
    if part == "Company":
        return _company(answer, position)
    found = answer.findall(f"{part}Ret")
    contacts = [contact for entry in found if (contact := _contact(entry, part))]
    count, remaining = position["count"] + len(found), _remaining(answer, position, len(found))
    following: Position | None
    if remaining:
        iterator = answer.get("iteratorID", "")
        if not iterator or not found or position["iterator"] not in ("", iterator):
            raise SourceUnreadable("a list that does not go on")
        following = position | {
            "iterator": iterator, "number": position["number"] + 1, "count": count,
            "remaining": remaining,
        }  # fmt: skip
    else:
        following = _next_part(position)
    share = count / (count + remaining) if count else 1.0
    percent = 100 if following is None else min(99, FIRST_PERCENT[part] + int(49 * share))
    return Answer(ContactPage(contacts, following), percent)


def _only_answer(text: str) -> Element:
    try:
        document = read_xml(text)
    except NotXML:
        raise SourceUnreadable("no XML") from None
    answers = list(document.find("QBXMLMsgsRs") or ()) if document.tag == "QBXML" else []
    if len(answers) != 1:
        raise SourceUnreadable("no answer")
    return answers[0]


def _company(answer: Element, position: Position) -> Answer:
    entry = answer.find("CompanyRet")
    name = "" if entry is None else _tidy(entry, "CompanyName") or _tidy(entry, "LegalCompanyName")
    if not name:
        raise SourceUnreadable("no company")
    return Answer(ContactPage([], _next_part(position)), FIRST_PERCENT["Customer"], name)


def _position(part: str, number: int, since: str | None) -> Position:
    return {"part": part, "number": number, "since": since, "iterator": "", "count": 0}


def _next_part(position: Position) -> Position | None:
    part = NEXT_PART[position["part"]]
    return _position(part, position["number"] + 1, position["since"]) if part else None


def _remaining(answer: Element, position: Position, found: int) -> int:
    """Return how many entries are to come.

    Raises SourceUnreadable if some are lost: a shortened list must not count as a complete one.
    """
    usual = "0" if found < PAGE_SIZE else ""
    value = answer.get("iteratorRemainingCount", usual)
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise SourceUnreadable("no count")
    if found + int(value) < position.get("remaining", 0):
        raise SourceUnreadable("entries are missing")
    return int(value)


def _contact(entry: Element, part: str) -> ReadContact | None:
    list_id = _exact(entry, "ListID").strip()
    if not list_id:
        return None
    is_job = _tidy(entry, "Sublevel") not in ("", "0") or ":" in (entry.findtext("FullName") or "")
    element = "FullName" if is_job else "Name"  # a job's own name alone is not unique
    return ReadContact(
        key=f"{part}/{list_id}",
        reference=_exact(entry, element),
        details=_details(entry, KINDS[part], (entry.findtext(element) or "")[:MAX_TEXT]),
        state=ContactState.ARCHIVED if _tidy(entry, "IsActive") == "false" else ContactState.ACTIVE,
        changed_at=moment(_tidy(entry, "TimeModified")),
    )


def _details(entry: Element, kind: Kind, name: str) -> ContactDetails:
    book = AddressBook()
    for part in ("BillAddress", "VendorAddress", "ShipAddress"):
        address = entry.find(part)
        if address is not None:
            lines = (_tidy(address, f"Addr{number}") for number in range(1, 6))
            book.add(
                "\n".join(filter(None, lines)),
                _tidy(address, "City"),
                _tidy(address, "PostalCode"),
            )
    parts = (_tidy(entry, part) for part in ("FirstName", "MiddleName", "LastName"))
    return ContactDetails(
        kind=kind,
        name=name.strip(),
        company=_tidy(entry, "CompanyName"),
        person=" ".join(filter(None, parts)) or _tidy(entry, "Contact"),
        email=_tidy(entry, "Email"),
        phones=texts(_tidy(entry, name) for name in ("Phone", "AltPhone", "Mobile")),
        account_number=_tidy(entry, "AccountNumber"),
        **book.as_details(),
    )


def _exact(entry: Element, name: str) -> str:
    """Return a text with its spaces; one that came with a character that is lost is empty."""
    text = entry.findtext(name) or ""
    return text if len(text) <= MAX_TEXT and UNREADABLE not in text else ""


def _tidy(entry: Element, name: str) -> str:
    return (entry.findtext(name) or "").replace(UNREADABLE, "").strip()[:MAX_TEXT]
