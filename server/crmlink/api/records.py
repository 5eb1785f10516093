"""/records: search as you type, one record, and the contacts that it may be of."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.common import RecordQuerySchema, RecordsSchema
from crmlink.api.schemas.records import (
    ReadRecordQuerySchema,
    ReadRecordSchema,
    RecordContactsQuerySchema,
    RecordContactsSchema,
)
from crmlink.api.serializers.records import contact_suggestion_shape
from crmlink.linking.attempts import fetch_record
from crmlink.linking.record_contacts import suggest_contacts
from crmlink.linking.suggest import search
from crmlink.reports.records import record_in_effect
from crmlink.web.auth import current_workspace, require_permission
from crmlink.web.serializers import link_shape, record_shape
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("records", __name__, url_prefix="/api/v1", description="Commusoft's records")


@blueprint.route("/records")
class RecordsView(MethodView):
    """Search of records."""

    @require_permission("suggest")
    @blueprint.arguments(RecordQuerySchema, location="query")
    @blueprint.response(200, RecordsSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Records by name, company, address, postcode, telephone, e-mail or account number"""
        rows = search(current_workspace(), query["q"], query.get("kind"), query["limit"])
        return {
            "connection_id": current_workspace().public_connection_id,
            "records": [record_shape(row) for row in rows],
        }


@blueprint.route("/records/<record_id>")
class RecordView(MethodView):
    """One record."""

    @require_permission("read")
    @blueprint.arguments(ReadRecordQuerySchema, location="query")
    @blueprint.response(200, ReadRecordSchema)
    def get(self, query: dict[str, Any], record_id: str) -> dict[str, Any]:
        """One record as crmlink has it, and what linked it; ``now`` reads Commusoft first"""
        here = current_workspace()
        if query["now"]:
            row = record_in_effect(here, record_id).record
            fetch_record(here, row.kind, row.number, row.uuid)
        found = record_in_effect(here, record_id)
        return {
            "connection_id": here.public_connection_id,
            "record": record_shape(found.record),
            "synced_at": found.synced_at,
            "link": link_shape(found.link) if found.link else None,
            "open_link": link_shape(found.open_link) if found.open_link else None,
            "url": here.commusoft.page_url(found.record.kind, found.record.number),
        }


@blueprint.route("/records/<record_id>/contacts")
class RecordContactsView(MethodView):
    """Suggestions for a record."""

    @require_permission("suggest")
    @blueprint.arguments(RecordContactsQuerySchema, location="query")
    @blueprint.response(200, RecordContactsSchema)
    def get(self, query: dict[str, Any], record_id: str) -> dict[str, Any]:
        """The contacts of kept lists that a record may be of"""
        here = current_workspace()
        found = suggest_contacts(here, record_id, query["limit"])
        return {
            "connection_id": here.public_connection_id,
            "record": record_shape(found.record),
            "known": found.known,
            "compared": found.indexed,
            "suggestions": [contact_suggestion_shape(item, here.packages) for item in found.items],
        }
