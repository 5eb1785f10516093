"""crmlink export read: shows the contents of an export file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlink.cli.file_options import FileOptions, file_options
from crmlink.plurals import counted

if TYPE_CHECKING:
    from crmlink.accounting.exports.reader import DetectedFormat, ExportedContact, RejectedRow
    from crmlink.accounting.package_rules import Packages

MAX_BAD_ROWS = 1000


@click.group("export")
def export_group() -> None:
    """Files exported from accounting software."""


@export_group.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@file_options
@click.option("--rows", default=10, show_default=True, type=click.IntRange(0, 1000))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def read_command(file: Path, rows: int, as_json: bool, **options: Any) -> None:
    """Show what crmlink reads from FILE: its columns, first contacts and lines left out."""
    from crmlink.accounting.exports.errors import ExportError
    from crmlink.accounting.exports.reader import detect_format, read_contacts
    from crmlink.accounting.rule_file import RuleFile
    from crmlink.cli.context import settings_without_log
    from crmlink.installation import RULES_FILE

    said = FileOptions.of(options)
    packages = RuleFile(settings_without_log().data_dir / RULES_FILE).current()
    try:
        found = detect_format(file, file.name, packages, said.hints)
        found = found.with_overrides(kind=said.kind, columns=said.columns)
        if not as_json:
            show_recognised(found, file, packages)
        _report(read_contacts(file, found, packages), found, packages, rows, as_json)
    except ExportError as refused:
        raise click.ClickException(str(refused)) from refused


def show_recognised(found: DetectedFormat, file: Path, packages: Packages) -> None:
    """Print a file's detected format and its columns."""
    from crmlink.accounting.exports.reader import import_hints
    from crmlink.accounting.package_rules import package_name

    name = package_name(packages, found.package) if found.package else "not recognised"
    forms = ", ".join(f"{fit.form} (certainty: {fit.certainty})" for fit in found.fits)
    kind = f", {found.kind}s" if found.kind else ""
    click.echo(f"{file.name}: {name}{kind}{': ' if forms else ''}{forms}")
    place = f"headings in line {found.header_line}" if found.header_line else "no headings"
    facts = [found.file_kind.upper(), found.encoding, found.sheet and f"sheet “{found.sheet}”"]
    click.echo(", ".join([*(fact for fact in facts if fact), place]))
    for field, labels in found.columns.items():
        click.echo(f"  {field:15} {', '.join(labels)}")
    for field, labels in found.likely.items():
        for label in labels:
            values = ", ".join(found.values.get(label, ())) or "no values"
            is_read = label in found.columns.get(field, ())
            click.echo(f"  {field}{'' if is_read else '?'} similar heading: {label} ({values})")
    used = {label for labels in found.columns.values() for label in labels}
    unused = [label for label in found.header if label not in used]
    if unused:
        click.echo(f"  not used: {', '.join(unused)}")
    for sentence in import_hints(found, packages):
        click.echo(sentence)


def _report(
    rows: Iterable[ExportedContact | RejectedRow],
    found: DetectedFormat,
    packages: Packages,
    most: int,
    as_json: bool,
) -> None:
    from crmlink.accounting.exports.reader import RejectedRow, import_hints, rejected_row_text

    first: list[ExportedContact] = []
    bad: list[dict[str, Any]] = []
    contacts = bad_count = 0
    for row in rows:
        if isinstance(row, RejectedRow):
            bad_count += 1
            if len(bad) < MAX_BAD_ROWS:
                bad.append({"line": row.line, "code": row.code, "sentence": rejected_row_text(row)})
        else:
            contacts += 1
            if len(first) < most:
                first.append(row)
    if as_json:
        summary = {
            "recognised": found.as_dict() | {"has_references": found.has_references},
            "advice": import_hints(found, packages),
            "contacts": contacts,
            "bad": bad_count,
            "first": [contact.as_dict() for contact in first],
            "bad_rows": bad,
        }
        click.echo(json.dumps(summary, ensure_ascii=False, default=str))
        return
    for contact in first:
        click.echo(f"line {contact.line}: {_line(contact)}")
    for each in bad:
        click.echo(f"line {each['line']}, left out: {each['sentence']}")
    if bad_count > len(bad):
        click.echo(f"{bad_count - len(bad):,} more lines are left out.")
    click.echo(f"{counted(contacts, 'contact')} read, {counted(bad_count, 'line')} left out.")


def _line(contact: ExportedContact) -> str:
    others = [text for place in contact.other_addresses
              for text in (place.address, place.town, place.postcode)]  # fmt: skip
    parts = [contact.reference, contact.kind, contact.label, contact.email, *contact.other_emails,
             *contact.phones, contact.address, contact.town, contact.postcode, *others,
             "no longer in use" if contact.retired else "",
             f"not read: {', '.join(contact.unread)}" if contact.unread else ""]  # fmt: skip
    return " · ".join(part for part in parts if part)
