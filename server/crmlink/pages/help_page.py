"""Help: the four steps to the first link, and the API's documentation."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from crmlink.access.devices import DeviceStatus, device_status, list_devices
from crmlink.installation import CLI_PATH, EXTENSION_DIR
from crmlink.pages.blueprint import blueprint, optional_actor
from crmlink.reports.link_health import has_linked
from crmlink.web.auth import current_installation, require_permission
from crmlink.web.hosts import public_address
from crmlink.web.problems import PROBLEMS, TYPE


@blueprint.get("/start")
@require_permission("read")
def start() -> str:
    """What to do next, step by step, with what is done already."""
    here = current_installation()
    actor = optional_actor()
    person = actor.person if actor else None
    own = list_devices(here.access, person) if person else []
    return render_template(
        "start.html",
        extension=EXTENSION_DIR,
        command=CLI_PATH,
        address=public_address(),
        connected=any(device_status(device) is DeviceStatus.VALID for device in own),
        tried=person is not None and has_linked(here.workspace, person.id),
    )


@blueprint.get("/docs")
@require_permission("read")
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
