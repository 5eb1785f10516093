"""/batches: contacts collected from list pages, kept as drafts."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.guard import actor, desk, needs
from crmlink.api.schemas import (
    BatchContentSchema,
    BatchesSchema,
    NewBatchSchema,
    TakenBatchSchema,
)
from crmlink.api.strict import Blueprint
from crmlink.linking.batches import (
    Draft,
    ListedContact,
    Taken,
    collect,
    discard_batch,
    find_batch,
    list_batches,
    rows_of,
)

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1", description="Whole lists")


@blueprint.route("/batches")
class BatchesView(MethodView):
    @needs("collect")
    @blueprint.response(200, BatchesSchema)
    def get(self) -> dict[str, Any]:
        """The drafts, the newest first"""
        return {"batches": [_shape(draft) for draft in list_batches(desk())]}

    @needs("collect")
    @blueprint.arguments(NewBatchSchema)
    @blueprint.response(201, TakenBatchSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep the contacts of a list page as a draft, or add them to one"""
        contacts = [
            ListedContact(**contact | {"phones": tuple(contact["phones"])})
            for contact in body["contacts"]
        ]
        taken = collect(
            desk(),
            actor().device.id,
            body["package"],
            body["organisation"] or "",
            body["kind"],
            contacts,
            body["batch"],
        )
        return _shape(taken) | {"added": taken.added}


@blueprint.route("/batches/<batch_id>")
class BatchView(MethodView):
    @needs("collect")
    @blueprint.response(200, BatchContentSchema)
    def get(self, batch_id: str) -> dict[str, Any]:
        """One draft with its contacts"""
        rows = [
            {
                "reference": row.reference,
                "kind": row.kind or None,
                "name": row.name,
                "email": row.email,
                "phones": row.phones,
            }
            for row in rows_of(desk(), batch_id)
        ]
        found = find_batch(desk(), batch_id)
        return _shape(Draft(found, len(rows))) | {"rows": rows}

    @needs("collect")
    @blueprint.response(204)
    def delete(self, batch_id: str) -> None:
        """Throw a draft away"""
        discard_batch(desk(), batch_id)


def _shape(draft: Draft | Taken) -> dict[str, Any]:
    batch = draft.batch
    return {
        "id": batch.id,
        "package": batch.package,
        "organisation": batch.organisation or None,
        "kind": batch.kind,
        "contacts": draft.contacts,
        "created_at": batch.created_at,
        "by": batch.device.name,
    }
