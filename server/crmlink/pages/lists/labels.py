"""Labels of the states, verdicts, conflicts and columns of whole lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmlink.batches.rows import ReviewRow
from crmlink.matching import Suggestion, reason_text
from crmlink.reports.duplicates import DuplicatePair
from crmlink.store import BatchSource, BatchState, MirroredRecord, RowState, Verdict

STATES = {  # tone, mark, words
    BatchState.IMPORTING: ("info", "", "Importing"),
    BatchState.DRAFT: ("", "", "Draft"),
    BatchState.MATCHING: ("info", "…", "Matching"),
    BatchState.REVIEW: ("caution", "", "To review"),
    BatchState.WRITING: ("info", "…", "Linking"),
    BatchState.PAUSED: ("caution", "", "Paused"),
    BatchState.DONE: ("good", "✓", "Finished"),
    BatchState.CANCELLED: ("", "", "Cancelled"),
    BatchState.UNDOING: ("info", "…", "Undoing"),
    BatchState.UNDONE: ("", "↶", "Undone"),
    BatchState.FILLING: ("caution", "", "To fill in"),
    BatchState.REVERTING: ("caution", "", "To put back"),
}
SOURCES = {
    BatchSource.LIST_PAGE: "from list pages",
    BatchSource.FILE: "from a file",
    BatchSource.API: "from a program",
    BatchSource.COMMAND_LINE: "from the command line",
    BatchSource.LIVE: "from your accounting software",
}
VERDICTS = {
    Verdict.NEW: ("", "Not matched"),
    Verdict.SURE: ("good", "Sure"),
    Verdict.CHECK: ("caution", "Check"),
    Verdict.NONE: ("", "No match"),
    Verdict.LINKED: ("info", "Already linked"),
    Verdict.CONFLICT: ("stop", "Conflict"),
}
QUESTIONS = {  # title, button
    "kind-differs": ("Customer or supplier?", "Accept anyway"),
    "record-has-reference": ("This record already has a reference.", "Replace"),
    "reference-taken": ("Another record has this reference.", "Put on both"),
}
GROUP_DECISIONS = {  # title, button, what it means
    "accept": (
        "Accept the suggestions for {contacts}?",
        "Accept {contacts}",
        "Each gets the record that is suggested first. Contacts that need a second look stay open.",
    ),
    "none": (
        "Mark {contacts} as not in Commusoft?",
        "Mark {contacts}",
        "They will not be linked. You can reopen them at any time.",
    ),
    "reopen": (
        "Reopen {contacts}?",
        "Reopen {contacts}",
        "The decisions on them are undone. Links already made stay.",
    ),
}
GROUP_DONE = {
    "accept": "Suggestions accepted for {contacts}.",
    "none": "{contacts} marked as not in Commusoft.",
    "reopen": "{contacts} reopened.",
}
STATE_FILTERS = {
    RowState.WAITING: "Waiting",
    RowState.PROCESSING: "Processing",
    RowState.WRITTEN: "Written, to be checked",
    RowState.FILLING: "To fill in",
    RowState.FAILED: "Failed",
    RowState.SUCCESSFUL: "Linked",
}
RESULT_HEADINGS = {  # of the table that is taken away
    "position": "Row", "line": "Line in the file", "contact": "Contact", "email": "Email",
    "kind": "Customer or supplier", "reference": "Reference", "verdict": "Match",
    "decision": "Decision", "decided_by": "Decided by", "decided_at": "Decided on",
    "record": "Commusoft number", "record_name": "Commusoft name",
    "prior_reference": "Reference before", "outcome": "Status", "why": "Reason",
    "when": "Finished on",
}  # fmt: skip
RESULT_WORDS: Mapping[str, Mapping[str, str]] = {
    "verdict": {verdict.value: words for verdict, (_, words) in VERDICTS.items()},
    "decision": {"open": "Not decided", "record": "Accepted", "none": "Not in Commusoft"},
    "outcome": {
        "not linked": "Not linked", "linked before": "Already linked", "waiting": "Waiting",
        "processing": "Processing", "written": "Written, to be checked",
        "failed": "Failed", "successful": "Linked",
        "undoing": "Undoing", "undone": "Undone",
        "filling": "To fill in on Commusoft's page",
    },
}  # fmt: skip
ROW_ORDER_LABELS: Mapping[str, str] = {
    "": "File order", "name": "Name, A to Z", "-name": "Name, Z to A", "town": "Town",
    "reference": "Reference, A to Z", "-reference": "Reference, Z to A",
    "status": "Status, most urgent first", "decision": "Decision",
}  # fmt: skip
TONES: Mapping[bool | None, str] = {True: "agrees", False: "differs", None: "note"}
FIELDS = {
    "reference": "Reference",
    "name": "Name",
    "company": "Company",
    "person": "Contact person",
    "first_name": "First name",
    "last_name": "Last name",
    "account_number": "Account number",
    "email": "Emails",
    "phones": "Phone numbers",
    "address": "Address",
    "town": "Town",
    "postcode": "Postcode",
    "other_address": "Second address",
    "other_town": "Town of the second address",
    "other_postcode": "Postcode of the second address",
    "status": "No longer in use",
    "kind": "Customer or supplier",
    "open_balance": "Open balance",
    "last_used": "Last used",
}


def conflict_text(row: ReviewRow) -> str:
    """Return what a row's conflict is about; deleted records are named by id."""
    found: Mapping[str, Any] = row.row.conflict or {}
    records = {record.public_id: record for record in row.referenced_records}
    names = [_label(each, records) for each in found.get("records", [])]
    record = _label(found.get("record", ""), records)
    match found.get("code"):
        case "reference-twice":
            return f"This reference is on two records: {' and '.join(names)}."
        case "reference-elsewhere":
            return f"This reference is already on {names[0]}, but another record fits better."
        case "record-has-reference":
            return f"{record} already has the reference {found['current_reference']}."
        case "retired-twin":
            twin = f" ({row.twin.label} {row.twin.reference})" if row.twin else ""
            return (
                f"This contact is marked as no longer in use. Row {found['rows'][0]}{twin} "
                f"fits {record} too and is in use."
            )
        case "kind-differs":
            other = str(found.get("record")).partition("-")[0]
            return (
                f"{record}, a {other}, was chosen before it was known that this contact is a "
                f"{row.row.kind}. Choose again."
            )
        case "contact-twice":
            rows = ", ".join(str(row) for row in found.get("rows", []))
            return f"{record} fits row {rows} of this list as well."
        case _:
            return ""


def reason_lines(suggestion: Suggestion | DuplicatePair | None) -> list[tuple[str, str]]:
    """Return the reasons for a suggestion as tone and text; equal values are one line."""
    said = [
        (reason.agrees, reason_text(reason))
        for reason in (suggestion.reasons if suggestion else ())
    ]
    same = [words.removeprefix("same ") for agrees, words in said if agrees and _is_plain(words)]
    others = [(agrees, words) for agrees, words in said if not (agrees and _is_plain(words))]
    return [
        *([("agrees", f"same {', '.join(same)}")] if same else []),
        *((TONES[agrees], words) for agrees, words in others),
    ]


def _is_plain(words: str) -> bool:
    return words.startswith("same ") and "," not in words


def file_type_label(file_kind: str) -> str:
    """Return the label of a file kind."""
    return {"csv": "a CSV file", "xlsx": "an Excel workbook", "iif": "an IIF file"}[file_kind]


def _label(record_id: str, records: Mapping[str, MirroredRecord]) -> str:
    record = records.get(record_id)
    return record.label if record else record_id.replace("-", " ")
