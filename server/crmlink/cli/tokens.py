"""crmlink token: creates, lists, rotates and revokes script tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from crmlink.installation import Installation
    from crmlink.store import Device


@click.group("token")
def token_group() -> None:
    """API tokens for scripts. Browsers connect with the extension and need none."""


@token_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="What it can do; repeat for several. Default: suggest, link, read, batch.",
)
@click.option("--days", default=90, show_default=True, help="How long it is valid, up to 365.")
@click.option("--json", "as_json", is_flag=True)
def create_command(name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Create a token, shown only once. NAME says which script it is for."""
    from crmlink.access.api_tokens import DEFAULT_SCOPES, create_api_token
    from crmlink.access.devices import command_line_actor
    from crmlink.values.moments import format_day

    access = _installation().access
    device, token = create_api_token(
        access, command_line_actor(access), name, scopes or DEFAULT_SCOPES, days
    )
    if as_json:
        click.echo(json.dumps(_fields(device) | {"token": token}))
        return
    click.echo(token)
    expires = format_day(device.expires_at)
    click.echo(f"Valid until {expires}. It is shown only now: keep it safe.", err=True)


@token_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """List the API tokens, newest first."""
    from crmlink.access.api_tokens import list_tokens
    from crmlink.access.devices import DeviceStatus, device_status
    from crmlink.values.moments import format_day, format_moment

    devices = list_tokens(_installation().access)
    if not devices and not as_json:
        click.echo("There are no tokens yet. To create one: crmlink token create NAME")
    for device in devices:
        if as_json:
            click.echo(json.dumps(_fields(device)))
            continue
        used = device.last_used_at
        last = (
            f"{device.use_count:,} requests, last used {format_moment(used)} "
            f"from {device.last_used_address}"
            if used
            else "never used"
        )
        click.echo(
            f"{device.prefix}…  {device_status(device):<8} until {format_day(device.expires_at)}  "
            f"{last}  {device.name} ({', '.join(device.scopes)})"
        )
        if device_status(device) is DeviceStatus.EXPIRING:
            click.echo(
                f"{device.name} expires soon. For a new one: crmlink token rotate {device.prefix}",
                err=True,
            )


@token_group.command("rotate")
@click.argument("prefix")
def rotate_command(prefix: str) -> None:
    """Replace a token; the old one works until the new one is first used."""
    from crmlink.access.api_tokens import rotate_token
    from crmlink.access.devices import command_line_actor

    access = _installation().access
    click.echo(rotate_token(access, command_line_actor(access), prefix)[1])
    click.echo("It is shown only now. The old token works until this one is first used.", err=True)


@token_group.command("revoke")
@click.argument("prefix", required=False)
@click.option("--all", "every", is_flag=True, help="Revoke every token.")
def revoke_command(prefix: str | None, every: bool) -> None:
    """Revoke a token; it stops working immediately. PREFIX is how it begins, as in the list."""
    from crmlink.access.api_tokens import revoke_all_tokens, revoke_token
    from crmlink.access.devices import command_line_actor

    if bool(prefix) == every:
        raise click.UsageError("Give the beginning of the token, or --all.")
    access = _installation().access
    actor = command_line_actor(access)
    if prefix:
        device = revoke_token(access, actor, prefix)
        click.echo(f"{device.prefix}… ({device.name}) is revoked.")
    else:
        click.echo(f"{revoke_all_tokens(access, actor)} tokens are revoked.")


def _fields(device: Device) -> dict[str, Any]:
    from crmlink.access.devices import device_status

    used = device.last_used_at
    return {
        "id": device.public_id,
        "prefix": device.prefix,
        "name": device.name,
        "state": device_status(device),
        "scopes": device.scopes,
        "expires_at": device.expires_at.isoformat(),
        "last_used_at": used.isoformat() if used else None,
        "last_used_address": device.last_used_address,
        "use_count": device.use_count,
    }


def _installation() -> Installation:
    from crmlink.cli.context import open_installation_from_env

    return open_installation_from_env()
