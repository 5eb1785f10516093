"""Reading a source in a process of its own, which tests may kill.

Processes import this module by its name, so it is none of pytest's own.
"""

from __future__ import annotations

import logging
from multiprocessing.connection import Connection

import structlog

from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import open_installation
from crmlink.settings import Settings
from crmlink.sources.errors import SourceSyncInProgress
from crmlink.sources.sync import sync_source
from crmlink.store import ProcessRole
from support.sandbox import FAST_LIMITS


def read_source(settings: Settings, source_id: int, parent: Connection) -> None:
    """One run of a worker's part in it; what became of it is sent to the parent."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    assert settings.commusoft
    client = CommusoftClient(settings.commusoft, limits=FAST_LIMITS)
    here = open_installation(settings, client, ProcessRole.COMMAND)
    try:
        parent.send(sync_source(here.sources, source_id).problem or "complete")
    except SourceSyncInProgress as error:
        parent.send(error.code)
