"""crmlink match: suggestions for two lists."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.matching.parallel import Answer
    from crmlink.values.contact_details import ContactDetails

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("match")
@click.argument("contacts", type=EXISTING)
@click.argument("records", type=EXISTING)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option(
    "--one-to-one", "single", is_flag=True, help="Suggest each record for one contact only."
)
@click.option(
    "--country",
    default="GB",
    show_default=True,
    help="The country of phone numbers without a country code.",
)
def match_command(
    contacts: Path, records: Path, out: Path, top: int, single: bool, country: str
) -> None:
    """Match CONTACTS with RECORDS, and write a list of suggestions.

    Both are CSV files with the columns id, name, company, address, city, postcode, email and phone.
    Everything but the id may be empty; other_address, other_city, other_postcode and other_email
    are optional columns. CONTACTS may also be a file exported from accounting software, or your own
    table without a column id: a contact's id is then its reference, or `line N` if the file has no
    references. The result has the columns contact_id, rank, record_id, probability, sure and
    reasons; a contact without a similar record has no line. Lines that can't be read are reported
    and skipped.
    """
    from crmlink.matching.assignment import assign_one_to_one_streaming, suggest_many
    from crmlink.matching.csv_lists import HeaderMissing, read_list
    from crmlink.matching.matcher import Matcher

    try:
        matcher = Matcher(country)
        matcher.update(read_list(records, _complain, _encoding(records)))
        asked = _contacts(contacts)
    except HeaderMissing as missing:
        raise click.UsageError(str(missing)) from missing
    matcher.match_rate = matcher.estimate_match_rate([details for _, details in asked])
    answers: Iterable[Answer] = suggest_many(matcher, asked, top)
    _write(out, assign_one_to_one_streaming(answers) if single else answers)


def _contacts(path: Path) -> list[tuple[str, ContactDetails]]:
    """Return the contacts of a plain list, or of an export file.

    Raises HeaderMissing if it is neither.
    """
    from crmlink.accounting.exports.errors import ExportError
    from crmlink.matching.csv_lists import HeaderMissing, read_list

    try:
        return list(read_list(path, _complain, _encoding(path)))
    except HeaderMissing as missing:
        try:
            return list(_exported(path))
        except ExportError as refused:
            raise missing from refused


def _encoding(path: Path) -> str:
    """Return a plain list's encoding; UTF-8 unless its letters are certainly of another one."""
    from crmlink.accounting.exports.errors import ExportError
    from crmlink.accounting.exports.text_encoding import detect_encoding

    with path.open("rb") as stream:
        try:
            found = detect_encoding(stream)
        except ExportError:
            return "utf-8-sig"
    return found.codec if found.is_certain and found.codec != "utf-8" else "utf-8-sig"


def _exported(path: Path) -> Iterator[tuple[str, ContactDetails]]:
    """Yield the contacts of an export file, or of a table by its headings; raises ExportError."""
    from crmlink.accounting.exports.errors import ExportError
    from crmlink.accounting.exports.reader import (
        RejectedRow,
        detect_format,
        read_contacts,
        rejected_row_text,
    )
    from crmlink.accounting.rule_loading import built_in_packages

    packages = built_in_packages()
    found = detect_format(path, path.name, packages)
    if not found.fits:
        if "id" in (label.strip().lower() for label in found.header):
            raise ExportError("columns_needed")
        read = "; ".join(f"{name}: {', '.join(of)}" for name, of in found.columns.items())
        _complain(f"{path}: read by its headings ({read}).")
    for row in read_contacts(path, found, packages):
        if isinstance(row, RejectedRow):
            _complain(f"{path}, line {row.line}: {rejected_row_text(row)} Skipped.")
        else:
            yield row.reference or f"line {row.line}", row


def _complain(sentence: str) -> None:
    click.echo(sentence, err=True)


def _write(out: Path, answers: Iterable[Answer]) -> None:
    """Write to a temporary file first, so that the result is never incomplete."""
    from crmlink.matching.csv_lists import ANSWER_HEADER, answer_rows

    handle, unfinished = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(ANSWER_HEADER)
            for contact_id, suggestions in answers:
                writer.writerows(answer_rows(contact_id, suggestions))
        Path(unfinished).replace(out)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
