"""Record store: the sandbox's records, and a journal of edits that survives a kill."""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crmlink.commusoft.sandbox.generator import copy_of, population
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.kinds import KINDS, Kind


class StateDamaged(ValueError):
    """The state file is not this sandbox's; the message is a sentence."""


class RecordStore:
    """Every record, and every edit in order; thread-safe.

    An edit is one line, appended in one write before it is visible: a killed process leaves at most
    half a last line, which the next start removes.
    """

    def __init__(
        self, counts: Mapping[Kind, int], seed: int, state_file: Path | None = None
    ) -> None:
        self._guard = threading.RLock()
        self._entries: dict[Kind, dict[str, SandboxRecord]] = {
            kind: {entry.number: entry for entry in population(kind, counts[kind], seed)}
            for kind in KINDS
        }
        self._numbers: dict[Kind, dict[str, str]] = {
            kind: {entry.uuid: entry.number for entry in self._entries[kind].values()}
            for kind in KINDS
        }
        self._file: int | None = None
        if state_file is not None:
            self._open(state_file, seed)

    def all(self, kind: Kind) -> list[SandboxRecord]:
        """Return every record of the kind, deleted ones included."""
        with self._guard:
            return list(self._entries[kind].values())

    def by_number(self, kind: Kind, number: str) -> SandboxRecord | None:
        """Return the record with that number."""
        return self._entries[kind].get(number)

    def by_uuid(self, kind: Kind, uuid: str) -> SandboxRecord | None:
        """Return the record with that UUID."""
        return self._entries[kind].get(self._numbers[kind].get(uuid.lower(), ""))

    def change(self, entry: SandboxRecord, changes: Mapping[str, Any]) -> SandboxRecord:
        """Return the record with changed fields, written to the journal first."""
        with self._guard:
            line = {"record": entry.id, "set": dict(changes)}
            self._append(line)
            return self._apply(line)

    def add(self, entry: SandboxRecord) -> SandboxRecord:
        """Return a new record with the next free number."""
        with self._guard:
            known = self._entries[entry.kind]
            entry.number = str(max((int(number) for number in known), default=0) + 1)
            line = {"record": entry.id, "new": asdict(entry)}
            self._append(line)
            return self._apply(line)

    def close(self) -> None:
        """Close the state file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _apply(self, line: Mapping[str, Any]) -> SandboxRecord:
        kind, _, number = line["record"].partition("-")
        if "new" in line:
            entry = SandboxRecord(**line["new"])
        else:
            old = self._entries[kind][number]
            # Replace, not modify: readers of the old record keep a consistent one.
            entry = copy_of(old)
            for name, value in line["set"].items():
                setattr(entry, name, value)
        self._entries[entry.kind][entry.number] = entry
        self._numbers[entry.kind][entry.uuid.lower()] = entry.number
        return entry

    def _open(self, path: Path, seed: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        whole = path.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(kept))
        lines = _parsed(kept.splitlines())
        if not lines:
            self._append({"sandbox": 1, "seed": seed})
            return
        if lines[0] != {"sandbox": 1, "seed": seed}:
            raise StateDamaged("The state file was begun with another seed; name another file.")
        for number, line in enumerate(lines[1:], start=2):
            self._replay(number, line)

    def _replay(self, number: int, line: Any) -> None:
        try:
            self._apply(line)
        except (KeyError, TypeError, AttributeError):
            raise StateDamaged(
                f"Line {number} of the state file fits no record; were there more at first?"
            ) from None

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        size = os.fstat(self._file).st_size
        if os.write(self._file, data) != len(data):
            os.ftruncate(self._file, size)
            raise OSError("The state file could not be written whole.")


def _parsed(lines: Iterable[bytes]) -> list[Any]:
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise StateDamaged("The state file is damaged.") from None
