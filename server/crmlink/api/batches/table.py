"""/batches/.../table: rows of a list that wait to be filled in on Commusoft's pages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask.views import MethodView

from crmlink.access.roles import require_may_observe
from crmlink.api.schemas.on_pages import (
    SeenRowResultsSchema,
    SeenRowsSchema,
    TableQuerySchema,
    TableSchema,
)
from crmlink.batches.page_table import TableRow, observe_rows, table_page
from crmlink.linking.decisions import find_link, require_connection
from crmlink.linking.errors import LinkingError, LinkNotFound
from crmlink.linking.on_page import Observation, Observed, SeenOnPage
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import TYPE_PREFIX, problem_from_error, problem_from_link
from crmlink.web.serializers import serialize_record
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("batch_table", __name__, url_prefix="/api/v1", description="Whole lists")


@blueprint.route("/batches/<batch_id>/table")
class TableView(MethodView):
    """Rows to be filled in."""

    @require_permission("batch")
    @blueprint.arguments(TableQuerySchema, location="query")
    @blueprint.response(200, TableSchema)
    def get(self, query: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """The rows that wait to be filled in on Commusoft's page, in the list's order"""
        here = current_workspace()
        page = table_page(here, batch_id, query["after"], query["limit"])
        return {
            "connection_id": here.public_connection_id,
            "rows": [_serialize_row(row) for row in page.rows],
            "next": page.next,
        }


@blueprint.route("/batches/<batch_id>/table/observations")
class TableObservationsView(MethodView):
    """What the table showed."""

    @require_permission("batch")
    @blueprint.arguments(SeenRowsSchema)
    @blueprint.response(200, SeenRowResultsSchema)
    def post(self, body: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Tell what the table shows, row by row; the same again changes nothing

        A script tells it of its own links only: what it says settles them.
        """
        here = current_workspace()
        require_connection(here, body["connection_id"])
        if current_actor().is_script:
            for row in body["rows"]:
                with suppress(LinkNotFound):  # said of its row below
                    require_may_observe(current_actor(), find_link(here, row["link_id"]).device)
        seen = [
            (
                row["link_id"],
                Observation(
                    body["stage"],
                    SeenOnPage.of(row["value"]),
                    row["replaces"],
                    row["record_version"],
                ),
            )
            for row in body["rows"]
        ]
        found = observe_rows(here, batch_id, seen, current_actor().device.id)
        pairs = zip(seen, found, strict=True)
        return {"rows": [_serialize_result(link_id, each) for (link_id, _), each in pairs]}


def _serialize_row(row: TableRow) -> dict[str, Any]:
    return {
        "link_id": row.link.id,
        "position": row.position,
        "record": serialize_record(row.record),
        "record_version": row.record.mirror_version,
        "number": row.record.number,
        "alone": row.alone,
        "prior": row.link.prior,
        "target": row.link.target,
        "undoes": row.link.undoes_id,
    }


def _serialize_result(link_id: str, found: Observed | LinkingError) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "link_id": link_id, "state": None, "fill": False, "record_version": None,
    }  # fmt: skip
    if isinstance(found, LinkingError):
        problem = problem_from_error(found)
        shape["current_reference"] = found.facts.get("current_reference")
    else:
        shape |= {
            "state": found.link.state.value, "fill": found.fill, "record_version": found.version,
        }  # fmt: skip
        kept = problem_from_link(found.link)
        shape["current_reference"] = (found.link.failure or {}).get("current_reference")
        if kept is None:
            return shape | {"failure": None}
        problem = kept
    return shape | {"failure": {"type": TYPE_PREFIX + problem.code, "detail": problem.detail}}
