"""The edit form of a record: its fields in both layouts, and what a save accepts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.addresses import Layout
from crmlink.kinds import Kind

MAX_LENGTH = 255
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field: `name` in the older layout, `control` (its `formcontrolname`) in the newer one."""

    section: str
    label: str
    attribute: str
    control: str
    name: str


def _fields(kind: Kind) -> tuple[FormField, ...]:
    own = f"{kind}Details"
    number = "Customer account number" if kind == "customer" else "Our account number"
    return (
        FormField("Details", "Title", "title", "title", f"{own}.title"),
        FormField("Details", "First name", "first_name", "name", "name"),
        FormField("Details", "Surname", "surname", "surname", f"{own}.surname"),
        FormField("Details", "Company name", "company", "companyname", f"{own}.companyName"),
        FormField("Contact", "Email", "email", "emailaddress", f"{kind}Email"),
        FormField("Contact", "Landline", "telephone", "telephone", f"{kind}Telephone"),
        FormField("Contact", "Mobile", "mobile", "mobile", f"{kind}Mobile"),
        FormField("Address", "Address line 1", "line1", "addressline1", "addressline1"),
        FormField("Address", "Address line 2", "line2", "addressline2", "addressline2"),
        FormField("Address", "Address line 3", "line3", "addressline3", "addressline3"),
        FormField("Address", "Town", "town", "town", "town"),
        FormField("Address", "County", "county", "county", "county"),
        FormField("Address", "Postcode", "postcode", "postcode", "postcode"),
        FormField("Other details", number, "account_number", "field_31", f"{own}.field31"),
        # The real field's name is not known, so that of this one must not help to find it.
        FormField("Other details", "", "reference", "field_27", f"{own}.field27"),
    )


_FIELDS: Mapping[Kind, tuple[FormField, ...]] = {
    "customer": _fields("customer"),
    "supplier": _fields("supplier"),
}


def form_fields(kind: Kind) -> tuple[FormField, ...]:
    """Return the fields of the form, in order."""
    return _FIELDS[kind]


def reference_label(kind: Kind, layout: Layout) -> str:
    """Return what the reference's field is called there: Commusoft has used three names."""
    if kind == "supplier":
        return "Accounting reference"
    return "Third-Party Reference" if layout == "new" else "Third party accounting ref"


def form_sections(kind: Kind, layout: Layout) -> dict[str, list[tuple[str, FormField]]]:
    """Return the fields with their labels, by section."""
    sections: dict[str, list[tuple[str, FormField]]] = {}
    for field in _FIELDS[kind]:
        label = field.label or reference_label(kind, layout)
        sections.setdefault(field.section, []).append((label, field))
    return sections


def sent_values(kind: Kind, layout: Layout, sent: Mapping[str, object]) -> dict[str, str]:
    """Return the record's fields that a form sent; what is not text is left out."""
    values = {}
    for field in _FIELDS[kind]:
        value = sent.get(field.control if layout == "new" else field.name)
        if isinstance(value, str):
            values[field.attribute] = value if field.attribute == "reference" else value.strip()
    return values


def form_errors(entry: SandboxRecord, values: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for each field of `values` that cannot be saved."""

    def value(name: str) -> str:
        return values.get(name, str(getattr(entry, name)))

    errors = {
        name: f"Use at most {MAX_LENGTH} characters."
        for name, text in values.items()
        if len(text) > MAX_LENGTH
    }
    if not (value("surname") or value("company")):
        errors["surname"] = "Enter a surname or a company name."
    if value("email") and not _EMAIL.fullmatch(value("email")):
        errors["email"] = "Enter a valid email address."
    return errors
