"""/left: what is still to be done, each with the ids to act on."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.reports import (
    DuplicatesSchema,
    LeftQuerySchema,
    MalformedSchema,
    SharesQuerySchema,
    SharesSchema,
    UnlinkedSchema,
)
from crmlink.api.serializers.links import record_shape
from crmlink.linking.errors import RecordUnknown
from crmlink.matching import say
from crmlink.reports.duplicates import (
    contacts_on_one_record,
    dismiss_lookalike,
    lookalikes,
    references_on_two_records,
)
from crmlink.reports.unlinked import linked_over_time, malformed_references, unlinked
from crmlink.web.auth import actor, desk, needs
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("left", __name__, url_prefix="/api/v1", description="What is left")


@blueprint.route("/left/shares")
class SharesView(MethodView):
    @needs("read")
    @blueprint.arguments(SharesQuerySchema, location="query")
    @blueprint.response(200, SharesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The share linked of customers and suppliers, day by day"""
        points = linked_over_time(desk(), query["days"])
        return {
            "points": [
                {
                    "day": point.day, "kind": point.kind, "records": point.records,
                    "linked": point.linked, "exact": point.exact,
                }
                for point in points
            ]
        }  # fmt: skip


@blueprint.route("/left/unlinked")
class UnlinkedView(MethodView):
    @needs("read")
    @blueprint.arguments(LeftQuerySchema, location="query")
    @blueprint.response(200, UnlinkedSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Records without a reference: what is owed first, then the newest"""
        leaf = unlinked(desk(), query["kind"], query["page"])
        return {
            "total": leaf.total,
            "records": [
                {
                    "record": record_shape(one.record), "open_pence": one.open_pence,
                    "batch": one.batch_id, "row": one.position,
                }
                for one in leaf.rows
            ],
        }  # fmt: skip


@blueprint.route("/left/malformed")
class MalformedView(MethodView):
    @needs("read")
    @blueprint.response(200, MalformedSchema)
    def get(self) -> dict[str, Any]:
        """Records whose reference has the form of no package in use"""
        found = malformed_references(desk())
        return {
            "packages": list(found.packages),
            "records": [record_shape(record) for record in found.records],
            "more": found.more,
        }


@blueprint.route("/left/duplicates")
class DuplicatesView(MethodView):
    @needs("read")
    @blueprint.response(200, DuplicatesSchema)
    def get(self) -> dict[str, Any]:
        """Duplicates that turned up"""
        return {
            "references": [
                {"reference": one.reference, "records": [record_shape(row) for row in one.records]}
                for one in references_on_two_records(desk())
            ],
            "contacts": [
                {
                    "record": record_shape(one.record), "contacts": list(one.contacts),
                    "batch": one.batch_id, "rows": list(one.positions),
                }
                for one in contacts_on_one_record(desk())
            ],
            "lookalikes": [
                {
                    "id": pair.id,
                    "records": [record_shape(pair.first), record_shape(pair.second)],
                    "reasons": [
                        {"code": reason.code, "text": say(reason), "agrees": reason.agrees}
                        for reason in pair.reasons
                    ],
                }
                for pair in lookalikes(desk())
            ],
        }  # fmt: skip


@blueprint.route("/left/lookalikes/<int:pair_id>")
class LookalikeView(MethodView):
    @needs("batch")
    @blueprint.response(204)
    def delete(self, pair_id: int) -> None:
        """Say that two records are two"""
        if pair_id >= 2**31 or not dismiss_lookalike(desk(), actor().device.id, pair_id):
            raise RecordUnknown(record_id=str(pair_id))
