"""crmlink agent service: the agent as a service of Windows, which starts with the computer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from crmlink.cli.agent.options import FILE, MINUTES, read_options, sage_options
from crmlink.cli.service import EXIT_CODES, sentence_of_service

if TYPE_CHECKING:
    from crmlink.service.model import ServiceManager

F = TypeVar("F", bound=Callable[..., Any])
MISSING = "The agent's service is not installed. Install it with: crmlink agent service install"


@click.group("service")
def agent_service_group() -> None:
    """Run the agent as a service of Windows that starts with the computer."""


def _explained(command: F) -> F:
    """Turn failures into sentences."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from crmlink.service.model import ServiceFailure, ServiceMissing

        try:
            return command(*args, **options)
        except ServiceMissing as failure:
            raise click.ClickException(MISSING) from failure
        except ServiceFailure as failure:
            raise click.ClickException(sentence_of_service(failure)) from failure

    return cast("F", run)


@agent_service_group.command("install")
@sage_options
@click.option(
    "--every",
    type=MINUTES,
    default=60,
    show_default=True,
    help="Repeat after so many minutes.",
)
@click.option(
    "--winsw",
    type=FILE,
    help="WinSW-x64.exe, which runs it on Windows; the installer brings it.",
)
@_explained
def install_command(every: int, winsw: Path | None, **options: Any) -> None:
    """Install the service, or change its options; start it with: crmlink agent service start.

    The token and the password are kept encrypted, in a folder that only administrators and the
    service may read. The data source has to be a System DSN, and Sage's data on this computer.
    """
    from crmlink.service.choose import agent_service
    from crmlink.service.model import AgentPlan, ServiceStatus
    from crmlink.sources.sage_50.kept import AgentOptions, keep_options

    manager, folder = agent_service(winsw)
    data, destination = read_options(options)
    manager.install(AgentPlan(data_dir=folder))  # the folder is closed to others before it is used
    keep_options(folder, AgentOptions(data, destination, every))
    click.echo("The agent's service is installed. It starts with the computer.")
    click.echo("You can delete the files with the token and the password: both are kept encrypted.")
    if manager.status() is ServiceStatus.RUNNING:
        manager.stop()
        manager.start()


@agent_service_group.command("uninstall")
@_explained
def uninstall_command() -> None:
    """Stop and remove the service, with its token and password."""
    from crmlink.service.choose import agent_service
    from crmlink.sources.sage_50.kept import forget_options

    manager, folder = agent_service()
    was_there = manager.uninstall()
    forget_options(folder)
    click.echo(
        "The agent's service is removed, with its token and password."
        if was_there
        else "There was no service of the agent."
    )


@agent_service_group.command("start")
@_explained
def start_command() -> None:
    """Start the service."""
    manager = _manager()
    manager.start()
    click.echo("The agent's service is started. What it brings is written in:")
    click.echo(manager.log_hint)


@agent_service_group.command("stop")
@_explained
def stop_command() -> None:
    """Stop the service until it is started, or until the computer is."""
    _manager().stop()
    click.echo("The agent's service is stopped.")


@agent_service_group.command("status")
@_explained
def status_command() -> None:
    """Show whether the service runs; exit code 0 if so, 3 if stopped, 4 if not installed."""
    status = _manager().status()
    words = {"running": "runs", "stopped": "is stopped", "missing": "is not installed"}
    click.echo(f"The agent's service {words[status]}.")
    sys.exit(EXIT_CODES[status])


def _manager() -> ServiceManager:
    from crmlink.service.choose import agent_service

    return agent_service()[0]
