"""crmlink serve, sync and sandbox."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.commusoft.mirror import SyncResult
    from crmlink.installation import House


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8787, show_default=True)
def serve_command(host: str, port: int) -> None:
    """Start the server, with its worker inside."""
    from waitress.server import create_server

    from crmlink.app import create_app
    from crmlink.installation import open_house
    from crmlink.logs import LOG_NAME, set_up_logs
    from crmlink.settings import settings_from_environment
    from crmlink.worker import Worker

    settings = settings_from_environment()
    set_up_logs(settings.data_dir / LOG_NAME)
    house = open_house(settings)
    app = create_app(settings, house)
    try:
        server = create_server(app, host=host, port=port, threads=8, ident=None)
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used ({error.strerror}). Is crmlink running already? "
            "Choose another with --port."
        ) from error
    worker = Worker(house)
    worker.start()
    _greet(house, f"http://{host}:{server.effective_port}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.run()
    finally:
        worker.stop()
        server.close()
        house.close()


def _greet(house: House, address: str) -> None:
    """Five lines: what runs, and what to do next."""
    from crmlink.access.people import first_admin_invitation
    from crmlink.cli.people import welcome_link
    from crmlink.installation import EXTENSION

    where = (
        "with the sandbox: made-up customers, not your Commusoft"
        if house.sandboxed
        else f"with Commusoft at {house.desk.commusoft.connection.base_url}"
    )
    click.echo(f"crmlink runs at {address} {where}. Stop it with Ctrl+C.")
    if token := first_admin_invitation(house.office):
        click.echo(
            f"1. Become its admin, by this link that works once: {welcome_link(address, token)}"
        )
    else:
        click.echo(f"1. Log in at {address}; it guides you.")
    click.echo(f"2. Load the extension from {EXTENSION}")
    click.echo("3. Press Connect in the extension, and approve it on the page that opens.")
    click.echo("4. Open a contact in Xero and press Alt+Shift+K.")


@click.command("sync")
def sync_command() -> None:
    """Bring the copy of Commusoft's records up to date."""
    from crmlink.cli.context import at_work
    from crmlink.commusoft.mirror import SyncRunning

    house = at_work()
    try:
        result = house.desk.sync(_show_progress)
    except SyncRunning:
        raise click.ClickException("Another sync is running: let it finish.") from None
    click.echo("\r", nl=False, err=True)
    click.echo(
        f"{result.read['customer']:,} customers and {result.read['supplier']:,} suppliers read: "
        f"{result.added:,} new, {result.changed:,} changed, {result.gone:,} gone."
    )


def _show_progress(result: SyncResult) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{sum(result.read.values()):,} records read", nl=False, err=True)


@click.command("sandbox")
@click.option("--port", default=8788, show_default=True)
@click.option("--customers", default=2_000, show_default=True)
@click.option("--suppliers", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--state", type=click.Path(path_type=Path), help="Keep its changes in this file.")
def sandbox_command(
    port: int, customers: int, suppliers: int, seed: int, state: Path | None
) -> None:
    """Play Commusoft over HTTP, for demos and tests. Every credential is «sandbox»."""
    from waitress.server import create_server

    from crmlink.commusoft.sandbox import create_sandbox

    application = create_sandbox(customers, suppliers, seed, state_file=state)
    server = create_server(application, host="127.0.0.1", port=port, threads=8, ident=None)
    address = f"http://127.0.0.1:{server.effective_port}"
    click.echo(f"A sandbox that plays Commusoft runs at {address}. It is not Commusoft.")
    click.echo(f"As live accounts answer: {address}/webservice_dev.php/api/v1")
    click.echo(f"As the published profile says: {address}/api/v1")
    server.run()
