"""Command line: the server, and linking without a browser.

Commands import what they need when they run, and failures what they need when they are raised, so
that small commands start fast. tests/unit/cli/test_imports.py holds this.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from crmlink.cli.agent.commands import agent_group
from crmlink.cli.audit import audit_group
from crmlink.cli.batches.commands import batch_group
from crmlink.cli.certificates import certificate_group
from crmlink.cli.connection import (
    connect_command,
    disconnect_command,
    doctor_command,
    keys_group,
    writes_command,
)
from crmlink.cli.database import db_group
from crmlink.cli.exports import export_group
from crmlink.cli.link import link_command, locate_command, undo_command
from crmlink.cli.match import match_command
from crmlink.cli.people import device_group, person_group
from crmlink.cli.records import records_group
from crmlink.cli.rules import hosts_group, rules_group
from crmlink.cli.serve import open_command, sandbox_command, serve_command, sync_command
from crmlink.cli.service import service_group
from crmlink.cli.tokens import token_group
from crmlink.cli.update import update_command
from crmlink.cli.upkeep import backup_command, check_command, restore_command
from crmlink.cli.worker import worker_command
from crmlink.cli.workspaces import workspace_group


class CrmlinkGroup(click.Group):
    """Group that reports an error in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error becomes one sentence and exit code 1."""
        from crmlink.data_folder import use_private_umask

        use_private_umask()
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from crmlink.cli.failures import sentence_of

            sentence = sentence_of(error)
            if sentence is None:
                raise
        click.echo(f"Error: {sentence}", err=True)
        sys.exit(1)


@click.group(cls=CrmlinkGroup)
@click.version_option(package_name="crmlink")
@click.option(
    "--workspace",
    envvar="CRMLINK_WORKSPACE",
    hidden=True,  # most installations have one
    help="The firm that the command is for, by its name or id, where there are several.",
)
def main(workspace: str | None) -> None:
    """Put the reference from your accounting software on the matching Commusoft record."""


for command in (
    serve_command,
    worker_command,
    open_command,
    sync_command,
    service_group,
    agent_group,
    certificate_group,
    sandbox_command,
    locate_command,
    link_command,
    undo_command,
    match_command,
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
    db_group,
    backup_command,
    restore_command,
    check_command,
    update_command,
    workspace_group,
):
    main.add_command(command)
