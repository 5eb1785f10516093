"""crmlink connect, disconnect, doctor and keys: the Commusoft account."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmlink.commusoft.dialect import Dialect
    from crmlink.commusoft.doctor import Step

MARKS = {"fine": "✓", "note": "•", "failed": "✗"}


@click.command("connect")
@click.option("--url", help="The address of Commusoft's API, where it is not the usual one.")
def connect_command(url: str | None) -> None:
    """Connect your Commusoft account: asks for the credentials, tries them, keeps them locked."""
    from crmlink.access.context import Office
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import take_along
    from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe
    from crmlink.commusoft.doctor import examine
    from crmlink.commusoft.vault import Vault
    from crmlink.installation import KEYS_NAME
    from crmlink.linking.connections import connect_account, connected_account, workspace_of
    from crmlink.settings import settings_from_environment
    from crmlink.store import Database

    settings = settings_from_environment()
    try:
        connection = Connection(
            url or DEFAULT_BASE_URL,
            client_id=click.prompt("Client id", err=True),
            username=click.prompt("User name", err=True),
            password=click.prompt("Password", hide_input=True, err=True),
            application_id=click.prompt("Application id", hide_input=True, err=True),
        )
    except ConnectionUnsafe as error:
        raise click.ClickException(str(error)) from error
    dialect = _told(examine(connection), as_json=False)
    if dialect is None:
        raise click.ClickException("Nothing was stored. Mend what is marked above and try again.")
    database = Database(settings.database_url)
    database.migrate()
    vault = Vault.at(settings.data_dir / KEYS_NAME)
    before = workspace_of(database, settings.commusoft or connected_account(database, vault))
    office = Office(database, before.id, settings.secret_key)
    by = command_line_actor(office).device
    workspace = connect_account(database, vault, connection, dialect, by)
    people = take_along(database, before.id, workspace.id)
    click.echo("Connected. Start crmlink again to work with this account.")
    if people:
        click.echo(f"{people} people can log in as before; browsers are to be connected again.")


@click.command("disconnect")
@click.confirmation_option(prompt="Forget the Commusoft credentials? Links and records stay.")
def disconnect_command() -> None:
    """Forget the credentials of your Commusoft account."""
    from crmlink.linking.connections import disconnect_account
    from crmlink.settings import settings_from_environment
    from crmlink.store import Database

    database = Database(settings_from_environment().database_url)
    database.migrate()
    disconnect_account(database)
    click.echo("Disconnected: from the next start on crmlink works with the sandbox.")


@click.command("doctor")
@click.option("--write-test", metavar="RECORD", help="Write this record's own reference back.")
@click.option(
    "--trial", metavar="VALUE", help="With --write-test: also put VALUE and take it back."
)
@click.option(
    "--known-reference", metavar="VALUE", help="What Commusoft's own page shows on that record."
)
@click.option("--yes", is_flag=True, help="Do not ask before a write test.")
@click.option("--json", "as_json", is_flag=True)
def doctor_command(
    write_test: str | None,
    trial: str | None,
    known_reference: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Find out what your Commusoft account speaks, and remember it."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import at_work
    from crmlink.commusoft.doctor import examine
    from crmlink.linking.connections import keep_dialect, note_write_test

    if (trial or known_reference) and not write_test:
        raise click.UsageError("--trial and --known-reference go with --write-test.")
    house = at_work()
    if write_test and not yes:
        what = f"{trial} and then its own reference" if trial else "its own reference"
        click.confirm(f"Write {what} to {write_test} in Commusoft?", abort=True, err=True)
    if write_test:
        by = command_line_actor(house.office).device.id
        note_write_test(house.database, house.desk.workspace_id, by, write_test, trial)
    steps = examine(house.desk.commusoft.connection, write_test, trial, known_reference)
    dialect = _told(steps, as_json)
    if dialect is None:
        sys.exit(1)
    keep_dialect(house.database, house.desk.workspace_id, dialect)


@click.group("keys")
def keys_group() -> None:
    """The keys that lock the Commusoft credentials."""


@keys_group.command("rotate")
def rotate_command() -> None:
    """Lock the credentials with a new key and drop the old one."""
    from crmlink.installation import KEYS_NAME
    from crmlink.linking.connections import rotate_keys
    from crmlink.settings import settings_from_environment
    from crmlink.store import Database

    settings = settings_from_environment()
    database = Database(settings.database_url)
    database.migrate()
    count = rotate_keys(database, settings.data_dir / KEYS_NAME)
    click.echo(f"A new key locks {count} account{'s' if count != 1 else ''}; the old one is gone.")


def _told(steps: Iterable[Step], as_json: bool) -> Dialect | None:
    """Tell each step as it comes; the dialect that the last one found."""
    from crmlink.commusoft.doctor import say, support_message

    seen: list[Step] = []
    for step in steps:
        seen.append(step)
        if as_json:
            fields = {"code": step.code, "health": step.health, "args": dict(step.args)}
            click.echo(json.dumps(fields | {"text": say(step)}, ensure_ascii=False, default=str))
        else:
            click.echo(f"{MARKS[step.health]} {say(step)}")
    found = seen[-1].dialect if seen else None
    if found is None and not as_json:
        click.echo("\nTo send to Commusoft's support:\n")
        click.echo(support_message(seen))
    return found
