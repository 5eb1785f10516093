"""crmlink records: Commusoft's records, where they do not come from its API."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlink.cli.file_options import FileOptions, table_options
from crmlink.plurals import counted

if TYPE_CHECKING:
    from crmlink.accounting.exports.reader import DetectedFormat
    from crmlink.installation import Installation
    from crmlink.linking.records.files import RecordFile
    from crmlink.linking.records.imports import ImportOutcome

MAX_BAD_ROWS = 20


@click.group("records")
def records_group() -> None:
    """Commusoft's records, if you have no access to its API."""


@records_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@table_options
@click.option("--complete", is_flag=True, help="FILE has all records: remove those not in it.")
@click.option(
    "--removes",
    type=click.IntRange(0),
    help="Remove up to this many records, even if that is a lot.",
)
@click.option("--exported-at", help="When FILE was exported, such as 2026-11-28T17:45.")
@click.option("--yes", is_flag=True, help="Don't ask about lines that are left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_command(
    file: Path,
    complete: bool,
    removes: int | None,
    exported_at: str | None,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Import Commusoft's customers or suppliers from FILE, its report as XLSX or CSV.

    Columns are found by their headings; --column number=HEADING sets the one with the ids.
    """
    from crmlink.access.devices import command_line_actor
    from crmlink.accounting.exports.record_reader import detect_records
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.records.files import read_record_file
    from crmlink.linking.records.imports import import_records, require_imports

    said = FileOptions.of(options)
    read_at = _read_at(file, exported_at)
    installation = open_installation_from_env()
    require_imports(installation.workspace)
    found = detect_records(file, file.name, said.hints, kind=said.kind, columns=said.columns)
    if not as_json:
        _show_columns(found, file)
    contents = read_record_file(file, found)
    if not (yes or as_json):
        _ask_about_lines(contents)
    part = contents.part(read_at, complete=complete, agreed=removes)
    device_id = command_line_actor(installation.access).device.id
    done = import_records(installation.workspace, device_id, part)
    if done.would_remove and not as_json:
        done = _ask_about_removal(installation, contents, done, read_at) or done
    _report(contents, done, as_json)


def _read_at(file: Path, given: str | None) -> datetime:
    """Return when a file was exported: as given, as a workbook says, or as the file's date."""
    from crmlink.linking.records.files import exported_at, likely_time
    from crmlink.store.base import utc_now

    if given:
        try:
            return datetime.fromisoformat(given).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise click.UsageError(
                f"--exported-at {given}: write it like 2026-11-28T17:45."
            ) from error
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return exported_at(file) or likely_time(changed) or utc_now()


def _show_columns(found: DetectedFormat, file: Path) -> None:
    kind = f"{found.kind}s" if found.kind else "records"
    place = f"headings in line {found.header_line}" if found.header_line else "no headings"
    click.echo(f"{file.name}: {kind}, {found.file_kind.upper()}, {place}")
    if found.also:
        others = ", ".join(found.also)
        click.echo(f"Only the sheet {found.sheet} is read. For the others, use --sheet: {others}")
    for field, labels in found.columns.items():
        click.echo(f"  {field:15} {', '.join(labels)}")
    for field, labels in found.likely.items():
        if field not in found.columns:
            values = ", ".join(found.values.get(labels[0], ())) or "no values"
            click.echo(f"  {field}? similar heading: {labels[0]} ({values})")


def _ask_about_lines(contents: RecordFile) -> None:
    from crmlink.batches.file_import import are_many

    kept, lost = len(contents.records), contents.left_out
    if are_many(lost, kept + lost):
        for line in _bad_lines(contents):
            click.echo(line, err=True)
        click.echo(f"{lost} of {kept + lost} lines would be left out.", err=True)
        click.confirm(f"Import the other {kept}?", abort=True, err=True)


def _ask_about_removal(
    installation: Installation, contents: RecordFile, done: ImportOutcome, read_at: datetime
) -> ImportOutcome | None:
    """Ask whether many records may go; return the outcome if so."""
    from dataclasses import replace

    from crmlink.access.devices import command_line_actor
    from crmlink.linking.records.imports import import_records

    click.echo(
        f"{done.would_remove:,} records are not in the file. That is more than one in ten.",
        err=True,
    )
    if not click.confirm("Remove them from crmlink?", err=True):
        return None
    part = contents.part(read_at, complete=True, agreed=done.would_remove)
    device_id = command_line_actor(installation.access).device.id
    return import_records(installation.workspace, device_id, replace(part, key=done.key))


def _report(contents: RecordFile, done: ImportOutcome, as_json: bool) -> None:
    from crmlink.accounting.exports.reader import rejected_row_text

    counts = done.counts
    if as_json:
        summary = {
            "new": counts.added, "changed": counts.changed, "unchanged": counts.unchanged,
            "older": counts.older, "gone": done.gone, "would_remove": done.would_remove,
            "kept_back": done.kept_back, "left_out": contents.left_out,
            "bad_rows": [
                {"line": row.line, "code": row.code, "sentence": rejected_row_text(row)}
                for row in contents.rejected
            ],
        }  # fmt: skip
        click.echo(json.dumps(summary, ensure_ascii=False))
    else:
        for line in _bad_lines(contents):
            click.echo(line)
        click.echo(
            f"{counts.added} new, {counts.changed} changed, {counts.unchanged} unchanged, "
            f"{done.gone} deleted; {counted(contents.left_out, 'line')} left out."
        )
        if counts.older:
            click.echo(
                f"{counts.older} were updated after this file was exported, and were not changed."
            )
        if done.kept_back:
            click.echo(
                "Nothing was removed: the missing records may be the lines without a readable id."
            )
    if done.would_remove:
        click.echo(
            f"{done.would_remove} records that are not in the file were kept. To remove them, add "
            f"--removes {done.would_remove}",
            err=True,
        )
        sys.exit(1)


def _bad_lines(contents: RecordFile) -> list[str]:
    from crmlink.accounting.exports.reader import rejected_row_text

    shown = [
        f"line {row.line}, left out: {rejected_row_text(row)}"
        for row in contents.rejected[:MAX_BAD_ROWS]
    ]
    more = contents.left_out - len(shown)
    return [*shown, f"{more} more lines are left out."] if more > 0 else shown
