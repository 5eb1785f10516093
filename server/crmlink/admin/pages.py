"""The pages that need no token: the start page, the API's documentation, and the health checks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from crmlink.access.tokens import list_tokens
from crmlink.api.guard import house
from crmlink.house import COMMAND, EXTENSION
from crmlink.problems import PROBLEMS, TYPE

blueprint = Blueprint("pages", __name__)


@blueprint.app_context_processor
def _shown_everywhere() -> dict[str, Any]:
    return {"sandboxed": house().sandboxed}


@blueprint.get("/")
def start() -> str:
    """What to do next, step by step, with what is done already. Shows no record and no person."""
    here = house()
    devices = list_tokens(here.database, here.desk.workspace_id)
    return render_template(
        "start.html",
        extension=EXTENSION,
        command=COMMAND,
        connected=any(device.last_used_at and not device.revoked_at for device in devices),
    )


@blueprint.get("/api/docs")
def docs() -> str:
    """The API for people, from the same OpenAPI document that programs read."""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return render_template(
        "docs.html",
        spec=spec,
        resolve=lambda node: _resolve(spec, node),
        problems=PROBLEMS,
        prefix=TYPE,
    )


@blueprint.get("/healthz")
def health() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """The database answers too."""
    answers = house().database.answers()
    return jsonify(status="ok" if answers else "database does not answer"), 200 if answers else 503


def _resolve(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a ``$ref`` of the document stands for; anything else as it is."""
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
