"""crmlink workspace: the firms of one installation, for its operator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from crmlink.access.context import SignInContext
    from crmlink.access.quotas import Usage
    from crmlink.store import DeletedWorkspace, Workspace


def _read_limit(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """Return a limit, 0 for "none". Raises click.BadParameter."""
    if text is None or text == "none":
        return None if text is None else 0
    if not (text.isascii() and text.isdigit() and 0 < int(text[:11]) <= 1_000_000_000):
        raise click.BadParameter('Give a whole number from 1, or "none".')
    return int(text)


LIMIT: dict[str, Any] = {"metavar": "NUMBER|none", "callback": _read_limit}


@click.group("workspace", hidden=True)  # most installations have one
def workspace_group() -> None:
    """The firms of this installation."""


@workspace_group.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.option("--deleted", is_flag=True, help="List the firms that were deleted.")
def list_command(as_json: bool, deleted: bool) -> None:
    """List the firms with their figures; nothing of their data is shown."""
    if deleted:
        _list_deleted(as_json)
        return
    from crmlink.access.workspaces import list_figures
    from crmlink.values.moments import format_moment

    for figures in list_figures(_context()):
        row, used = figures.workspace, figures.last_used_at
        if as_json:
            fields = {
                "id": row.public_id,
                "number": row.id,  # as in the log
                "name": row.name,
                "suspended": row.suspended_at is not None,
                "people": figures.people,
                "records": figures.records,
                "links": figures.links,
                "last_used_at": used.isoformat() if used else None,
            }
            click.echo(json.dumps(fields, ensure_ascii=False))
        else:
            last = f"last used {format_moment(used)}" if used else "not used yet"
            state = "  suspended" if row.suspended_at else ""
            click.echo(
                f"{row.public_id}  {row.name or '(no name)'}  {figures.people:,} people, "
                f"{figures.records:,} records, {figures.links:,} links, {last}{state}"
            )


@workspace_group.command("make")
@click.argument("name")
@click.option("--server", help="The web address of crmlink, if CRMLINK_PUBLIC_URL is not set.")
def make_command(name: str, server: str | None) -> None:
    """Make a firm; prints the one-time link for its first admin."""
    from crmlink.access.workspaces import make_workspace
    from crmlink.cli.people import invitation_link

    workspace, token = make_workspace(_context(), name)
    click.echo(invitation_link(server, token))
    click.echo(f"Made: {workspace.name}. The link works once and expires after 7 days.", err=True)


@workspace_group.command("rename")
@click.argument("firm")
@click.argument("name")
def rename_command(firm: str, name: str) -> None:
    """Name a firm, which is given by its name or id."""
    from crmlink.access.workspaces import rename_workspace

    context = _context()
    rename_workspace(context, _find(context, firm), name)
    click.echo("Renamed.")


@workspace_group.command("suspend")
@click.argument("firm")
def suspend_command(firm: str) -> None:
    """Let no one of a firm in, and do nothing for it, until it is resumed."""
    from crmlink.access.workspaces import suspend_workspace

    context = _context()
    suspend_workspace(context, _find(context, firm), suspended=True)
    click.echo("Suspended. Nothing is deleted: crmlink workspace resume lets it work again.")


@workspace_group.command("resume")
@click.argument("firm")
def resume_command(firm: str) -> None:
    """Let a suspended firm work again."""
    from crmlink.access.workspaces import suspend_workspace

    context = _context()
    suspend_workspace(context, _find(context, firm), suspended=False)
    click.echo("Resumed.")


@workspace_group.command("limits")
@click.argument("firm")
@click.option("--people", **LIMIT, help="People, invited ones too.")
@click.option("--devices", **LIMIT, help="Connected browsers and tokens.")
@click.option("--lists", **LIMIT, help="Lists, done ones too.")
@click.option("--rows", **LIMIT, help="Contacts of a list.")
@click.option("--sources", **LIMIT, help="Companies whose contacts are read live.")
@click.option("--requests", **LIMIT, help="Requests a minute of everyone together.")
@click.option("--records", **LIMIT, help="Customers and suppliers from which you are warned.")
@click.option("--json", "as_json", is_flag=True)
def limits_command(firm: str, as_json: bool, **limits: int | None) -> None:
    """Limit what a firm can have, each by a number or "none"; then list limits and use.

    What is there already stays.
    """
    from crmlink.access.quotas import list_usage, set_limits
    from crmlink.store.quotas import Quota

    context = _context()
    workspace = _find(context, firm)
    chosen = {Quota(name): most or None for name, most in limits.items() if most is not None}
    set_limits(context, workspace, chosen)
    usage = list_usage(context, workspace)
    if as_json:
        fields = {each.quota.value: {"limit": each.most, "used": each.used} for each in usage}
        click.echo(json.dumps(fields))
        return
    for each in usage:
        limit = "no limit" if each.most is None else f"{each.most:,}"
        used = "" if each.used is None else f"  {each.used:,} used"
        click.echo(f"{each.quota.value:10}{limit}{used}{_reached_text(each)}")


@workspace_group.command("export")
@click.argument("firm")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_command(firm: str, file: Path) -> None:
    """Write all that is kept of a firm into a new ZIP file, without passwords and tokens.

    It holds personal data: keep it safe.
    """
    from crmlink.access.workspaces import note_export
    from crmlink.upkeep.export_workspace import export_workspace

    context = _context()
    workspace = _find(context, firm)
    try:
        count = export_workspace(context.database, workspace, file)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written ({error.strerror}).") from error
    note_export(context, workspace)
    click.echo(f"Exported: {count:,} rows.")


@workspace_group.command("delete")
@click.argument("firm")
def delete_command(firm: str) -> None:
    """Delete a suspended firm, with all that is kept of it, for good.

    Asks for the firm's name. Export it first if it may be needed.
    """
    from crmlink.cli.context import settings_with_log
    from crmlink.upkeep.delete_workspace import FirstWorkspace, NotSuspended, delete_workspace

    data_dir = settings_with_log().data_dir
    context = _context()
    workspace = _find(context, firm)
    click.echo("All its people, records, links, lists and its audit log are deleted.")
    if click.prompt("The firm's name, to delete it") != workspace.name:
        raise click.ClickException("That is not its name. Nothing was deleted.")
    try:
        stays = delete_workspace(context, workspace, data_dir)
    except NotSuspended:
        raise click.ClickException(
            f'It works. First run: crmlink workspace suspend "{workspace.name}"'
        ) from None
    except FirstWorkspace:
        raise click.ClickException(
            "The first firm can't be deleted: its files are those of the installation."
        ) from None
    except OSError as error:
        raise click.ClickException(
            f"Its files can't all be deleted ({error.strerror}). Run it again."
        ) from error
    click.echo(_deleted_text(stays))
    click.echo("Backups made before still hold it.", err=True)
    if context.database.is_shared:
        folder = f"workspaces/{stays.public_id}"
        click.echo(f"On other machines, delete {folder} in the data folder.", err=True)


@workspace_group.command("operator")
@click.argument("email", required=False)
@click.option("--firm", help="The person's firm, if people of several have this email.")
@click.option("--end", is_flag=True, help="End the right instead.")
def operator_command(email: str | None, firm: str | None, end: bool) -> None:
    """Let a person manage all firms on pages, or without EMAIL list who may."""
    from crmlink.access.operators import list_operators, set_operator
    from crmlink.access.people import people_by_email

    context = _context()
    if email is None:
        for person, name in list_operators(context):
            click.echo(f"{person.name} <{person.email}>  {name}")
        return
    people = people_by_email(context, email)
    if firm:
        workspace_id = _find(context, firm).id
        people = [person for person in people if person.workspace_id == workspace_id]
    if len(people) != 1:
        several = "Several firms have a person with this email: add --firm."
        raise click.ClickException(several if people else "No one has this email.")
    set_operator(context.of(people[0].workspace_id), people[0], operates=not end)
    click.echo(f"{people[0].name} is {'no operator any more' if end else 'an operator'}.")


def _reached_text(usage: Usage) -> str:
    from crmlink.store.quotas import Quota

    if not usage.is_reached:
        return ""
    return "  more than expected" if usage.quota is Quota.RECORDS else "  reached"


def _list_deleted(as_json: bool) -> None:
    from crmlink.access.workspaces import list_deleted

    for stays in list_deleted(_context()):
        if as_json:
            fields = {
                "id": stays.public_id,
                "people": stays.people,
                "records": stays.records,
                "links": stays.links,
                "entries": stays.entries,
                "last_hash": stays.last_hash,
                "deleted_at": stays.deleted_at.isoformat(),
            }
            click.echo(json.dumps(fields))
        else:
            click.echo(_deleted_text(stays))


def _deleted_text(stays: DeletedWorkspace) -> str:
    from crmlink.values.moments import format_moment

    return (
        f"{stays.public_id}  deleted {format_moment(stays.deleted_at)}: {stays.people:,} people, "
        f"{stays.records:,} records, {stays.links:,} links, {stays.entries:,} audit entries"
    )


def _context() -> SignInContext:
    from crmlink.access.context import SignInContext
    from crmlink.cli.context import settings_with_log
    from crmlink.installation import open_database
    from crmlink.linking.connections import get_or_create_workspace

    settings = settings_with_log()
    database = open_database(settings)
    click.get_current_context().call_on_close(database.close)
    get_or_create_workspace(database)
    return SignInContext(database, settings.secret_key)


def _find(context: SignInContext, firm: str) -> Workspace:
    """Return the firm with this name or id. Raises click.ClickException."""
    from crmlink.store.workspaces import list_workspaces

    found = [row for row in list_workspaces(context.database) if firm in (row.name, row.public_id)]
    if len(found) != 1 or not firm:
        raise click.ClickException(f"There is no firm {firm!r}. See: crmlink workspace list")
    return found[0]
