"""crmlink person and device: people and paired browsers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.access.context import AccessContext
    from crmlink.store import Person

ROLES = click.Choice(["clerk", "manager", "admin"])


@click.group("person")
def person_group() -> None:
    """People who may log in, and what is kept about anybody."""


@person_group.command("add")
@click.argument("name")
@click.argument("email")
@click.option("--role", type=ROLES, default="clerk", show_default=True)
@click.option("--server", help="Where people reach crmlink, if CRMLINK_PUBLIC_URL does not say.")
def add_command(name: str, email: str, role: str, server: str | None) -> None:
    """Invite somebody; prints the one-time link to hand to them."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import invite

    access = _office()
    _, token = invite(access, command_line_actor(access), name, email, role)
    click.echo(_welcome_link(server, token))
    click.echo("It works once, for seven days.", err=True)


@person_group.command("link")
@click.argument("email")
@click.option("--server", help="Where people reach crmlink, if CRMLINK_PUBLIC_URL does not say.")
def link_command(email: str, server: str | None) -> None:
    """A new one-time link for somebody, such as after a forgotten password."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import new_invitation

    access = _office()
    person = _by_email(access, email)
    token = new_invitation(access, command_line_actor(access), person.public_id)
    click.echo(_welcome_link(server, token))


@person_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """Everybody who may log in."""
    from crmlink.access.people import list_people

    people = list_people(_office())
    if not people and not as_json:
        click.echo("Nobody yet: crmlink serve prints the first admin's one-time link.")
    for person in people:
        seen = person.last_seen_at
        if as_json:
            fields = {
                "id": person.public_id,
                "name": person.name,
                "email": person.email,
                "role": person.role,
                "joined": person.joined_at is not None,
                "last_seen_at": seen.isoformat() if seen else None,
            }
            click.echo(json.dumps(fields))
        else:
            last = f"last here {seen:%d/%m/%Y %H:%M}" if seen else "invited"
            click.echo(f"{person.role:<8} {person.name} <{person.email}>  {last}")


@person_group.command("role")
@click.argument("email")
@click.argument("role", type=ROLES)
def role_command(email: str, role: str) -> None:
    """Make somebody a clerk, a manager or an admin."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import change_role

    access = _office()
    person = _by_email(access, email)
    change_role(access, command_line_actor(access), person.public_id, role)
    click.echo(f"{person.name} is {role} now.")


@person_group.command("rename")
@click.argument("email")
@click.argument("name")
def rename_command(email: str, name: str) -> None:
    """Correct somebody's name."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import rename_person

    access = _office()
    person = _by_email(access, email)
    rename_person(access, command_line_actor(access), person.public_id, name)
    click.echo(f"{person.name} is called {name} now.")


@person_group.command("log-out")
@click.argument("email")
@click.option("--browsers", is_flag=True, help="Disconnect their browsers too.")
def log_out_command(email: str, browsers: bool) -> None:
    """End every log-in of somebody to the pages, such as after a password was seen."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.sessions import end_sessions

    access = _office()
    person = _by_email(access, email)
    actor = command_line_actor(access)
    ended = end_sessions(access, actor, person.public_id, browsers_too=browsers)
    click.echo(f"{person.name} is logged out everywhere.")
    if browsers:
        click.echo(f"Browsers disconnected: {ended}.")


@person_group.command("remove")
@click.argument("email")
def remove_command(email: str) -> None:
    """Let somebody in no more; their browsers and tokens stop at once."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import remove_person

    access = _office()
    person = _by_email(access, email)
    remove_person(access, command_line_actor(access), person.public_id)
    click.echo(f"{person.name} is removed. What they linked stays.")


@person_group.command("export")
@click.argument("who")
def export_command(who: str) -> None:
    """All that is kept about a person, as JSON. WHO is an email, or a record such as customer-1001.

    Prints what the records, the links, the drafts and the people here say about them.
    """
    from crmlink.access.personal_data.subject import export

    click.echo(json.dumps(export(_office(), who), indent=2, ensure_ascii=False))


@person_group.command("erase")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_command(who: str, yes: bool) -> None:
    """Erase what names a person. WHO is an email, or a record such as customer-1001.

    References, states and the audit stay; they name nobody. What Commusoft knows is not touched,
    and the next sync does not bring the person back.
    """
    from crmlink.access.devices import command_line_actor
    from crmlink.access.personal_data.subject import erase
    from crmlink.cli.context import open_installation_from_env
    from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased

    if not yes:
        click.confirm(f"Erase what names {who}? This cannot be undone", abort=True, err=True)
    installation = open_installation_from_env()
    access = installation.access
    erased = erase(access, command_line_actor(access), who)
    files = delete_uploads_of_erased(installation.settings.data_dir, installation.workspace)
    click.echo(
        f"Erased: {erased.people} people, {erased.records} records, {erased.links} links, "
        f"{erased.drafts} contacts in drafts, {files} files that waited to be imported."
    )


@click.group("device")
def device_group() -> None:
    """Paired browsers."""


@device_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def device_list_command(as_json: bool) -> None:
    """All paired browsers, the newest first."""
    from crmlink.access.devices import device_status, list_devices

    devices = list_devices(_office())
    if not devices and not as_json:
        click.echo("No browser is connected yet: press Connect in the extension.")
    for device in devices:
        used = device.last_used_at
        if as_json:
            fields = {
                "id": device.public_id,
                "name": device.name,
                "person": device.person.name if device.person else None,
                "state": device_status(device),
                "last_used_at": used.isoformat() if used else None,
                "last_used_address": device.last_used_address,
                "use_count": device.use_count,
            }
            click.echo(json.dumps(fields))
        else:
            last = (
                f"last used {used:%d/%m/%Y %H:%M} from {device.last_used_address}"
                if used
                else "never used"
            )
            status = f"{device_status(device):<8}"
            click.echo(f"{device.public_id}  {status} {last}  {device.name} ({device.who})")


@device_group.command("rename")
@click.argument("device_id")
@click.argument("name")
def device_rename_command(device_id: str, name: str) -> None:
    """Give a browser another name, or a token (its id: crmlink token list --json)."""
    from crmlink.access.devices import command_line_actor, rename_device

    access = _office()
    device = rename_device(access, command_line_actor(access), device_id, name)
    click.echo(f"It is called {device.name} now.")


@device_group.command("revoke")
@click.argument("device_id")
def device_revoke_command(device_id: str) -> None:
    """End a browser's connection at once."""
    from crmlink.access.devices import command_line_actor, revoke_device

    access = _office()
    device = revoke_device(access, command_line_actor(access), device_id)
    click.echo(f"{device.name} is disconnected.")


def _welcome_link(server: str | None, token: str) -> str:
    from crmlink.settings import load_settings
    from crmlink.web.hosts import invitation_url

    address = server or load_settings().public_url or "http://127.0.0.1:8787"
    return invitation_url(address, token)


def _office() -> AccessContext:
    from crmlink.cli.context import open_installation_from_env

    return open_installation_from_env().access


def _by_email(access: AccessContext, email: str) -> Person:
    from crmlink.access.people import person_by_email

    if person := person_by_email(access, email):
        return person
    raise click.ClickException("Nobody here has this email: see crmlink person list.")
