"""Options of crmlink agent sage50 and of its service, and the work that both do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from crmlink.sources.sage_50.agent import Destination, SageData

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MINUTES = click.IntRange(5, 24 * 60)
_OPTIONS = (
    click.option("--server", required=True, help="The address of crmlink, with https://."),
    click.option(
        "--company", required=True, help="The company's name in crmlink; keep it the same."
    ),
    click.option("--dsn", default="", help="The ODBC data source, such as SageLine50v30."),
    click.option("--driver", default="", help="Without a data source: the name of Sage's driver."),
    click.option("--folder", default="", help="Without a data source: the folder ACCDATA."),
    click.option("--user", required=True, help="A Sage user that is used for nothing else."),
    click.option(
        "--password-file",
        type=FILE,
        help="The Sage user's password; default: CRMLINK_SAGE_PASSWORD, or ask.",
    ),
    click.option(
        "--token-file",
        type=FILE,
        help="A token with the scope contacts; default: CRMLINK_TOKEN, or ask.",
    ),
)


def sage_options(command: F) -> F:
    """Add the options that name Sage's data and crmlink."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_options(options: dict[str, Any]) -> tuple[SageData, Destination]:
    """Return Sage's data and where it goes; asks for secrets that no file or variable has.

    Raises click.UsageError or AgentFailed.
    """
    from crmlink.sources.sage_50.agent import Destination, SageData

    dsn, driver, folder = options["dsn"], options["driver"], options["folder"]
    if bool(dsn) == bool(driver and folder):
        raise click.UsageError("Give either --dsn, or --driver and --folder.")
    password = _secret(
        options["password_file"], "CRMLINK_SAGE_PASSWORD", "Password of the Sage user"
    )
    data = SageData(options["user"], password, dsn, driver, folder)
    token = _secret(options["token_file"], "CRMLINK_TOKEN", "Token")
    destination = Destination(options["server"], token, options["company"])
    destination.require_safe()
    return data, destination


def bring(data: SageData, destination: Destination) -> str:
    """Bring all contacts once; return what was done in a sentence. Raises AgentFailed."""
    from dataclasses import replace

    from crmlink.plurals import counted
    from crmlink.sources.sage_50 import agent

    destination = replace(destination, data=data.identity)
    contacts = agent.read_contacts(lambda: agent.connect_by_odbc(data))
    sent = f"{counted(agent.send_contacts(destination, contacts), 'contact')} sent."
    left_out = [each["name"] for each in contacts if not each["reference"]]
    names = ", ".join(left_out[:10])
    return f"{sent} Left out, as the A/C can't be read: {names}." if left_out else sent


def repeat(data: SageData, destination: Destination, minutes: int) -> None:
    """Bring the contacts again and again; a failure is printed, and the next time tries again."""
    import time

    from crmlink.cli.agent.texts import sentence_of_agent
    from crmlink.sources.errors import AgentFailed

    while True:
        try:
            click.echo(bring(data, destination))
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
