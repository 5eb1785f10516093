"""crmlink db: the database itself."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("db")
def db_group() -> None:
    """Move the database."""


@db_group.command("move")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The SQLite file; by default crmlink.sqlite in the data folder.",
)
@click.option("--cancel", is_flag=True, help="Use the SQLite file again, unless it was moved.")
def move_command(file: Path | None, cancel: bool) -> None:
    """Move a SQLite database into PostgreSQL while the server is stopped.

    CRMLINK_DATABASE_URL says where it goes. Run it again if it was interrupted. Afterwards no
    server uses the SQLite file again; keep it as a backup.
    """
    from crmlink.cli.context import place_without_log
    from crmlink.store import Database
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.move_database import cancel_move, move_database
    from crmlink.upkeep.texts import failure_text

    data_dir, database_url = place_without_log()
    if database_url.startswith("sqlite"):
        raise click.ClickException("Set CRMLINK_DATABASE_URL to the PostgreSQL database first.")
    source = file or data_dir / "crmlink.sqlite"
    target = Database(database_url)
    try:
        if cancel:
            cancel_move(data_dir, source, target)
            click.echo(f"{source} is used again where CRMLINK_DATABASE_URL is not set.")
            return
        moved = move_database(data_dir, source, target, _show_table)
    except UpkeepFailure as failure:
        raise click.ClickException(failure_text(failure)) from failure
    finally:
        target.close()
    click.echo(f"Moved: {moved:,} rows, the same number in every table.")
    click.echo(f"Start crmlink with this CRMLINK_DATABASE_URL. No server uses {source} again.")


def _show_table(name: str, rows: int) -> None:
    if rows:
        click.echo(f"{name}: {rows:,}", err=True)
