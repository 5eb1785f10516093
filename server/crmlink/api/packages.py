"""GET /packages: the rule file, for the extension to run."""

from __future__ import annotations

import hashlib
import json

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint

from crmlink.api.guard import desk

blueprint = Blueprint("packages", __name__, url_prefix="/api/v1", description="The rule file")


@blueprint.route("/packages")
class PackagesView(MethodView):
    @blueprint.response(200, {"type": "object"}, description="The rule file, with an ETag.")
    @blueprint.alt_response(304, description="It has not changed.")
    def get(self) -> Response:
        """What each accounting package's pages look like"""
        body = json.dumps(desk().packages, ensure_ascii=False, sort_keys=True)
        reply = Response(body, mimetype="application/json")
        reply.set_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
        reply.headers["Cache-Control"] = "private, no-cache"
        reply.make_conditional(request)
        return reply
