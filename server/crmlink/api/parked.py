"""/parked: contacts without a record, for users who add customers and suppliers."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.common import ContactSchema, ParkedContactSchema, ParkedContactsSchema
from crmlink.api.suggestions import contact_of
from crmlink.linking.parked import park, parked_contacts, unpark
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.serializers import parked_shape
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("parked", __name__, url_prefix="/api/v1", description="Parked contacts")


@blueprint.route("/parked")
class ParkedView(MethodView):
    """All parked contacts."""

    @require_permission("read")
    @blueprint.response(200, ParkedContactsSchema)
    def get(self) -> dict[str, Any]:
        """Read the parked contacts, oldest first"""
        return {"contacts": [parked_shape(each) for each in parked_contacts(current_workspace())]}

    @require_permission("link")
    @blueprint.arguments(ContactSchema)
    @blueprint.response(201, ParkedContactSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Park a contact; parking it again updates its details"""
        device_id = current_actor().device.id
        return parked_shape(park(current_workspace(), contact_of(body), device_id))


@blueprint.route("/parked/<parked_id>")
class ParkedContactView(MethodView):
    """One parked contact."""

    @require_permission("link")
    @blueprint.response(204)
    def delete(self, parked_id: str) -> None:
        """Remove a parked contact"""
        unpark(current_workspace(), parked_id, current_actor().device.id)
