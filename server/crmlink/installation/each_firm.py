"""Work in each firm, in one or several at once; each has a turn where others may wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import structlog
from structlog.contextvars import bound_contextvars

from crmlink.installation.open_workspace import OpenWorkspace
from crmlink.installation.opening import Installation
from crmlink.logs import LoggingThreads

TIME_SLICE_SECONDS = 20.0  # of one firm's lists, emails and sources where others may wait
AT_ONCE = 5  # firms whose lists one process writes

Work = Callable[[OpenWorkspace, Callable[[], bool]], object]

log = structlog.get_logger()


class EachFirm:
    """Does work in active workspaces, until ``stopping``."""

    def __init__(self, installation: Installation, stopping: Callable[[], bool]) -> None:
        self._installation, self._stopping = installation, stopping

    def do(self, work: Work, those: Sequence[int] | None = None, *, at_once: int = 1) -> bool:
        """Do work in each active workspace, or in those; return whether there is more in any.

        Work is given a function that tells whether it must stop: when the process ends, or when its
        turn is over. A workspace is in one thread at a time. One's failure is raised after the
        others have had their turn.
        """
        firms = self._installation.active_workspaces() if those is None else those
        seconds = TIME_SLICE_SECONDS if self._installation.has_several_active else math.inf
        threads = min(at_once, len(firms))
        if threads > 1:
            with LoggingThreads(threads, thread_name_prefix="firm") as pool:
                turns = [pool.submit(self._turn, work, each, seconds) for each in firms]
            ended = [each.result() for each in turns]
        else:
            ended = [self._turn(work, each, seconds) for each in firms]
        failures = [
            (workspace_id, result)
            for workspace_id, result in zip(firms, ended, strict=True)
            if isinstance(result, Exception)
        ]
        for workspace_id, failure in failures[1:]:
            log.error("work failed", workspace=workspace_id, exc_info=failure)
        if failures:
            raise failures[0][1]
        return any(ended)

    def _turn(self, work: Work, workspace_id: int, seconds: float) -> bool | Exception:
        """Return whether there is more to do, or what failed."""
        end = time.monotonic() + seconds
        if self._stopping():
            return False
        try:
            with (
                bound_contextvars(workspace=workspace_id),
                self._installation.workspaces.use(workspace_id) as workspace,
            ):
                return bool(work(workspace, lambda: self._stopping() or time.monotonic() > end))
        except Exception as error:  # raised, or logged, once all have ended
            return error
