"""The contacts of tests/cases/contacts.json: what people type, and the record that it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.uk import records as crowd
from crmlink.matching import Address
from crmlink.values.contact_details import ContactDetails

FOLDER = Path(__file__).parents[1] / "cases"
DOCUMENT = json.loads((FOLDER / "contacts.json").read_text(encoding="utf-8"))
LIST_HEADER = ("id", "name", "company", "address", "city", "postcode", "email", "phone",
               "other_address", "other_city", "other_postcode", "other_email")  # fmt: skip
# A table that no package writes, with headings as people type them.
TABLE_HEADER = {
    "Customer / Trading Name": "name", "Company": "company", "Contact Person": "person",
    "E mail": "email", "E mail 2": "other_email", "Tel.": "phone", "Addr 1": "address",
    "Town": "town", "P/Code": "postcode", "Site Address": "other_address",
    "Site Town": "other_town", "Site P/Code": "other_postcode", "Status": "status",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One contact: its fields as they are typed, and what has to come of it."""

    kind: str
    about: str
    record: str
    contact: dict[str, str]
    reasons: frozenset[str]
    never: frozenset[str]
    sure: bool | None
    anywhere: bool  # the record need not be first

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.about}"


def cases() -> list[Case]:
    return [
        Case(
            each["kind"], each["about"], each["record"], each["contact"],
            frozenset(each.get("reasons", ())), frozenset(each.get("never", ())),
            each.get("sure"), each.get("anywhere", False),
        )
        for each in DOCUMENT["cases"]
    ]  # fmt: skip


def records() -> list[tuple[str, ContactDetails]]:
    """The cases' records among 400 others."""
    own = [(each["id"], _details(each)) for each in DOCUMENT["records"]]
    return [*own, *((f"{d.kind}-7{number:04}", d) for number, (_, d) in enumerate(crowd(400, 52)))]


def _details(record: dict[str, Any]) -> ContactDetails:
    fields = ("company", "address", "town", "postcode", "email")
    return ContactDetails(
        kind=record["kind"],
        person=record.get("name", ""),
        **{name: record.get(name, "") for name in fields},
        phones=tuple(record.get("phones", ())),
        other_emails=tuple(record.get("other_emails", ())),
        other_addresses=tuple(Address(**place) for place in record.get("other_addresses", ())),
    )


def record_list() -> str:
    """The records as `crmlink match` reads them."""
    rows = []
    for record_id, d in records():
        second = d.other_addresses[0] if d.other_addresses else Address()
        rows.append(
            (record_id, d.person, d.company, d.address, d.town, d.postcode, d.email,
             "; ".join(d.phones), second.address, second.town, second.postcode,
             "; ".join(d.other_emails))
        )  # fmt: skip
    return table(LIST_HEADER, rows)


def contact_list(several: Sequence[Case]) -> str:
    """The contacts as `crmlink match` reads them, the number of each as its id.

    A plain list knows no contact person and no status.
    """
    fields = ("name", "company", "address", "town", "postcode", "email", "phone", "other_address",
              "other_town", "other_postcode", "other_email")  # fmt: skip
    return table(
        LIST_HEADER,
        (
            (str(number), *(case.contact.get(field, "") for field in fields))
            for number, case in enumerate(several)
        ),
    )


def typed_table(several: Sequence[Case]) -> str:
    """The contacts as a table with typed headings."""
    return table(
        list(TABLE_HEADER),
        ([case.contact.get(field, "") for field in TABLE_HEADER.values()] for case in several),
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()
