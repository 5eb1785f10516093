"""/people: people, their roles, and their one-time links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.api_tokens import list_tokens
from crmlink.access.devices import list_devices
from crmlink.access.errors import AccessError, InvalidFields, LastAdmin
from crmlink.access.people import (
    change_role,
    find_person,
    has_open_invitation,
    invite,
    list_people,
    new_invitation,
    remove_person,
    rename_person,
)
from crmlink.access.sessions import end_sessions, list_sessions
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, is_ticked, sent
from crmlink.pages.labels import ROLES
from crmlink.pages.tables import parse_days, parse_order, sorted_rows
from crmlink.store import Device, Person, Role
from crmlink.store.quotas import QuotaReached
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_open_workspace,
    require_permission,
)
from crmlink.web.hosts import invitation_url, public_address
from crmlink.web.problems import problem_from_error

LONG_AGO = datetime.min.replace(tzinfo=UTC)
SORT_KEYS: dict[str, Callable[[Person], Any]] = {
    "name": lambda one: one.name.lower(),
    "role": lambda one: list(Role).index(one.role),
    "joined": lambda one: one.joined_at or LONG_AGO,
    "seen": lambda one: one.last_seen_at or LONG_AGO,
}
Reply = str | Response | tuple[str, int]


@blueprint.get("/people")
@require_permission("admin")
def people() -> str:
    """Show all people, and a form to add one."""
    return _page(Form({"role": Role.CLERK}))


@blueprint.post("/people")
@require_permission("admin")
def add_person() -> Reply:
    """Invite a person; the one-time link is shown once."""
    form = sent("name", "email", "role")
    by_email = _is_emailed()
    name, email, role = form.values.values()
    try:
        person, token = invite(
            current_access(), current_actor(), name, email, role, by_email=by_email
        )
    except (AccessError, QuotaReached) as refused:
        form.add_error(refused)
        return _page(form), 422
    return _invited(person, token, replaced=False, emailed=by_email)


@blueprint.get("/people/<person_id>")
@require_permission("admin")
def person(person_id: str) -> str:
    """Show one person: name, role, sessions and devices."""
    found = find_person(current_access(), person_id)
    return _person_page(found, Form({"name": found.name, "role": found.role}))


@blueprint.post("/people/<person_id>")
@require_permission("admin")
def change_person(person_id: str) -> Reply:
    """Change the name or the role."""
    form = sent("name", "role")
    found = find_person(current_access(), person_id)
    try:
        if form.values["role"] != found.role:
            change_role(current_access(), current_actor(), person_id, form.values["role"])
        if form.values["name"] != found.name:
            rename_person(current_access(), current_actor(), person_id, form.values["name"])
    except LastAdmin as refused:
        form.errors["role"] = problem_from_error(refused).detail
        return _person_page(found, form), problem_from_error(refused).status
    except InvalidFields as refused:
        form.add_error(refused)
        return _person_page(found, form), 422
    flash_message("Saved.")
    return redirect_to("pages.person", person_id=person_id)


@blueprint.post("/people/<person_id>/invitation")
@require_permission("admin")
def invite_again(person_id: str) -> str:
    """Create a new one-time link, if the first was lost or the password forgotten."""
    replaced = has_open_invitation(current_access(), person_id)
    by_email = _is_emailed()
    token = new_invitation(current_access(), current_actor(), person_id, by_email=by_email)
    found = find_person(current_access(), person_id)
    return _invited(found, token, replaced=replaced, emailed=by_email)


@blueprint.post("/people/<person_id>/log-out")
@require_permission("admin")
def log_out_person(person_id: str) -> Response:
    """End all of a person's sessions, and on request their browsers."""
    browsers_too = is_ticked("browsers")
    end_sessions(current_access(), current_actor(), person_id, browsers_too=browsers_too)
    also = ", and their browsers are disconnected" if browsers_too else ""
    flash_message(f"They have been signed out everywhere{also}.")
    return redirect_to("pages.person", person_id=person_id)


@blueprint.get("/people/<person_id>/remove")
@require_permission("admin")
def ask_remove_person(person_id: str) -> str:
    """Show what stops when a person is removed."""
    found = find_person(current_access(), person_id)
    return confirmation_page(
        Confirmation(
            title=f"Remove {found.name}?",
            sentences=("Their links stay, and so do their entries in the audit log.",),
            consequences=tuple(_what_stops(found)),
            button=f"Remove {found.name}",
            back=url_for("pages.person", person_id=person_id),
        )
    )


@blueprint.post("/people/<person_id>/remove")
@require_permission("admin")
def remove(person_id: str) -> Reply:
    """Remove a person."""
    found = find_person(current_access(), person_id)
    try:
        remove_person(current_access(), current_actor(), person_id)
    except LastAdmin as refused:
        form = Form({"name": found.name, "role": found.role})
        form.errors["role"] = problem_from_error(refused).detail
        return _person_page(found, form), problem_from_error(refused).status
    flash_message(f"{found.name} is removed.")
    return redirect_to("pages.people")


def _what_stops(found: Person) -> list[str]:
    tokens = [token for token in list_tokens(current_access()) if token.person_id == found.id]
    sessions = list_sessions(current_access(), found)
    return [
        f"They can no longer sign in. Sessions that end: {len(sessions)}.",
        f"Connected browsers that stop: {len(_good(list_devices(current_access(), found)))}.",
        f"Their API tokens that stop: {len(_good(tokens))}.",
    ]


def _good(devices: list[Device]) -> list[Device]:
    return [device for device in devices if device.revoked_at is None]


def _page(form: Form) -> str:
    order, days = parse_order(SORT_KEYS, "name"), parse_days()
    role = request.args.get("role", "")
    everybody = [
        one
        for one in list_people(current_access())
        if role in ("", one.role) and days.include(one.last_seen_at)
    ]
    asked = {"role": role, "sort": order.text, **days.texts}
    return render_template(
        "people.html",
        form=form,
        sends=current_open_workspace().mail.sends,
        everybody=sorted_rows(everybody, order, SORT_KEYS),
        order=order,
        role=role if role in ROLES else "",
        query={name: value for name, value in asked.items() if value},
        values=days.texts,
        wrong_days=days.wrong,
    )


def _person_page(found: Person, form: Form) -> str:
    return render_template(
        "person.html",
        found=found,
        form=form,
        sends=current_open_workspace().mail.sends,
        log_ins=list_sessions(current_access(), found),
        devices=_good(list_devices(current_access(), found)),
    )


def _is_emailed() -> bool:
    """Return whether the link is to be emailed too."""
    return is_ticked("by_email") and current_open_workspace().mail.sends


def _invited(found: Person, token: str, *, replaced: bool, emailed: bool) -> str:
    if emailed:
        current_installation().wake_workers()
    return render_template(
        "invitation_created.html",
        found=found,
        link=invitation_url(public_address(), token),
        replaced=replaced,
        emailed=emailed,
    )
