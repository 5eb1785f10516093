"""What an export file says: plain immutable things, no work on files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.kinds import Kind
from crmlink.values.addresses import Address

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


@dataclass(frozen=True, slots=True)
class ExportedContact:
    """One contact as a file shows it; values are as they stand there, trimmed.

    `line` is the line (in a workbook the row) where it begins, from 1. `reference` is in its
    canonical form, or empty where the file holds none. `name` is what the package calls the
    contact, a person or a company. Of several emails and addresses the first stand alone.
    `postcode` is taken from the address where one stands in it and no column has one; it stands in
    no line of the address. `retired` says that the package marks the contact as no longer in use.
    `unread` names fields of which a value could not be understood; what could be is there.
    """

    line: int
    reference: str = ""
    kind: Kind | None = None
    name: str = ""
    company: str = ""
    person: str = ""
    account_number: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    town: str = ""
    postcode: str = ""
    open_balance: Decimal | None = None
    open_invoices: int | None = None
    created: date | None = None
    last_used: date | None = None
    unread: tuple[str, ...] = ()
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()
    retired: bool = False

    @property
    def label(self) -> str:
        """What to call the contact; empty where the file has no name for it."""
        return self.name or self.company or self.person


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is no contact, or not a whole one; `wording.say` has the sentence."""

    line: int
    code: str
    args: Facts

    @property
    def may_be_contact(self) -> bool:
        """Whether leaving it out may lose a contact: a total or a time of the export is none."""
        return self.code not in ("header_again", "total", "time_stamp")


@dataclass(frozen=True, slots=True)
class FormatMatch:
    """A file that a package is known to write, and that this one looks like."""

    package: str
    form: str
    certainty: str


@dataclass(frozen=True, slots=True)
class DetectedFormat:
    """What a file is and which of its columns hold what.

    `package` is None when it is not known, or when several fit: then `fits` names more than one
    package. `header` are the columns that exist, each with a label of its own; a file without a
    header has the letters A, B, C … and no `header_line`. `columns` says which of these labels
    hold a field: of several labels the first that is not empty, of phones, emails and addresses
    all. `likely` are the fields whose headings are only like known ones, for a person to look at;
    a reference is never taken by likeness and stands there alone. `unclear` names fields whose
    heading stands more than once. `also` are a workbook's other sheets that look like contacts.
    `sample` are the first rows, `values` the first three values of each column. `letters_certain`
    is False where 8-bit letters could be read in two ways.
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
        """Whether a column of this file is known to hold the package's references."""
        return "reference" in self.columns

    @property
    def ambiguous(self) -> bool:
        """Whether files of several packages look like this one, and nobody said which it is."""
        return self.package is None and len({fit.package for fit in self.fits}) > 1

    def corrected(
        self,
        *,
        package: str | None = None,
        kind: Kind | None = None,
        columns: Columns | None = None,
        dates: DateOrder | None = None,
    ) -> DetectedFormat:
        """The same file as a person says that it is; what they do not say stays.

        `columns` maps fields to a column's label or its position from 0, or to several of them;
        None or an empty sequence takes a field away. Raises ExportError (`field_unknown`,
        `column_unknown`, `column_needed_once`).
        """
        said = columns or {}
        changed = dict(self.columns)
        for name, wanted in said.items():
            if name not in IMPORT_FIELDS:
                raise ExportError("field_unknown", field=name, fields=", ".join(IMPORT_FIELDS))
            changed.pop(name, None)
            if labels := tuple(self._label(each) for each in _several(wanted)):
                changed[name] = labels
        if len(changed.get("reference", ())) > 1:
            raise ExportError("column_needed_once")
        return replace(
            self,
            package=package or self.package,
            kind=kind or self.kind,
            columns=changed,
            dates=dates or self.dates,
            unclear=tuple(name for name in self.unclear if name not in said),
            likely={name: labels for name, labels in self.likely.items() if name not in said},
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
        """What the file is, without any value that stands in it."""
        return replace(self, sample=(), values={})

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain values, to be kept as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> DetectedFormat:
        """What `as_dict` gave, also after a way through JSON."""
        plain = dict(kept) | {
            "fits": tuple(FormatMatch(**fit) for fit in kept["fits"]),
            "columns": _tuples(kept["columns"]),
            "values": _tuples(kept.get("values", {})),
            "likely": _tuples(kept.get("likely", {})),
            "sample": tuple(tuple(row) for row in kept["sample"]),
        }
        lists = {name: tuple(plain[name]) for name in ("header", "sheets", "also", "unclear")}
        return cls(**plain | lists)


def _tuples(kept: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in kept.items()}


def _several(wanted: Column | Sequence[Column] | None) -> Sequence[Column]:
    if wanted is None or wanted == "":
        return ()
    return (wanted,) if isinstance(wanted, (str, int)) else wanted
