"""/parked: contacts without a record, for users who add customers and suppliers."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.access.roles import require_may_unpark
from crmlink.api.schemas.common import ContactSchema, ParkedContactSchema, ParkedContactsSchema
from crmlink.api.suggestions import contact_of
from crmlink.linking.parked import find_parked, park, parked_contacts, unpark
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.serializers import serialize_parked
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("parked", __name__, url_prefix="/api/v1", description="Parked contacts")


@blueprint.route("/parked")
class ParkedView(MethodView):
    """All parked contacts."""

    @require_permission("read")
    @blueprint.response(200, ParkedContactsSchema)
    def get(self) -> dict[str, Any]:
        """Read the parked contacts, oldest first"""
        return {
            "contacts": [serialize_parked(each) for each in parked_contacts(current_workspace())]
        }

    @require_permission("link")
    @blueprint.arguments(ContactSchema)
    @blueprint.response(201, ParkedContactSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Park a contact; parking it again updates its details"""
        actor = current_actor()
        ctx, contact = current_workspace(), contact_of(body)
        return serialize_parked(park(ctx, contact, actor.device.id, only_own=actor.is_script))


@blueprint.route("/parked/<parked_id>")
class ParkedContactView(MethodView):
    """One parked contact."""

    @require_permission("link")
    @blueprint.response(204)
    def delete(self, parked_id: str) -> None:
        """Remove a parked contact; a script only one that it parked"""
        ctx = current_workspace()
        require_may_unpark(current_actor(), find_parked(ctx, parked_id).device)
        unpark(ctx, parked_id, current_actor().device.id)
