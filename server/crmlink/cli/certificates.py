"""crmlink certificate: https for an office without a domain."""

from __future__ import annotations

import click


@click.group("certificate")
def certificate_group() -> None:
    """Make a certificate for https in an office without a domain."""


@certificate_group.command("make")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--ip", "addresses", multiple=True, help="An IP address that people type as well.")
@click.option(
    "--replace", is_flag=True, help="Put the existing authority and certificate aside first."
)
def make_command(names: tuple[str, ...], addresses: tuple[str, ...], replace: bool) -> None:
    """Make a certificate for this computer under NAME, or renew it.

    The first time, an authority is made too, which can certify these names alone. Computers of the
    office that trust it trust the certificate, also when it is renewed: run the same command again.
    """
    from crmlink.cli.context import place_without_log
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.local_certificates import AUTHORITY, SERVER, SERVER_KEY, make_certificate
    from crmlink.upkeep.texts import failure_text

    data_dir, _ = place_without_log()
    try:
        made = make_certificate(data_dir, (*names, *addresses), replace=replace)
    except UpkeepFailure as failure:
        raise click.ClickException(failure_text(failure)) from failure
    except OSError as error:
        raise click.ClickException(f"It can't be written ({error.strerror}).") from error
    if made.put_aside:
        click.echo(f"Put aside: {made.put_aside}")
    click.echo(f"The certificate is valid until {made.ends:%Y-%m-%d} for {', '.join(made.names)}.")
    if made.ended:
        click.echo(f"It replaces the one until {made.ended:%Y-%m-%d}. The authority is the same.")
    click.echo(f"CRMLINK_TLS_CERT={made.folder / SERVER}")
    click.echo(f"CRMLINK_TLS_KEY={made.folder / SERVER_KEY}")
    if made.is_new_authority:
        click.echo(f"Computers have to trust this file: {made.folder / AUTHORITY}")
        click.echo(f"Its SHA-256 fingerprint: {made.fingerprint}")
