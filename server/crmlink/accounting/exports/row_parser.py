"""Parser of a file's rows into contacts or rejected rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

from crmlink.accounting.errors import InvalidReference
from crmlink.accounting.exports.around_table import AroundTable
from crmlink.accounting.exports.cells import (
    CellConverted,
    cell_text,
    parse_amount,
    parse_count,
    parse_date,
    parse_emails,
    parse_kind,
    parse_phones,
    reference_text,
)
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.accounting.exports.known_formats import heading_words
from crmlink.accounting.exports.letters import is_doubtful
from crmlink.accounting.exports.model import DetectedFormat, ExportedContact, Facts, RejectedRow
from crmlink.accounting.exports.rows import Row
from crmlink.accounting.package_rules import Package, Packages, package_rules
from crmlink.accounting.references import canonical_reference
from crmlink.kinds import KINDS, Kind
from crmlink.values import (
    Address,
    PostalAddress,
    is_placeholder,
    is_retired_status,
    read_address,
    read_name,
    without_placeholder,
)
from crmlink.values.addresses import NO_ADDRESS
from crmlink.values.double_encoding import without_double_encoding

MAX_LENGTHS = {
    "name": 300, "company": 300, "person": 300, "account_number": 100, "email": 320, "town": 200,
    "county": 200, "country": 100, "postcode": 60, "address": 500,
}  # fmt: skip
_MAX_ADDRESS_LINES = 12

_QUOTATION_MARKS = frozenset("\"'`\u2018\u2019\u201a\u201c\u201d\u201e")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{1,5}|#x[0-9a-f]{1,4});", re.IGNORECASE)
_REPLACED_LETTER = re.compile(r"\w\?|\?\w")  # what programs write for a letter they do not have
_BREAK = re.compile(r"[\r\n]+")

Positions = dict[str, tuple[int, ...]]


class RowRejected(Exception):
    """The current row is no contact; `code` and `bad_args` as in RejectedRow."""

    def __init__(self, code: str, **args: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params: Facts = args


class RowParser:
    """Parser of rows; remembers the references it has read, to find repeated ones."""

    def __init__(self, detected: DetectedFormat, packages: Packages) -> None:
        self._format = detected
        self._packages = packages
        self._seen: dict[tuple[Kind | None, str], int] = {}
        self._header: tuple[str, ...] = ()
        self._positions: Positions = {}
        self._around = AroundTable(
            heading_words(packages), has_header=detected.header_line is not None
        )

    @property
    def kind_of_section(self) -> Kind | None:
        """The kind by the name of the section above the last row, as *Suppliers*."""
        return self._around.kind

    def parse(self, row: Row) -> ExportedContact | RejectedRow | None:
        """Return the contact of a row or why it is none; None for an empty row."""
        if row.header is not self._header:
            self._map_columns(row.header)
        if not any(cell_text(cell) for cell in row.cells):
            return None
        if code := self._around.code_of(row.cells):
            return RejectedRow(row.line, code, {})
        try:
            self._reject_shifted(row)
            return self._contact(row)
        except RowRejected as rejected:
            return RejectedRow(row.line, rejected.code, rejected.params)

    def _map_columns(self, header: tuple[str, ...]) -> None:
        indexes = {label: i for i, label in enumerate(header)}
        self._header = header
        self._positions = {
            field: tuple(indexes[label] for label in labels if label in indexes)
            for field, labels in self._format.columns.items()
        }
        self._around.begin(header, self._positions)

    def _reject_shifted(self, row: Row) -> None:
        """Raise RowRejected for more values than columns in a text: all may be shifted."""
        if self._format.file_kind == "xlsx" or len(row.cells) <= len(row.header):
            return
        last = max((i for i, cell in enumerate(row.cells, 1) if cell_text(cell)), default=0)
        if last > len(row.header):
            raise RowRejected("too_many_values", found=last, columns=len(row.header))

    def _contact(self, row: Row) -> ExportedContact:
        self._reject_nul(row.cells)
        unread: list[str] = []
        stated = row.kind or self._kind(row.cells, unread)
        kind = stated or (None if unread else self._around.kind or self._format.kind)
        reference = self._reference(row.cells)
        if reference and (first_line := self._line_of(kind, reference)):
            raise RowRejected("reference_twice", reference=reference, first_line=first_line)
        contact = self._build_contact(row, kind, reference, unread)
        if reference:
            self._seen[kind, reference] = row.line
        return contact

    def _line_of(self, kind: Kind | None, reference: str) -> int | None:
        """Return the line that has this reference already, perhaps of a kind that is not known."""
        kinds = (kind, None) if kind else (None, *KINDS)
        lines = [self._seen[each, reference] for each in kinds if (each, reference) in self._seen]
        return min(lines, default=None)

    def _build_contact(
        self, row: Row, kind: Kind | None, reference: str, unread: list[str]
    ) -> ExportedContact:
        cells = row.cells
        phones, strange_phones = parse_phones(self._all(cells, "phones"))
        emails, strange_emails = parse_emails(self._emails(cells))
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
            address=main.text,
            address_lines=main.lines,
            town=main.town,
            postcode=main.postcode,
            other_addresses=tuple(Address(a.text, a.town, a.postcode) for a in others),
            retired=self._is_retired(cells, (name, company), unread) or self._around.retired,
            open_balance=self._value(cells, "open_balance", parse_amount, unread),
            open_invoices=self._value(cells, "open_invoices", parse_count, unread),
            created=self._value(cells, "created", self._day, unread),
            last_used=self._value(cells, "last_used", self._day, unread),
            unread=tuple(unread),
        )
        if not (contact.label or emails or phones or contact.postcode or contact.account_number):
            raise RowRejected("nothing_to_match")
        return contact

    def _person(self, cells: Sequence[Any]) -> str:
        """Return the contact person's name; a package's placeholder counts as none."""
        person = without_placeholder(self._one(cells, "person"), person=True)
        if person:
            return person
        names = (self._one(cells, "first_name"), self._one(cells, "last_name"))
        parts = [without_placeholder(name, person=True) for name in names]
        return " ".join(part for part in parts if part)[: MAX_LENGTHS["person"]]

    def _emails(self, cells: Sequence[Any]) -> list[str]:
        texts = self._all(cells, "email")
        if any(len(text) > MAX_LENGTHS["email"] for text in texts):
            raise RowRejected("field_too_long", field="email", most=MAX_LENGTHS["email"])
        return texts

    def _is_retired(self, cells: Sequence[Any], names: Sequence[str], unread: list[str]) -> bool:
        columns = self._positions.get("status", ())
        states = [
            is_retired_status(text, self._header[i])
            for i in columns
            if i < len(cells) and (text := cell_text(cells[i]))
        ]
        unread += ["status"] * (None in states)
        return True in states or any(read_name(name).retired for name in names)

    def _reject_nul(self, cells: Sequence[Any]) -> None:
        for indexes in self._positions.values():
            for i in indexes:
                cell = cells[i] if i < len(cells) else None
                if isinstance(cell, str) and "\x00" in cell:
                    raise RowRejected("broken_text")

    def _reference(self, cells: Sequence[Any]) -> str:
        indexes = self._positions.get("reference")
        package = self._format.package
        if indexes is None or package is None:
            return ""
        rules = package_rules(self._packages, package)
        cell = cells[indexes[0]] if indexes and indexes[0] < len(cells) else None
        try:
            text = reference_text(cell, rules, through_excel=self._format.file_kind != "iif")
        except CellConverted as changed:
            raise RowRejected(changed.code, shown=changed.shown) from changed
        if not text.strip():
            raise RowRejected("reference_missing")
        if is_placeholder(text):
            raise RowRejected("reference_placeholder", reference=text.strip()[:60])
        if len(text.strip()) > 1 and {text.strip()[0], text.strip()[-1]} <= _QUOTATION_MARKS:
            raise RowRejected("reference_quoted", reference=text.strip()[:60])
        if "\ufffd" in text:
            raise RowRejected("letters_lost", reference=text[:60])
        if self._is_in_doubt(text, rules):
            raise RowRejected("letters_doubtful", reference=text[:60])
        try:
            reference = canonical_reference(package, text, self._packages)
        except InvalidReference as error:
            raise RowRejected(
                "reference_malformed", reference=cell_text(text)[:60], expected=error.expected
            ) from error
        if not reference.strip("0"):  # Excel's value of an empty cell
            raise RowRejected("reference_placeholder", reference=reference)
        return reference

    def _is_in_doubt(self, reference: str, rules: Package) -> bool:
        """Return whether a reference may contain letters that were replaced or wrongly decoded."""
        if _ENTITY.search(reference) or _REPLACED_LETTER.search(reference):
            return True
        if reference.isascii() or rules["reference"]["canonical"] != "exact":
            return False
        if "\xa0" in reference:
            return True
        return is_doubtful(reference) or not self._format.letters_certain

    def _kind(self, cells: Sequence[Any], unread: list[str]) -> Kind | None:
        result: Kind | None = self._value(cells, "kind", parse_kind, unread)
        return result

    def _day(self, cell: Any) -> Any:
        return parse_date(cell, self._format.dates)

    def _value(self, cells: Sequence[Any], field: str, read: Any, unread: list[str]) -> Any:
        for i in self._positions.get(field, ()):
            cell = cells[i] if i < len(cells) else None
            if cell_text(cell):
                value = read(cell)
                if value is None:
                    unread.append(field)
                return value
        return None

    def _one(self, cells: Sequence[Any], field: str) -> str:
        """Return the first non-empty value of a field's columns, on one line."""
        longest = MAX_LENGTHS.get(field.removeprefix("other_"), 300)
        for i in self._positions.get(field, ()):
            text = _text(cells, i)
            if text:
                if len(text) > longest:
                    name_ = field if field in MAX_LENGTHS else "person"
                    raise RowRejected("field_too_long", field=name_, most=longest)
                return text if text.isprintable() else _BREAK.sub(" ", text)
        return ""

    def _all(self, cells: Sequence[Any], field: str) -> list[str]:
        indexes = self._positions.get(field, ())
        return [text for i in indexes if (text := _text(cells, i))]

    def _addresses(self, cells: Sequence[Any], names: Sequence[str]) -> list[PostalAddress]:
        """Return the main and the other address, without empty and equal ones."""
        result: list[PostalAddress] = []
        for prefix in ("", "other_"):
            address = self._address(cells, prefix, names)
            if address and address not in result:
                result.append(address)
        return result

    def _address(self, cells: Sequence[Any], prefix: str, names: Sequence[str]) -> PostalAddress:
        lines = [line.strip() for text in self._all(cells, f"{prefix}address")
                 for line in _BREAK.split(text) if line.strip()]  # fmt: skip
        if any(len(line) > MAX_LENGTHS["address"] for line in lines):
            raise RowRejected("field_too_long", field="address", most=MAX_LENGTHS["address"])
        known = {normalise_heading(name) for name in names if name}
        lines = [
            line for line in lines if normalise_heading(line) not in known
        ]  # often repeated above the street
        town, county, postcode, country = (
            self._one(cells, f"{prefix}{field}")
            for field in ("town", "county", "postcode", "country")
        )
        if lines and county and normalise_heading(county) != normalise_heading(town):
            lines.append(county)
        return read_address(lines[:_MAX_ADDRESS_LINES], town, postcode, country)


def _text(cells: Sequence[Any], index: int) -> str:
    """Return a value as text, with plain spaces and letters that were encoded twice put right."""
    if index >= len(cells):
        return ""
    text = cell_text(cells[index])
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda entity: unescape(entity.group()), text).strip()
    return text if text.isascii() else without_double_encoding(text).replace("\xa0", " ")
