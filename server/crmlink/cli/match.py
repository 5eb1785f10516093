"""The command `crmlink match`: two lists in, suggestions out."""

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from crmlink.matching.assignment import one_to_one_of_many, suggest_many
from crmlink.matching.csv_lists import ANSWER_HEADER, HeaderMissing, answer_rows, read_list
from crmlink.matching.matcher import Matcher
from crmlink.matching.parallel import Answer

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("match")
@click.argument("contacts", type=EXISTING)
@click.argument("records", type=EXISTING)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--one-to-one", "single", is_flag=True, help="Offer a record to one contact only.")
@click.option("--country", default="GB", show_default=True, help="Whose phone numbers they are.")
def match_command(
    contacts: Path, records: Path, out: Path, top: int, single: bool, country: str
) -> None:
    """Find the record of each contact: CONTACTS.csv and RECORDS.csv to a list of suggestions.

    Both files have the columns id, name, company, address, city, postcode, email and phone; all
    but the id may be empty. The answer has contact_id, rank, record_id, probability, sure and
    reasons; a contact that no record resembles has no line. Bad rows are named and skipped.
    """
    try:
        matcher = Matcher(country)
        matcher.update(read_list(records, _complain))
        asked = list(read_list(contacts, _complain))
    except HeaderMissing as missing:
        raise click.UsageError(str(missing)) from missing
    matcher.share = matcher.estimate_share([details for _, details in asked])
    answers: Iterable[Answer] = suggest_many(matcher, asked, top)
    _write(out, one_to_one_of_many(answers) if single else answers)


def _complain(sentence: str) -> None:
    click.echo(sentence, err=True)


def _write(out: Path, answers: Iterable[Answer]) -> None:
    """Writes beside the file first, so that a half-written answer never stands there."""
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
