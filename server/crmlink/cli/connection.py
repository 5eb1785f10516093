"""crmlink connect, disconnect, doctor and keys: the Commusoft account."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from crmlink.cli.check_marks import CHECK_MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmlink.commusoft.connection import Connection, WebApplication
    from crmlink.commusoft.dialect import Dialect
    from crmlink.commusoft.doctor import CheckResult
    from crmlink.commusoft.vault import Vault
    from crmlink.linking.connections import ConnectionContents
    from crmlink.settings import Settings


@click.command("connect")
@click.option("--url", help="The address of Commusoft's API, if not the usual one.")
@click.option(
    "--without-api", is_flag=True, help="Work on Commusoft's own pages; --url is their address."
)
@click.option("--yes", is_flag=True, help="Agree to what happens to practice data and links.")
def connect_command(url: str | None, without_api: bool, yes: bool) -> None:
    """Connect your Commusoft account: asks for the credentials, tests and stores them encrypted.

    Practice data is deleted; crmlink says how much there is, and asks first. If CRMLINK_COMMUSOFT_…
    variables set the account, they are tested and nothing is stored.
    """
    from crmlink.cli.context import settings_of_chosen, settings_with_log
    from crmlink.commusoft.doctor import run_checks
    from crmlink.commusoft.vault import Vault
    from crmlink.installation import KEY_FILE

    settings = settings_of_chosen(settings_with_log())
    if without_api:
        _connect_pages(settings, url, yes)
        return
    account = settings.commusoft or _ask_for_account(url)
    dialect = _print_checks(run_checks(account), as_json=False)
    if dialect is None:
        raise click.ClickException("Nothing was saved. Fix the items marked ✕ and try again.")
    vault = None if settings.commusoft else Vault.at(settings.data_dir / KEY_FILE)
    _save(settings, account, yes, vault, dialect)
    click.echo("Connected. A running crmlink switches to this account within a minute.")


def _connect_pages(settings: Settings, url: str | None, yes: bool) -> None:
    """Use an account of which only the pages are known."""
    from crmlink.commusoft.connection import DEFAULT_ORIGIN, ConnectionUnsafe, WebApplication

    if settings.commusoft:
        raise click.ClickException(
            "The account is named by CRMLINK_COMMUSOFT_… variables. Remove them first, where "
            "crmlink is started, and run this again."
        )
    try:
        account = WebApplication(url or DEFAULT_ORIGIN)
    except ConnectionUnsafe as error:
        raise click.ClickException(str(error)) from error
    _save(settings, account, yes)
    click.echo("Connected without an API. Bring records in with: crmlink records import FILE")


def _save(
    settings: Settings,
    account: Connection | WebApplication,
    yes: bool,
    vault: Vault | None = None,
    dialect: Dialect | None = None,
) -> None:
    """Store the account of the chosen workspace, once what happens to its data is agreed to."""
    from crmlink.access.context import AccessContext
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import chosen_workspace
    from crmlink.installation import open_database
    from crmlink.linking.connections import Consent, contents_in_use, save_connection

    database = open_database(settings)
    workspace_id = chosen_workspace(database).id
    contents = contents_in_use(database, workspace_id, account)
    if contents:
        _agree(contents, yes)
    by = command_line_actor(AccessContext(database, workspace_id, settings.secret_key)).device
    consent = Consent(by, contents.agreement if contents else "")
    save_connection(database, workspace_id, account, consent, vault=vault, dialect=dialect)


@click.command("writes")
@click.argument("method", type=click.Choice(["api", "pages", "api-then-pages"]), required=False)
def writes_command(method: str | None) -> None:
    """Say or choose how references are written: by the API, on Commusoft's pages, or both."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.ways import choose_writes, how_it_writes
    from crmlink.store import Writes

    installation = open_installation_from_env()
    ctx = installation.workspace
    if method:
        choose_writes(ctx, Writes(method), command_line_actor(installation.access).device.id)
    click.echo(how_it_writes(ctx).value)


@click.command("disconnect")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def disconnect_command(yes: bool) -> None:
    """Disconnect your Commusoft account, delete its credentials, and use practice data."""
    from crmlink.access.context import AccessContext
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import chosen_workspace, settings_of_chosen, settings_with_log
    from crmlink.installation import open_database
    from crmlink.linking.connections import (
        contents_in_use,
        delete_connection,
    )
    from crmlink.web.connection_words import ended_in_words

    settings = settings_of_chosen(settings_with_log())
    if settings.commusoft:
        raise click.ClickException(
            "CRMLINK_COMMUSOFT_… variables set the account. Remove them where crmlink is started, "
            "then run this again."
        )
    database = open_database(settings)
    workspace_id = chosen_workspace(database).id
    contents = contents_in_use(database, workspace_id)
    if contents is None or contents.practice:
        raise click.ClickException("No account is connected: crmlink uses practice data.")
    click.echo(" ".join(ended_in_words(contents)), err=True)
    if not yes:
        click.confirm("Disconnect?", abort=True, err=True)
    by = command_line_actor(AccessContext(database, workspace_id, settings.secret_key)).device
    delete_connection(database, workspace_id, by)
    click.echo("Disconnected. A running crmlink switches to practice data within a minute.")


def _ask_for_account(url: str | None) -> Connection:
    from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe

    try:
        return Connection(
            url or DEFAULT_BASE_URL,
            client_id=click.prompt("Client id", err=True),
            username=click.prompt("User name", err=True),
            password=click.prompt("Password", hide_input=True, err=True),
            application_id=click.prompt("Application id", hide_input=True, err=True),
        )
    except ConnectionUnsafe as error:
        raise click.ClickException(str(error)) from error


def _agree(contents: ConnectionContents, yes: bool) -> None:
    """Show what the account replaces; ask if links, lists or parked contacts are."""
    from crmlink.web.connection_words import replaced_in_words

    click.echo(" ".join(replaced_in_words(contents)), err=True)
    if contents.has_decisions and not yes:
        click.confirm("Continue?", abort=True, err=True)


@click.command("doctor")
@click.option(
    "--write-test", metavar="RECORD", help="Also save this record's existing reference again."
)
@click.option(
    "--trial", metavar="VALUE", help="With --write-test: also save VALUE, then restore the record."
)
@click.option(
    "--known-reference", metavar="VALUE", help="The reference Commusoft's page shows for it."
)
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--checklist",
    "report",
    is_flag=True,
    help="Check nothing: print what is answered in the checklist on the Commusoft page.",
)
def doctor_command(
    write_test: str | None,
    trial: str | None,
    known_reference: str | None,
    yes: bool,
    as_json: bool,
    report: bool,
) -> None:
    """Check how your Commusoft account can be read and written, and remember it."""
    from crmlink.access.devices import command_line_actor
    from crmlink.cli.context import open_installation_from_env
    from crmlink.linking.checklist import read_checklist
    from crmlink.linking.examination import examine

    if report:
        click.echo(read_checklist(open_installation_from_env().workspace).report, nl=False)
        return
    if (trial or known_reference) and not write_test:
        raise click.UsageError("--trial and --known-reference need --write-test.")
    installation = open_installation_from_env()
    ctx = installation.workspace  # read before asking: another may be connected in the meantime
    if write_test and not yes:
        what = f"{trial}, then its existing reference," if trial else "its existing reference"
        click.confirm(f"Save {what} on {write_test} in Commusoft?", abort=True, err=True)
    by = command_line_actor(installation.access).device.id
    if _print_checks(examine(ctx, by, write_test, trial, known_reference), as_json) is None:
        sys.exit(1)


@click.group("keys")
def keys_group() -> None:
    """The keys that encrypt the Commusoft credentials."""


@keys_group.command("rotate")
def rotate_command() -> None:
    """Encrypt the credentials with a new key and delete the old one."""
    from crmlink.cli.context import settings_with_log
    from crmlink.installation import KEY_FILE, open_database
    from crmlink.linking.connections import rotate_keys

    settings = settings_with_log()
    database = open_database(settings)
    count = rotate_keys(database, settings.data_dir / KEY_FILE)
    accounts = "1 account" if count == 1 else f"{count} accounts"
    click.echo(f"The credentials of {accounts} are encrypted with a new key.")


def _print_checks(steps: Iterable[CheckResult], as_json: bool) -> Dialect | None:
    """Print each result as it arrives; returns the dialect of the last one."""
    from crmlink.commusoft.doctor import check_text, support_message

    seen: list[CheckResult] = []
    for step in steps:
        seen.append(step)
        if as_json:
            fields = {"code": step.code, "health": step.health, "args": dict(step.args)}
            click.echo(
                json.dumps(fields | {"text": check_text(step)}, ensure_ascii=False, default=str)
            )
        else:
            click.echo(f"{CHECK_MARKS[step.health]} {check_text(step)}")
    found = seen[-1].dialect if seen else None
    if found is None and not as_json:
        click.echo("\nA letter for Commusoft's support:\n")
        click.echo(support_message(seen))
    return found
