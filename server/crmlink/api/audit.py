"""/audit and /preferences, for admins."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from typing import Any

from flask import Response, request
from flask.views import MethodView

from crmlink.access.audit.log import AuditRow, entries, export_csv, verify
from crmlink.access.audit.sentences import verdict_sentences
from crmlink.access.preferences import read_preferences, save_preferences
from crmlink.api.schemas.access import AuditQuerySchema, AuditSchema, PreferencesSchema
from crmlink.web.auth import current_access, current_actor, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1", description="Audit and preferences")


@blueprint.route("/audit")
class AuditView(MethodView):
    """The audit."""

    @require_permission("admin")
    @blueprint.arguments(AuditQuerySchema, location="query")
    @blueprint.response(200, AuditSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any] | Response:
        """Read the audit log, newest first; all of it with Accept: text/csv"""
        if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
            table = io.StringIO()
            export_csv(current_access(), table)
            return Response(table.getvalue(), mimetype="text/csv")
        lines = entries(
            current_access(), query["q"], query["action"], query["before"], query["limit"] + 1
        )
        shown = lines[: query["limit"]]
        verdict = verify(current_access())
        return {
            "entries": [_serialize(line) for line in shown],
            "next": shown[-1].entry.position if len(lines) > len(shown) else None,
            "chain": {
                "sound": verdict.sound,
                "broken_at": verdict.broken_at,
                "problems": verdict_sentences(verdict),
            },
        }


@blueprint.route("/preferences")
class PreferencesView(MethodView):
    """The workspace's preferences."""

    @require_permission("admin")
    @blueprint.response(200, PreferencesSchema)
    def get(self) -> dict[str, Any]:
        """Read the workspace's settings"""
        return asdict(read_preferences(current_access()))

    @require_permission("admin")
    @blueprint.arguments(PreferencesSchema)
    @blueprint.response(200, PreferencesSchema)
    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change the workspace's settings"""
        kept = read_preferences(current_access())
        save_preferences(current_access(), current_actor(), replace(kept, **body))
        return asdict(read_preferences(current_access()))


def _serialize(line: AuditRow) -> dict[str, Any]:
    entry = line.entry
    return {
        "place": entry.position,
        "at": entry.at,
        "action": entry.action,
        "subject": entry.subject,
        "person": line.person.name if line.person else None,
        "device": line.device.name if line.device else None,
        "details": line.details,
        "hash": entry.hash,
    }
