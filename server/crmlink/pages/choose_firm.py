"""The choice of a firm at sign-in, for people who belong to several."""

from __future__ import annotations

import time
from collections.abc import Sequence

from flask import render_template, session

from crmlink.access.errors import InvalidCredentials, PersonNotFound
from crmlink.access.people import find_person
from crmlink.store import Person
from crmlink.store.workspaces import find_workspace
from crmlink.web.auth import current_installation, sign_in_context
from crmlink.web.form_cookie import is_recent

SESSION_KEY = "firms"  # key in Flask's session cookie, which is signed
MAX_CHOICE_SECONDS = 300  # maximum seconds for the choice


def choice_page(people: Sequence[Person], wanted: str) -> str:
    """Return the page that asks for the firm; who proved to be them is kept in the cookie."""
    session[SESSION_KEY] = {
        "people": [(person.workspace_id, person.public_id) for person in people],
        "wanted": wanted,
        "begun": time.time(),
    }
    database = current_installation().database
    firms = [(person, find_workspace(database, person.workspace_id).name) for person in people]
    return render_template("choose_firm.html", firms=firms)


def chosen_person(public_id: str) -> tuple[Person, str]:
    """Return the chosen one of the people who were proved, and the page they requested.

    Raises InvalidCredentials if there was no proof, or too long ago.
    """
    kept = session.pop(SESSION_KEY, None)
    if kept is None or not is_recent(kept["begun"], MAX_CHOICE_SECONDS):
        raise InvalidCredentials
    for workspace_id, proved in kept["people"]:
        workspace = find_workspace(current_installation().database, workspace_id)
        if proved == public_id and workspace.suspended_at is None:
            try:
                return find_person(sign_in_context().of(workspace_id), proved), kept["wanted"]
            except PersonNotFound:  # removed in the meantime
                break
    raise InvalidCredentials
