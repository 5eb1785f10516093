"""/docs: the API's documentation."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from crmlink.pages.blueprint import blueprint
from crmlink.web.auth import require_permission
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problems import TYPE_PREFIX


@blueprint.get("/docs")
@require_permission("read")
def docs() -> str:
    """Show the API's documentation, from its OpenAPI document."""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return render_template(
        "docs.html",
        spec=spec,
        resolve=lambda node: _resolve(spec, node),
        problems=PROBLEMS,
        prefix=TYPE_PREFIX,
    )


def _resolve(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``$ref`` of the document refers to; other nodes unchanged."""
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
