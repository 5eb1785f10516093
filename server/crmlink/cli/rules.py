"""crmlink rules and hosts: the rule file, and the firm's own hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.group("rules")
def rules_group() -> None:
    """The rules that describe each accounting software's pages."""


@rules_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--vectors",
    type=click.Path(exists=True, path_type=Path),
    help="A file or folder of known addresses.",
)
@click.option("--json", "as_json", is_flag=True)
def check_command(file: Path, vectors: Path | None, as_json: bool) -> None:
    """Check an edited rule file against its schema and the known addresses."""
    wrong = _wrong(file, vectors)
    if as_json:
        click.echo(json.dumps({"good": not wrong, "problems": wrong}, ensure_ascii=False))
    for sentence in [] if as_json else wrong:
        click.echo(sentence)
    if wrong:
        sys.exit(1)
    if not as_json:
        click.echo("No problems found.")


@rules_group.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--vectors",
    type=click.Path(exists=True, path_type=Path),
    help="A file or folder of known addresses.",
)
def install_command(file: Path, vectors: Path | None) -> None:
    """Check and install a rule file; running servers and extensions pick it up automatically."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import install_rules

    if wrong := _wrong(file, vectors):
        raise click.ClickException("\n".join([*wrong, "Nothing was installed."]))
    installation = open_installation_from_env()
    install_rules(installation.workspace, file, command_line_actor(installation.access).device.id)
    click.echo(f"In use now: {installation.workspace.rule_file.own}")


@rules_group.command("remove")
def remove_command() -> None:
    """Go back to the rules that came with crmlink."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import remove_rules

    installation = open_installation_from_env()
    remove_rules(installation.workspace, command_line_actor(installation.access).device.id)
    click.echo("crmlink's own rules are in use again.")


def _wrong(file: Path, vectors: Path | None) -> list[str]:
    from crmlink.accounting.rule_check import check_rule_file, known_addresses

    vectors = vectors or known_addresses()
    if vectors is None:
        click.echo("Checked without known addresses. Choose them with --vectors.", err=True)
    return check_rule_file(file, vectors)


@click.group("hosts")
def hosts_group() -> None:
    """Your own addresses of accounting software, such as Sage 200 on your server."""


@hosts_group.command("list")
def list_hosts_command() -> None:
    """List the addresses that were added."""
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import list_hosts

    found = list_hosts(open_installation_from_env().workspace)
    for package, added in found.items():
        for host in added:
            click.echo(f"{package}  {host}")
    if not found:
        click.echo("No addresses were added.")


@hosts_group.command("add")
@click.argument("package")
@click.argument("host")
def add_host_command(package: str, host: str) -> None:
    """Add HOST (such as sage.office.example:10444) to PACKAGE (such as sage_200)."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import add_host

    installation = open_installation_from_env()
    added = add_host(
        installation.workspace, package, host, command_line_actor(installation.access).device.id
    )
    click.echo(f"Added addresses of {package}: {', '.join(added)}")


@hosts_group.command("remove")
@click.argument("package")
@click.argument("host")
def remove_host_command(package: str, host: str) -> None:
    """Remove an added HOST from PACKAGE."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import remove_host

    installation = open_installation_from_env()
    left = remove_host(
        installation.workspace, package, host, command_line_actor(installation.access).device.id
    )
    click.echo(f"Removed. Added addresses of {package}: {', '.join(left) or 'none'}")
