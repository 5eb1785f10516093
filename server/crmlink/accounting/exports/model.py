"""Types for the contents of export files; immutable, without file access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.kinds import Kind
from crmlink.values.contact_details import ContactDetails

FileKind = Literal["csv", "xlsx", "iif"]
DateOrder = Literal["dmy", "mdy"]
Facts = Mapping[str, str | int]
Column = str | int
Columns = Mapping[str, "Column | Sequence[Column] | None"]

MULTI_COLUMN_FIELDS = frozenset({"phones", "email", "address", "other_address"})
IMPORT_FIELDS = (
    "reference", "name", "company", "person", "first_name", "last_name", "account_number",
    "email", "phones", "address", "town", "county", "postcode", "country", "other_address",
    "other_town", "other_county", "other_postcode", "other_country", "kind", "status",
    "open_balance", "open_invoices", "created", "last_used",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedContact(ContactDetails):
    """One contact of an export file, with trimmed values.

    `line` is the line (in a workbook the row) where it starts, from 1. `reference` is canonical, or
    empty if the file has none. `name` is the package's name of the contact, a person or a company.
    Of several emails and addresses the first is separate; `address_lines` are the first address's,
    as `address` has them in one text. `postcode` is taken out of the address if no column has one.
    `unread` names fields with a value that could not be parsed; the parsed ones are kept.
    """

    line: int
    reference: str = ""
    address_lines: tuple[str, ...] = ()
    open_balance: Decimal | None = None
    open_invoices: int | None = None
    created: date | None = None
    last_used: date | None = None
    unread: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Display name of the contact; empty if the file has none."""
        return self.name or self.company or self.person

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output; `address` is a list of lines there."""
        plain = asdict(self)
        return plain | {"address": plain.pop("address_lines")}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is no contact, or not a whole one; `messages.rejected_row_text` renders it."""

    line: int
    code: str
    args: Facts

    @property
    def may_be_contact(self) -> bool:
        """Whether omitting it may lose a contact: not for a total or a time stamp."""
        return self.code not in (
            "header_again", "other_headings", "section", "total", "time_stamp", "footer",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatHints:
    """A user's word on how a file is to be read; None for what is to be detected.

    With `package` only that package's formats are tried; `sheet` names a workbook's sheet;
    `header_line` is the header's line, 0 for none; `encoding` and `delimiter`, for text files, are
    of ENCODINGS and DELIMITERS.
    """

    package: str | None = None
    sheet: str | None = None
    header_line: int | None = None
    encoding: str | None = None
    delimiter: str | None = None


NO_HINTS = FormatHints()


@dataclass(frozen=True, slots=True)
class FormatMatch:
    """A known export format that the file matches."""

    package: str
    form: str
    certainty: str


@dataclass(frozen=True, slots=True)
class DetectedFormat:
    """A file's format, and the fields of its columns.

    `package` is None if unknown or ambiguous: then `fits` names several packages. `header` has a
    distinct label for each column; a file without a header has the letters A, B, C … and no
    `header_line`. `columns` maps each field to labels: of several labels the first non-empty value
    is used, of phones, emails and addresses all. `likely` has the fields proposed by similar
    headings; a reference is only ever proposed. `unclear` names fields whose heading is repeated.
    `also` has a workbook's other sheets that look like contacts. `sample` has the first rows,
    `values` the first three values of each column. `letters_certain` is False if 8-bit letters
    could be decoded in two ways.
    """

    file_kind: FileKind
    package: str | None
    kind: Kind | None
    fits: tuple[FormatMatch, ...]
    header: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    header_line: int | None = None
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    dates: DateOrder | None = None
    caution: str = ""
    sample: tuple[tuple[str, ...], ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    likely: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    letters_certain: bool = True

    @property
    def has_references(self) -> bool:
        """Whether a column is known to contain the package's references."""
        return "reference" in self.columns

    @property
    def ambiguous(self) -> bool:
        """Whether the file matches formats of several packages and the user chose none."""
        return self.package is None and len({fit.package for fit in self.fits}) > 1

    def with_overrides(
        self,
        *,
        package: str | None = None,
        kind: Kind | None = None,
        columns: Columns | None = None,
        dates: DateOrder | None = None,
        fields: Sequence[str] = IMPORT_FIELDS,
    ) -> DetectedFormat:
        """Return the format with a user's corrections; omitted options stay as they are.

        `columns` maps fields to a column's label or index, or to several; None or an empty sequence
        removes a field; `fields` are those that this sort of file can hold. Raises ExportError
        (`field_unknown`, `column_unknown`, `column_needed_once`).
        """
        changes = columns or {}
        changed = dict(self.columns)
        for name, mapping in changes.items():
            if name not in fields:
                raise ExportError("field_unknown", field=name, fields=", ".join(fields))
            changed.pop(name, None)
            if labels := tuple(self._label(column) for column in _several(mapping)):
                changed[name] = labels
        if len(changed.get("reference", ())) > 1:
            raise ExportError("column_needed_once")
        return replace(
            self,
            package=package or self.package,
            kind=kind or self.kind,
            columns=changed,
            dates=dates or self.dates,
            unclear=tuple(name for name in self.unclear if name not in changes),
            likely={name: labels for name, labels in self.likely.items() if name not in changes},
        )

    def _label(self, column: Column) -> str:
        if isinstance(column, int):
            if 0 <= column < len(self.header):
                return self.header[column]
        elif column in self.header:
            return column
        else:
            alike = [
                label
                for label in self.header
                if normalise_heading(label) == normalise_heading(column)
            ]
            if len(alike) == 1:
                return alike[0]
        shown = ", ".join(self.header[:40])
        raise ExportError("column_unknown", column=str(column), columns=shown)

    def without_contents(self) -> DetectedFormat:
        """Return the format without any value from the file."""
        return replace(self, sample=(), values={})

    def as_dict(self) -> dict[str, Any]:
        """Return plain values to store as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DetectedFormat:
        """Return the format from the output of `as_dict`, also after a round trip through JSON."""
        plain = dict(data) | {
            "fits": tuple(FormatMatch(**fit) for fit in data["fits"]),
            "columns": _tuples(data["columns"]),
            "values": _tuples(data.get("values", {})),
            "likely": _tuples(data.get("likely", {})),
            "sample": tuple(tuple(row) for row in data["sample"]),
        }
        lists = {name: tuple(plain[name]) for name in ("header", "sheets", "also", "unclear")}
        return cls(**plain | lists)


def _tuples(data: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in data.items()}


def _several(columns: Column | Sequence[Column] | None) -> Sequence[Column]:
    if columns is None or columns == "":
        return ()
    return (columns,) if isinstance(columns, (str, int)) else columns
