"""The sandbox's records, with what faults need: a log of the edits, stale reads, dropped fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import has_request_context, request

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.kinds import Kind
from support.faulty_sandbox.middleware import DROPPED, STALE

Edit = Mapping[str, Any]  # one line of a sandbox's state file


@dataclass(frozen=True, slots=True)
class Write:
    """One edit that was done over the API: the reference before and after it."""

    record: str
    before: str
    after: str


class FaultyRecords(RecordStore):
    """The records as a request sees them whose fault is *stale* or *dropped*."""

    def __init__(
        self, counts: Mapping[Kind, int], seed: int, state_file: Path | None = None
    ) -> None:
        self._writes: list[Write] = []
        self._edits: list[Edit] = []
        self._before: dict[str, SandboxRecord] = {}
        super().__init__(counts, seed, state_file)

    def writes(self) -> list[Write]:
        """Return every edit since the state file was begun, in order."""
        return list(self._writes)

    def edits(self) -> list[Edit]:
        """Return every edit, for another sandbox to repeat."""
        return list(self._edits)

    def repeat(self, edits: Sequence[Edit]) -> FaultyRecords:
        """Carry out the edits of another sandbox that began with the same records."""
        for edit in edits:
            self._apply(deepcopy(edit))
        return self

    def by_number(self, kind: Kind, number: str) -> SandboxRecord | None:
        return self._seen(super().by_number(kind, number))

    def by_uuid(self, kind: Kind, uuid: str) -> SandboxRecord | None:
        return self._seen(super().by_uuid(kind, uuid))

    def change(self, entry: SandboxRecord, changes: Mapping[str, Any]) -> SandboxRecord:
        dropped = request.environ.get(DROPPED) if has_request_context() else None
        return super().change(entry, {k: v for k, v in changes.items() if k != dropped})

    def _seen(self, entry: SandboxRecord | None) -> SandboxRecord | None:
        if entry is None or not has_request_context() or request.method != "GET":
            return entry
        return self._before.get(entry.id, entry) if request.environ.get(STALE) else entry

    def _apply(self, line: Edit) -> SandboxRecord:
        kind, _, number = line["record"].partition("-")
        old = self._entries[kind].get(number)
        entry = super()._apply(line)
        if old is not None:
            self._before[old.id] = old
        self._edits.append(line)
        self._writes.append(Write(entry.id, old.reference if old else "", entry.reference))
        return entry
