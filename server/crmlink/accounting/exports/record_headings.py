"""Headings of Commusoft's reports of customers and suppliers, and of tables that people make.

No report was seen; the spellings are those in report-like data and the labels on Commusoft's pages.
The column of the record's id is taken from a heading that leaves no doubt, and only proposed from
others: a wrong id is another record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmlink.accounting.exports.headings import normalise_heading
from crmlink.kinds import KINDS, Kind

NUMBER, REFERENCE = "number", "reference"

_NUMBER = (
    "Customer ID", "Supplier ID", "Commusoft ID", "Commusoft customer ID", "Commusoft supplier ID",
    "Customer identifier", "Supplier identifier",
)  # fmt: skip
_MAYBE_NUMBER = (
    "ID", "Record ID", "Record number", "Customer number", "Customer no", "Supplier number",
    "Supplier no", "Number", "UID", "Internal ID", "Client ID",
)  # fmt: skip
_REFERENCE = (
    "Third-party reference", "Third party reference", "Third party ref",
    "Third party accounting ref", "Third party accounting reference", "Accounting reference",
    "Accounting ref",
)  # fmt: skip
_OF_EITHER: Mapping[str, tuple[str, ...]] = {  # also after "Customer" or "Supplier"
    "name": ("Name", "Full name", "Display name"),
    "company": ("Company", "Company name", "Organisation", "Business name"),
    "person": ("Contact", "Contact name", "Contact person", "Main contact"),
    "first_name": ("First name", "Forename"),
    "last_name": ("Last name", "Surname"),
    "account_number": ("Account number", "Account no", "A/C number", "Account"),
    "email": ("Email", "E-mail", "Email address", "Email 1", "Email 2"),
    "phones": (
        "Landline", "Mobile", "Telephone", "Phone", "Landline number", "Mobile number",
        "Telephone number", "Phone number",
    ),
    "address": (
        "Address", "Address line 1", "Address line 2", "Address line 3", "Address 1", "Address 2",
        "Address 3", "Street",
    ),
    "town": ("Town", "City", "Address town", "Address city"),
    "county": ("County", "Address county"),
    "postcode": ("Postcode", "Post code", "Address postcode", "Address post code"),
    "country": ("Country", "Address country"),
    "other_address": ("Invoice address", "Invoice address line 1", "Invoice address line 2"),
    "other_town": ("Invoice address town", "Invoice town"),
    "other_postcode": ("Invoice address postcode", "Invoice postcode"),
}  # fmt: skip


def record_headings() -> dict[str, list[str]]:
    """Return the headings of each field, the best first."""
    headings: dict[str, list[str]] = {NUMBER: list(_NUMBER), REFERENCE: list(_REFERENCE)}
    for field, names in _OF_EITHER.items():
        of_kind = [f"{kind.title()} {name}" for kind in KINDS for name in names]
        headings[field] = [*of_kind, *names]
    headings["name"] += [kind.title() for kind in KINDS]
    headings["kind"] = ["Kind", "Record type"]
    return headings


def maybe_number(headings: Sequence[str]) -> str | None:
    """Return the heading that may be that of the records' ids, if only one may."""
    wanted = {normalise_heading(name) for name in _MAYBE_NUMBER}
    found = [heading for heading in headings if normalise_heading(heading) in wanted]
    return found[0] if len(found) == 1 else None


def kind_of_headings(headings: Sequence[str]) -> Kind | None:
    """Return the kind that the headings name, unless they name both or neither."""
    named = [
        kind for kind in KINDS if any(heading.casefold().startswith(kind) for heading in headings)
    ]
    return named[0] if len(named) == 1 else None
