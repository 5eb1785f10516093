"""Reading with a session that only this process has: in a thread, until the list is complete."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Protocol

import structlog

from crmlink.sources.api import Tokens
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceNotFound, SourceSyncInProgress
from crmlink.sources.sync import SourceSync, sync_source
from crmlink.store import ContactSource
from crmlink.store.base import utc_now

MAX_RUNS = 500  # a run ends with the calls of a minute, or with a problem
MAX_PROBLEMS = 5  # in a row
MAX_WAIT = timedelta(minutes=30)  # the session ends after an hour without a request

log = structlog.get_logger()


class SessionOfReading(Tokens, Protocol):
    """A session, which is ended when it has been read with."""

    def end(self) -> None:
        """End the session at the package."""
        ...


def start_reading(ctx: SourceContext, source_id: int, session: SessionOfReading) -> None:
    """Read a source in a thread; the session is ended with it.

    If this process ends first, so does the reading. What was read is kept, and the next reading
    goes on there.
    """
    threading.Thread(
        target=_read, args=(ctx, source_id, session), name=f"reading-{source_id}", daemon=True
    ).start()


def _read(ctx: SourceContext, source_id: int, session: SessionOfReading) -> None:
    paused, problems = threading.Event(), 0
    try:
        for _ in range(MAX_RUNS):
            result = sync_source(ctx, source_id, tokens=session)
            log.info(
                "source read",
                source=source_id,
                contacts=result.read,
                complete=result.complete,
                problem=result.problem,
            )
            problems = problems + 1 if result.problem else 0
            wait = _seconds_to_next(ctx, source_id, result)
            if wait is None or problems > MAX_PROBLEMS:
                return
            paused.wait(wait)
    except (SourceSyncInProgress, SourceNotFound):
        log.info("reading left", source=source_id)  # read elsewhere, or disconnected
    except Exception as error:  # no other thread would say so
        log.error("reading failed", source=source_id, error=type(error).__name__)
    finally:
        session.end()


def _seconds_to_next(ctx: SourceContext, source_id: int, result: SourceSync) -> float | None:
    """Return how long to wait for the next run; None if there is none with this session."""
    if result.complete:
        return None
    with ctx.database.reading() as session:
        source = session.get(ContactSource, source_id)
        resume_at = source.resume_at if source else None
    if resume_at is None or resume_at - utc_now() > MAX_WAIT:
        return None
    return max((resume_at - utc_now()).total_seconds(), 0.0)
