"""Help: the four steps to the first link, and the API's documentation."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from crmlink.access.devices import Standing, list_devices, standing
from crmlink.installation import COMMAND, EXTENSION
from crmlink.pages.blueprint import acting, blueprint
from crmlink.reports.link_health import has_linked
from crmlink.web.auth import house, needs
from crmlink.web.hosts import public_address
from crmlink.web.problems import PROBLEMS, TYPE


@blueprint.get("/start")
@needs("read")
def start() -> str:
    """What to do next, step by step, with what is done already."""
    here = house()
    actor = acting()
    person = actor.person if actor else None
    own = list_devices(here.office, person) if person else []
    return render_template(
        "start.html",
        extension=EXTENSION,
        command=COMMAND,
        address=public_address(),
        connected=any(standing(device) is Standing.VALID for device in own),
        tried=person is not None and has_linked(here.desk, person.id),
    )


@blueprint.get("/docs")
@needs("read")
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


def _resolve(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a ``$ref`` of the document stands for; anything else as it is."""
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
