"""/audit: who did what, and whether the chain holds."""

from __future__ import annotations

import io

from flask import Response, render_template, request

from crmlink.access.trail import entries, verify, write_csv
from crmlink.admin.pages import blueprint
from crmlink.api.guard import needs, office

SHOWN = 50
# How an action begins → what people call that sort of thing.
SORTS = {
    "link": "Links",
    "person": "People",
    "session": "Log-ins",
    "pairing": "Browsers that asked",
    "device": "Browsers",
    "token": "Tokens",
    "preferences": "Settings",
    "commusoft": "Commusoft",
    "host": "Packages",
}


@blueprint.get("/audit")
@needs("admin")
def audit() -> str:
    """The newest entries that fit, and those before a place."""
    search = request.args.get("q", "").strip()[:200]
    action = request.args.get("action", "")
    action = action if action in SORTS else ""
    before = request.args.get("before", "")
    place = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
    lines = entries(office(), search, action, place, SHOWN + 1)
    return render_template(
        "audit.html",
        lines=lines[:SHOWN],
        older=lines[SHOWN - 1].entry.place if len(lines) > SHOWN else None,
        verdict=verify(office()),
        values={"q": search, "action": action},
        query={name: value for name, value in (("q", search), ("action", action)) if value},
        before=place,
        sorts=SORTS,
    )


@blueprint.get("/audit.csv")
@needs("admin")
def audit_csv() -> Response:
    """The whole audit as a table for a spreadsheet."""
    table = io.StringIO()
    write_csv(office(), table)
    reply = Response(table.getvalue(), mimetype="text/csv")
    reply.headers["Content-Disposition"] = 'attachment; filename="crmlink-audit.csv"'
    return reply
