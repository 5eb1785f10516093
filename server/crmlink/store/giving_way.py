"""Migrations that give way to requests of older servers, on PostgreSQL.

A migration locks one table after another. A request that reads two of them in the other order would
wait for it while it waits for the request, and all requests after it too.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import OperationalError

log = structlog.get_logger()

# For which requests may wait for a migration that waits. PostgreSQL looks for deadlocks after a
# second and ends the first to look: by then the migration has given way.
LOCK_TIMEOUT_MS = 500
MAX_TRIES, PAUSE = 60, 1.0  # the pause in seconds, in which requests go on
GAVE_WAY = {"55P03", "40P01"}  # SQLSTATE: lock not available in time, deadlock


def give_way(work: Callable[[int], None], pause: Callable[[float], object] = time.sleep) -> None:
    """Do work, a transaction with this timeout for locks, until it got all that it needs.

    The last try waits for as long as it takes (0). Raises OperationalError.
    """
    for _ in range(MAX_TRIES):
        try:
            work(LOCK_TIMEOUT_MS)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in GAVE_WAY:
                raise
            log.info("migration gave way")
        else:
            return
        pause(PAUSE)
    work(0)
