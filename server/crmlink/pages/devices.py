"""/devices: connected browsers, pairings to approve, and script tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.api_tokens import (
    DEFAULT_DAYS,
    DEFAULT_SCOPES,
    MAX_DAYS,
    create_api_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
)
from crmlink.access.devices import (
    DeviceStatus,
    device_status,
    list_devices,
    rename_device,
    revoke_device,
    was_copied,
)
from crmlink.access.errors import DeviceNotFound, InvalidFields
from crmlink.access.pairing import format_user_code, list_awaiting_admin
from crmlink.access.roles import SCOPES
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.pages.labels import ENDINGS
from crmlink.pages.tables import parse_days, parse_order, sorted_rows
from crmlink.store import Device, DeviceType
from crmlink.store.quotas import QuotaReached
from crmlink.web.auth import current_access, current_actor, require_permission

Reply = str | Response | tuple[str, int]
ENDING = {  # is a script's token → verb and consequence
    True: ("Revoke", "It stops working immediately."),
    False: (
        "Disconnect",
        "The extension in that browser will say that an admin disconnected it.",
    ),
}


LONG_AGO = datetime.min.replace(tzinfo=UTC)
SORT_KEYS: dict[str, Callable[[Device], Any]] = {
    "name": lambda one: one.name.lower(),
    "owner": lambda one: one.person.name.lower() if one.person else "",
    "status": lambda one: device_status(one).value,
    "connected": lambda one: one.created_at,
    "used": lambda one: one.last_used_at or LONG_AGO,
}


def _is_of(device: Device, person: str) -> bool:
    return device.person is not None and device.person.public_id == person


@blueprint.get("/devices")
@require_permission("admin")
def devices() -> str:
    """Show all browsers and tokens, and pairings that wait for an admin."""
    ended = request.args.get("ended") == "yes"
    person = request.args.get("person", "")
    order, days = parse_order(SORT_KEYS, "name"), parse_days()
    browsers = [one for one in list_devices(current_access()) if ended or is_good(one)]
    tokens = [one for one in list_tokens(current_access()) if ended or is_good(one)]
    owners = {one.person.public_id: one.person.name for one in browsers if one.person}
    asked = (
        ("ended", "yes" if ended else ""), ("person", person), ("sort", order.text),
        *days.texts.items(),
    )  # fmt: skip
    return render_template(
        "devices.html",
        browsers=sorted_rows(
            (
                one
                for one in browsers
                if (not person or _is_of(one, person)) and days.include(one.last_used_at)
            ),
            order,
            SORT_KEYS,
        ),
        tokens=sorted_rows(
            (one for one in tokens if days.include(one.last_used_at)), order, SORT_KEYS
        ),
        values=days.texts,
        wrong_days=days.wrong,
        order=order,
        owners=sorted(owners.items(), key=lambda owner: owner[1].lower()),
        chosen_owner=person,
        query={name: value for name, value in asked if value},
        waiting=[
            (one, format_user_code(one.user_code)) for one in list_awaiting_admin(current_access())
        ],
        ended=ended,
        standing=device_status,
        copied=was_copied,
    )


@blueprint.get("/devices/browsers/<device_id>")
@require_permission("admin")
def device(device_id: str) -> str:
    """Show one browser or token."""
    found = _find(device_id)
    return _device_page(found, Form({"name": found.name}))


@blueprint.post("/devices/browsers/<device_id>")
@require_permission("admin")
def rename(device_id: str) -> Reply:
    """Rename a browser or token."""
    form = sent("name")
    try:
        rename_device(current_access(), current_actor(), device_id, form.values["name"])
    except InvalidFields as refused:
        form.add_error(refused)
        return _device_page(_find(device_id), form), 422
    flash_message("Saved.")
    return redirect_to("pages.device", device_id=device_id)


@blueprint.get("/devices/browsers/<device_id>/revoke")
@require_permission("admin")
def ask_revoke(device_id: str) -> str:
    """Show what revoking stops."""
    found = _find(device_id)
    verb, consequence = ENDING[found.sort is DeviceType.SCRIPT]
    made = [
        one for one in list_tokens(current_access()) if one.made_by_id == found.id and is_good(one)
    ]
    also = (f"Tokens made with it that stop too: {len(made)}.",) if made else ()
    return confirmation_page(
        Confirmation(
            title=f"{verb} {found.name}?",
            sentences=("Links made with it stay. You can't undo this.",),
            consequences=(consequence, *also),
            button=verb,
            back=url_for("pages.device", device_id=device_id),
        )
    )


@blueprint.post("/devices/browsers/<device_id>/revoke")
@require_permission("admin")
def revoke(device_id: str) -> Response:
    """Revoke a browser or token."""
    found = _find(device_id)
    if found.sort is DeviceType.SCRIPT:
        revoke_token(current_access(), current_actor(), device_id)
        flash_message(f"{found.name} is revoked.")
    else:
        revoke_device(current_access(), current_actor(), device_id)
        flash_message(f"{found.name} is disconnected.")
    return redirect_to("pages.devices")


@blueprint.get("/devices/tokens/new")
@require_permission("admin")
def new_token() -> str:
    """Show the form for a script token."""
    asked = request.args.get("scope", "")
    chosen = (asked,) if asked in SCOPES else DEFAULT_SCOPES
    return _token_page(Form({"name": "", "days": str(DEFAULT_DAYS)}), chosen)


@blueprint.post("/devices/tokens/new")
@require_permission("admin")
def make_token() -> Reply:
    """Create a token and show it once."""
    form = sent("name", "days")
    scopes = tuple(request.form.getlist("scopes"))
    days = form.values["days"].strip()
    number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0
    try:
        made, token = create_api_token(
            current_access(), current_actor(), form.values["name"], scopes, number
        )
    except (InvalidFields, QuotaReached) as refused:
        form.add_error(refused)
        return _token_page(form, scopes), 422
    return render_template("token_created.html", device=made, token=token, rotated=False)


@blueprint.get("/devices/tokens/<device_id>/rotate")
@require_permission("admin")
def ask_rotate(device_id: str) -> str:
    """Show what rotating does."""
    found = _find(device_id)
    return confirmation_page(
        Confirmation(
            title=f"Replace the token for {found.name}?",
            sentences=("You'll see a new token, to put into the script.",),
            consequences=("The old token works until the new one is used, or until it expires.",),
            button="Replace token",
            back=url_for("pages.device", device_id=device_id),
        )
    )


@blueprint.post("/devices/tokens/<device_id>/rotate")
@require_permission("admin")
def rotate(device_id: str) -> str:
    """Rotate a token and show the new one once."""
    _, token = rotate_token(current_access(), current_actor(), device_id)
    return render_template("token_created.html", device=_find(device_id), token=token, rotated=True)


@blueprint.get("/devices/tokens/revoke-all")
@require_permission("admin")
def ask_revoke_all() -> str:
    """Show what revoking every token stops."""
    good = [token for token in list_tokens(current_access()) if is_good(token)]
    return confirmation_page(
        Confirmation(
            title="Revoke all tokens?",
            sentences=("Browsers stay connected. You can't undo this.",),
            consequences=(f"Tokens that stop working: {len(good)}.",),
            button="Revoke all tokens",
            back=url_for("pages.devices"),
        )
    )


@blueprint.post("/devices/tokens/revoke-all")
@require_permission("admin")
def revoke_all() -> Response:
    """Revoke every script token."""
    flash_message(f"Tokens revoked: {revoke_all_tokens(current_access(), current_actor())}.")
    return redirect_to("pages.devices")


def is_good(device: Device) -> bool:
    """Return whether a browser or token is active."""
    return device_status(device) in (DeviceStatus.VALID, DeviceStatus.EXPIRING)


def _find(device_id: str) -> Device:
    found = [*list_devices(current_access()), *list_tokens(current_access())]
    for one in found:
        if one.public_id == device_id:
            return one
    raise DeviceNotFound


def _device_page(found: Device, form: Form) -> str:
    made = [one for one in list_tokens(current_access()) if one.id == found.made_by_id]
    return render_template(
        "device.html",
        device=found,
        form=form,
        state=device_status(found),
        ending=ENDINGS.get(found.revoked_because or "", ""),
        maker=made[0] if made else None,
    )


def _token_page(form: Form, scopes: tuple[str, ...]) -> str:
    return render_template(
        "token_new.html",
        form=form,
        scopes=SCOPES,
        chosen=scopes,
        most=MAX_DAYS,
    )
