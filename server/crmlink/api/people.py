"""/people: people and their roles, for admins."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.access.people import (
    change_role,
    find_person,
    invite,
    list_people,
    new_invitation,
    remove_person,
    rename_person,
)
from crmlink.access.sessions import end_sessions
from crmlink.api.schemas.access import (
    ChangedPersonSchema,
    InvitationSchema,
    LoggedOutSchema,
    LogOutSchema,
    NewPersonSchema,
    PeopleSchema,
    PersonSchema,
)
from crmlink.store import Person
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_open_workspace,
    require_permission,
)
from crmlink.web.hosts import invitation_url, public_address
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("people", __name__, url_prefix="/api/v1", description="People and roles")


@blueprint.route("/people")
class PeopleView(MethodView):
    """All people."""

    @require_permission("admin")
    @blueprint.response(200, PeopleSchema)
    def get(self) -> dict[str, Any]:
        """Read everyone who can sign in"""
        return {"people": [_serialize(person) for person in list_people(current_access())]}

    @require_permission("admin")
    @blueprint.arguments(NewPersonSchema)
    @blueprint.response(201, InvitationSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add a person; give them the one-time link, which is also emailed where email is set up"""
        by_email = body["by_email"] and current_open_workspace().mail.sends
        name, email, role = body["name"], body["email"], body["role"]
        person, token = invite(
            current_access(), current_actor(), name, email, role, by_email=by_email
        )
        if by_email:
            current_installation().wake_workers()
        return _invitation(person, token, emailed=by_email)


@blueprint.route("/people/<person_id>")
class PersonView(MethodView):
    """One person."""

    @require_permission("admin")
    @blueprint.response(200, PersonSchema)
    def get(self, person_id: str) -> dict[str, Any]:
        """Read one person"""
        return _serialize(find_person(current_access(), person_id))

    @require_permission("admin")
    @blueprint.arguments(ChangedPersonSchema)
    @blueprint.response(200, PersonSchema)
    def patch(self, body: dict[str, Any], person_id: str) -> dict[str, Any]:
        """Correct a name, or change a role"""
        if body["name"] is not None:
            rename_person(current_access(), current_actor(), person_id, body["name"])
        if body["role"] is not None:
            change_role(current_access(), current_actor(), person_id, body["role"])
        return _serialize(find_person(current_access(), person_id))

    @require_permission("admin")
    @blueprint.response(204)
    def delete(self, person_id: str) -> None:
        """Remove a person; their browsers and tokens stop immediately"""
        remove_person(current_access(), current_actor(), person_id)


@blueprint.route("/people/<person_id>/log-outs")
class LogOutsView(MethodView):
    """The end of a person's web sessions."""

    @blueprint.arguments(LogOutSchema)
    @blueprint.response(200, LoggedOutSchema)
    def post(self, body: dict[str, Any], person_id: str) -> dict[str, Any]:
        """Sign a person out everywhere, and disconnect their browsers if asked; “me” is who asks"""
        ended = end_sessions(
            current_access(), current_actor(), _own(person_id), browsers_too=body["browsers"]
        )
        return {"browsers": ended}


@blueprint.route("/people/<person_id>/invitations")
class InvitationsView(MethodView):
    """One-time links of a person."""

    @require_permission("admin")
    @blueprint.response(201, InvitationSchema)
    def post(self, person_id: str) -> dict[str, Any]:
        """Create a new one-time link, for example after a forgotten password"""
        token = new_invitation(current_access(), current_actor(), person_id)
        return _invitation(find_person(current_access(), person_id), token, emailed=False)


def _own(person_id: str) -> str:
    person = current_actor().person
    return person.public_id if person_id == "me" and person else person_id


def _invitation(person: Person, token: str, *, emailed: bool) -> dict[str, Any]:
    return _serialize(person) | {
        "link": invitation_url(public_address(), token),
        "emailed": emailed,
    }


def _serialize(person: Person) -> dict[str, Any]:
    return {
        "id": person.public_id,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "joined_at": person.joined_at,
        "last_seen_at": person.last_seen_at,
    }
