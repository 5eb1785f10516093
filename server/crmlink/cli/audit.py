"""crmlink audit: export, verification, and acceptance of findings."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.access.audit.findings import Verdict
    from crmlink.access.context import AccessContext


@click.group("audit")
def audit_group() -> None:
    """Who did what to which record."""


@audit_group.command("export")
def audit_export_command() -> None:
    """The whole audit as a table (CSV) on standard output."""
    from crmlink.access.audit.log import write_csv

    write_csv(_office(), sys.stdout)


@audit_group.command("verify")
@click.option("--json", "as_json", is_flag=True)
def audit_verify_command(as_json: bool) -> None:
    """Check that no line was changed or taken out; exit code 1 when one was.

    Compares the audit with its signatures and with the anchor file, and the anchor file with what
    is known of it.
    """
    from crmlink.access.audit.log import verify

    verdict = verify(_office())
    if as_json:
        click.echo(json.dumps(_as_json(verdict)))
    else:
        _tell(verdict)
    sys.exit(0 if verdict.sound else 1)


@audit_group.command("accept")
@click.option("--yes", is_flag=True, help="Do not ask.")
def audit_accept_command(yes: bool) -> None:
    """Accept what is wrong with the audit, as after the database was restored from a backup.

    The audit keeps what was accepted and when. The anchor file so far is kept beside a new one.
    """
    from crmlink.access.audit.log import verify
    from crmlink.access.audit.upkeep import accept_findings
    from crmlink.access.devices import command_line_actor

    access = _office()
    verdict = verify(access)
    if verdict.sound:
        click.echo("The audit holds; there is nothing to accept.")
        return
    _tell(verdict)
    if not yes:
        click.confirm("Do you know why, and accept it?", abort=True, err=True)
    accept_findings(access, command_line_actor(access))
    click.echo("Accepted. From here on the audit is checked against what it is now.")


def _tell(verdict: Verdict) -> None:
    from crmlink.access.audit.sentences import noted_sentence, verdict_sentences

    if verdict.sound:
        click.echo(f"All {verdict.count:,} lines hold, by their signatures and by the anchor file.")
    for sentence in verdict_sentences(verdict):
        click.echo(sentence, err=True)
    for noted in verdict.accepted:
        click.echo(noted_sentence(noted))


def _as_json(verdict: Verdict) -> dict[str, object]:
    from crmlink.access.audit.sentences import finding_sentence, noted_sentence

    return {
        "sound": verdict.sound,
        "entries": verdict.count,
        "broken_at": verdict.broken_at,
        "last_hash": verdict.last_hash,
        "findings": [
            {
                "code": finding.code,
                "place": finding.place or None,
                "until": finding.until or None,
                "text": finding_sentence(finding),
            }
            for finding in verdict.findings
        ]
        + [
            {"code": code, "place": noted.place, "until": None, "text": noted_sentence(noted)}
            for noted in verdict.noted
            for code in noted.codes
        ],
        "accepted": [
            {"codes": noted.codes, "place": noted.place, "text": noted_sentence(noted)}
            for noted in verdict.accepted
        ],
    }


def _office() -> AccessContext:
    from crmlink.cli.context import open_installation_from_env

    return open_installation_from_env().access
