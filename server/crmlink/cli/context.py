"""Opens the installation for a command; logs go to the server's log file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.installation import Installation


PRACTICE = "Practice data: made-up customers, not your Commusoft."


def open_installation_from_env() -> Installation:
    """Yield the installation of the environment, closed when the command ends.

    A command beside a running server is a process of its own: its links are its own until it ends,
    and it takes over nothing that a live server works on.
    """
    from crmlink.installation import open_installation
    from crmlink.logs import LOG_NAME, configure_logging
    from crmlink.settings import load_settings

    settings = load_settings()
    configure_logging(settings.data_dir / LOG_NAME)
    installation = open_installation(settings)
    click.get_current_context().find_root().call_on_close(installation.close)
    return installation
