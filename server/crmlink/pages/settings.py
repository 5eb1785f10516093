"""/settings: the workspace's preferences."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.errors import InvalidFields
from crmlink.access.preferences import (
    MAX_SURE,
    MIN_SURE,
    Preferences,
    format_percent,
    read_preferences,
    save_preferences,
)
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.web.auth import current_access, current_actor, current_installation, require_permission

BOUND = "sure_bound"
DAYS = tuple(field.name for field in fields(Preferences) if field.name.endswith("_days"))


@blueprint.get("/settings")
@require_permission("admin")
def settings() -> str:
    """Show the preferences."""
    kept = read_preferences(current_access())
    values = {name: str(getattr(kept, name)) for name in DAYS}
    return _page(Form(values | {BOUND: format_percent(kept.sure_bound)}), kept.pairing_needs_admin)


@blueprint.post("/settings")
@require_permission("admin")
def save_settings() -> str | Response | tuple[str, int]:
    """Store the preferences."""
    form = sent(*DAYS, BOUND)
    needs_admin = "pairing_needs_admin" in request.form
    wanted = replace(
        read_preferences(current_access()),
        pairing_needs_admin=needs_admin,
        sure_bound=_probability(form.values[BOUND]),
        keep_names_days=_number(form.values["keep_names_days"]),
        keep_drafts_days=_number(form.values["keep_drafts_days"]),
    )
    try:
        save_preferences(current_access(), current_actor(), wanted)
    except InvalidFields as refused:
        form.add_error(refused)
        return _page(form, needs_admin), 422
    flash_message("Saved.")
    return redirect_to("pages.settings")


def _page(form: Form, needs_admin: bool) -> str:
    return render_template(
        "settings.html",
        form=form,
        needs_admin=needs_admin,
        days=DAYS,
        least=format_percent(MIN_SURE),
        most=format_percent(MAX_SURE),
        settings=current_installation().settings,
        only_firm=not current_installation().has_several,
    )


def _probability(text: str) -> float:
    """Return a typed percentage as a probability; -1, which is rejected, if invalid."""
    text = text.strip().removesuffix("%").strip()
    return round(float(text) / 100, 7) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,5})?", text) else -1


def _number(text: str) -> int:
    """Return a typed number of days; -1, which is rejected, if invalid."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1
