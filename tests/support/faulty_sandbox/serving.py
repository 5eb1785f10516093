"""A faulty sandbox over HTTP, in a thread of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from crmlink.commusoft.sandbox import SandboxServer
from support.faulty_sandbox.app import faulty_sandbox
from support.faulty_sandbox.records import FaultyRecords
from support.sandbox import SandboxHandle


@contextmanager
def running_sandbox(records: FaultyRecords) -> Iterator[SandboxHandle]:
    """A sandbox with these records, on a port of its own."""
    with ExitStack() as exits:
        server = exits.enter_context(SandboxServer(faulty_sandbox(records)))
        yield SandboxHandle(server.url, exits.close)
