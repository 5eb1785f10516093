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
    """Print the whole audit log as a table (CSV)."""
    from crmlink.access.audit.log import export_csv

    export_csv(_access(), sys.stdout)


@audit_group.command("verify")
@click.option("--json", "as_json", is_flag=True)
def audit_verify_command(as_json: bool) -> None:
    """Check that no entry was altered or removed; the exit code is 1 if one was.

    Compares the audit log with its signatures and with the anchor file, and the anchor file with
    what it was before.
    """
    from crmlink.access.audit.log import verify

    verdict = verify(_access())
    if as_json:
        click.echo(json.dumps(_as_json(verdict)))
    else:
        _print_verdict(verdict)
    sys.exit(0 if verdict.sound else 1)


@audit_group.command("accept")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def audit_accept_command(yes: bool) -> None:
    """Accept what is wrong with the audit log, such as after restoring a backup.

    The audit log keeps what was accepted and when. The old anchor file is kept beside a new one.
    """
    from crmlink.access.audit.log import verify
    from crmlink.access.audit.upkeep import accept_findings
    from crmlink.access.devices import command_line_actor

    access = _access()
    verdict = verify(access)
    if verdict.sound:
        click.echo("Nothing is wrong with the audit log, so there is nothing to accept.")
        return
    _print_verdict(verdict)
    if not yes:
        click.confirm("Do you know the cause, and accept this?", abort=True, err=True)
    accept_findings(access, command_line_actor(access))
    click.echo("Accepted. From now on, the audit log is checked against what it is now.")


def _print_verdict(verdict: Verdict) -> None:
    from crmlink.access.audit.sentences import noted_sentence, verdict_sentences

    if verdict.sound:
        click.echo(
            f"Audit log verified: {verdict.count:,} entries, none altered or removed, by their "
            "signatures and by the anchor file."
        )
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
                "place": finding.position or None,
                "until": finding.until or None,
                "text": finding_sentence(finding),
            }
            for finding in verdict.findings
        ]
        + [
            {"code": code, "place": noted.position, "until": None, "text": noted_sentence(noted)}
            for noted in verdict.noted
            for code in noted.codes
        ],
        "accepted": [
            {"codes": noted.codes, "place": noted.position, "text": noted_sentence(noted)}
            for noted in verdict.accepted
        ],
    }


def _access() -> AccessContext:
    from crmlink.cli.context import open_installation_from_env

    return open_installation_from_env().access
