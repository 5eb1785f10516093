"""crmlink agent: brings contacts from a computer that crmlink itself cannot reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from crmlink.cli.agent.options import MINUTES, bring, read_options, repeat, sage_options
from crmlink.cli.agent.service import agent_service_group


@click.group("agent")
def agent_group() -> None:
    """Bring contacts from desktop software; runs on the computer where that is."""


@agent_group.command("sage50")
@sage_options
@click.option("--every", type=MINUTES, help="Repeat after so many minutes, until it is stopped.")
@click.option(
    "--moved", is_flag=True, help="Sage's data is on another computer or in another folder now."
)
def sage50_command(every: int | None, moved: bool, **options: Any) -> None:
    """Read customers and suppliers from Sage 50 by ODBC, and send them to crmlink.

    Needs Sage's ODBC driver and `pip install crmlink[sage50]`. The driver and Python are both 32
    bits or both 64. Nothing is written to Sage.
    """
    from dataclasses import replace

    data, destination = read_options(options)
    if moved or every is None:
        click.echo(bring(data, replace(destination, has_moved=moved)))
    if every is not None:
        repeat(data, destination, every)


@agent_group.command("run", hidden=True)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True)
def run_command(folder: Path) -> None:
    """Bring contacts as the service does, with the options that were kept for it."""
    from crmlink.sources.sage_50.kept import kept_options

    options = kept_options(folder)
    options.destination.require_safe()
    repeat(options.data, options.destination, options.minutes)


agent_group.add_command(agent_service_group)
