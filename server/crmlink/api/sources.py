"""/sources: contacts that an agent on another computer brings."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.sources import BroughtContactsSchema, BroughtResultSchema
from crmlink.sources.agent_parts import ContactPart, store_part
from crmlink.sources.contact import ReadContact
from crmlink.store import ContactState
from crmlink.values.contact_details import ContactDetails
from crmlink.web.auth import current_actor, current_open_workspace, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("sources", __name__, url_prefix="/api/v1", description="Live contacts")


@blueprint.route("/sources/sage_50/contacts")
class SageContactsView(MethodView):
    """Contacts of Sage 50."""

    @require_permission("contacts")
    @blueprint.arguments(BroughtContactsSchema)
    @blueprint.response(200, BroughtResultSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take one part of a complete list of customers and suppliers"""
        done = store_part(
            current_open_workspace().sources,
            current_actor().device,
            ContactPart(
                package="sage_50",
                company=body["company"].strip(),
                reading=body["reading"],
                part=body["part"],
                is_last=body["last"],
                contacts=[_contact(each) for each in body["contacts"]],
                data=body["data"],
                has_moved=body["moved"],
            ),
        )
        return {"contacts": done.contacts, "complete": done.complete}


def _contact(entry: dict[str, Any]) -> ReadContact:
    emails = [email for email in entry["emails"] if email]
    return ReadContact(
        key=f"{entry['kind']}/{entry['reference']}",
        reference=entry["reference"],
        details=ContactDetails(
            kind=entry["kind"],
            name=entry["name"],
            person=entry["person"],
            address=entry["address"],
            town=entry["town"],
            postcode=entry["postcode"],
            email=emails[0] if emails else "",
            other_emails=tuple(emails[1:]),
            phones=tuple(phone for phone in entry["phones"] if phone),
        ),
        state=ContactState(entry["state"]),
    )
