"""/devices: browsers that are connected or ask to be, and the tokens of scripts."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.api_tokens import (
    MOST_DAYS,
    USUAL_DAYS,
    USUAL_SCOPES,
    create_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
)
from crmlink.access.devices import (
    Standing,
    list_devices,
    rename_device,
    revoke_device,
    standing,
    was_copied,
)
from crmlink.access.errors import DeviceUnknown, FieldsWrong
from crmlink.access.pairing import shown, waiting_for_admin
from crmlink.access.roles import SCOPES
from crmlink.pages.blueprint import Ask, ask, blueprint, here
from crmlink.pages.forms import Form, sent, tell
from crmlink.pages.labels import ENDINGS
from crmlink.store import Device, DeviceSort
from crmlink.web.auth import actor, needs, office

Reply = str | Response | tuple[str, int]
ENDING = {  # whether it is a script's token → the verb, and what follows
    True: ("Revoke", "Its next request is refused."),
    False: (
        "Disconnect",
        "The extension in that browser says that it was disconnected by the admin.",
    ),
}


@blueprint.get("/devices")
@needs("admin")
def devices() -> str:
    """All browsers and tokens, and the pairings that wait for an admin."""
    ended = request.args.get("ended") == "yes"
    return render_template(
        "devices.html",
        browsers=[one for one in list_devices(office()) if ended or is_good(one)],
        tokens=[one for one in list_tokens(office()) if ended or is_good(one)],
        waiting=[(one, shown(one.user_code)) for one in waiting_for_admin(office())],
        ended=ended,
        standing=standing,
        copied=was_copied,
    )


@blueprint.get("/devices/browsers/<device_id>")
@needs("admin")
def device(device_id: str) -> str:
    """One browser or token."""
    found = _find(device_id)
    return _device_page(found, Form({"name": found.name}))


@blueprint.post("/devices/browsers/<device_id>")
@needs("admin")
def rename(device_id: str) -> Reply:
    """Give a browser or token another name."""
    form = sent("name")
    try:
        rename_device(office(), actor(), device_id, form.values["name"])
    except FieldsWrong as refused:
        form.refuse(refused)
        return _device_page(_find(device_id), form), 422
    tell("Saved.")
    return here("pages.device", device_id=device_id)


@blueprint.get("/devices/browsers/<device_id>/revoke")
@needs("admin")
def ask_revoke(device_id: str) -> str:
    """What revoking stops."""
    found = _find(device_id)
    verb, consequence = ENDING[found.sort is DeviceSort.SCRIPT]
    made = [one for one in list_tokens(office()) if one.made_by_id == found.id and is_good(one)]
    also = (f"Tokens that were made with it and end too: {len(made)}.",) if made else ()
    return ask(
        Ask(
            title=f"{verb} {found.name}?",
            sentences=("What was linked with it stays as it is. This cannot be taken back.",),
            consequences=(consequence, *also),
            button=verb,
            back=url_for("pages.device", device_id=device_id),
        )
    )


@blueprint.post("/devices/browsers/<device_id>/revoke")
@needs("admin")
def revoke(device_id: str) -> Response:
    """Refuse a browser or token from now on."""
    found = _find(device_id)
    if found.sort is DeviceSort.SCRIPT:
        revoke_token(office(), actor(), device_id)
        tell(f"{found.name} is revoked.")
    else:
        revoke_device(office(), actor(), device_id)
        tell(f"{found.name} is disconnected.")
    return here("pages.devices")


@blueprint.get("/devices/tokens/new")
@needs("admin")
def new_token() -> str:
    """The form for a script's token."""
    return _token_page(Form({"name": "", "days": str(USUAL_DAYS)}), USUAL_SCOPES)


@blueprint.post("/devices/tokens/new")
@needs("admin")
def make_token() -> Reply:
    """Make a token and show it, now and never again."""
    form = sent("name", "days")
    scopes = tuple(request.form.getlist("scopes"))
    days = form.values["days"].strip()
    number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0
    try:
        made, token = create_token(office(), actor(), form.values["name"], scopes, number)
    except FieldsWrong as refused:
        form.refuse(refused)
        return _token_page(form, scopes), 422
    return render_template("token_created.html", device=made, token=token, rotated=False)


@blueprint.get("/devices/tokens/<device_id>/rotate")
@needs("admin")
def ask_rotate(device_id: str) -> str:
    """What rotating does."""
    found = _find(device_id)
    return ask(
        Ask(
            title=f"Make a new token for {found.name}?",
            sentences=("You are shown a new token, which you put into the script.",),
            consequences=(
                "The old token stays good until the new one is used, never past its own end.",
            ),
            button="Make a new token",
            back=url_for("pages.device", device_id=device_id),
        )
    )


@blueprint.post("/devices/tokens/<device_id>/rotate")
@needs("admin")
def rotate(device_id: str) -> str:
    """A new token in place of an old one."""
    _, token = rotate_token(office(), actor(), device_id)
    return render_template("token_created.html", device=_find(device_id), token=token, rotated=True)


@blueprint.get("/devices/tokens/revoke-all")
@needs("admin")
def ask_revoke_all() -> str:
    """What revoking every token stops."""
    good = [token for token in list_tokens(office()) if is_good(token)]
    return ask(
        Ask(
            title="Revoke all tokens?",
            sentences=("Browsers stay connected. This cannot be taken back.",),
            consequences=(f"Tokens of scripts that are refused from now on: {len(good)}.",),
            button="Revoke all tokens",
            back=url_for("pages.devices"),
        )
    )


@blueprint.post("/devices/tokens/revoke-all")
@needs("admin")
def revoke_all() -> Response:
    """Refuse every script's token from now on."""
    tell(f"Tokens revoked: {revoke_all_tokens(office(), actor())}.")
    return here("pages.devices")


def is_good(device: Device) -> bool:
    """Whether a browser or token is let in."""
    return standing(device) in (Standing.VALID, Standing.EXPIRING)


def _find(device_id: str) -> Device:
    found = [*list_devices(office()), *list_tokens(office())]
    for one in found:
        if one.public_id == device_id:
            return one
    raise DeviceUnknown


def _device_page(found: Device, form: Form) -> str:
    made = [one for one in list_tokens(office()) if one.id == found.made_by_id]
    return render_template(
        "device.html",
        device=found,
        form=form,
        state=standing(found),
        ending=ENDINGS.get(found.revoked_because or "", ""),
        maker=made[0] if made else None,
    )


def _token_page(form: Form, scopes: tuple[str, ...]) -> str:
    return render_template(
        "token_new.html",
        form=form,
        scopes=SCOPES,
        chosen=scopes,
        most=MOST_DAYS,
    )
