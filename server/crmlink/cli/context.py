"""Opens the house for a command: its log goes where the server's goes, not to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crmlink.installation import House


def at_work() -> House:
    """The installation that the environment describes, closed when the command ends.

    A command beside a running server is a process of its own among the servers': what it links
    is its own until it ends, and it takes nothing over that a living server works on.
    """
    from crmlink.installation import open_house
    from crmlink.logs import LOG_NAME, set_up_logs
    from crmlink.settings import settings_from_environment

    settings = settings_from_environment()
    set_up_logs(settings.data_dir / LOG_NAME)
    house = open_house(settings)
    click.get_current_context().find_root().call_on_close(house.close)
    return house
