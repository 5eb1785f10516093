"""Whether there is a newer crmlink, for the overview; a failure is logged and asked again."""

from __future__ import annotations

from importlib.metadata import version

import structlog

from crmlink.upkeep.errors import UpkeepFailure

log = structlog.get_logger()


def newer_version(place: str) -> str:
    """Return the version at a place if it is newer than this one, else nothing."""
    from crmlink.upkeep.update.releases import is_newer, newest_release

    try:
        newest = newest_release(place).version
    except UpkeepFailure as failure:
        log.warning("newer versions not looked for", problem=failure.code)
        return ""
    return newest if is_newer(newest, version("crmlink")) else ""
