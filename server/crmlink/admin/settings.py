"""/settings: what an admin settles for the workspace."""

from __future__ import annotations

from dataclasses import fields, replace

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.failures import FieldsWrong
from crmlink.access.preferences import Preferences, read_preferences, save_preferences
from crmlink.admin.forms import Form, sent, tell
from crmlink.admin.pages import blueprint, here
from crmlink.api.guard import actor, house, needs, office

DAYS = tuple(field.name for field in fields(Preferences) if field.name.endswith("_days"))


@blueprint.get("/settings")
@needs("admin")
def settings() -> str:
    """As they are."""
    kept = read_preferences(office())
    return _page(Form({name: str(getattr(kept, name)) for name in DAYS}), kept.pairing_needs_admin)


@blueprint.post("/settings")
@needs("admin")
def save_settings() -> str | Response | tuple[str, int]:
    """Settle them anew."""
    form = sent(*DAYS)
    needs_admin = "pairing_needs_admin" in request.form
    wanted = replace(
        read_preferences(office()),
        pairing_needs_admin=needs_admin,
        **{name: _number(value) for name, value in form.values.items()},
    )
    try:
        save_preferences(office(), actor(), wanted)
    except FieldsWrong as refused:
        form.refuse(refused)
        return _page(form, needs_admin), 422
    tell("Saved.")
    return here("pages.settings")


def _page(form: Form, needs_admin: bool) -> str:
    return render_template(
        "settings.html", form=form, needs_admin=needs_admin, days=DAYS, settings=house().settings
    )


def _number(text: str) -> int:
    """The number of days; -1, which is refused, for what is no number."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1
