"""/suggestions: from a contact to the records that may be its own."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.accounting.package_rules import package_name
from crmlink.api.schemas.common import ContactSchema, SuggestionResultSchema
from crmlink.linking.known_kinds import known_kind_in
from crmlink.linking.parked import parked_as
from crmlink.linking.suggest import Contact, suggest_in
from crmlink.metrics import count_suggestion
from crmlink.values.contact_details import ContactDetails, details_fields
from crmlink.web.auth import current_connection, current_workspace, require_permission
from crmlink.web.serializers import (
    link_shapes_of,
    serialize_parked,
    serialize_record,
    serialize_suggestion,
)
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("suggestions", __name__, url_prefix="/api/v1", description="Suggestions")


@blueprint.route("/suggestions")
class SuggestionsView(MethodView):
    """Suggestions for a contact."""

    @require_permission("suggest")
    @blueprint.arguments(ContactSchema)
    @blueprint.response(200, SuggestionResultSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Suggest records for a contact"""
        ctx = current_workspace()
        with ctx.database.reading() as session:
            seen = current_connection().marked_version
            offer = suggest_in(session, ctx, contact_of(body), seen=seen)
            contact = offer.contact
            parked = parked_as(session, ctx.connection_id, contact) if offer.is_parked else None
            known = contact.kind or known_kind_in(
                session, ctx, contact.package, contact.organisation, contact.reference
            )
        count_suggestion(offered=bool(offer.suggestions))
        # One call for all: what they ask is asked once.
        *behind, own = link_shapes_of([*offer.holder_links, offer.link])
        return {
            "connection_id": ctx.public_connection_id,
            "contact": {
                "package": contact.package,
                "package_name": package_name(ctx.packages, contact.package),
                "kind": contact.kind,
                "reference": contact.reference,
                "organisation": contact.organisation or None,
            },
            "likely_kind": known or offer.likely_kind,
            "suggestions": [serialize_suggestion(row, item) for row, item in offer.suggestions],
            "none": round(offer.none, 4),
            "holders": [serialize_record(row) for row in offer.holders],
            "holder_links": behind,
            "link": own,
            "parked": serialize_parked(parked) if parked else None,
        }


def contact_of(body: dict[str, Any]) -> Contact:
    """Return the contact of a request."""
    return Contact(
        package=body["package"],
        reference=body["reference"],
        kind=body["kind"],
        organisation=body["organisation"] or "",
        details=ContactDetails(**details_fields(body)),
    )
