"""/audit: who did what, and whether the audit is intact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from flask import Response, render_template, request, url_for

from crmlink.access.audit.log import AuditRow, AuditScope, display_names, entries, verify
from crmlink.access.audit.sentences import noted_sentence, verdict_sentences
from crmlink.access.people import list_people
from crmlink.pages.blueprint import blueprint
from crmlink.pages.labels import action_in_words, value_in_words
from crmlink.pages.tables import csv_reply, parse_order
from crmlink.values.moments import format_for_table, parse_day
from crmlink.web.auth import current_access, require_permission

PAGE_SIZE = 50
FIELDS = ("q", "action", "person", "since", "until")
CSV_HEADINGS = (
    "Line", "When", "Who", "Browser or token", "What", "About", "Details", "Checksum",
)  # fmt: skip
SORTS = {  # how an action begins → what people call that sort of thing
    "link": "Links",
    "contact": "Parked contacts",
    "batch": "Lists",
    "lookalike": "Possible duplicates",
    "person": "People",
    "session": "Sign-ins",
    "pairing": "Approval of browsers",
    "device": "Browsers",
    "token": "Tokens",
    "personal": "Personal data",
    "preferences": "Settings",
    "commusoft": "Commusoft",
    "records": "Imports of customers and suppliers",
    "record_field": "Fields on Commusoft's pages",
    "source": "Live contacts",
    "email": "Emails",
    "host": "Addresses of accounting software",
    "rules": "Rules of accounting software",
    "audit": "Audit log",
    "backup": "Backups",
    "checklist": "Checklist for Commusoft",
    "workspace": "This installation",
}
RECORD = re.compile(r"(customer|supplier)-\w+")
OPAQUE_ID = re.compile("[0-9a-f]{32}")
# What a person does where no device of the firm acts.
OF_THE_PERSON = {"session.begun", "session.all_ended", "person.joined", "person.login_joined",
                 "person.login_left", "person.password_changed",
                 "person.operator_made", "person.operator_ended"}  # fmt: skip
OPAQUE = {"log_in", "lines", "operator"}  # details that mean nothing to users


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An entry for the page; ``about_url`` is "" without a target."""

    position: int
    at: datetime
    who: str
    device: str
    what: str
    about: str
    about_url: str
    link_url: str
    details: tuple[tuple[str, str], ...]


@blueprint.get("/audit")
@require_permission("admin")
def audit() -> str:
    """Show the newest matching entries, or those before a sequence number."""
    values = _values()
    order = parse_order(("when",), "-when")
    verdict = verify(current_access())
    lines = _entries(values, PAGE_SIZE + 1, _place(), oldest_first=not order.descending)
    return render_template(
        "audit.html",
        rows=_rows(lines[:PAGE_SIZE]),
        older=lines[PAGE_SIZE - 1].entry.position if len(lines) > PAGE_SIZE else None,
        verdict=verdict,
        problems=verdict_sentences(verdict),
        accepted=[noted_sentence(noted) for noted in verdict.accepted],
        values=values,
        query={name: value for name, value in (values | {"sort": order.text}).items() if value},
        order=order,
        people=list_people(current_access()),
        wrong_days=[
            name for name in ("since", "until") if values[name] and not parse_day(values[name])
        ],
        before=_place(),
        sorts=SORTS,
    )


@blueprint.get("/audit.csv")
@require_permission("admin")
def audit_csv() -> Response:
    """Return matching entries as CSV, oldest first."""
    lines = _entries(_values(), None, None, oldest_first=True)
    rows = map(_csv_row, _rows(lines), (line.entry.hash for line in lines))
    return csv_reply("crmlink audit.csv", CSV_HEADINGS, rows)


def _values() -> dict[str, str]:
    values = {name: request.args.get(name, "").strip()[:200] for name in FIELDS}
    return values if values["action"] in SORTS else values | {"action": ""}


def _entries(
    values: dict[str, str], limit: int | None, before: int | None, *, oldest_first: bool
) -> list[AuditRow]:
    return entries(
        current_access(),
        values["q"],
        f"{values['action']}." if values["action"] else "",
        before,
        limit,
        AuditScope(
            parse_day(values["since"]), parse_day(values["until"]), values["person"], oldest_first
        ),
    )


def _csv_row(line: AuditLine, digest: str) -> tuple[str, ...]:
    return (
        str(line.position), format_for_table(line.at), line.who, line.device, line.what, line.about,
        ", ".join(f"{name}: {value}" for name, value in line.details), digest,
    )  # fmt: skip


def _place() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _rows(lines: list[AuditRow]) -> list[AuditLine]:
    mentioned = {line.entry.subject for line in lines}
    mentioned |= {str(line.entry.details.get("person", "")) for line in lines}
    mentioned.update(*(line.entry.details.get("tokens", ()) for line in lines))
    names = display_names(current_access(), mentioned)
    return [_row(line, names) for line in lines]


def _about(subject: str, is_record: bool) -> str:
    """Return what an entry is about, if that is meaningful to users."""
    if subject == "workspace" or subject.isdigit() or OPAQUE_ID.fullmatch(subject):
        return ""
    return subject.replace("-", " ") if is_record else subject


def _named(value: object, names: dict[str, str]) -> str:
    """Return a detail as text, with display names of people and devices."""
    if isinstance(value, list):
        return value_in_words([names.get(str(each), each) for each in value])
    return names.get(str(value), value_in_words(value))


def _about_url(action: str, subject: str, is_record: bool) -> str:
    if is_record:
        return url_for("pages.record", record_id=subject)
    if action.startswith("batch.") and action != "batch.discarded":
        return url_for("pages.list_detail", batch_id=subject)
    return ""


def _row(line: AuditRow, names: dict[str, str]) -> AuditLine:
    entry, person, device = line.entry, line.person, line.device
    about = names.get(entry.subject, entry.subject)
    is_record = RECORD.fullmatch(entry.subject) is not None
    about = "the list" if entry.action.startswith("batch.") else about
    link = entry.details.get("link")
    itself = about if entry.action in OF_THE_PERSON else "crmlink itself"
    if "operator" in entry.details:
        itself = "An operator of crmlink"
    return AuditLine(
        position=entry.position,
        at=entry.at,
        who=person.name if person else device.name if device else itself,
        device=device.name if person and device and device.sort != "pages" else "",
        what=action_in_words(entry.action, entry.details),
        about="" if about == itself else _about(about, is_record),
        about_url=_about_url(entry.action, entry.subject, is_record),
        link_url=url_for("pages.link", link_id=str(link)) if link else "",
        details=tuple(
            (name.replace("_", " "), _named(value, names))
            for name, value in line.details.items()
            if name not in OPAQUE and name not in ("link", "undoes")
        ),
    )
