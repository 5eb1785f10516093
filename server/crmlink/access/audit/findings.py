"""What a check of the audit finds, as codes; ``sentences`` puts them into words."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class Code(enum.StrEnum):
    """What is wrong with an audit or its anchors."""

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
    """One thing that is wrong.

    ``place`` is the first line that it concerns, ``until`` the last one, each 0 where that does
    not apply; ``at`` is when the anchor was written that shows it.
    """

    code: Code
    place: int = 0
    until: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What crmlink found by itself, or a person accepted, and wrote into the audit at a place."""

    action: str
    place: int
    at: datetime
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an audit holds. ``noted`` waits for a person, ``accepted`` was accepted by one.

    ``broken_at`` is the first place where the audit itself, not its anchor file, does not hold.
    """

    count: int
    last_hash: str
    findings: tuple[Finding, ...]
    noted: tuple[Noted, ...]
    accepted: tuple[Noted, ...]

    @property
    def sound(self) -> bool:
        return not self.findings and not self.noted

    @property
    def broken_at(self) -> int | None:
        return min((finding.place for finding in self.findings if finding.place), default=None)
