"""Opens the house for a command: its log goes where the server's goes, not to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmlink.installation import House


def at_work() -> House:
    """The installation that the environment describes."""
    from crmlink.installation import open_house
    from crmlink.logs import LOG_NAME, set_up_logs
    from crmlink.settings import settings_from_environment

    settings = settings_from_environment()
    set_up_logs(settings.data_dir / LOG_NAME)
    return open_house(settings)
