"""/packages: the rule file for the extension, and the hosts that an admin added."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request
from flask.views import MethodView

from crmlink.accounting.package_rules import browser_rules
from crmlink.api.schemas.workspace import HostSchema, HostsSchema
from crmlink.linking.workspace_rules import add_host, list_hosts, remove_host, workspace_rules
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("packages", __name__, url_prefix="/api/v1", description="The rule file")


@blueprint.route("/packages")
class PackagesView(MethodView):
    """The rules of all packages."""

    @blueprint.response(200, {"type": "object"}, description="The rule file, with an ETag.")
    @blueprint.alt_response(304, description="It has not changed.")
    def get(self) -> Response:
        """Read the rules that describe each accounting software's pages"""
        body = json.dumps(
            browser_rules(workspace_rules(current_workspace())), ensure_ascii=False, sort_keys=True
        )
        reply = Response(body, mimetype="application/json")
        reply.set_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
        reply.headers["Cache-Control"] = "private, no-cache"
        reply.make_conditional(request)
        return reply


@blueprint.route("/packages/<package>/hosts")
class HostsView(MethodView):
    """The added hosts of a package."""

    @require_permission("admin")
    @blueprint.response(200, HostsSchema)
    def get(self, package: str) -> dict[str, Any]:
        """Read the firm's own addresses of accounting software"""
        return {"hosts": list_hosts(current_workspace()).get(package, [])}

    @require_permission("admin")
    @blueprint.arguments(HostSchema)
    @blueprint.response(200, HostsSchema)
    def post(self, body: dict[str, Any], package: str) -> dict[str, Any]:
        """Add an address of accounting software"""
        return {
            "hosts": add_host(current_workspace(), package, body["host"], current_actor().device.id)
        }

    @require_permission("admin")
    @blueprint.arguments(HostSchema)
    @blueprint.response(200, HostsSchema)
    def delete(self, body: dict[str, Any], package: str) -> dict[str, Any]:
        """Remove an added address"""
        return {
            "hosts": remove_host(
                current_workspace(), package, body["host"], current_actor().device.id
            )
        }
