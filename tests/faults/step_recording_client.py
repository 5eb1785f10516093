"""A client that tells of each step of the write path, so that a test can act between two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext

READS = ("first read", "comparing read", "read-back")


class StepRecordingClient:
    """Commusoft's client for one link; ``after`` is told each step when Commusoft has answered."""

    def __init__(self, real: CommusoftClient, after: Callable[[str], None]) -> None:
        self._real = real
        self._after = after
        self._reads = iter(READS)

    @classmethod
    def over(cls, ctx: WorkspaceContext, after: Callable[[str], None]) -> Any:
        """In place of a desk's own client."""
        return cls(ctx.commusoft, after)

    def record(self, kind: Kind, number: str, uuid: str | None = None) -> Record:
        record = self._real.record(kind, number, uuid)
        self._after(next(self._reads, "another read"))
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def write_reference(self, record: Record, reference: str | None, **more: Any) -> None:
        self._real.write_reference(record, reference, **more)
        self._after("PUT")
