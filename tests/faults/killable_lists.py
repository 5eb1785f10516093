"""The part of a server that writes a whole list, as a process that tests may kill.

Processes import this module by its name, so it is none of pytest's own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from crmlink.batches import backoff, execute_row, writer
from crmlink.batches.writer import work_on
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import Installation, open_installation
from crmlink.linking.attempts import recover
from crmlink.settings import Settings
from crmlink.store import BatchState, ProcessRole
from support.sandbox import connection_to

Writer = Callable[["ListInstallation", Connection], None]


@dataclass(frozen=True)
class ListInstallation:
    """Folder, sandbox and list of a server."""

    folder: Path
    sandbox: str
    limits: ClientLimits
    batch_id: str = ""

    def open(self) -> Installation:
        settings = Settings(
            data_dir=self.folder,
            database_url=f"sqlite:///{self.folder / 'crmlink.sqlite'}",
            secret_key="k" * 48,
            commusoft=connection_to(self.sandbox),
        )
        commusoft = CommusoftClient(connection_to(self.sandbox), limits=self.limits)
        return open_installation(settings, commusoft, ProcessRole.SERVER)


def write_list(listed: ListInstallation, parent: Connection) -> None:
    """One run of the server's part in it, as its worker begins it."""
    writer.HEARTBEAT_INTERVAL, writer.POLL_INTERVAL = 0.05, 0.05
    backoff.INITIAL_BACKOFF, backoff.MAX_BACKOFF = 0.05, 0.1
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
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
