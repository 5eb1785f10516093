"""crmlink update: a newer version, with a backup before it and a way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.upkeep.update.planning import ThisInstallation
    from crmlink.upkeep.update.releases import Release


@click.command("update")
@click.argument("source", required=False)
@click.option("--check", "only_asks", is_flag=True, help="Only show if there is a newer one.")
@click.option("--sha256", help="The checksum of SOURCE, if it is a file without SHA256SUMS.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def update_command(source: str | None, only_asks: bool, sha256: str | None, as_json: bool) -> None:
    """Install a newer crmlink, from SOURCE or from where CRMLINK_UPDATES says.

    SOURCE is a folder or https address with a release and its SHA256SUMS, or a release's file. The
    service is stopped, the data backed up, the new version installed, the tables updated and
    checked; if that fails, the earlier version and its data come back.
    """
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.texts import failure_text
    from crmlink.upkeep.update.planning import carry_out_now, plan_of, this_installation
    from crmlink.upkeep.update.releases import is_newer

    found = this_installation()
    try:
        release = _release(source, sha256, found)
        newer = is_newer(release.version, found.version)
        if only_asks or not newer:
            _print_state(found, release, newer=newer, as_json=as_json)
            return
        plan = plan_of(found, release, as_json=as_json)
    except UpkeepFailure as failure:
        raise click.ClickException(failure_text(failure)) from failure
    except OSError as error:
        raise click.ClickException(f"The file can't be stored ({error.strerror}).") from error
    carry_out_now(found, plan)


def _release(source: str | None, digest: str | None, found: ThisInstallation) -> Release:
    """Return the release to install. Raises UpkeepFailure and InvalidSettings."""
    from crmlink.settings.values import updates_setting
    from crmlink.upkeep.errors import UpkeepFailure
    from crmlink.upkeep.update.releases import given_wheel, newest_release

    if source is not None and "://" not in source:
        path = Path(source).absolute()
        return given_wheel(path, digest) if path.is_file() else newest_release(str(path))
    place = updates_setting(source or found.environment.get("CRMLINK_UPDATES", ""))
    if not place:
        raise UpkeepFailure("update-unset")
    return newest_release(place)


def _print_state(found: ThisInstallation, release: Release, *, newer: bool, as_json: bool) -> None:
    text = (
        f"crmlink {release.version} is there; {found.version} is installed. Run: crmlink update"
        if newer
        else f"crmlink {found.version} is installed, and there is no newer version."
    )
    if as_json:
        shape = {
            "installed": found.version, "newest": release.version, "newer": newer,
            "way": found.way, "text": text,
        }  # fmt: skip
        click.echo(json.dumps(shape))
    else:
        click.echo(text)
