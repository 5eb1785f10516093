"""Opens the installation for a command; logs go to the server's log file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from crmlink.installation import Installation
    from crmlink.settings import Settings
    from crmlink.store import Database, Workspace


PRACTICE = "Practice data: made-up customers, not your Commusoft."


def open_installation_from_env() -> Installation:
    """Yield the installation of the environment, closed when the command ends.

    A command beside a running server is a process of its own: its links are its own until it ends,
    and it takes over nothing that a live server works on.
    """
    from crmlink.installation import open_installation

    settings = settings_with_log()
    installation = open_installation(settings)
    installation.choose(chosen_workspace(installation.database).id)
    click.get_current_context().find_root().call_on_close(installation.close)
    return installation


def settings_with_log() -> Settings:
    """Return the settings of the environment; logs go to the server's log file from now on.

    For commands that open the database. Raises InvalidSettings.
    """
    from crmlink.logs import LOG_NAME, configure_logging
    from crmlink.settings import load_settings

    settings = load_settings()
    configure_logging(settings.data_dir / LOG_NAME)
    return settings


def settings_without_log(*, makes_key: bool = True) -> Settings:
    """Return the settings of the environment; warnings go to standard error from now on.

    For commands that write no log into the data folder. Raises InvalidSettings.
    """
    from crmlink.logs import configure_logging_to_errors
    from crmlink.settings import load_settings

    configure_logging_to_errors()
    return load_settings(makes_key=makes_key)


def place_without_log() -> tuple[Path, str]:
    """Return the data folder and the database; warnings go to standard error from now on.

    The folder is made if needed, no key in it. Raises InvalidSettings.
    """
    from crmlink.logs import configure_logging_to_errors
    from crmlink.settings.data_place import load_place

    configure_logging_to_errors()
    return load_place()


def chosen_workspace(database: Database) -> Workspace:
    """Return the workspace that a command is for: the only one, or the named one.

    Raises click.ClickException.
    """
    from crmlink.linking.connections import get_or_create_workspace
    from crmlink.store.workspaces import list_workspaces

    get_or_create_workspace(database)
    found, name = list_workspaces(database), _name()
    if name is None and len(found) > 1:
        raise click.ClickException("There are several firms. Name one: crmlink --workspace NAME …")
    matching = [row for row in found if name in (None, row.name, row.public_id)]
    if len(matching) != 1:
        raise click.ClickException(f"There is no firm {name!r}. See: crmlink workspace list")
    return matching[0]


def settings_of_chosen(settings: Settings) -> Settings:
    """Return the settings of the workspace that a command is for.

    The account that the environment names is the first workspace's alone.
    """
    from crmlink.installation import open_database
    from crmlink.linking.connections import get_or_create_workspace

    if _name() is None:
        return settings
    database = open_database(settings)
    is_first = chosen_workspace(database).id == get_or_create_workspace(database).id
    return settings if is_first else replace(settings, commusoft=None)


def _name() -> str | None:
    name: str | None = click.get_current_context().find_root().params.get("workspace")
    return name
