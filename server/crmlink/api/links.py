"""/links: confirm, read, undo; observe and withdraw those written on Commusoft's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.views import MethodView
from sqlalchemy import ColumnElement, select, tuple_

from crmlink.access.roles import require_may_observe, require_may_undo
from crmlink.api.idempotency import key_header, required_key
from crmlink.api.schemas.common import (
    DecisionSchema,
    LinkQuerySchema,
    LinkSchema,
    LinksSchema,
    UndoSchema,
    overrides_of,
    seen_of,
)
from crmlink.api.schemas.on_pages import (
    ObservationSchema,
    ObservedSchema,
    WithdrawalSchema,
)
from crmlink.linking.decisions import (
    Decision,
    UndoDecision,
    confirm,
    find_link,
    require_connection,
    undo,
)
from crmlink.linking.errors import LinkFailed
from crmlink.linking.on_page import Observation, SeenOnPage, observe, withdraw
from crmlink.store import Link, LinkState
from crmlink.store.links import BY_TIME
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.serializers import serialize_link, serialize_links
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("links", __name__, url_prefix="/api/v1", description="Links")

KEY_HEADER = key_header("Makes a repeated request the same decision.", required=True)
KEPT = "Saved; Commusoft hasn't answered yet, or it is to be saved on Commusoft's page."
Answer = tuple[dict[str, Any], int]


@blueprint.route("/links")
class LinksView(MethodView):
    """All links."""

    @require_permission("read")
    @blueprint.arguments(LinkQuerySchema, location="query")
    @blueprint.response(200, LinksSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read all links, newest first"""
        found = select(Link).filter_by(connection_id=current_workspace().connection_id)
        found = found.filter_by(
            **{name: query[name] for name in ("state", "method") if name in query}
        )
        time: ColumnElement[datetime] = BY_TIME
        if "record_id" in query:
            kind, _, number = query["record_id"].partition("-")
            found = found.filter_by(kind=kind, record_number=number)
            time = Link.created_at.expression
        if cursor := query.get("cursor"):
            last = find_link(current_workspace(), cursor)
            found = found.where(tuple_(time, Link.id) < (last.created_at, last.id))
        newest = found.order_by(time.desc(), Link.id.desc()).limit(query["limit"] + 1)
        with current_workspace().database.reading() as session:
            links = list(session.scalars(newest))
        page = links[: query["limit"]]
        return {
            "links": serialize_links(page),
            "next": page[-1].id if len(links) > len(page) else None,
        }

    @require_permission("link")
    @blueprint.doc(parameters=[KEY_HEADER])
    @blueprint.arguments(DecisionSchema)
    @blueprint.response(201, LinkSchema, description="Linked, and checked in Commusoft.")
    @blueprint.alt_response(202, schema=LinkSchema, description=KEPT, success=True)
    def post(self, body: dict[str, Any]) -> Answer:
        """Put the contact's reference on a record"""
        key = required_key()
        require_connection(current_workspace(), body["connection_id"])
        decision = Decision(
            package=body["package"],
            kind=body["kind"],
            reference=body["reference"],
            record_id=body["record_id"],
            organisation=body["organisation"] or "",
            contact_name=body["contact_name"],
            overrides=overrides_of(body),
            differences=tuple(body["differences"]),
            seen=_seen(body),
        )
        return _answer(confirm(current_workspace(), decision, key, current_actor().device.id))


@blueprint.route("/links/<link_id>")
class LinkView(MethodView):
    """One link."""

    @require_permission("read")
    @blueprint.response(200, LinkSchema)
    def get(self, link_id: str) -> dict[str, Any]:
        """Read one link"""
        return serialize_link(find_link(current_workspace(), link_id))


@blueprint.route("/links/<link_id>/undo")
class UndoView(MethodView):
    """The undo of a link."""

    @require_permission("link")
    @blueprint.doc(parameters=[KEY_HEADER])
    @blueprint.arguments(UndoSchema)
    @blueprint.response(201, LinkSchema, description="Undone; the link that did it.")
    @blueprint.alt_response(202, schema=LinkSchema, description=KEPT, success=True)
    def post(self, body: dict[str, Any], link_id: str) -> Answer:
        """Undo a link; someone else's only as a manager or admin"""
        key = required_key()
        if body["connection_id"]:
            require_connection(current_workspace(), body["connection_id"])
        require_may_undo(current_actor(), find_link(current_workspace(), link_id).device)
        also_on = frozenset(body["also_on"])
        device_id = current_actor().device.id
        return _answer(
            undo(
                current_workspace(),
                UndoDecision(link_id, also_on, seen=_seen(body)),
                key,
                device_id,
            )
        )


@blueprint.route("/links/<link_id>/observations")
class ObservationsView(MethodView):
    """What a page showed of a link's record."""

    @require_permission("link")
    @blueprint.arguments(ObservationSchema)
    @blueprint.response(200, ObservedSchema)
    def post(self, body: dict[str, Any], link_id: str) -> dict[str, Any]:
        """Tell what the record's page shows; the same again changes nothing

        A script tells it of its own links only: what it says settles them.
        """
        require_connection(current_workspace(), body["connection_id"])
        require_may_observe(current_actor(), find_link(current_workspace(), link_id).device)
        value = SeenOnPage.of(body["value"])
        seen = Observation(body["stage"], value, body["replaces"], body["record_version"])
        found = observe(current_workspace(), link_id, seen, current_actor().device.id)
        return serialize_link(found.link) | {"fill": found.fill}


@blueprint.route("/links/<link_id>/withdraw")
class WithdrawalView(MethodView):
    """The withdrawal of a link that waits on a page."""

    @require_permission("link")
    @blueprint.arguments(WithdrawalSchema)
    @blueprint.response(200, LinkSchema)
    def post(self, body: dict[str, Any], link_id: str) -> dict[str, Any]:
        """Give up what is not saved yet; another's link only as a manager or admin"""
        here = current_workspace()
        require_connection(here, body["connection_id"])
        require_may_undo(current_actor(), find_link(here, link_id).device)
        seen = SeenOnPage.of(body["value"]) if "value" in body else None
        return serialize_link(withdraw(here, link_id, seen, current_actor().device.id))


def _seen(body: dict[str, Any]) -> SeenOnPage | None:
    """Return what a record's page showed; a script's word is taken of its own links alone."""
    return None if current_actor().is_script else seen_of(body)


def _answer(link: Link) -> Answer:
    if link.state in (LinkState.FAILED, LinkState.CONFLICT):
        raise LinkFailed(link)
    return serialize_link(link), 202 if link.state is LinkState.INTENDED else 201
