"""Findings of audit verification, as codes; ``sentences`` renders them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class Code(enum.StrEnum):
    """Fault of an audit or its anchors."""

    LINE_CHANGED = "line_changed"
    LINES_MISSING = "lines_missing"
    LINE_UNSIGNED = "line_unsigned"
    KEY_CHANGED = "key_changed"
    CHAIN_CUT = "chain_cut"
    CHAIN_CONTINUED = "chain_continued"
    ANCHORS_MISSING = "anchors_missing"
    ANCHORS_CUT = "anchors_cut"
    ANCHORS_CHANGED = "anchors_changed"
    ANCHORS_DAMAGED = "anchors_damaged"
    WORKSPACE_CHANGED = "workspace_changed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault.

    ``place`` is the first entry concerned, ``until`` the last, each 0 if not applicable; ``at`` is
    the time of the anchor that proves it.
    """

    code: Code
    position: int = 0
    until: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A fault that crmlink detected, or a person accepted, recorded in the audit."""

    action: str
    position: int
    at: datetime
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of verification; ``noted`` waits for a person, ``accepted`` was accepted by one.

    ``broken_at`` is the first faulty entry of the audit itself, not of its anchor file.
    """

    count: int
    last_hash: str
    findings: tuple[Finding, ...]
    noted: tuple[Noted, ...]
    accepted: tuple[Noted, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings and not self.noted

    @property
    def broken_at(self) -> int | None:
        """Sequence number of the first faulty entry, if any."""
        return min(
            (finding.position for finding in self.findings if finding.position), default=None
        )
