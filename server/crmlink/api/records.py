"""/records: search as you type, one record and its contacts, and imports without an API."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.common import RecordQuerySchema, RecordsSchema
from crmlink.api.schemas.record_imports import RecordImportResultSchema, RecordImportSchema
from crmlink.api.schemas.records import (
    ReadRecordQuerySchema,
    ReadRecordSchema,
    RecordContactsQuerySchema,
    RecordContactsSchema,
)
from crmlink.api.serializers.records import serialize_contact_suggestion
from crmlink.commusoft.records import Record, listed_record
from crmlink.linking.decisions import require_connection
from crmlink.linking.fresh_reads import fetch_record
from crmlink.linking.records.contacts import suggest_contacts
from crmlink.linking.records.imports import ImportPart, import_records
from crmlink.linking.suggest import search
from crmlink.reports.records import record_in_effect
from crmlink.store import ImportSource
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails, composed, details_fields
from crmlink.web.auth import (
    current_actor,
    current_connection,
    current_workspace,
    require_permission,
)
from crmlink.web.serializers import serialize_link, serialize_record
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("records", __name__, url_prefix="/api/v1", description="Commusoft's records")


@blueprint.route("/records")
class RecordsView(MethodView):
    """Search of records."""

    @require_permission("suggest")
    @blueprint.arguments(RecordQuerySchema, location="query")
    @blueprint.response(200, RecordsSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Search records by name, company, address, postcode, phone, email or account number"""
        seen = current_connection().marked_version
        rows = search(current_workspace(), query["q"], query.get("kind"), query["limit"], seen)
        return {
            "connection_id": current_workspace().public_connection_id,
            "records": [serialize_record(row) for row in rows],
        }


@blueprint.route("/records/import")
class RecordImportView(MethodView):
    """Import of records, where there is no API."""

    @require_permission("batch")
    @blueprint.arguments(RecordImportSchema)
    @blueprint.response(200, RecordImportResultSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take the records that a list page of Commusoft shows"""
        here = current_workspace()
        require_connection(here, body["connection_id"])
        part = ImportPart(
            records=[imported_record(row) for row in body["rows"]],
            read_at=body["read_at"] or utc_now(),
            source=ImportSource.LIST_PAGE,
            key=body["import_id"],
            part=body["part"],
            parts=body["parts"],
            complete=body["complete"],
            agreed=body["removes"],
        )
        done = import_records(here, current_actor().device.id, part)
        return {
            "import_id": done.key,
            "new": done.counts.added,
            "changed": done.counts.changed,
            "unchanged": done.counts.unchanged,
            "older": done.counts.older,
            "gone": done.gone,
            "would_remove": done.would_remove,
            "missing_parts": list(done.missing_parts),
            "finished": done.finished,
        }


@blueprint.route("/records/<record_id>")
class RecordView(MethodView):
    """One record."""

    @require_permission("read")
    @blueprint.arguments(ReadRecordQuerySchema, location="query")
    @blueprint.response(200, ReadRecordSchema)
    def get(self, query: dict[str, Any], record_id: str) -> dict[str, Any]:
        """Read one record as crmlink has it, and what linked it; ``now`` reads Commusoft first"""
        here = current_workspace()
        if query["now"]:
            row = record_in_effect(here, record_id).record
            fetch_record(here, row.kind, row.number, row.uuid)
        found = record_in_effect(here, record_id)
        return {
            "connection_id": here.public_connection_id,
            "record": serialize_record(found.record),
            "synced_at": found.synced_at,
            "link": serialize_link(found.link) if found.link else None,
            "open_link": serialize_link(found.open_link) if found.open_link else None,
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
            "record": serialize_record(found.record),
            "known": found.known,
            "compared": found.indexed,
            "suggestions": [
                serialize_contact_suggestion(item, here.packages) for item in found.items
            ],
        }


def imported_record(row: dict[str, Any]) -> Record:
    """Return a row of an import as a record."""
    details = composed(ContactDetails(**details_fields(row)))
    shown = "reference" in row
    return listed_record(row["kind"], row["number"], details, row.get("reference"), shown=shown)
