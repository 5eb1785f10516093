"""crmlink rules and hosts: the rule file, and the firm's own hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.group("rules")
def rules_group() -> None:
    """The file that says what each accounting package's pages look like."""


@rules_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vectors", type=click.Path(exists=True, path_type=Path), help="Known addresses.")
@click.option("--json", "as_json", is_flag=True)
def check_command(file: Path, vectors: Path | None, as_json: bool) -> None:
    """Check an edited rule file against its schema and the addresses that are known."""
    wrong = _wrong(file, vectors)
    if as_json:
        click.echo(json.dumps({"good": not wrong, "problems": wrong}, ensure_ascii=False))
    for sentence in [] if as_json else wrong:
        click.echo(sentence)
    if wrong:
        sys.exit(1)
    if not as_json:
        click.echo("The file is good.")


@rules_group.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vectors", type=click.Path(exists=True, path_type=Path), help="Known addresses.")
def install_command(file: Path, vectors: Path | None) -> None:
    """Check a rule file and put it to use; running servers and extensions follow by themselves."""
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
    click.echo("The rules that came with crmlink are in use.")


def _wrong(file: Path, vectors: Path | None) -> list[str]:
    from crmlink.accounting.rule_check import check_rule_file, known_addresses

    vectors = vectors or known_addresses()
    if vectors is None:
        click.echo("Checked without known addresses: name them with --vectors.", err=True)
    return check_rule_file(file, vectors)


@click.group("hosts")
def hosts_group() -> None:
    """Addresses of the firm's own where a package runs, such as Sage 200 on its premises."""


@hosts_group.command("list")
def list_hosts_command() -> None:
    """The addresses that were added."""
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import list_hosts

    found = list_hosts(open_installation_from_env().workspace)
    for package, added in found.items():
        for host in added:
            click.echo(f"{package}  {host}")
    if not found:
        click.echo("No address was added.")


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
    click.echo(f"{package} is known at: {', '.join(added)}")


@hosts_group.command("remove")
@click.argument("package")
@click.argument("host")
def remove_host_command(package: str, host: str) -> None:
    """Take an added HOST of PACKAGE away."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.workspace_rules import remove_host

    installation = open_installation_from_env()
    left = remove_host(
        installation.workspace, package, host, command_line_actor(installation.access).device.id
    )
    click.echo(f"{package} has {len(left)} added addresses left.")
