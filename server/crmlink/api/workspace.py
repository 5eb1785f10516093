"""/workspace: the caller, and whether the remote system is a sandbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask.views import MethodView
from sqlalchemy import func, select

from crmlink.api.schemas.common import WorkspaceSchema
from crmlink.commusoft.mirror import is_syncing
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.web.auth import current_actor, current_workspace
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("workspace", __name__, url_prefix="/api/v1", description="Where you are")


@blueprint.route("/workspace")
class WorkspaceView(MethodView):
    """The workspace of the token."""

    @blueprint.response(200, WorkspaceSchema)
    def get(self) -> dict[str, Any]:
        """The workspace that the token belongs to"""
        here = current_workspace()
        with here.database.reading() as session:
            connection = session.get_one(WorkspaceConnection, here.connection_id)
            syncing = is_syncing(session, connection, here.ownership)
            counts = dict(
                session.execute(
                    select(MirroredRecord.kind, func.count())
                    .filter_by(connection_id=here.connection_id, gone_at=None)
                    .group_by(MirroredRecord.kind)
                ).all()
            )
        device, person = current_actor().device, current_actor().person
        address = urlsplit(here.commusoft.page_url("customer", "0"))
        return {
            "name": connection.name,
            "connection_id": here.public_connection_id,
            "device": {
                "id": device.public_id,
                "name": device.name,
                "scopes": sorted(current_actor().permissions),
                "expires_at": device.expires_at,
            },
            "person": {"name": person.name, "role": person.role} if person else None,
            "commusoft": {
                "sandbox": here.uses_sandbox,
                "web_url": f"{address.scheme}://{address.netloc}",
            },
            "mirror": {
                "customers": counts.get("customer", 0),
                "suppliers": counts.get("supplier", 0),
                "synced_at": connection.synced_at,
                "syncing": syncing,
            },
        }
