"""From the rows of a file to contacts, or to what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crmlink.accounting.errors import InvalidReference
from crmlink.accounting.exports import cells as understood
from crmlink.accounting.exports.cells import CellConverted, shown
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.accounting.exports.letters import is_doubtful
from crmlink.accounting.exports.model import DetectedFormat, ExportedContact, Facts, RejectedRow
from crmlink.accounting.exports.rows import Row
from crmlink.accounting.package_rules import Package, Packages, package_rules
from crmlink.accounting.references import canonical_reference
from crmlink.kinds import Kind
from crmlink.values import (
    Address,
    PostalAddress,
    is_retired_status,
    read_address,
    read_name,
    without_placeholder,
)
from crmlink.values.addresses import NO_ADDRESS

LONGEST = {
    "name": 300, "company": 300, "person": 300, "account_number": 100, "email": 320, "town": 200,
    "county": 200, "country": 100, "postcode": 60, "address": 500,
}  # fmt: skip
_MOST_ADDRESS_LINES = 12

_BREAK = re.compile(r"[\r\n]+")
_TOTAL = re.compile(r"(?:grand[ -]?|sub[ -]?)?totals?\b\W*(?P<more>.*)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[-(]?[£$€]?(?:0|[1-9][0-9,]*)(?:\.[0-9]+)?\)?%?")
_TIME = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b")
_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")

Positions = dict[str, tuple[int, ...]]


class RowRejected(Exception):
    """The present row is none; why, as RejectedRow has it."""

    def __init__(self, code: str, **args: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.bad_args: Facts = args


class RowParser:
    """Makes contacts of rows; remembers the references that it has seen."""

    def __init__(self, found: DetectedFormat, packages: Packages) -> None:
        self._found = found
        self._packages = packages
        self._seen: dict[tuple[Kind | None, str], int] = {}
        self._header: tuple[str, ...] = ()
        self._positions: Positions = {}
        self._keys: list[str] = []

    def made(self, row: Row) -> ExportedContact | RejectedRow | None:
        """The contact of a row, or what is wrong with it; None for a row without any value."""
        if row.header is not self._header:
            self._learn(row.header)
        first = next((place for place, cell in enumerate(row.cells) if shown(cell)), None)
        if first is None:
            return None
        try:
            self._refuse_others(row.cells, first)
            return self._contact(row)
        except RowRejected as bad:
            return RejectedRow(row.line, bad.code, bad.bad_args)

    def _learn(self, header: tuple[str, ...]) -> None:
        places = {label: place for place, label in enumerate(header)}
        self._header = header
        self._keys = [normalise_heading(label) for label in header]
        self._positions = {
            field: tuple(places[label] for label in labels if label in places)
            for field, labels in self._found.columns.items()
        }

    def _refuse_others(self, cells: Sequence[Any], first: int) -> None:
        """Raise for rows that programs put among contacts: the header again, totals, a time."""
        start = shown(cells[first])
        told = first < len(self._keys) and self._found.header_line is not None
        if told and normalise_heading(start) == self._keys[first]:
            filled = [
                (place, normalise_heading(shown(cell)))
                for place, cell in enumerate(cells)
                if shown(cell)
            ]
            same = sum(
                place < len(self._keys) and word == self._keys[place] for place, word in filled
            )
            if same > 1 and same == len(filled):
                raise RowRejected("header_again")
        if total := _TOTAL.fullmatch(start):
            rest = [text for cell in cells[first + 1 :] if (text := shown(cell))]
            numbers = all(_NUMBER.fullmatch(text) for text in rest)
            if numbers and (rest or not total["more"]):
                raise RowRejected("total")
        if _TIME.search(start) or _YEAR.search(start) or start.lower().endswith("day"):
            filled_texts = [text for cell in cells if (text := shown(cell))]
            whole = ", ".join(filled_texts)
            short = len(filled_texts) <= 3 and len(whole) < 80
            if short and _TIME.search(whole) and _YEAR.search(whole):
                raise RowRejected("time_stamp")

    def _contact(self, row: Row) -> ExportedContact:
        self._refuse_nul(row.cells)
        unread: list[str] = []
        kind = row.kind or self._kind(row.cells, unread) or self._found.kind
        reference = self._reference(row.cells)
        if reference and (kind, reference) in self._seen:
            first_line = self._seen[kind, reference]
            raise RowRejected("reference_twice", reference=reference, first_line=first_line)
        contact = self._described(row, kind, reference, unread)
        if reference:
            self._seen[kind, reference] = row.line
        return contact

    def _described(
        self, row: Row, kind: Kind | None, reference: str, unread: list[str]
    ) -> ExportedContact:
        cells = row.cells
        phones, strange_phones = understood.phones(self._all(cells, "phones"))
        emails, strange_emails = understood.emails(self._emails(cells))
        unread += ["phones"] * strange_phones + ["email"] * strange_emails
        name = without_placeholder(self._one(cells, "name"))
        company = without_placeholder(self._one(cells, "company"))
        person = self._person(cells)
        main, *others = self._addresses(cells, (name, company, person)) or [NO_ADDRESS]
        contact = ExportedContact(
            line=row.line,
            reference=reference,
            kind=kind or read_name(name).kind or read_name(company).kind,
            name=name,
            company=company,
            person=person,
            account_number=without_placeholder(self._one(cells, "account_number")),
            email=emails[0] if emails else "",
            other_emails=emails[1:],
            phones=phones,
            address=main.lines,
            town=main.town,
            postcode=main.postcode,
            other_addresses=tuple(Address(a.text, a.town, a.postcode) for a in others),
            retired=self._is_retired(cells, (name, company)),
            open_balance=self._value(cells, "open_balance", understood.parse_amount, unread),
            open_invoices=self._value(cells, "open_invoices", understood.parse_count, unread),
            created=self._value(cells, "created", self._day, unread),
            last_used=self._value(cells, "last_used", self._day, unread),
            unread=tuple(unread),
        )
        if not (contact.label or emails or phones or contact.postcode or contact.account_number):
            raise RowRejected("nothing_to_match")
        return contact

    def _person(self, cells: Sequence[Any]) -> str:
        """Who the contact person is; what a package writes where nobody is named is left out."""
        person = without_placeholder(self._one(cells, "person"), person=True)
        if person:
            return person
        names = (self._one(cells, "first_name"), self._one(cells, "last_name"))
        parts = [without_placeholder(name, person=True) for name in names]
        return " ".join(part for part in parts if part)[: LONGEST["person"]]

    def _emails(self, cells: Sequence[Any]) -> list[str]:
        texts = self._all(cells, "email")
        if any(len(text) > LONGEST["email"] for text in texts):
            raise RowRejected("field_too_long", field="email", most=LONGEST["email"])
        return texts

    def _is_retired(self, cells: Sequence[Any], names: Sequence[str]) -> bool:
        for place in self._positions.get("status", ()):
            text = shown(cells[place]) if place < len(cells) else ""
            if text and is_retired_status(text, self._header[place]):
                return True
        return any(read_name(name).retired for name in names)

    def _refuse_nul(self, cells: Sequence[Any]) -> None:
        for places in self._positions.values():
            for place in places:
                cell = cells[place] if place < len(cells) else None
                if isinstance(cell, str) and "\x00" in cell:
                    raise RowRejected("broken_text")

    def _reference(self, cells: Sequence[Any]) -> str:
        places = self._positions.get("reference")
        package = self._found.package
        if places is None or package is None:
            return ""
        rules = package_rules(self._packages, package)
        cell = cells[places[0]] if places and places[0] < len(cells) else None
        try:
            text = understood.reference_text(
                cell, rules, through_excel=self._found.file_kind != "iif"
            )
        except CellConverted as changed:
            raise RowRejected(changed.code, shown=changed.shown) from changed
        if not text.strip():
            raise RowRejected("reference_missing")
        if len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"':
            raise RowRejected("reference_quoted", reference=text.strip()[:60])
        if "\ufffd" in text:
            raise RowRejected("letters_lost", reference=text[:60])
        if self._is_in_doubt(text, rules):
            raise RowRejected("letters_doubtful", reference=text[:60])
        try:
            return canonical_reference(package, text, self._packages)
        except InvalidReference as malformed:
            raise RowRejected(
                "reference_malformed", reference=shown(text)[:60], expected=malformed.expected
            ) from malformed

    def _is_in_doubt(self, reference: str, rules: Package) -> bool:
        """Whether a reference that has to be exact may have other letters than the file's bytes
        were read as."""
        if reference.isascii() or rules["reference"]["canonical"] != "exact":
            return False
        return is_doubtful(reference) or not self._found.letters_certain

    def _kind(self, cells: Sequence[Any], unread: list[str]) -> Kind | None:
        found: Kind | None = self._value(cells, "kind", understood.kind, unread)
        return found

    def _day(self, cell: Any) -> Any:
        return understood.parse_date(cell, self._found.dates)

    def _value(self, cells: Sequence[Any], field: str, read: Any, unread: list[str]) -> Any:
        for place in self._positions.get(field, ()):
            cell = cells[place] if place < len(cells) else None
            if shown(cell):
                value = read(cell)
                if value is None:
                    unread.append(field)
                return value
        return None

    def _one(self, cells: Sequence[Any], field: str) -> str:
        """The first of a field's columns that holds something, on one line."""
        longest = LONGEST.get(field.removeprefix("other_"), 300)
        for place in self._positions.get(field, ()):
            text = shown(cells[place]) if place < len(cells) else ""
            if text:
                if len(text) > longest:
                    word = field if field in LONGEST else "person"
                    raise RowRejected("field_too_long", field=word, most=longest)
                return text if text.isprintable() else _BREAK.sub(" ", text)
        return ""

    def _all(self, cells: Sequence[Any], field: str) -> list[str]:
        places = self._positions.get(field, ())
        return [text for place in places if place < len(cells) and (text := shown(cells[place]))]

    def _addresses(self, cells: Sequence[Any], names: Sequence[str]) -> list[PostalAddress]:
        """The address and the other one, without those that are empty or say the same."""
        found: list[PostalAddress] = []
        for prefix in ("", "other_"):
            address = self._address(cells, prefix, names)
            if address and address not in found:
                found.append(address)
        return found

    def _address(self, cells: Sequence[Any], prefix: str, names: Sequence[str]) -> PostalAddress:
        lines = [line.strip() for text in self._all(cells, f"{prefix}address")
                 for line in _BREAK.split(text) if line.strip()]  # fmt: skip
        if any(len(line) > LONGEST["address"] for line in lines):
            raise RowRejected("field_too_long", field="address", most=LONGEST["address"])
        known = {normalise_heading(name) for name in names if name}
        lines = [
            line for line in lines if normalise_heading(line) not in known
        ]  # above the street, often
        town, county, postcode, country = (
            self._one(cells, f"{prefix}{field}")
            for field in ("town", "county", "postcode", "country")
        )
        if lines and county and normalise_heading(county) != normalise_heading(town):
            lines.append(county)
        return read_address(lines[:_MOST_ADDRESS_LINES], town, postcode, country)
