"""Processes that begin quickly: copies of one that has imported crmlink already."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

TESTS = Path(__file__).parents[1]
IMPORTED = [
    "crmlink.cli.serve", "crmlink.app", "crmlink.worker", "crmlink.installation",
    "crmlink.commusoft.sandbox.app", "crmlink.linking.decisions", "crmlink.access.api_tokens",
    "crmlink.store.only_server", "crmlink.web.http_server", "crmlink.web.tls", "numpy.ma",
    "support.warmed_up",
]  # fmt: skip


def processes() -> ForkServerContext:
    """Where they come from; the same for every test, for the first one decides."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(TESTS)  # the process that is copied knows no other way
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


def send_unimported(parent: Connection) -> None:
    """Send what a process lacks of what it should have begun with."""
    parent.send([name for name in IMPORTED if name not in sys.modules])
