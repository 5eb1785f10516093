"""What prevents a decision: errors with who decided before, and races."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    LinkingError,
    LinkInProgress,
    LinkWaitsOnPage,
    RecordBeingTested,
    RecordHasReference,
    ReferenceTaken,
)
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import find_record, holders
from crmlink.linking.write_tests import write_test_on
from crmlink.store import Link, LinkMethod, LinkState, MirroredRecord
from crmlink.store.base import utc_now
from crmlink.store.erased import pseudonyms_of
from crmlink.store.folded import asked_to_carry, carried_as_asked

_CARRIES = (carried_as_asked(Link.target), Link.kind == bindparam("kind"))
# Built once: every link asks them.
_ARRIVING = select(Link).where(*_CARRIES, Link.state == LinkState.INTENDED)
_LINKED = select(MirroredRecord).where(
    MirroredRecord.connection_id == bindparam("connection_id"),
    MirroredRecord.kind == bindparam("kind"),
    MirroredRecord.deleted_at.is_(None),
    MirroredRecord.number.in_(
        select(Link.record_number).where(*_CARRIES, Link.state == LinkState.LINKED)
    ),
)


def same_record(link: Link) -> ColumnElement[bool]:
    """Return the condition for links to the same record, this one included."""
    return (Link.kind == link.kind) & (Link.record_number == link.record_number)


def same_contact(session: Session, link: Link) -> ColumnElement[bool]:
    """Return the condition for links of the same contact, this one included."""
    return (
        (Link.package == link.package)
        & (Link.organisation == link.organisation)
        & (Link.contact_kind == link.contact_kind)
        & Link.reference.in_(pseudonyms_of(session).forms(link.reference))
    )


def is_same(ctx: WorkspaceContext, one: str | None, other: str | None) -> bool:
    """Return whether two values are equal, either of which may be a pseudonym."""
    with ctx.database.reading() as session:
        return pseudonyms_of(session).same(one, other)


def record_has_reference_error(
    ctx: WorkspaceContext, row: MirroredRecord, current: str | None
) -> RecordHasReference:
    """Return the error for a record with another reference."""
    return RecordHasReference(
        record=row, current_reference=current, **_attribution(ctx, row, current)
    )


def reference_taken_error(
    ctx: WorkspaceContext, reference: str, holders: list[MirroredRecord]
) -> ReferenceTaken:
    """Return the error for a reference that others have."""
    return ReferenceTaken(holders=holders, **_attribution(ctx, holders[0], reference))


def require_reference_free(
    ctx: WorkspaceContext,
    reference: str,
    row: MirroredRecord,
    accepted: frozenset[str],
    holds: Callable[[MirroredRecord], bool],
) -> None:
    """Raise ReferenceTaken if other records of this kind hold the reference."""
    taken = [
        other
        for other in possible_holders(ctx, reference, row)
        if other.public_id not in accepted and holds(other)
    ]
    if taken:
        raise reference_taken_error(ctx, reference, taken)


def require_replaceable(
    ctx: WorkspaceContext,
    row: MirroredRecord,
    current: str | None,
    reference: str,
    overrides: Overrides,
) -> None:
    """Raise RecordHasReference if the record has another one that the user keeps."""
    agreed = is_same(ctx, current, overrides.replaces)
    if current not in (None, reference) and not agreed:
        raise record_has_reference_error(ctx, row, current)


def _attribution(
    ctx: WorkspaceContext, row: MirroredRecord, reference: str | None
) -> dict[str, Any]:
    """Return who wrote the record's reference by a link (by) and when (since), else None."""
    ours = (LinkState.LINKED, LinkState.INTENDED)  # it may have landed without being read back yet
    with ctx.database.reading() as session:
        link = session.scalar(
            select(Link)
            .filter_by(
                connection_id=ctx.connection_id,
                kind=row.kind,
                record_number=row.number,
            )
            .where(
                Link.target.in_(pseudonyms_of(session).forms(reference))
                if reference
                else Link.target.is_(None)
            )
            .where(Link.state.in_(ours))
            .order_by(Link.created_at.desc())
            .limit(1)
        )
    if link is None:
        return {"by": None, "since": None}
    return {"by": link.device.actor_name, "since": link.settled_at or link.created_at}


def possible_holders(
    ctx: WorkspaceContext, reference: str, row: MirroredRecord
) -> list[MirroredRecord]:
    """Return records that have the reference by the mirror, or by a link in effect."""
    with ctx.database.reading() as session:
        found = {
            other.id: other for other in holders(session, ctx.connection_id, reference, row.kind)
        }
        forms = pseudonyms_of(session).forms(reference) or ("", "")
        asked = {"kind": row.kind, **asked_to_carry(ctx.connection_id, *forms)}
        for other in session.scalars(_LINKED, asked):
            found[other.id] = other
    found.pop(row.id, None)
    return list(found.values())


def find_race_conflict(
    session: Session, ctx: WorkspaceContext, link: Link, accepted: frozenset[str]
) -> LinkingError | None:
    """Return what another link changed while this decision was checked, if anything."""
    if test := write_test_on(session, link):
        return RecordBeingTested(by=test.device.actor_name, since=test.created_at)
    row = find_record(session, ctx.connection_id, link.record_id)
    if not pseudonyms_of(session).same(row.reference, link.prior):
        return record_has_reference_error(ctx, row, row.reference)
    if link.target is None:
        return None
    found = holders(session, ctx.connection_id, link.target, row.kind)
    taken = [other for other in found if other.id != row.id and other.public_id not in accepted]
    if taken:
        return reference_taken_error(ctx, link.target, taken)
    asked = {"kind": link.kind, **asked_to_carry(ctx.connection_id, link.target, link.target)}
    arriving = session.scalars(_ARRIVING, asked)
    first = next((other for other in arriving if other.record_id not in accepted), None)
    return _in_progress(first) if first else None


def in_progress_error(ctx: WorkspaceContext, link: Link) -> LinkInProgress:
    """Return the error for the link that came first; it may have been settled since."""
    with ctx.database.reading() as session:
        other = session.scalar(
            select(Link)
            .filter_by(connection_id=ctx.connection_id)
            .where(or_(same_record(link), same_contact(session, link)))
            .order_by(Link.settled_at.is_not(None), Link.created_at.desc())
            .limit(1)
        )
    if other is None:  # its workspace was emptied in the meantime
        return LinkInProgress(by=None, since=utc_now())
    return _in_progress(other)


def _in_progress(other: Link) -> LinkInProgress:
    facts = {"by": other.device.actor_name, "since": other.created_at}
    if other.method is LinkMethod.PAGES and other.state is LinkState.INTENDED:
        return LinkWaitsOnPage(link=other, waits_on=other.record_label, **facts)
    return LinkInProgress(**facts)
