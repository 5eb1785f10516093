"""Processes that begin quickly: copies of one that has imported crmlink already."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

# Only what is installed: the server that is copied knows no path of the tests, and says nothing.
IMPORTED = [
    "crmlink.cli.serve", "crmlink.app", "crmlink.worker", "crmlink.installation",
    "crmlink.commusoft.sandbox.app", "crmlink.linking.decisions", "crmlink.access.api_tokens",
]  # fmt: skip


def processes() -> ForkServerContext:
    """Where they come from; the same for every test, for the first one decides."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context
