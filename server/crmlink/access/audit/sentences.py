"""Sentences about the findings of audit verification, for admins."""

from __future__ import annotations

from crmlink.access.audit.findings import Code, Finding, Noted, Verdict
from crmlink.access.audit.vouching import Action
from crmlink.values.moments import format_moment

FOUND = {
    Code.LINE_CHANGED: "Line {position} was altered, or added, in the database.",
    Code.LINES_MISSING: "Lines {position} to {until} were removed from the database.",
    Code.LINE_UNSIGNED: (
        "Line {position} is not signed with crmlink's key: it was added or altered in the "
        "database, not by this crmlink."
    ),
    Code.CHAIN_CUT: (
        "The end of the audit log is missing: lines {position} to {until}, which the anchor file "
        "has had since {at}, are not in the database."
    ),
    Code.CHAIN_CONTINUED: (
        "The audit log is not the one that was anchored on {at}: at line {position} or before, "
        "lines were removed or rewritten, and others added in their place."
    ),
    Code.ANCHORS_MISSING: (
        "The anchor file (audit.anchors in the data folder) is missing or cannot be read, so "
        "nothing shows whether the end of the audit log was removed."
    ),
    Code.ANCHORS_CUT: "The anchor file was shortened: it is shorter than it was before.",
    Code.ANCHORS_CHANGED: "The anchor file was altered: its beginning is not what it was before.",
    Code.ANCHORS_DAMAGED: (
        "The anchor file was altered or damaged: it has lines that crmlink does not write."
    ),
}
WAS_FOUND = {
    Code.LINE_CHANGED: "a line had been altered in the database",
    Code.LINES_MISSING: "lines had been removed from the database",
    Code.LINE_UNSIGNED: "lines were not signed with crmlink's key",
    Code.KEY_CHANGED: (
        "the secret key was not the same as before, so only the anchors vouch for the lines up to "
        "there"
    ),
    Code.CHAIN_CUT: "the end of the audit log was missing",
    Code.CHAIN_CONTINUED: "the audit log was not the one that had been anchored",
    Code.ANCHORS_MISSING: "the anchor file was missing, and a new one was started",
    Code.ANCHORS_CUT: "the anchor file had been shortened",
    Code.ANCHORS_CHANGED: "the anchor file had been altered",
    Code.ANCHORS_DAMAGED: "the anchor file had been altered or damaged",
    Code.WORKSPACE_CHANGED: (
        "the anchor file was of another audit log: the firm had been given another number in the "
        "database, and its audit log so far was left behind or rewritten"
    ),
}


def finding_sentence(finding: Finding) -> str:
    """Return the sentence of one present fault."""
    at = format_moment(finding.at) if finding.at else ""
    if finding.position and finding.position == finding.until:
        singular = {
            Code.LINES_MISSING: "Line {position} was removed from the database.",
            Code.CHAIN_CUT: (
                "The end of the audit log is missing: line {position}, which the anchor file has "
                "had since {at}, is not in the database."
            ),
        }
        return singular[finding.code].format(position=f"{finding.position:,}", at=at)
    return FOUND[finding.code].format(
        position=f"{finding.position:,}", until=f"{finding.until:,}", at=at
    )


def noted_sentence(noted: Noted) -> str:
    """Return the sentence of one recorded fault, or of its acceptance."""
    found = "; ".join(WAS_FOUND[code] for code in noted.codes)
    when = f"on {format_moment(noted.at)} (line {noted.position:,})"
    if noted.action == Action.ACCEPTED:
        return f"Accepted by an admin {when}: {found}."
    return f"When crmlink started {when}, {found}."


def verdict_sentences(verdict: Verdict) -> list[str]:
    """Return the sentences of all faults that were not accepted."""
    return [
        *map(finding_sentence, verdict.findings),
        *map(noted_sentence, verdict.noted),
    ]
