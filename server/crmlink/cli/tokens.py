"""crmlink token create, list and revoke."""

from __future__ import annotations

import json

import click


@click.group("token")
def token_group() -> None:
    """Tokens for scripts and, for now, for browsers."""


@token_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="Repeat for several. Default: suggest, link, read, batch.",
)
@click.option("--days", default=90, show_default=True, help="How long it is good for, up to 365.")
@click.option("--json", "as_json", is_flag=True)
def create_command(name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token. It is shown once; NAME says whose it is."""
    from crmlink.access.tokens import USUAL_SCOPES, create_token
    from crmlink.house import open_house
    from crmlink.settings import settings_from_environment

    house = open_house(settings_from_environment())
    try:
        device, token = create_token(
            house.database,
            house.desk.workspace_id,
            house.settings.secret_key,
            name,
            scopes or USUAL_SCOPES,
            days,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps({"name": device.name, "token": token, "scopes": device.scopes}))
        return
    click.echo(token)
    click.echo(
        f"Good until {device.expires_at:%d/%m/%Y}. It is shown only now: keep it safe.", err=True
    )


@token_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """The tokens of this workspace, the newest first."""
    from crmlink.access.tokens import list_tokens
    from crmlink.house import open_house
    from crmlink.settings import settings_from_environment
    from crmlink.store.models import now

    house = open_house(settings_from_environment())
    devices = list_tokens(house.database, house.desk.workspace_id)
    if not devices and not as_json:
        click.echo("There are no tokens yet. Make one with: crmlink token create NAME")
    for device in devices:
        state = "revoked" if device.revoked_at else "valid"
        if state == "valid" and device.expires_at <= now():
            state = "expired"
        used = device.last_used_at
        if as_json:
            fields = {
                "prefix": device.prefix,
                "name": device.name,
                "state": state,
                "scopes": device.scopes,
                "expires_at": device.expires_at.isoformat(),
                "last_used_at": used.isoformat() if used else None,
            }
            click.echo(json.dumps(fields))
        else:
            last = f"last used {used:%d/%m/%Y %H:%M}" if used else "never used"
            click.echo(
                f"{device.prefix}…  {state:<8} until {device.expires_at:%d/%m/%Y}  "
                f"{last}  {device.name} ({', '.join(device.scopes)})"
            )


@token_group.command("revoke")
@click.argument("prefix")
def revoke_command(prefix: str) -> None:
    """Refuse a token from now on. PREFIX is how it begins, as the list shows it."""
    from crmlink.access.tokens import TokenUnknown, revoke_token
    from crmlink.house import open_house
    from crmlink.settings import settings_from_environment

    house = open_house(settings_from_environment())
    try:
        device = revoke_token(house.database, house.desk.workspace_id, prefix)
    except TokenUnknown:
        raise click.ClickException("No single token begins so: see crmlink token list.") from None
    click.echo(f"{device.prefix}… ({device.name}) is revoked.")
