"""The part of a server that writes a whole list, as a process that tests may kill.

Processes import this module by its name, so it is none of pytest's own.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog

from crmlink.batches import backoff, execute_row, row_runs, written_rows
from crmlink.batches.writer import work_on
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.records import Record
from crmlink.installation import Installation, open_installation
from crmlink.linking import attempts, list_checks
from crmlink.linking.attempt_rows import settle
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.list_checks import ListChecker
from crmlink.linking.list_trust import ListTrust
from crmlink.process_memory import share_freed_memory
from crmlink.settings import Settings
from crmlink.store import BatchState, Link, LinkState, ProcessRole
from support.sandbox import connection_to

Writer = Callable[["ListInstallation", Connection], None]


@dataclass(frozen=True)
class ListInstallation:
    """Folder, sandbox and list of a server."""

    folder: Path
    sandbox: str
    limits: ClientLimits
    batch_id: str = ""
    database_url: str = ""  # SQLite in the folder, unless another one is given

    def open(self) -> Installation:
        settings = Settings(
            data_dir=self.folder,
            database_url=self.database_url or f"sqlite:///{self.folder / 'crmlink.sqlite'}",
            secret_key="k" * 48,
            commusoft=connection_to(self.sandbox),
        )
        commusoft = CommusoftClient(connection_to(self.sandbox), limits=self.limits)
        return open_installation(settings, commusoft, ProcessRole.SERVER)


def write_list(listed: ListInstallation, parent: Connection) -> None:
    """One run of the server's part in it, as its worker begins it."""
    row_runs.HEARTBEAT_INTERVAL = row_runs.POLL_INTERVAL = 0.05
    backoff.INITIAL_BACKOFF, backoff.MAX_BACKOFF = 0.05, 0.1
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    share_freed_memory()
    installation = listed.open()
    # As `crmlink serve` does, whose lock proves that it is alone.
    installation.workspace.ownership.mark_servers_ended()
    parent.send("working")
    recover(installation.workspace)
    while not work_on(installation.workspace, listed.batch_id, BatchState.WRITING):
        pass
    parent.send("done")


def write_list_with_new_keys(listed: ListInstallation, parent: Connection) -> None:
    """A twin whose key for a row is another one in every run."""
    execute_row.idempotency_key = lambda row: f"{os.getpid()}-{row.id}"
    write_list(listed, parent)


def write_list_believing(listed: ListInstallation, parent: Connection) -> None:
    """A twin that takes an accepted PUT for a link, without a read."""

    def believe(ctx: WorkspaceContext, link: Link) -> Link:
        return settle(ctx, link, LinkState.LINKED, None, _as_written(ctx, link))

    vars(attempts)["leave_written"] = believe
    write_list(listed, parent)


def ending_unsettled(rest: Writer, listed: ListInstallation, parent: Connection) -> None:
    """A run that ends when Commusoft has answered a PUT, before the row tells of its link."""
    noted = row_runs.RowRuns._store_outcomes

    def note(self: row_runs.RowRuns, ended: Any) -> None:
        if any(outcome.link_id for _, outcome in ended):
            _die()
        noted(self, ended)

    row_runs.RowRuns._store_outcomes = note  # type: ignore[method-assign]  # in a process of its own
    rest(listed, parent)


def ending_unchecked(rest: Writer, listed: ListInstallation, parent: Connection) -> None:
    """A run that ends between its PUTs and the read of the list that is to check them."""
    written_rows.CHECK_AFTER = 8
    ListChecker.check = lambda *_: _die()  # type: ignore[method-assign]
    rest(listed, parent)


def ending_half_checked(rest: Writer, listed: ListInstallation, parent: Connection) -> None:
    """A run that ends when some of what its list read showed is stored, and the rest is not."""
    written_rows.CHECK_AFTER, list_checks.CHUNK_SIZE = 8, 2
    store, left = list_checks._settle_as_linked, iter(range(2))

    def settle_some(*given: Any) -> None:
        if next(left, None) is None:
            _die()
        store(*given)

    vars(list_checks)["_settle_as_linked"] = settle_some
    rest(listed, parent)


def reading_back(rest: Writer, listed: ListInstallation, parent: Connection) -> None:
    """A run whose links are each read back at once, as where lists are of no use."""
    ListTrust.trusts = lambda *_: False  # type: ignore[method-assign]
    rest(listed, parent)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # for the moment that it takes


def _as_written(ctx: WorkspaceContext, link: Link) -> Record:
    record = ctx.commusoft.record(link.kind, link.record_number, link.record_uuid)
    return replace(record, reference=link.target)
