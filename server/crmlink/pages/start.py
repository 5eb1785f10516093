"""/start: the steps to the first link, each with what crmlink itself sees of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.devices import DeviceStatus, device_status, list_devices
from crmlink.access.preferences import read_preferences, save_preferences
from crmlink.installation import CLI_PATH
from crmlink.pages.blueprint import blueprint, has_permission, optional_actor, redirect_to
from crmlink.pages.forms import Form, flash_message
from crmlink.reports.link_health import has_linked, linked_packages, mirror_state, shares
from crmlink.store import Device
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_workspace,
    require_permission,
)
from crmlink.web.hosts import public_address
from crmlink.web.problems import problem
from crmlink.web.reachability import Reach


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """An accounting package, whether the office uses it, and what crmlink has seen of it."""

    id: str
    name: str
    chosen: bool
    linked: bool
    has_pages: bool  # otherwise its contacts are typed or imported
    takes_hosts: bool  # the office may have it on a server of its own


@blueprint.get("/start")
@require_permission("read")
def start() -> str:
    """Show what to do next, step by step, with completed steps."""
    return start_page()


def start_page(reach: Reach | None = None, reach_text: str = "") -> str:
    """Return the page, with the result of a test of an address if there is one."""
    ctx, installation = current_workspace(), current_installation()
    actor = optional_actor()
    person = actor.person if actor else None
    trouble = ctx.commusoft.last_error_code
    choices = _packages()
    public_url = installation.settings.public_url
    return render_template(
        "start.html",
        command=CLI_PATH,
        address=public_address(),
        public_url=public_url,
        address_form=Form({"address": reach.address if reach else public_url}),
        reach=reach,
        reach_text=reach_text,
        mirror=mirror_state(ctx, installation.settings.sync_minutes),
        shares=shares(ctx),
        trouble=problem(trouble).title if trouble else "",
        packages=choices,
        chosen=[choice for choice in choices if choice.chosen],
        browsers=_browsers(),
        tried=person is not None and has_linked(ctx, person.id),
    )


@blueprint.post("/start/packages")
@require_permission("admin")
def choose_packages() -> Response:
    """Store which accounting packages the office uses."""
    known = current_workspace().packages["packages"]
    wanted = tuple(one for one in known if one in request.form.getlist("package"))
    kept = read_preferences(current_access())
    save_preferences(current_access(), current_actor(), replace(kept, packages=wanted))
    flash_message("Saved.")
    return redirect_to("pages.start")


def _packages() -> list[PackageChoice]:
    ctx = current_workspace()
    chosen, linked = read_preferences(current_access()).packages, linked_packages(ctx)
    return [
        PackageChoice(
            id=package_id,
            name=str(rules["name"]),
            chosen=package_id in chosen,
            linked=package_id in linked,
            has_pages=bool(rules.get("hosts")),
            takes_hosts=bool(rules.get("more_hosts")),
        )
        for package_id, rules in ctx.packages["packages"].items()
    ]


def _browsers() -> list[Device]:
    """Return the connected browsers: an admin's view has all of them, others see their own."""
    actor = optional_actor()
    own = None if has_permission("admin") or actor is None else actor.person
    found = list_devices(current_access(), own)
    return [device for device in found if device_status(device) is DeviceStatus.VALID]
