"""crmlink agent: brings contacts from a computer that crmlink itself cannot reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.sources.sage_50.agent import Destination, SageData

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("agent")
def agent_group() -> None:
    """Bring contacts from desktop software; runs on the computer where that is."""


@agent_group.command("sage50")
@click.option("--server", required=True, help="The address of crmlink, with https://.")
@click.option("--company", required=True, help="The company's name in crmlink; keep it the same.")
@click.option("--dsn", default="", help="The ODBC data source, such as SageLine50v30.")
@click.option("--driver", default="", help="Without a data source: the name of Sage's driver.")
@click.option("--folder", default="", help="Without a data source: the folder ACCDATA.")
@click.option("--user", required=True, help="A Sage user that is used for nothing else.")
@click.option(
    "--password-file",
    type=FILE,
    help="The Sage user's password; default: CRMLINK_SAGE_PASSWORD, or ask.",
)
@click.option(
    "--token-file",
    type=FILE,
    help="A token with the scope contacts; default: CRMLINK_TOKEN, or ask.",
)
@click.option(
    "--every",
    type=click.IntRange(5, 24 * 60),
    help="Repeat after so many minutes, until it is stopped.",
)
def sage50_command(
    server: str,
    company: str,
    dsn: str,
    driver: str,
    folder: str,
    user: str,
    password_file: Path | None,
    token_file: Path | None,
    every: int | None,
) -> None:
    """Read customers and suppliers from Sage 50 by ODBC, and send them to crmlink.

    Needs Sage's ODBC driver and `pip install crmlink[sage50]`. The driver and Python are both 32
    bits or both 64. Nothing is written to Sage.
    """
    from crmlink.sources.sage_50.agent import Destination, SageData

    if bool(dsn) == bool(driver and folder):
        raise click.UsageError("Give either --dsn, or --driver and --folder.")
    data = SageData(
        user,
        _secret(password_file, "CRMLINK_SAGE_PASSWORD", "Password of the Sage user"),
        dsn,
        driver,
        folder,
    )
    token = _secret(token_file, "CRMLINK_TOKEN", "Token")
    destination = Destination(server, token, company)
    destination.require_safe()
    if every is None:
        click.echo(_bring(data, destination))
        return
    _repeat(data, destination, every)


def _bring(data: SageData, destination: Destination) -> str:
    from crmlink.plurals import counted
    from crmlink.sources.sage_50 import agent

    contacts = agent.read_contacts(lambda: agent.connect_by_odbc(data))
    return f"{counted(agent.send_contacts(destination, contacts), 'contact')} sent."


def _repeat(data: SageData, destination: Destination, minutes: int) -> None:
    """Bring the contacts again and again; a failure is printed, and the next time is waited for."""
    import time

    from crmlink.cli.agent_texts import sentence_of_agent
    from crmlink.sources.errors import AgentFailed

    while True:
        try:
            click.echo(_bring(data, destination))
        except AgentFailed as error:
            click.echo(f"Error: {sentence_of_agent(error)}", err=True)
        time.sleep(minutes * 60)


def _secret(file: Path | None, variable: str, label: str) -> str:
    import os

    if file is not None:
        return _text_of(file)
    return os.environ.get(variable) or str(click.prompt(label, hide_input=True, err=True))


def _text_of(file: Path) -> str:
    """Return a file's text as Windows' programs save it: UTF-8 or UTF-16. Raises AgentFailed."""
    from crmlink.sources.errors import AgentFailed

    content = file.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding).strip()
    except UnicodeDecodeError:
        raise AgentFailed("no-text", name=file.name) from None
