"""Progress of a list on the command line: by a running server, or in this process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import click

from crmlink.cli.batches.format import progress_line

if TYPE_CHECKING:
    from crmlink.linking.context import WorkspaceContext

SERVER_TAKES = 4.0  # seconds in which a running server takes the work
POLL_INTERVAL = 0.5


def follow(ctx: WorkspaceContext, batch_id: str, *, quiet: bool = False) -> None:
    """Print a list's progress until nothing works on it any more."""
    from crmlink.batches.progress import overview
    from crmlink.batches.state import WORKING

    last = ""
    while True:
        found = overview(ctx, batch_id)
        line = progress_line(found)
        if line != last and not quiet:
            click.echo(line, err=True)
        last = line
        if found.batch.state not in WORKING:
            return
        time.sleep(POLL_INTERVAL)


def run_to_completion(ctx: WorkspaceContext, batch_id: str, *, quiet: bool = False) -> None:
    """Follow the server's work; if no process takes it, do it here.

    Ctrl+C stops this process's part only: the request stays.
    """
    stopping = threading.Event()
    hand = threading.Thread(target=_work, args=(ctx, batch_id, stopping), daemon=True)
    hand.start()
    try:
        follow(ctx, batch_id, quiet=quiet)
    finally:
        stopping.set()
        hand.join(30)


def _work(ctx: WorkspaceContext, batch_id: str, stopping: threading.Event) -> None:
    from crmlink.batches.match_job import match_batch
    from crmlink.batches.state import WORKING, find_batch
    from crmlink.batches.writer import work_on
    from crmlink.store import BatchState

    stopping.wait(SERVER_TAKES)
    while not stopping.is_set():
        batch = find_batch(ctx, batch_id)
        if batch.state not in WORKING:
            return
        if batch.state is BatchState.MATCHING:
            match_batch(ctx, batch_id, stopping.is_set)
        else:
            work_on(ctx, batch_id, batch.state, stopping.is_set)
        stopping.wait(POLL_INTERVAL)
