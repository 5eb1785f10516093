"""Known export formats: which one a header belongs to, and what its columns contain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmlink.accounting.exports.headings import (
    column_index,
    column_letter,
    normalise_heading,
    unique_labels,
)
from crmlink.accounting.exports.model import MULTI_COLUMN_FIELDS, FileKind, FormatMatch

Export = dict[str, Any]
Found = dict[str, tuple[str, ...]]

_MOST_LETTERS = re.compile(r"[A-Z]{1,2}")


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One file format of a package, from the rule file."""

    package: str
    rules: Export

    @property
    def fit(self) -> FormatMatch:
        """The format as shown to users."""
        return FormatMatch(self.package, self.rules["form"], self.rules["certainty"])


def known_formats(
    packages: Mapping[str, Any], file_kind: FileKind, package: str | None
) -> list[ExportFormat]:
    """Return the known formats of this file kind, of one package or of all."""
    return [
        ExportFormat(each, rules)
        for each, described in packages["packages"].items()
        if package in (None, each)
        for rules in described.get("exports", ())
        if file_kind in rules["files"]
    ]


def matches_header(form: ExportFormat, headings: Sequence[str]) -> bool:
    """Return whether a row of headings is this format's header."""
    held = {normalise_heading(heading) for heading in headings}
    return all(normalise_heading(wanted) in held for wanted in form.rules["recognise"])


def map_columns(
    wanted: Mapping[str, Sequence[str]], headings: Sequence[str]
) -> tuple[Found, list[str]]:
    """Return the labels of each field's columns, and the fields with a repeated heading.

    A repeated heading is omitted for a reference, which is never guessed; for other fields the
    first column is used.
    """
    times = Counter(normalise_heading(heading) for heading in headings)
    by_key = {
        normalise_heading(heading): label
        for heading, label in reversed(list(zip(headings, unique_labels(headings), strict=True)))
    }
    found: Found = {}
    unclear = []
    for field, names in wanted.items():
        present = [normalise_heading(name) for name in names if normalise_heading(name) in by_key]
        doubled = any(times[name] > 1 for name in present)
        if doubled:
            unclear.append(field)
        if present and not (doubled and field == "reference"):
            found[field] = tuple(dict.fromkeys(by_key[name] for name in present))
    return found, unclear


def column_letters(width: int) -> tuple[str, ...]:
    """Return the labels of a table without a header."""
    return tuple(column_letter(position) for position in range(width))


def headerless_columns(form: ExportFormat) -> dict[str, list[int]]:
    """Return the column indexes of the fields in a table without a header."""
    told = form.rules.get("without_header", {})
    return {field: [column_index(each) for each in named] for field, named in told.items()}


def export_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each fault of the exports of a rule file beyond its schema."""
    known: list[ExportFormat] = []
    for package_id, package in document["packages"].items():
        for rules in package.get("exports", ()):
            form = ExportFormat(package_id, rules)
            yield from _form_problems(form)
            yield from (
                _confused(form, other) for other in known if _ambiguous_formats(form, other)
            )
            known.append(form)


def _form_problems(form: ExportFormat) -> Iterator[str]:
    where = f"In {form.package}, export {form.rules['form']}"
    reference = form.rules["columns"].get("reference", [])
    if len(reference) > 1 or any(name not in form.rules["recognise"] for name in reference):
        yield f"{where}: the reference must have one heading, which stands in recognise."
    if any(not normalise_heading(name) for name in form.rules["recognise"]):
        yield f"{where}: a heading in recognise has no letters."
    if form.rules["files"] == ["iif"] and "table" not in form.rules:
        yield f"{where}: an IIF file needs its table."
    told = form.rules.get("without_header", {})
    named = [each for several in told.values() for each in several]
    if any(not _MOST_LETTERS.fullmatch(each) for each in named) or len(set(named)) != len(named):
        yield f"{where}: without_header needs column letters such as A or AA, each once."
    elif told and not {"reference", "name", "email"} <= told.keys():
        yield f"{where}: without_header needs reference, name and email to be told from any table."
    elif any(
        len(several) > 1 for field, several in told.items() if field not in MULTI_COLUMN_FIELDS
    ):
        yield f"{where}: without_header has several columns for one value."


def _ambiguous_formats(form: ExportFormat, other: ExportFormat) -> bool:
    """Return whether files of the two formats, of different packages, could be confused."""
    ours, theirs = (
        {normalise_heading(name) for name in each.rules["recognise"]} for each in (form, other)
    )
    return (
        form.package != other.package
        and form.rules.get("table") == other.rules.get("table")
        and (ours <= theirs or theirs <= ours)
    )


def _confused(form: ExportFormat, other: ExportFormat) -> str:
    return (
        f"In {form.package}, export {form.rules['form']}: it cannot be told from "
        f"{other.package}'s {other.rules['form']}."
    )
