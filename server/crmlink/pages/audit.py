"""/audit: who did what, and whether the audit holds."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime

from flask import Response, render_template, request, url_for

from crmlink.access.audit.log import AuditRow, entries, names_of, verify, write_csv
from crmlink.access.audit.sentences import noted_sentence, verdict_sentences
from crmlink.pages.blueprint import blueprint
from crmlink.pages.labels import action_in_words, value_in_words
from crmlink.web.auth import current_access, require_permission

SHOWN = 50
SORTS = {  # how an action begins → what people call that sort of thing
    "link": "Links",
    "batch": "Lists",
    "lookalike": "Records that look alike",
    "person": "People",
    "session": "Log-ins",
    "pairing": "Browsers that asked",
    "device": "Browsers",
    "token": "Tokens",
    "personal": "Personal data",
    "preferences": "Settings",
    "commusoft": "Commusoft",
    "host": "Addresses of packages",
    "rules": "Rules of packages",
    "audit": "The audit itself",
    "workspace": "This installation",
}
RECORD = re.compile(r"(customer|supplier)-\w+")
OPAQUE_ID = re.compile("[0-9a-f]{32}")
OPAQUE = {"log_in", "lines"}  # details that tell people nothing


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An entry as the page shows it; ``about_url`` is "" where there is nothing to go to."""

    place: int
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
    """The newest entries that fit, and those before a place."""
    search = request.args.get("q", "").strip()[:200]
    action = request.args.get("action", "")
    action = action if action in SORTS else ""
    verdict = verify(current_access())
    lines = entries(current_access(), search, f"{action}." if action else "", _place(), SHOWN + 1)
    return render_template(
        "audit.html",
        rows=_rows(lines[:SHOWN]),
        older=lines[SHOWN - 1].entry.place if len(lines) > SHOWN else None,
        verdict=verdict,
        problems=verdict_sentences(verdict),
        accepted=[noted_sentence(noted) for noted in verdict.accepted],
        values={"q": search, "action": action},
        query={name: value for name, value in (("q", search), ("action", action)) if value},
        before=_place(),
        sorts=SORTS,
    )


@blueprint.get("/audit.csv")
@require_permission("admin")
def audit_csv() -> Response:
    """The whole audit as a table for a spreadsheet."""
    table = io.StringIO()
    write_csv(current_access(), table)
    reply = Response(table.getvalue(), mimetype="text/csv")
    reply.headers["Content-Disposition"] = 'attachment; filename="crmlink-audit.csv"'
    return reply


def _place() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _rows(lines: list[AuditRow]) -> list[AuditLine]:
    mentioned = {line.entry.subject for line in lines}
    mentioned |= {str(line.entry.details.get("person", "")) for line in lines}
    mentioned.update(*(line.entry.details.get("tokens", ()) for line in lines))
    names = names_of(current_access(), mentioned)
    return [_row(line, names) for line in lines]


def _about(subject: str, is_record: bool) -> str:
    """What an entry is about, where that tells people something."""
    if subject == "workspace" or subject.isdigit() or OPAQUE_ID.fullmatch(subject):
        return ""
    return subject.replace("-", " ") if is_record else subject


def _named(value: object, names: dict[str, str]) -> str:
    """A detail in words, with what people call the people and devices in it."""
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
    itself = about if entry.action in ("session.begun", "person.joined") else "crmlink itself"
    return AuditLine(
        place=entry.place,
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
