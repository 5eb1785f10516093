"""crmlink service: the server as a service that starts with the computer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from crmlink.hosts import LAST_PORT

if TYPE_CHECKING:
    from crmlink.service.model import ServiceFailure, ServiceManager

F = TypeVar("F", bound=Callable[..., Any])
EXIT_CODES = {"running": 0, "stopped": 3, "missing": 4}  # as those of service scripts (LSB)


@click.group("service")
def service_group() -> None:
    """Run crmlink as a service that starts with the computer."""


def _for_whom(command: F) -> F:
    """Add the option for a service of this person only."""
    option = click.option(
        "--user",
        is_flag=True,
        help="A service of yours, not of the whole computer (not on Windows).",
    )
    return option(_explained(command))


def _explained(command: F) -> F:
    """Turn failures into sentences."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from crmlink.service.model import ServiceFailure

        try:
            return command(*args, **options)
        except ServiceFailure as failure:
            raise click.ClickException(sentence_of_service(failure)) from failure

    return cast("F", run)


@service_group.command("install")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(1, LAST_PORT), default=8787, show_default=True)
@click.option("--public-url", default="", help="The address people type, if others use it.")
@click.option("--trusted-proxies", default=0, show_default=True, help="Proxies in front of it.")
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For https without a proxy: the certificate's file, with its chain.",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of the certificate's key.",
)
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where it keeps its data."
)
@click.option(
    "--winsw",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="WinSW-x64.exe, which runs it on Windows; the installer brings it.",
)
@_for_whom
def install_command(
    host: str,
    port: int,
    public_url: str,
    trusted_proxies: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    data_dir: Path | None,
    winsw: Path | None,
    user: bool,
) -> None:
    """Install the service, or change its options; start it with: crmlink service start."""
    from crmlink.service.choose import service_manager
    from crmlink.service.model import ServicePlan

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together.")
    manager = service_manager(system=not user, wrapper=winsw)
    plan = ServicePlan(
        host=host,
        port=port,
        public_url=public_url,
        trusted_proxies=trusted_proxies,
        tls_cert=tls_cert.absolute() if tls_cert else None,
        tls_key=tls_key.absolute() if tls_key else None,
        data_dir=data_dir.absolute() if data_dir else None,
    )
    changed = manager.install(plan)
    state = "is installed" if changed else "was installed already, with these options"
    click.echo(f"The service {state}. It starts with {'your session' if user else 'the computer'}.")
    click.echo(f"Its data is in {manager.data_dir(plan)}")
    click.echo(f"It is described in {manager.definition}")


@service_group.command("uninstall")
@_for_whom
def uninstall_command(user: bool) -> None:
    """Stop and remove the service; its data stays."""
    was_there = _manager(user).uninstall()
    click.echo(
        "The service is removed. Its data stays: delete its folder if you no longer need it."
        if was_there
        else "There was no service. Nothing was changed."
    )


@service_group.command("start")
@_for_whom
def start_command(user: bool) -> None:
    """Start the service."""
    manager = _manager(user)
    manager.start()
    click.echo("The service is started. What it prints says which file sets up its first admin:")
    click.echo(manager.log_hint)


@service_group.command("stop")
@_for_whom
def stop_command(user: bool) -> None:
    """Stop the service until it is started, or until the computer is."""
    _manager(user).stop()
    click.echo("The service is stopped.")


@service_group.command("status")
@_for_whom
def status_command(user: bool) -> None:
    """Show whether the service runs; exit code 0 if so, 3 if stopped, 4 if not installed."""
    status = _manager(user).status()
    words = {"running": "runs", "stopped": "is stopped", "missing": "is not installed"}
    click.echo(f"The service {words[status]}.")
    sys.exit(EXIT_CODES[status])


def _manager(user: bool) -> ServiceManager:
    from crmlink.service.choose import service_manager

    return service_manager(system=not user)


def sentence_of_service(failure: ServiceFailure) -> str:
    """Return the sentence for a failure."""
    from crmlink.service import model

    match failure:
        case model.RightsMissing():
            return (
                "Services of the whole computer need an administrator. Run the command as "
                "administrator (Windows) or with sudo. On Linux and Mac, --user makes it yours."
            )
        case model.WindowsNeeded():
            return "The agent's service is for Windows, where Sage 50 is."
        case model.ServiceMissing():
            return "The service is not installed. Install it with: crmlink service install"
        case model.UserMissing():
            return "Run this with sudo from your own account: the service runs as you."
        case model.WrapperMissing():
            return (
                "On Windows crmlink needs WinSW 2.12 to run as a service. Use crmlink's installer, "
                "or download WinSW-x64.exe from its GitHub page and name it with --winsw."
            )
        case model.ProgramPrivate(path=path):
            return (
                f"The service could not read crmlink, as {path} is closed to other users. Install "
                "crmlink where all can read it, such as /opt/crmlink, or use --user."
            )
        case model.CommandFailed(command=command, output=output):
            return f"{' '.join(command)} failed. {output.strip()}"
        case model.SystemUnknown():
            return "This system has no systemd. Let its own start-up program run: crmlink serve"
    raise failure
