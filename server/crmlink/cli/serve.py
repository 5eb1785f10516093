"""crmlink serve, sync and sandbox."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from crmlink.hosts import LAST_PORT, Host
from crmlink.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmlink.commusoft.mirror import SyncResult
    from crmlink.installation import Installation
    from crmlink.settings import Settings
    from crmlink.web.tls import TlsFiles

NOT_OURS = "{host} isn't an address of this computer."
PORT = click.IntRange(0, LAST_PORT)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=PORT, default=8787, show_default=True)
@click.option("--tls-cert", help="For https: the certificate's file, with its chain.")
@click.option("--tls-key", help="The file of the certificate's key.")
@click.option(
    "--service",
    is_flag=True,
    help="Without a terminal: the first admin's one-time code goes to a file, not to the output.",
)
@click.option(
    "--processes", help="Web processes, with PostgreSQL; then crmlink worker does the other work."
)
def serve_command(
    host: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
    service: bool,
    processes: str | None,
) -> None:
    """Start the server and its background work; a SQLite database has one server at a time."""
    for name, value in (
        ("CRMLINK_TLS_CERT", tls_cert),
        ("CRMLINK_TLS_KEY", tls_key),
        ("CRMLINK_WEB_PROCESSES", processes),
    ):
        if value is not None:
            os.environ[name] = value
    from crmlink.process_memory import import_without_extras, share_freed_memory

    share_freed_memory()
    import_without_extras()
    from crmlink.settings import load_settings
    from crmlink.store.only_server import only_server

    settings = load_settings()
    if settings.web_processes > 1:
        _serve_by_processes(settings, host, port, service=service)
        return
    with only_server(settings.data_dir, settings.database_url) as alone:
        _serve(settings, host, port, alone=alone, service=service)


def _serve_by_processes(settings: Settings, host: str, port: int, *, service: bool) -> None:
    """Serve with several processes until they are stopped; workers are processes of their own."""
    with TemporaryDirectory(prefix="crmlink-metrics-") as folder:
        if settings.metrics_token:  # before anything counts: the processes count together
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _serve_together(settings, host, port, service=service)


def _serve_together(settings: Settings, host: str, port: int, *, service: bool) -> None:
    from crmlink.browser_extension.signing_key import signing_key
    from crmlink.cli.web_processes import WebProcesses
    from crmlink.installation import open_installation
    from crmlink.logs import configure_logging_to_output

    if settings.tls_cert:
        raise click.ClickException(
            "With several web processes, https is the proxy's work: leave out the certificate."
        )
    configure_logging_to_output()
    bound = _bound_socket(host, port)
    listening = Host(host.strip("[]"), bound.getsockname()[1])
    signing_key(settings.data_dir)  # now, so that it can be copied to the other machines
    installation = open_installation(settings)
    try:
        _print_welcome(installation, listening, service=service)
    finally:
        installation.close()
    click.echo("Background work needs at least one process of its own: crmlink worker")
    sys.stdout.flush()
    WebProcesses(settings, bound, listening).run()


def _bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Raises click.ClickException."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
    except OSError as error:
        raise click.ClickException(_cannot_listen(host, port, error)) from error


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return NOT_OURS.format(host=host)
    return (
        f"Port {port} can't be used ({error.strerror}). If crmlink is not running already, "
        "choose another port with --port."
    )


def _serve(settings: Settings, host: str, port: int, *, alone: bool, service: bool) -> None:
    """Serve until the process is stopped; ``alone``: no other server uses this database."""
    from crmlink.app import create_app
    from crmlink.cli.ending import STOP_SECONDS, end_in
    from crmlink.installation import open_installation
    from crmlink.logs import LOG_NAME, configure_logging
    from crmlink.process_memory import run_apart
    from crmlink.store import Database, ProcessRole
    from crmlink.web.health import watch_worker
    from crmlink.web.hosts import serve_at
    from crmlink.web.http_server import HTTPServer
    from crmlink.worker import Worker

    configure_logging(settings.data_dir / LOG_NAME)
    tls = _tls_files(settings)
    if alone:
        run_apart(lambda: Database(settings.database_url).migrate())  # or else by the next line
    installation = open_installation(settings, role=ProcessRole.SERVER)
    if alone:
        installation.workspace.ownership.mark_servers_ended()
    app = create_app(settings, installation)
    try:
        server = HTTPServer(app, host, port, tls)
    except OSError as error:
        raise click.ClickException(_cannot_listen(host, port, error)) from error
    except ValueError as error:
        raise click.ClickException(NOT_OURS.format(host=host)) from error
    listening = Host(host.strip("[]"), server.port)
    serve_at(app, listening)
    worker = Worker(installation)
    watch_worker(app, worker)
    worker.start()
    _print_welcome(installation, listening, service=service)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.run(on_stop=partial(end_in, STOP_SECONDS))
    finally:
        end_in(STOP_SECONDS)
        worker.stop()
        server.close()
        installation.close()


def _print_welcome(installation: Installation, listening: Host, *, service: bool) -> None:
    """Print what is running, and what to do next."""
    where = (
        "with practice data: made-up customers, not your Commusoft"
        if installation.uses_sandbox
        else f"with Commusoft at {installation.workspace.commusoft.connection.base_url}"
    )
    local = Host("127.0.0.1", listening.port) if listening.is_unspecified else listening
    own = local.address(_scheme(installation.settings))
    address = installation.settings.public_url or own
    click.echo(f"crmlink runs at {own} {where}. Press Ctrl+C to stop it.")
    for sentence in _about_addresses(installation.settings, listening):
        click.echo(sentence)
    if service:
        first = _set_up_by_file(installation, local)
    else:
        first = _set_up_by_link(installation, address)
    click.echo(f"1. {first or f'Sign in at {address} and follow Getting started.'}")
    click.echo(f"2. Install the extension: {address}/install shows how.")
    click.echo("3. Select Connect in the extension, and approve it on the page that opens.")
    click.echo("4. Open a contact in Xero and press Alt+Shift+K.")


def _set_up_by_link(installation: Installation, address: str) -> str:
    """Return how to become the first admin; "" once there is one."""
    from crmlink.access.people import create_first_admin_invitation
    from crmlink.web.hosts import invitation_url

    if token := create_first_admin_invitation(installation.access):
        link = invitation_url(address, token)
        return f"Set yourself up as its admin. This link works once: {link}"
    return ""


def _set_up_by_file(installation: Installation, local: Host) -> str:
    """Return where the first admin's one-time code is; "" once there is one."""
    from crmlink.access.invitations import INVITATION, SET_UP_CODE
    from crmlink.access.people import create_first_admin_invitation
    from crmlink.web.set_up_file import remove_set_up_file, write_set_up_file

    data_dir = installation.settings.data_dir
    # A server that listens at one outer address is not reached by this computer's own.
    prefix = SET_UP_CODE if local.is_loopback else INVITATION
    if code := create_first_admin_invitation(installation.access, prefix):
        file = write_set_up_file(data_dir, local.address(_scheme(installation.settings)), code)
        return f"To set yourself up as its admin, open {file} in a browser on this computer."
    remove_set_up_file(data_dir)
    return ""


@click.command("open")
@click.option("--port", type=PORT, default=8787, show_default=True)
def open_command(port: int) -> None:
    """Open crmlink in the web browser; before it has an admin, the page that sets one up."""
    import webbrowser

    from crmlink.settings import load_settings
    from crmlink.web.set_up_file import set_up_file

    settings = load_settings()
    file = set_up_file(settings.data_dir)
    address = settings.public_url or Host("127.0.0.1", port).address(_scheme(settings))
    if not webbrowser.open(file.as_uri() if file else address):
        click.echo(f"Open {file or address} in a browser on this computer.")


def _about_addresses(settings: Settings, listening: Host) -> Iterator[str]:
    """Yield the settings needed for access from other computers."""
    public = settings.public_url
    if public:
        yield f"Its web address is {public}"
    elif listening.is_unspecified:
        yield (
            "Only this computer can use it. For other computers, set CRMLINK_PUBLIC_URL to the "
            f"address people type, such as http://192.168.1.5:{listening.port}, and restart it."
        )
    if settings.tls_cert and public.startswith("http:"):
        yield "It uses https, so CRMLINK_PUBLIC_URL must start with https://"
    if public.startswith("https:") and not settings.trusted_proxies and not settings.tls_cert:
        yield (
            "For https it needs a certificate (CRMLINK_TLS_CERT and CRMLINK_TLS_KEY), or a proxy "
            "in front. With a proxy, set CRMLINK_TRUSTED_PROXIES=1; otherwise everyone counts as "
            "one address."
        )


def _scheme(settings: Settings) -> str:
    return "https" if settings.tls_cert else "http"


def _tls_files(settings: Settings) -> TlsFiles | None:
    """Return the certificate to serve with, None for http. Raises click.ClickException."""
    from crmlink.web.tls import TlsFiles, TlsFilesUnusable

    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return TlsFiles(settings.tls_cert, settings.tls_key)
    except TlsFilesUnusable as error:
        raise click.ClickException(
            f"The certificate {settings.tls_cert} can't be used with the key {settings.tls_key}: "
            f"{error}. The service's user must be able to read both, and the key must not have "
            "a password."
        ) from error


@click.command("sync")
def sync_command() -> None:
    """Update the copy of Commusoft's records."""
    from crmlink.cli.context import open_installation_from_env
    from crmlink.commusoft.mirror import SyncInProgress

    installation = open_installation_from_env()
    try:
        result = installation.workspace.sync(_show_progress)
    except SyncInProgress:
        raise click.ClickException(
            "The records are already being updated. Wait until that has finished."
        ) from None
    click.echo("\r", nl=False, err=True)
    click.echo(
        f"{counted(result.read['customer'], 'customer')} and "
        f"{counted(result.read['supplier'], 'supplier')} read: "
        f"{result.added:,} new, {result.changed:,} changed, {result.gone:,} deleted."
    )


def _show_progress(result: SyncResult) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{sum(result.read.values()):,} records read", nl=False, err=True)


@click.command("sandbox")
@click.option("--port", type=PORT, default=8788, show_default=True)
@click.option("--customers", default=2_000, show_default=True)
@click.option("--suppliers", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--state", type=click.Path(path_type=Path), help="Save its changes in this file.")
def sandbox_command(
    port: int, customers: int, suppliers: int, seed: int, state: Path | None
) -> None:
    """Run a stand-in for Commusoft's API, for demos and tests. Credentials: always “sandbox”."""
    from waitress.server import create_server

    from crmlink.commusoft.sandbox import create_sandbox

    application = create_sandbox(customers, suppliers, seed, state_file=state)
    server = create_server(application, host="127.0.0.1", port=port, threads=8, ident=None)
    address = f"http://127.0.0.1:{server.effective_port}"
    click.echo(f"A stand-in for Commusoft runs at {address}. It is not Commusoft.")
    click.echo(f"Like live accounts: {address}/webservice_dev.php/api/v1")
    click.echo(f"Like the published profile: {address}/api/v1")
    server.run()
