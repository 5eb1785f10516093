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

_COLUMN_LETTERS = re.compile(r"[A-Z]{1,2}")


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
        ExportFormat(package_id, rules)
        for package_id, described in packages["packages"].items()
        if package in (None, package_id)
        for rules in described.get("exports", ())
        if file_kind in rules["files"]
    ]


def matches_header(form: ExportFormat, headings: Sequence[str]) -> bool:
    """Return whether a row of headings is this format's header."""
    present = {normalise_heading(heading) for heading in headings}
    return all(normalise_heading(required) in present for required in form.rules["recognise"])


def map_columns(
    names_of: Mapping[str, Sequence[str]], headings: Sequence[str]
) -> tuple[Found, list[str]]:
    """Return the labels of each field's columns, and the fields with a repeated heading.

    A repeated heading is omitted for a reference, which is never guessed; all its columns are used
    for a field that may have several, and the first one for others.
    """
    times = Counter(normalise_heading(heading) for heading in headings)
    by_key: dict[str, list[str]] = {}
    for heading, label in zip(headings, unique_labels(headings), strict=True):
        by_key.setdefault(normalise_heading(heading), []).append(label)
    mapping: Found = {}
    unclear = []
    for field, names in names_of.items():
        present = [normalise_heading(name) for name in names if normalise_heading(name) in by_key]
        several = field in MULTI_COLUMN_FIELDS
        doubled = any(times[name] > 1 for name in present)
        if doubled and not several:
            unclear.append(field)
        if present and not (doubled and field == "reference"):
            labels = [label for name in present for label in by_key[name][: None if several else 1]]
            mapping[field] = tuple(dict.fromkeys(labels))
    return mapping, unclear


def heading_words(packages: Mapping[str, Any]) -> frozenset[str]:
    """Return the known headings of all tables, normalised."""
    usual = [packages.get("any_table", {})]
    usual += [form.rules["columns"] for form in known_formats(packages, "csv", None)]
    return frozenset(
        normalise_heading(name) for mapping in usual for names in mapping.values() for name in names
    )


def column_letters(width: int) -> tuple[str, ...]:
    """Return the labels of a table without a header."""
    return tuple(column_letter(position) for position in range(width))


def headerless_columns(form: ExportFormat) -> dict[str, list[int]]:
    """Return the column indexes of the fields in a table without a header."""
    letters_of = form.rules.get("without_header", {})
    return {
        field: [column_index(letter) for letter in named] for field, named in letters_of.items()
    }


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
        yield f"{where}: the reference must have one heading, which is in recognise."
    if any(not normalise_heading(name) for name in form.rules["recognise"]):
        yield f"{where}: a heading in recognise has no letters."
    if form.rules["files"] == ["iif"] and "table" not in form.rules:
        yield f"{where}: an IIF file needs its table."
    letters_of = form.rules.get("without_header", {})
    named = [letter for several in letters_of.values() for letter in several]
    if any(not _COLUMN_LETTERS.fullmatch(letter) for letter in named) or len(set(named)) != len(
        named
    ):
        yield f"{where}: without_header needs column letters such as A or AA, each once."
    elif letters_of and not {"reference", "name", "email"} <= letters_of.keys():
        yield f"{where}: without_header needs reference, name and email, or any table fits."
    elif any(
        len(several) > 1
        for field, several in letters_of.items()
        if field not in MULTI_COLUMN_FIELDS
    ):
        yield f"{where}: without_header has several columns for one value."


def _ambiguous_formats(form: ExportFormat, other: ExportFormat) -> bool:
    """Return whether files of the two formats, of different packages, could be confused."""
    headings, other_headings = (
        {normalise_heading(name) for name in form_.rules["recognise"]} for form_ in (form, other)
    )
    return (
        form.package != other.package
        and form.rules.get("table") == other.rules.get("table")
        and (headings <= other_headings or other_headings <= headings)
    )


def _confused(form: ExportFormat, other: ExportFormat) -> str:
    return (
        f"In {form.package}, export {form.rules['form']}: it cannot be told apart from "
        f"{other.package}'s {other.rules['form']}."
    )
