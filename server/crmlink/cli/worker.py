"""crmlink worker: the background work of servers that share a PostgreSQL database."""

from __future__ import annotations

import click

from crmlink.cli.ending import STOP_SECONDS, end_in, wait_for_end
from crmlink.hosts import LAST_PORT


@click.command("worker")
@click.option(
    "--status-port",
    type=click.IntRange(0, LAST_PORT),
    help="Answer /readyz, and /metrics with CRMLINK_METRICS_TOKEN, at this port.",
)
@click.option("--status-host", default="127.0.0.1", show_default=True)
def worker_command(status_port: int | None, status_host: str) -> None:
    """Do the background work of servers that share a PostgreSQL database, on any machine."""
    from crmlink.process_memory import import_without_extras, share_freed_memory

    share_freed_memory()
    import_without_extras()
    from crmlink.installation import open_installation
    from crmlink.logs import configure_logging_to_output
    from crmlink.settings import load_settings
    from crmlink.store import ProcessRole
    from crmlink.web.worker_status import serve_status, worker_status
    from crmlink.worker import Worker

    settings = load_settings()
    if settings.database_url.startswith("sqlite"):
        raise click.ClickException(
            "With SQLite, crmlink serve does its background work itself. A worker of its own "
            "needs PostgreSQL: set CRMLINK_DATABASE_URL."
        )
    configure_logging_to_output()
    installation = open_installation(settings, role=ProcessRole.SERVER)
    try:
        account = installation.workspace.commusoft.connection.base_url
        worker = Worker(installation)
        if status_port is not None:
            app = worker_status(settings, installation.database, worker)
            try:
                port = serve_status(app, status_host, status_port)
            except OSError as error:
                raise click.ClickException(
                    f"Port {status_port} can't be used ({error.strerror})."
                ) from error
            click.echo(f"Its state is at http://{status_host}:{port}/readyz")
        worker.start()
        click.echo(f"A worker of crmlink runs, for {account}. Press Ctrl+C to stop it.")
        wait_for_end()
        end_in(STOP_SECONDS)
        worker.stop()
    finally:
        installation.close()
