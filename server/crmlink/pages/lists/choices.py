"""A user's choices about an uploaded file; they stay until the user changes them.

A form sends every field, also untouched ones. It therefore also sends what it showed: a value that
differs from that is a choice, any other is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from crmlink.accounting.exports.reader import (
    DELIMITERS,
    ENCODINGS,
    DateOrder,
    DetectedFormat,
    FormatHints,
)
from crmlink.kinds import KINDS, Kind, kind_named
from crmlink.strict_json import NotJSON, read_json

SINGLE = (
    "reference", "name", "company", "person", "first_name", "last_name", "account_number",
    "town", "postcode", "other_town", "other_postcode", "kind", "status", "open_balance",
    "last_used",
)  # fmt: skip
SEVERAL = ("email", "phones", "address", "other_address")
FIELDS = SINGLE + SEVERAL
MAX_COLUMNS = 6  # columns of emails, telephone numbers or an address
MAX_NAME_LENGTH = 120
AS_RECOGNISED = "as-is"
DATES: tuple[DateOrder, ...] = ("dmy", "mdy")
BOTH = "both"
SHOWN_FIELD = "shown"  # name of the form's hidden field


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """A column when it was chosen: its heading, its index, and its table.

    ``label`` is empty if the table had no headings.
    """

    label: str
    position: int
    table: str


@dataclass(frozen=True, slots=True)
class Choices:
    """All choices for one file; "" and None mean as detected."""

    package: str = ""
    kind: str = ""  # customer, supplier, both
    name: str | None = None
    sheet: str = ""
    header_line: int | None = None
    encoding: str = ""
    delimiter: str = ""
    dates: str = ""
    columns: Mapping[str, tuple[ChosenColumn, ...]] = field(default_factory=dict)
    complete: bool = False  # of a report: it has every customer or supplier

    @property
    def contact_kind(self) -> Kind | None:
        """The chosen kind of the contacts; None as detected."""
        return kind_named(self.kind)

    @property
    def hints(self) -> FormatHints:
        """What was chosen of the file's format."""
        return FormatHints(
            package=self.package or None,
            sheet=self.sheet or None,
            header_line=self.header_line,
            encoding=self.encoding or None,
            delimiter=self.delimiter or None,
        )

    @property
    def date_order(self) -> DateOrder | None:
        """The chosen order of day and month; None as detected."""
        return next((order for order in DATES if order == self.dates), None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, to store as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Choices:
        """Return the choices of ``as_dict``; raises TypeError, KeyError for other data."""
        columns = {
            name: tuple(ChosenColumn(**column) for column in several)
            for name, several in stored.get("columns", {}).items()
        }
        return cls(**dict(stored) | {"columns": columns})


@dataclass(frozen=True, slots=True)
class ShownForm:
    """What a form showed: the table of its columns, and the selected values."""

    table: str = ""
    header: tuple[str, ...] = ()
    sheet: str = ""
    header_line: int = 0
    encoding: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: DetectedFormat,
        recognised: DetectedFormat,
        choices: Choices,
        fields: Sequence[str] = FIELDS,
    ) -> ShownForm:
        """Return what the form for a file shows, with these fields.

        ``recognised`` is the format without chosen columns.
        """
        chosen = choices.header_line
        return cls(
            table=table_of(found),
            header=found.header,
            sheet=found.sheet,
            header_line=chosen if chosen is not None else found.header_line or 0,
            encoding=found.encoding,
            columns={name: selected(name, found, recognised) for name in fields},
        )

    @classmethod
    def from_json(cls, text: str) -> ShownForm:
        """Return what a form sent back; an empty one for invalid data."""
        try:
            values = read_json(text)
            shown = cls(**values | {"header": tuple(values["header"])})
        except (NotJSON, TypeError, KeyError):
            return cls()
        return shown if shown._is_sound() else cls()

    def _is_sound(self) -> bool:
        """Return whether all values are of their types: anything can be sent by hand."""
        columns: Any = self.columns
        several: list[Any] = [self.header]
        several += columns.values() if isinstance(columns, dict) else [None]
        if not all(isinstance(each, tuple | list) for each in several):
            return False
        texts = [
            self.table,
            self.sheet,
            self.encoding,
            *(text for each in several for text in each),
        ]
        return isinstance(self.header_line, int) and all(isinstance(text, str) for text in texts)

    def as_json(self) -> str:
        """Return the JSON for the form's hidden field."""
        return json.dumps(asdict(self), ensure_ascii=False)


def table_of(found: DetectedFormat) -> str:
    """Return the identity of a table: its sheet, and its delimiter."""
    return f"{found.sheet}\n{found.delimiter}"


def selected(name: str, found: DetectedFormat, recognised: DetectedFormat) -> list[str]:
    """Return the values that a field's selects show: indexes, AS_RECOGNISED, or none."""
    labels = found.columns.get(name, ())
    if name in SINGLE and len(labels) > 1 and labels == recognised.columns.get(name):
        return [AS_RECOGNISED]
    return [str(found.header.index(label)) for label in labels]


def is_as_sent(form: Mapping[str, str], now: ShownForm) -> bool:
    """Return whether the file would be read as the form says, so that nothing changes unseen."""
    before = ShownForm.from_json(form.get(SHOWN_FIELD, ""))
    line = _number(form.get("header_line", ""))
    return (
        (before.table, before.encoding) == (now.table, now.encoding)
        and form.get("sheet", now.sheet) == now.sheet
        and line in (None, now.header_line)
        and all(sent_values(form, name) in (None, columns) for name, columns in now.columns.items())
    )


def sent_values(form: Mapping[str, str], name: str) -> list[str] | None:
    """Return the non-empty values of a field's selects; None if the form has none."""
    numbers = range(MAX_COLUMNS) if name in SEVERAL else range(1)
    values = [form[key] for number in numbers if (key := f"{name}-{number}") in form]
    return [value for value in dict.fromkeys(values) if value] if values else None


def choices_from(
    form: Mapping[str, str], before: Choices, fields: Sequence[str] = FIELDS
) -> Choices:
    """Return the previous choices with those of this form, which has these fields."""
    shown = ShownForm.from_json(form.get(SHOWN_FIELD, ""))
    return Choices(
        package=form.get("package", before.package),
        kind=_one_of((*KINDS, BOTH), form.get("kind", ""), before.kind),
        name=form["name"].strip()[:MAX_NAME_LENGTH] if "name" in form else before.name,
        sheet=_changed(form.get("sheet"), shown.sheet, before.sheet),
        header_line=_header_line(form.get("header_line"), shown, before),
        encoding=_one_of(("", *ENCODINGS), form.get("encoding", before.encoding), before.encoding),
        delimiter=_one_of(
            ("", *DELIMITERS), form.get("delimiter", before.delimiter), before.delimiter
        ),
        dates=_one_of(("", *DATES), form.get("dates", before.dates), before.dates),
        columns=_columns(form, shown, before.columns, fields),
        complete=before.complete,
    )


def without_lines(choices: Choices) -> Choices:
    """Return the choices without those that may not fit the file."""
    return replace(choices, sheet="", header_line=None, encoding="", delimiter="")


def resolved(choices: Choices, found: DetectedFormat) -> tuple[dict[str, list[str]], list[str]]:
    """Return the labels of the chosen columns in this table, and fields whose column is missing.

    In the table of the choice its index identifies the column, whatever its heading is now; in
    another table only its heading does.
    """
    columns: dict[str, list[str]] = {}
    lacking = []
    for name, chosen in choices.columns.items():
        labels = [_label(column, found) for column in chosen]
        if None in labels:
            lacking.append(name)
        else:
            columns[name] = [label for label in labels if label is not None]
    return columns, lacking


def _label(column: ChosenColumn, found: DetectedFormat) -> str | None:
    if column.table == table_of(found):
        return found.header[column.position] if column.position < len(found.header) else None
    return column.label if found.header_line and column.label in found.header else None


def _columns(
    form: Mapping[str, str],
    shown: ShownForm,
    before: Mapping[str, tuple[ChosenColumn, ...]],
    fields: Sequence[str],
) -> dict[str, tuple[ChosenColumn, ...]]:
    columns = dict(before)
    for name in fields:
        values = sent_values(form, name)
        if values is None or values == list(shown.columns.get(name, [])):
            continue
        columns.pop(name, None)
        if values != [AS_RECOGNISED]:
            columns[name] = tuple(_chosen(values, shown))
    return columns


def _chosen(values: Iterable[str], shown: ShownForm) -> Iterable[ChosenColumn]:
    for value in values:
        position = _number(value)
        if position is not None and position < len(shown.header):
            label = shown.header[position] if shown.header_line else ""
            yield ChosenColumn(label, position, shown.table)


def _changed(sent: str | None, shown: str, before: str) -> str:
    return before if sent is None or sent == shown else sent


def _header_line(sent: str | None, shown: ShownForm, before: Choices) -> int | None:
    line = _number(sent or "")
    return before.header_line if line is None or line == shown.header_line else line


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _one_of(allowed: Iterable[str], value: str, otherwise: str) -> str:
    return value if value in allowed else otherwise
