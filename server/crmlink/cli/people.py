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
    """People who can sign in, and the personal data that crmlink keeps."""


@person_group.command("add")
@click.argument("name")
@click.argument("email")
@click.option("--role", type=ROLES, default="clerk", show_default=True)
@click.option("--server", help="The web address of crmlink, if CRMLINK_PUBLIC_URL is not set.")
@click.option(
    "--email/--no-email",
    "by_email",
    default=True,
    show_default=True,
    help="Also email them the link, where email is set up.",
)
def add_command(name: str, email: str, role: str, server: str | None, by_email: bool) -> None:
    """Add a person; prints the one-time link to give them, and emails it."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import invite
    from crmlink.cli.context import open_installation_from_env

    installation = open_installation_from_env()
    access = installation.access
    by_email = by_email and installation.mail.sends
    person, token = invite(access, command_line_actor(access), name, email, role, by_email=by_email)
    click.echo(invitation_link(server, token))
    click.echo("The link works once and expires after seven days.", err=True)
    if by_email:
        installation.wake_workers()
        click.echo(f"crmlink is emailing it to {person.email} too.", err=True)


@person_group.command("link")
@click.argument("email")
@click.option("--server", help="The web address of crmlink, if CRMLINK_PUBLIC_URL is not set.")
def link_command(email: str, server: str | None) -> None:
    """Create a new one-time link, for example if someone forgot their password."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import new_invitation

    access = _access()
    person = _by_email(access, email)
    token = new_invitation(access, command_line_actor(access), person.public_id)
    click.echo(invitation_link(server, token))


@person_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """List everyone who can sign in."""
    from crmlink.access.people import list_people
    from crmlink.values.moments import format_moment

    people = list_people(_access())
    if not people and not as_json:
        click.echo("No one yet. crmlink serve prints the first admin's one-time link.")
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
            last = f"last seen {format_moment(seen)}" if seen else "invited"
            click.echo(f"{person.role:<8} {person.name} <{person.email}>  {last}")


@person_group.command("role")
@click.argument("email")
@click.argument("role", type=ROLES)
def role_command(email: str, role: str) -> None:
    """Make a person a clerk, a manager or an admin."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import change_role

    access = _access()
    person = _by_email(access, email)
    change_role(access, command_line_actor(access), person.public_id, role)
    click.echo(f"{person.name} is now {'an' if role == 'admin' else 'a'} {role}.")


@person_group.command("rename")
@click.argument("email")
@click.argument("name")
def rename_command(email: str, name: str) -> None:
    """Correct a person's name."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import rename_person

    access = _access()
    person = _by_email(access, email)
    rename_person(access, command_line_actor(access), person.public_id, name)
    click.echo(f"{person.name} is now called {name}.")


@person_group.command("log-out")
@click.argument("email")
@click.option("--browsers", is_flag=True, help="Also disconnect their browsers.")
def log_out_command(email: str, browsers: bool) -> None:
    """Sign a person out everywhere, for example if someone saw their password."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.sessions import end_sessions

    access = _access()
    person = _by_email(access, email)
    actor = command_line_actor(access)
    ended = end_sessions(access, actor, person.public_id, browsers_too=browsers)
    click.echo(f"{person.name} is signed out everywhere.")
    if browsers:
        click.echo(f"Browsers disconnected: {ended}.")


@person_group.command("remove")
@click.argument("email")
def remove_command(email: str) -> None:
    """Remove a person; their browsers and tokens stop immediately."""
    from crmlink.access.devices import command_line_actor
    from crmlink.access.people import remove_person

    access = _access()
    person = _by_email(access, email)
    remove_person(access, command_line_actor(access), person.public_id)
    click.echo(f"{person.name} is removed. Their links stay.")


@person_group.command("export")
@click.argument("who")
def export_command(who: str) -> None:
    """Print all personal data about WHO as JSON: an email, or a record such as customer-1001.

    It includes the records, links, draft lists and people that mention them.
    """
    from crmlink.access.personal_data.subject import export

    click.echo(json.dumps(export(_access(), who), indent=2, ensure_ascii=False))


@person_group.command("erase")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def erase_command(who: str, yes: bool) -> None:
    """Erase personal data about WHO: an email, or a record such as customer-1001.

    References, states and the audit log stay; they do not identify anyone. Nothing changes in
    Commusoft, and updating the records does not bring the data back.
    """
    from crmlink.access.devices import command_line_actor
    from crmlink.access.personal_data.subject import erase
    from crmlink.cli.context import open_installation_from_env
    from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased

    if not yes:
        click.confirm(
            f"Erase all personal data about {who}? This can't be undone.", abort=True, err=True
        )
    installation = open_installation_from_env()
    access = installation.access
    erased = erase(access, command_line_actor(access), who)
    files = delete_uploads_of_erased(installation.folder, installation.workspace)
    click.echo(
        f"Erased from {erased.people} people, {erased.records} records, {erased.links} links, "
        f"{erased.drafts} contacts in draft lists and {files} files waiting to be imported."
    )


@click.group("device")
def device_group() -> None:
    """Connected browsers."""


@device_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def device_list_command(as_json: bool) -> None:
    """List all connected browsers, newest first."""
    from crmlink.access.devices import device_status, list_devices
    from crmlink.values.moments import format_moment

    devices = list_devices(_access())
    if not devices and not as_json:
        click.echo("No browser is connected yet. Select Connect in the extension.")
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
                f"last used {format_moment(used)} from {device.last_used_address}"
                if used
                else "never used"
            )
            status = f"{device_status(device):<8}"
            click.echo(f"{device.public_id}  {status} {last}  {device.name} ({device.actor_name})")


@device_group.command("rename")
@click.argument("device_id")
@click.argument("name")
def device_rename_command(device_id: str, name: str) -> None:
    """Rename a browser, or a token (for its id: crmlink token list --json)."""
    from crmlink.access.devices import command_line_actor, rename_device

    access = _access()
    device = rename_device(access, command_line_actor(access), device_id, name)
    click.echo(f"It is now called {device.name}.")


@device_group.command("revoke")
@click.argument("device_id")
def device_revoke_command(device_id: str) -> None:
    """Disconnect a browser; it stops working immediately."""
    from crmlink.access.devices import command_line_actor, revoke_device

    access = _access()
    device = revoke_device(access, command_line_actor(access), device_id)
    click.echo(f"{device.name} is disconnected.")


def invitation_link(server: str | None, token: str) -> str:
    """Return the address of a one-time link."""
    from crmlink.settings import load_settings
    from crmlink.web.hosts import invitation_url

    address = server or load_settings().public_url or "http://127.0.0.1:8787"
    return invitation_url(address, token)


def _access() -> AccessContext:
    from crmlink.cli.context import open_installation_from_env

    return open_installation_from_env().access


def _by_email(access: AccessContext, email: str) -> Person:
    from crmlink.access.people import person_by_email

    if person := person_by_email(access, email):
        return person
    raise click.ClickException("No one here has this email. To see everyone: crmlink person list")
