"""crmlink batch: whole lists, from a file to linked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlink.cli.batches.format import (
    counts_line,
    progress_line,
    row_lines,
    summary_lines,
)
from crmlink.cli.file_options import FileOptions, file_options
from crmlink.plurals import counted

if TYPE_CHECKING:
    from crmlink.batches.file_import import ImportResult
    from crmlink.batches.progress import Overview
    from crmlink.installation import Installation

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
YES = click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
BATCH = click.argument("batch_id", metavar="ID")


@click.group("batch")
def batch_group() -> None:
    """Link many contacts at once: import, match, review, link, undo."""


@batch_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@file_options
@click.option("--organisation", default="", help="Which company file, if you have several.")
@click.option("--name", default="", help="A name for the list; by default the file's name.")
@YES
@AS_JSON
def import_command(
    file: Path, organisation: str, name: str, yes: bool, as_json: bool, **options: Any
) -> None:
    """Import the contacts of FILE into a new list."""
    from crmlink.accounting.exports.reader import detect_format, import_hints
    from crmlink.batches.file_import import ListFile, import_file
    from crmlink.batches.progress import bad_rows
    from crmlink.cli.exports import show_recognised
    from crmlink.linking.errors import ManyLinesLeftOut
    from crmlink.store import BatchSource

    said = FileOptions.of(options)
    installation = _installation()
    found = detect_format(file, file.name, installation.workspace.packages, said.hints)
    found = found.with_overrides(kind=said.kind, columns=said.columns)
    if not as_json:
        show_recognised(found, file, installation.workspace.packages)

    listed = ListFile(file, file.name, found, organisation, name, BatchSource.COMMAND_LINE)

    def keep(agreed: int) -> ImportResult:
        return import_file(installation.workspace, _device(installation), listed, agreed)

    try:
        made = keep(sys.maxsize if yes else 0)
    except ManyLinesLeftOut as question:
        left_out, kept = question.facts["left_out"], question.facts["contacts"]
        click.echo(f"{left_out:,} of {left_out + kept:,} lines would be left out.", err=True)
        click.echo(f"To see why, with the same options: crmlink export read {file}", err=True)
        click.confirm(f"Import the other {kept:,}?", abort=True, err=True)
        made = keep(left_out)
    if as_json:
        summary = {"id": made.batch.id, "contacts": made.contacts, "bad": made.bad,
                "package": made.batch.package or None, "advice": made.advice}  # fmt: skip
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    for line in _bad_lines(bad_rows(installation.workspace, made.batch.id, limit=20)):
        click.echo(line)
    shown = import_hints(found, installation.workspace.packages)
    for sentence in made.advice[len(shown) :]:
        click.echo(sentence)
    click.echo(f"{counted(made.contacts, 'contact')} saved, {counted(made.bad, 'line')} left out.")
    click.echo(f"Next: crmlink batch match {made.batch.id}")


@batch_group.command("list")
@AS_JSON
def list_command(as_json: bool) -> None:
    """Show all lists, newest first."""
    from crmlink.batches.drafts import list_batches
    from crmlink.store import BatchState

    states = set(BatchState) - {BatchState.IMPORTING}
    drafts = list_batches(_installation().workspace, *states)
    for draft in drafts:
        batch = draft.batch
        fields = {
            "id": batch.id, "state": batch.state.value, "contacts": draft.contacts,
            "package": batch.package or None, "name": batch.name,
            "created_at": batch.created_at.isoformat(), "by": batch.device.actor_name,
        }  # fmt: skip
        click.echo(
            json.dumps(fields, ensure_ascii=False)
            if as_json
            else f"{batch.id}  {batch.state.value:9}  {draft.contacts:6} contacts  "
            f"{batch.package or '-':20} {batch.name}"
        )
    if not drafts and not as_json:
        click.echo("No lists yet. To start one: crmlink batch import FILE")


@batch_group.command("match")
@BATCH
@AS_JSON
def match_command(batch_id: str, as_json: bool) -> None:
    """Match a list with Commusoft's records."""
    from crmlink.access.preferences import read_preferences
    from crmlink.batches.match_job import start_matching

    installation = _installation(synced=True)
    bound = read_preferences(installation.access).sure_bound
    start_matching(installation.workspace, _device(installation), batch_id, bound)
    _see_through(installation, batch_id, as_json)


@batch_group.command("show")
@BATCH
@click.option("--verdict", help="Only contacts that are: sure, check, none, linked, conflict.")
@click.option(
    "--search", default="", help="Only contacts with this in name, email, town or reference."
)
@click.option("--rows", default=20, show_default=True, type=click.IntRange(0, 500))
@AS_JSON
def show_command(batch_id: str, verdict: str | None, search: str, rows: int, as_json: bool) -> None:
    """Show a list's status and its first contacts."""
    from crmlink.batches.progress import overview
    from crmlink.batches.rows import RowFilter, RowPage, list_rows
    from crmlink.store import Verdict

    if verdict and verdict not in set(Verdict):
        raise click.UsageError(f"--verdict {verdict}: choose one of {', '.join(Verdict)}.")
    installation = _installation()
    found = overview(installation.workspace, batch_id)
    wanted = RowFilter(verdict=Verdict(verdict) if verdict else None, search=search)
    shown = list_rows(installation.workspace, batch_id, wanted, RowPage(limit=rows)) if rows else []
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False))
        return
    click.echo(counts_line(found))
    for row in shown:
        for line in row_lines(row):
            click.echo(line)


@batch_group.command("accept-sure")
@BATCH
@YES
@AS_JSON
def accept_sure_command(batch_id: str, yes: bool, as_json: bool) -> None:
    """Accept every sure match, after showing a sample."""
    from crmlink.batches.accept_sure import accept_sure, draw_sample

    installation = _installation()
    sample = draw_sample(installation.workspace, batch_id)
    if not sample.of:
        raise click.ClickException("There are no sure matches left to accept.")
    if not as_json:
        click.echo(f"A random sample, {len(sample.rows)} of {sample.of:,} sure matches:")
        for row in sample.rows:
            for line in row_lines(row):
                click.echo(line)
    if not yes:
        click.confirm(f"Accept all {sample.of:,}?", abort=True, err=True)
    done = accept_sure(installation.workspace, _device(installation), batch_id, sample.token)
    if as_json:
        click.echo(json.dumps({"accepted": done.accepted, "left": done.left}))
        return
    click.echo(f"{done.accepted:,} accepted.")
    click.echo(f"Next: crmlink batch write {batch_id}")


@batch_group.command("write")
@BATCH
@YES
@click.option("--follow/--no-follow", default=True, help="Show progress until it has finished.")
@AS_JSON
def write_command(batch_id: str, yes: bool, follow: bool, as_json: bool) -> None:
    """Link every accepted contact of a list."""
    from crmlink.batches.control import start_writing
    from crmlink.batches.progress import summary

    installation = _installation()
    planned = summary(installation.workspace, batch_id)
    for line in summary_lines(planned):
        click.echo(line, err=True)
    if planned.to_link and not yes:
        click.confirm(f"Link {counted(planned.to_link, 'contact')}?", abort=True, err=True)
    start_writing(installation.workspace, _device(installation), batch_id, planned.to_link)
    if follow:
        _see_through(installation, batch_id, as_json)


@batch_group.command("status")
@BATCH
@click.option("--follow", is_flag=True, help="Show progress until it has finished.")
@AS_JSON
def status_command(batch_id: str, follow: bool, as_json: bool) -> None:
    """Show a list's progress."""
    from crmlink.batches.progress import overview
    from crmlink.cli.batches.follow import follow as follow_on

    installation = _installation()
    if follow and not as_json:
        follow_on(installation.workspace, batch_id)
    found = overview(installation.workspace, batch_id)
    click.echo(json.dumps(_as_json(found)) if as_json else progress_line(found))


@batch_group.command("pause")
@BATCH
def pause_command(batch_id: str) -> None:
    """Pause a list; no further links are started."""
    from crmlink.batches.control import pause

    installation = _installation()
    pause(installation.workspace, _device(installation), batch_id)
    click.echo(f"Paused. To resume: crmlink batch resume {batch_id}")


@batch_group.command("resume")
@BATCH
@click.option("--follow/--no-follow", default=True)
def resume_command(batch_id: str, follow: bool) -> None:
    """Resume a paused list."""
    from crmlink.batches.control import resume

    installation = _installation()
    resume(installation.workspace, _device(installation), batch_id)
    if follow:
        _see_through(installation, batch_id, False)


@batch_group.command("retry")
@BATCH
@click.option("--follow/--no-follow", default=True)
def retry_command(batch_id: str, follow: bool) -> None:
    """Retry every failed contact of a list."""
    from crmlink.batches.control import retry_failed

    installation = _installation()
    count = retry_failed(installation.workspace, _device(installation), batch_id)
    click.echo(f"Retrying {counted(count, 'contact')}.")
    if follow:
        _see_through(installation, batch_id, False)


@batch_group.command("cancel")
@BATCH
@YES
def cancel_command(batch_id: str, yes: bool) -> None:
    """Cancel a list; contacts already linked stay linked."""
    from crmlink.batches.control import cancel

    installation = _installation()
    if not yes:
        click.confirm("Cancel this list?", abort=True, err=True)
    cancel(installation.workspace, _device(installation), batch_id)
    click.echo("Cancelled. Contacts already linked stay linked.")


@batch_group.command("undo")
@BATCH
@YES
@click.option("--follow/--no-follow", default=True)
def undo_batch_command(batch_id: str, yes: bool, follow: bool) -> None:
    """Undo every link of a list."""
    from crmlink.batches.control import start_undo

    installation = _installation()
    if not yes:
        click.confirm("Undo every link of this list?", abort=True, err=True)
    count = start_undo(installation.workspace, _device(installation), batch_id)
    click.echo(f"Undoing {counted(count, 'link')}.")
    if follow:
        _see_through(installation, batch_id, False)


@batch_group.command("results")
@BATCH
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per contact.")
def results_command(batch_id: str, out: Path | None, as_json: bool) -> None:
    """Print or save every contact with its result, as CSV."""
    from crmlink.batches.progress import result_rows, write_results
    from crmlink.web.problems import problem_from_stored

    installation = _installation()

    def why(failure: dict[str, Any]) -> str:
        return problem_from_stored(failure).detail

    if as_json:
        for row in result_rows(installation.workspace, batch_id, why):
            click.echo(json.dumps(row, ensure_ascii=False))
    elif out:
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            count = write_results(installation.workspace, batch_id, file, why)
        click.echo(f"{counted(count, 'contact')} saved to {out}.")
    else:
        write_results(installation.workspace, batch_id, sys.stdout, why)


def _see_through(installation: Installation, batch_id: str, as_json: bool) -> None:
    """Wait for the server to do it, or do it here if no server runs."""
    from crmlink.batches.progress import overview
    from crmlink.cli.batches.follow import run_to_completion

    run_to_completion(installation.workspace, batch_id, quiet=as_json)
    found = overview(installation.workspace, batch_id)
    click.echo(json.dumps(_as_json(found)) if as_json else counts_line(found))


def _as_json(found: Overview) -> dict[str, Any]:
    batch, counts, progress = found.batch, found.counts, found.progress
    return {
        "id": batch.id,
        "name": batch.name,
        "state": batch.state.value,
        "package": batch.package or None,
        "contacts": counts.rows,
        "verdicts": {verdict.value: number for verdict, number in counts.verdicts.items()},
        "choices": {choice.value: number for choice, number in counts.choices.items()},
        "states": {state.value: number for state, number in counts.states.items()},
        "without_reference": counts.without_reference,
        "bad_rows": counts.bad_rows,
        "done": progress.done,
        "of": progress.of,
        "rate": progress.rate,
        "seconds_left": progress.seconds_left,
        "trouble": progress.problem,
    }


def _bad_lines(rows: list[Any]) -> list[str]:
    from crmlink.accounting.exports.reader import RejectedRow, rejected_row_text

    rejected = [RejectedRow(row.line, row.code, row.args) for row in rows]
    return [f"line {row.line}, left out: {rejected_row_text(row)}" for row in rejected]


def _installation(*, synced: bool = False) -> Installation:
    from crmlink.cli.context import PRACTICE, open_installation_from_env
    from crmlink.cli.link import sync_once

    installation = open_installation_from_env()
    if installation.uses_sandbox:
        click.echo(PRACTICE, err=True)
    if synced:
        sync_once(installation.workspace)
    return installation


def _device(installation: Installation) -> int:
    from crmlink.access.devices import command_line_actor

    return command_line_actor(installation.access).device.id
