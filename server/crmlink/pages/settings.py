"""/settings: what an admin settles for the workspace."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.errors import FieldsWrong
from crmlink.access.preferences import (
    LEAST_SURE,
    MOST_SURE,
    Preferences,
    percent,
    read_preferences,
    save_preferences,
)
from crmlink.pages.blueprint import blueprint, here
from crmlink.pages.forms import Form, sent, tell
from crmlink.web.auth import actor, house, needs, office

BOUND = "sure_bound"
DAYS = tuple(field.name for field in fields(Preferences) if field.name.endswith("_days"))


@blueprint.get("/settings")
@needs("admin")
def settings() -> str:
    """As they are."""
    kept = read_preferences(office())
    values = {name: str(getattr(kept, name)) for name in DAYS}
    return _page(Form(values | {BOUND: percent(kept.sure_bound)}), kept.pairing_needs_admin)


@blueprint.post("/settings")
@needs("admin")
def save_settings() -> str | Response | tuple[str, int]:
    """Settle them anew."""
    form = sent(*DAYS, BOUND)
    needs_admin = "pairing_needs_admin" in request.form
    wanted = replace(
        read_preferences(office()),
        pairing_needs_admin=needs_admin,
        sure_bound=_probability(form.values[BOUND]),
        **{name: _number(form.values[name]) for name in DAYS},
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
        "settings.html",
        form=form,
        needs_admin=needs_admin,
        days=DAYS,
        least=percent(LEAST_SURE),
        most=percent(MOST_SURE),
        settings=house().settings,
    )


def _probability(text: str) -> float:
    """What so many percent are; -1, which is refused, for what is no such number."""
    text = text.strip().removesuffix("%").strip()
    return round(float(text) / 100, 7) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,5})?", text) else -1


def _number(text: str) -> int:
    """The number of days; -1, which is refused, for what is no number."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1
