"""/records: search as you type, and one record read from Commusoft."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.common import ReadRecordSchema, RecordQuerySchema, RecordsSchema
from crmlink.linking.attempts import fetch_record
from crmlink.linking.suggest import find_record, search
from crmlink.web.auth import current_workspace, require_permission
from crmlink.web.serializers import record_shape
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
        rows = search(current_workspace(), query["q"], query.get("kind"), query["limit"])
        return {
            "connection_id": current_workspace().public_connection_id,
            "records": [record_shape(row) for row in rows],
        }


@blueprint.route("/records/<record_id>")
class RecordView(MethodView):
    """One record."""

    @require_permission("read")
    @blueprint.response(200, ReadRecordSchema)
    def get(self, record_id: str) -> dict[str, Any]:
        """Read one record from Commusoft now"""
        here = current_workspace()
        with here.database.reading() as session:
            row = find_record(session, here.connection_id, record_id)
        fetch_record(here, row.kind, row.number, row.uuid)
        with here.database.reading() as session:
            row = find_record(session, here.connection_id, record_id)
            return record_shape(row) | {"connection_id": here.public_connection_id}
