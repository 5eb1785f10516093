"""Sentences about the findings of audit verification, for admins."""

from __future__ import annotations

from datetime import datetime

from crmlink.access.audit.findings import Code, Finding, Noted, Verdict
from crmlink.access.audit.vouching import Action

FOUND = {
    Code.LINE_CHANGED: "Line {place} was changed, or put in, in the database.",
    Code.LINES_MISSING: "Lines {place} to {until} were taken out of the database.",
    Code.LINE_UNSIGNED: (
        "Line {place} is not signed with crmlink's key: it was written or changed in the database, "
        "not by this crmlink."
    ),
    Code.CHAIN_CUT: (
        "The end of the audit is missing: lines {place} to {until}, of which the anchor file "
        "knows since {at}, are not in the database."
    ),
    Code.CHAIN_CONTINUED: (
        "The audit is not the one that was anchored on {at}: at line {place} or before, lines were "
        "taken out or rewritten, and others put in their place."
    ),
    Code.ANCHORS_MISSING: (
        "The anchor file (audit.anchors in the data folder) is missing or cannot be read, so "
        "nothing shows whether the end of the audit was cut off."
    ),
    Code.ANCHORS_CUT: "The anchor file was cut: it is shorter than it was before.",
    Code.ANCHORS_CHANGED: "The anchor file was changed: its beginning is not what it was before.",
    Code.ANCHORS_DAMAGED: (
        "The anchor file was changed or damaged: it has lines that crmlink does not write."
    ),
}
WAS_FOUND = {
    Code.LINE_CHANGED: "a line had been changed in the database",
    Code.LINES_MISSING: "lines had been taken out of the database",
    Code.LINE_UNSIGNED: "lines were not signed with crmlink's key",
    Code.KEY_CHANGED: (
        "the secret key was another than before, so the lines up to there are held by the anchors "
        "only"
    ),
    Code.CHAIN_CUT: "the end of the audit was missing",
    Code.CHAIN_CONTINUED: "the audit was not the one that had been anchored",
    Code.ANCHORS_MISSING: "the anchor file was missing, and a new one was begun",
    Code.ANCHORS_CUT: "the anchor file had been cut",
    Code.ANCHORS_CHANGED: "the anchor file had been changed",
    Code.ANCHORS_DAMAGED: "the anchor file had been changed or damaged",
    Code.WORKSPACE_CHANGED: (
        "the anchor file knew another audit than this one: the firm had been given another number "
        "in the database, and its audit so far was left behind or rewritten"
    ),
}


def finding_sentence(finding: Finding) -> str:
    """Return the sentence of one present fault."""
    at = _time(finding.at) if finding.at else ""
    if finding.place and finding.place == finding.until:
        singular = {
            Code.LINES_MISSING: "Line {place} was taken out of the database.",
            Code.CHAIN_CUT: (
                "The end of the audit is missing: line {place}, of which the anchor file knows "
                "since {at}, is not in the database."
            ),
        }
        return singular[finding.code].format(place=f"{finding.place:,}", at=at)
    return FOUND[finding.code].format(place=f"{finding.place:,}", until=f"{finding.until:,}", at=at)


def noted_sentence(noted: Noted) -> str:
    """Return the sentence of one recorded fault, or of its acceptance."""
    found = "; ".join(WAS_FOUND[code] for code in noted.codes)
    when = f"on {_time(noted.at)} (line {noted.place:,})"
    if noted.action == Action.ACCEPTED:
        return f"Accepted by an admin {when}: {found}."
    return f"When crmlink started {when}, {found}."


def verdict_sentences(verdict: Verdict) -> list[str]:
    """Return the sentences of all faults that were not accepted."""
    return [
        *map(finding_sentence, verdict.findings),
        *map(noted_sentence, verdict.noted),
    ]


def _time(at: datetime) -> str:
    return f"{at:%d/%m/%Y at %H:%M} UTC"
