"""Serializers of records and links, shared by all responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from crmlink.access.roles import may_undo
from crmlink.kinds import KINDS
from crmlink.linking.decisions import can_undo
from crmlink.linking.suggest import records_by_id
from crmlink.matching import Suggestion
from crmlink.matching.reason_texts import reason_text
from crmlink.store import Link, LinkState, MirroredRecord, ParkedContact
from crmlink.store.records import empty_details
from crmlink.web.auth import current_actor, current_workspace
from crmlink.web.problems import TYPE_PREFIX, problem_from_link

# An undo is of its link's record: the index by record finds it.
_UNDOING = select(Link.undoes_id, Link.id).where(
    Link.connection_id == bindparam("connection_id"),
    Link.kind.in_(KINDS),
    Link.record_number.in_(bindparam("numbers", expanding=True)),
    Link.undoes_id.in_(bindparam("ids", expanding=True)),
    Link.state == LinkState.LINKED,
)


def serialize_parked(row: ParkedContact) -> dict[str, Any]:
    """Return a parked contact as JSON."""
    return {
        "id": row.id,
        "package": row.package,
        "kind": row.kind or None,
        "reference": row.reference,
        "organisation": row.organisation or None,
        "name": row.name,
        "company": row.company,
        "email": row.email,
        "phones": row.phones,
        "address": row.address,
        "town": row.town,
        "postcode": row.postcode,
        "by": row.device.actor_name,
        "created_at": row.created_at,
    }


def serialize_record(row: MirroredRecord) -> dict[str, Any]:
    """Return a record as JSON."""
    return {
        "id": row.public_id,
        "kind": row.kind,
        "label": row.label,
        "name": row.name,
        "company": row.company,
        "email": row.email,
        "phones": row.phones,
        "address": row.address,
        "town": row.town,
        "postcode": row.postcode,
        "account_number": row.account_number,
        "other_emails": row.other_emails,
        "other_addresses": row.other_addresses,
        "reference": row.reference,
        "page_url": current_workspace().commusoft.page_url(row.kind, row.number),
    }


def serialize_reasons(suggestion: Suggestion) -> list[dict[str, Any]]:
    """Return a suggestion's reasons as JSON."""
    return [
        {"code": reason.code, "text": reason_text(reason), "agrees": reason.agrees}
        for reason in suggestion.reasons
    ]


def serialize_suggestion(row: MirroredRecord, suggestion: Suggestion) -> dict[str, Any]:
    """Return a suggested record as JSON."""
    return {
        "record": serialize_record(row),
        "probability": round(suggestion.probability, 4),
        "sure": suggestion.sure,
        "reasons": serialize_reasons(suggestion),
    }


def serialize_link(link: Link) -> dict[str, Any]:
    """Return a link as JSON."""
    return serialize_links([link])[0]


def link_shapes_of(links: Sequence[Link | None]) -> list[dict[str, Any] | None]:
    """Return links as JSON, None where there is none."""
    shapes = iter(serialize_links([link for link in links if link]))
    return [next(shapes) if link else None for link in links]


def serialize_links(links: list[Link]) -> list[dict[str, Any]]:
    """Return links with their records, fetched together."""
    if not links:
        return []
    with current_workspace().database.reading() as session:
        rows = records_by_id(
            session, current_workspace().connection_id, [link.record_id for link in links]
        )
        asked = {
            "connection_id": current_workspace().connection_id,
            "numbers": [link.record_number for link in links],
            "ids": [link.id for link in links],
        }
        undone_by = dict(session.execute(_UNDOING, asked).all())
    return [
        {
            "id": link.id,
            "state": link.state.value,
            "kind": link.kind,
            "contact_kind": link.contact_kind,
            "package": link.package,
            "organisation": link.organisation or None,
            "reference": link.target,
            "contact_reference": link.reference,
            "contact_name": link.contact_name,
            "record": serialize_record(rows.get(link.record_id) or _deleted_record(link)),
            "record_version": rows[link.record_id].mirror_version if link.record_id in rows else 0,
            "prior_reference": link.prior,
            "differences": link.differences,
            "created_at": link.created_at,
            "settled_at": link.settled_at,
            "by": link.device.actor_name,
            "failure": _failure(link),
            "undoes": link.undoes_id,
            "undone_by": undone_by.get(link.id),
            "method": link.method.value,
            "can_undo": can_undo(link)
            and link.record_id in rows
            and may_undo(current_actor(), link.device),
        }
        for link in links
    ]


def _deleted_record(link: Link) -> MirroredRecord:
    """Return what a link knows of a record that no longer exists."""
    return MirroredRecord(
        **empty_details() | {"name": link.record_label},
        kind=link.kind,
        number=link.record_number,
        reference=None,
    )


def _failure(link: Link) -> dict[str, str] | None:
    found = problem_from_link(link)
    return {"type": TYPE_PREFIX + found.code, "detail": found.detail} if found else None
