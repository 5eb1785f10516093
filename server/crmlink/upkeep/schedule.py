"""Scheduled backups: one a day into the folder of ``CRMLINK_BACKUP_DIR``, the oldest deleted."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.store.base import utc_now
from crmlink.upkeep.backup import TEMPORARY, make_backup
from crmlink.upkeep.errors import UpkeepFailure

log = structlog.get_logger()

NAME = re.compile(r"crmlink-(\d{8}-\d{6})\.backup")
LEFT_SECONDS = 24 * 3600
INTERVAL = timedelta(hours=23)  # looked at each hour: an office's PC is off at night


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """A backup in the folder."""

    path: Path
    made_at: datetime
    size: int


def kept_backups(settings: Settings) -> list[KeptBackup]:
    """Return the backups in the folder, the newest first. Raises OSError."""
    folder = settings.backup_dir
    if folder is None or not folder.is_dir():
        return []
    found = [
        KeptBackup(path, made_at, path.stat().st_size)
        for path in folder.iterdir()
        if (made_at := _made_at(path.name)) and path.is_file()
    ]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def newest_backup(backups: Iterable[KeptBackup], moment: datetime) -> KeptBackup | None:
    """Return the newest of backups; those dated later than now are of a clock that was wrong."""
    return next((one for one in backups if one.made_at <= moment), None)


def back_up_now(settings: Settings, database: Database) -> KeptBackup:
    """Make a backup in the folder, and delete the oldest beyond the number to keep.

    Raises UpkeepFailure or OSError; then none is deleted.
    """
    if settings.backup_dir is None:
        raise UpkeepFailure("no-place")
    settings.backup_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.backup_dir / f"crmlink-{utc_now():%Y%m%d-%H%M%S}.backup"
    make_backup(settings, database, path, settings.backup_passphrase or None)
    backups = [one for one in kept_backups(settings) if one.path.name <= path.name]
    for old in backups[settings.backups_kept :]:  # later ones are of another clock, and stay
        old.path.unlink(missing_ok=True)
    return backups[0]


def back_up_if_due(settings: Settings, database: Database) -> None:
    """Make today's backup, unless there is one; a failure is logged and tried again."""
    if settings.backup_dir is None:
        return
    try:
        moment = utc_now()
        newest = newest_backup(kept_backups(settings), moment)
        if newest and moment - newest.made_at < INTERVAL:
            return
        made = back_up_now(settings, database)
    except UpkeepFailure as failure:
        log.error("backup failed", problem=failure.code)
    except OSError as error:
        log.error("backup failed", errno=error.errno)
    else:
        log.info("backup made", bytes=made.size)


def delete_left_copies(settings: Settings) -> None:
    """Delete copies of the database that a killed backup or restore left a day ago or earlier."""
    for folder in filter(None, (settings.data_dir, settings.backup_dir)):
        for left in folder.glob(f"{TEMPORARY}-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_SECONDS and not left.is_symlink():
                    shutil.rmtree(left)


def _made_at(name: str) -> datetime | None:
    found = NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
