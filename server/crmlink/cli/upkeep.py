"""crmlink backup, restore and check: looking after an installation."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmlink.cli.check_marks import CHECK_MARKS

if TYPE_CHECKING:
    from crmlink.settings import Settings
    from crmlink.upkeep.checks import Check

PASSPHRASE = "CRMLINK_BACKUP_PASSPHRASE"  # noqa: S105 - the variable's name


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--without-keys", is_flag=True, help="Leave the keys out: copy them yourself.")
def backup_command(file: Path, without_keys: bool) -> None:
    """Write a backup to FILE, also while the server runs.

    The keys in it are sealed with a passphrase, which is asked for, or taken from
    CRMLINK_BACKUP_PASSPHRASE.
    """
    from crmlink.cli.context import settings_without_log
    from crmlink.installation import open_database
    from crmlink.upkeep.backup import make_backup
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.texts import failure_text

    settings = settings_without_log()
    passphrase = None if without_keys else _passphrase(confirms=True)
    database = open_database(settings)
    try:
        manifest = make_backup(settings, database, file, passphrase)
    except UpkeepFailure as failure:
        raise click.ClickException(failure_text(failure)) from failure
    except OSError as error:
        raise click.ClickException(f"{file} can't be written ({error.strerror}).") from error
    finally:
        database.close()
    click.echo(f"Backup written and read back: {file} ({file.stat().st_size / 1e6:,.1f} MB).")
    if not manifest.has_keys:
        click.echo(
            "The keys are not in it. Copy secret.key, credential.keys, extension.key and the "
            f"folder tls, as far as they are there, from {settings.data_dir} to a safe place."
        )


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Put what is there aside first.")
@click.option("--without-keys", is_flag=True, help="Restore even without the keys that fit.")
def restore_command(file: Path, replaces: bool, without_keys: bool) -> None:
    """Restore the backup FILE while the server is stopped.

    It is checked first. What is there already is only put aside with --replace, never deleted.
    """
    from crmlink.cli.context import place_without_log
    from crmlink.upkeep.backup import require_whole
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.restore import RestoreTarget, restore_backup
    from crmlink.upkeep.texts import failure_text
    from crmlink.values.moments import format_moment

    data_dir, database_url = place_without_log()
    place = RestoreTarget(data_dir, database_url, os.environ.get("CRMLINK_SECRET_KEY", ""))
    try:
        manifest = require_whole(file)
        asks = manifest.has_keys and not without_keys
        passphrase = _passphrase(confirms=False) if asks else None
        done = restore_backup(place, file, passphrase, replaces=replaces, without_keys=without_keys)
    except UpkeepFailure as failure:
        raise click.ClickException(failure_text(failure)) from failure
    click.echo(f"Restored the backup of {format_moment(done.manifest.made)}.")
    for path in done.put_aside:
        click.echo(f"Put aside: {path}")
    if not done.keys:
        click.echo("The keys in the data folder were kept.")
    if done.certificates:
        click.echo(
            "The certificate that crmlink made for https is in the folder tls again. If people use "
            "another address for this computer, make another: crmlink certificate make --replace"
        )
    click.echo(
        "Browsers that were connected or renewed since then may have to be connected again. "
        "People, browsers and tokens that were removed since then are in it again, and roles and "
        "passwords are the earlier ones: remove and change them again. People who were erased "
        "since then are in it again: erase them again. Firms that were deleted since then are in "
        "it again too. Lists that were being linked are paused, and what was on its way is only "
        "read back: compare it before you resume a list."
    )


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Also write a diagnosis, without personal data, to this file.",
)
@click.option(
    "--update-tables", is_flag=True, help="First update the tables, as the server does; stop it."
)
def check_command(as_json: bool, report: Path | None, update_tables: bool) -> None:
    """Check the database, disk, clock, keys, tables, certificate and backups.

    Ends with 1 if something is wrong.
    """
    from crmlink.cli.context import settings_without_log
    from crmlink.upkeep.checks import run_checks
    from crmlink.upkeep.diagnosis import diagnosis

    settings = settings_without_log(makes_key=update_tables)
    if update_tables:
        _update_tables(settings)
    checks = list(run_checks(settings))
    if as_json:
        click.echo(
            json.dumps({"checks": [_serialize(check) for check in checks]}, ensure_ascii=False)
        )
    else:
        for check in checks:
            click.echo(f"{CHECK_MARKS[check.health]} {_text(check)}")
    if report:
        try:
            with report.open("x", encoding="utf-8") as opened:
                json.dump(diagnosis(settings, checks), opened, indent=1, ensure_ascii=False)
        except FileExistsError as error:
            raise click.ClickException(f"{report} exists already.") from error
        except OSError as error:
            cause = error.strerror
            raise click.ClickException(f"{report} can't be written ({cause}).") from error
        click.echo(f"Diagnosis written: {report}. Read it before you send it.", err=as_json)
    if any(check.health == "failed" for check in checks):
        sys.exit(1)


def _update_tables(settings: Settings) -> None:
    from crmlink.installation import open_database
    from crmlink.store.only_server import only_server

    with only_server(settings.data_dir, settings.database_url):
        open_database(settings).close()


def _serialize(check: Check) -> dict[str, object]:
    return {
        "code": check.code, "health": check.health, "args": dict(check.args), "text": _text(check),
    }  # fmt: skip


def _text(check: Check) -> str:
    from crmlink.upkeep.texts import check_text

    return check_text(check)


def _passphrase(*, confirms: bool) -> str:
    given = os.environ.get(PASSPHRASE, "")
    return given or str(
        click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirms, err=True)
    )
