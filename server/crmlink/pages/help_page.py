"""Help: the four steps to the first link, and the API's documentation."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from crmlink.access.devices import DeviceStatus, device_status, list_devices
from crmlink.installation import CLI_PATH
from crmlink.pages.blueprint import blueprint, optional_actor
from crmlink.reports.link_health import has_linked
from crmlink.web.auth import current_installation, require_permission
from crmlink.web.hosts import public_address
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problems import TYPE


@blueprint.get("/start")
@require_permission("read")
def start() -> str:
    """Show what to do next, step by step, with completed steps."""
    here = current_installation()
    actor = optional_actor()
    person = actor.person if actor else None
    own = list_devices(here.access, person) if person else []
    return render_template(
        "start.html",
        command=CLI_PATH,
        address=public_address(),
        connected=any(device_status(device) is DeviceStatus.VALID for device in own),
        tried=person is not None and has_linked(here.workspace, person.id),
    )


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
        prefix=TYPE,
    )


def _resolve(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``$ref`` of the document refers to; other nodes unchanged."""
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
