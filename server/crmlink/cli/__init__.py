"""Command line: the server, and linking without a browser.

Commands import what they need when they run, so that small ones start fast.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from crmlink.cli.audit import audit_group
from crmlink.cli.batches.commands import batch_group
from crmlink.cli.connection import (
    connect_command,
    disconnect_command,
    doctor_command,
    keys_group,
    writes_command,
)
from crmlink.cli.exports import export_group
from crmlink.cli.link import link_command, locate_command, undo_command
from crmlink.cli.people import device_group, person_group
from crmlink.cli.records import records_group
from crmlink.cli.rules import hosts_group, rules_group
from crmlink.cli.serve import open_command, sandbox_command, serve_command, sync_command
from crmlink.cli.tokens import token_group


class CrmlinkGroup(click.Group):
    """Group that reports an error in one sentence, and imports the match command lazily."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), "match"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported when needed."""
        if cmd_name == "match":
            from crmlink.cli.match import match_command

            return match_command
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error becomes one sentence and exit code 1."""
        from crmlink.access.errors import AccessFailure, InvalidFields
        from crmlink.accounting.errors import AccountingError
        from crmlink.commusoft.errors import CommusoftError
        from crmlink.commusoft.vault import VaultKeyMissing
        from crmlink.data_folder import use_private_umask
        from crmlink.linking.errors import LinkFailed, LinkingFailure
        from crmlink.settings import InvalidSettings
        from crmlink.web.problems import problem_of

        use_private_umask()
        try:
            return super().invoke(ctx)
        except InvalidFields as error:
            raise click.UsageError(problem_of(error).detail) from error
        except (
            AccessFailure, LinkingFailure, LinkFailed, CommusoftError, AccountingError
        ) as error:  # fmt: skip
            click.echo(f"Error: {problem_of(error).detail}", err=True)
        except VaultKeyMissing:
            click.echo(
                "Error: The stored Commusoft credentials were encrypted with another key. Restore "
                "credential.keys from your backup, or run: crmlink disconnect",
                err=True,
            )
        except InvalidSettings as error:
            click.echo(f"Error: {error}", err=True)
        sys.exit(1)


@click.group(cls=CrmlinkGroup)
@click.version_option(package_name="crmlink")
def main() -> None:
    """Put the reference from your accounting software on the matching Commusoft record."""


for command in (
    serve_command,
    open_command,
    sync_command,
    sandbox_command,
    locate_command,
    link_command,
    undo_command,
    export_group,
    batch_group,
    records_group,
    token_group,
    person_group,
    device_group,
    audit_group,
    rules_group,
    hosts_group,
    connect_command,
    disconnect_command,
    doctor_command,
    keys_group,
    writes_command,
):
    main.add_command(command)
