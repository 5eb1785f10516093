"""Decisions: checked against the current state of Commusoft, committed, then attempted."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.commusoft.errors import CommusoftTimeout, RecordNotFound
from crmlink.folding import compose, fold
from crmlink.kinds import Kind
from crmlink.linking.attempts import attempt, fetch_record, is_worked_on
from crmlink.linking.audit import record_intended
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    CannotUndo,
    IdempotencyKeyReused,
    LinkingFailure,
    LinkInProgress,
    LinkUnknown,
    OtherConnection,
    RecordBeingTested,
    RecordHasReference,
    ReferenceErased,
    ReferenceNotVisible,
    ReferenceTaken,
)
from crmlink.linking.overrides import Overrides, require_kind
from crmlink.linking.suggest import find_record, holders
from crmlink.linking.write_tests import write_test_on
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import Link, LinkState, MirroredRecord
from crmlink.store.base import new_id, now
from crmlink.store.erased import pseudonyms_of
from crmlink.store.folded import carries
from crmlink.store.hidden_references import hide_new_link

RESPONSE_DEADLINE = 15.0  # seconds; browsers stop an extension's worker after 30
T = TypeVar("T")
Guard = Callable[[Session], None]  # raises if the decision must not be stored any more


@dataclass(frozen=True, slots=True)
class Decision:
    """A user's decision.

    ``kind`` is the contact's known or stated kind; ``overrides`` are the user's explicit overrides;
    ``differences`` (field, contact, record) are those they saw and accepted.
    """

    package: str
    kind: Kind
    reference: str
    record_id: str
    organisation: str = ""
    contact_name: str = ""
    overrides: Overrides = field(default_factory=Overrides)
    differences: tuple[Mapping[str, str], ...] = ()

    def fingerprint(self) -> str:
        """Return a hash of the decision, so that one key cannot serve two decisions."""
        fields = asdict(self)
        del fields["overrides"]
        fields |= self.overrides.as_dict()
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def require_connection(ctx: WorkspaceContext, public_connection_id: str) -> None:
    """Raise OtherConnection if a decision concerns another connection's records.

    A record id is a kind and a number, which identify another record in each account. So every
    request with a record id must name the connection the record was shown for.
    """
    if public_connection_id != ctx.public_connection_id:
        raise OtherConnection


def confirm(
    ctx: WorkspaceContext, decision: Decision, key: str, device_id: int, guard: Guard | None = None
) -> Link:
    """Carry out a decision once; the same key again returns the same link.

    Returns the link: ``linked``, ``failed`` or ``conflict``, or still ``intended`` if Commusoft
    stopped answering (``recover`` finishes it). Raises LinkingFailure, InvalidReference or
    CommusoftError before anything was written, and any error of ``guard`` in the transaction that
    would store the decision.
    """
    deadline = time.monotonic() + RESPONSE_DEADLINE
    reference = canonical_reference(decision.package, decision.reference, ctx.packages)
    if holds_pseudonym(reference):
        raise ReferenceErased
    fingerprint = decision.fingerprint()
    if earlier := _await_link_by_key(ctx, key, fingerprint, deadline):
        return earlier
    row = _load_record(ctx, decision.record_id)
    require_kind(decision.kind, row, decision.overrides)
    prior = _run_until(ctx, deadline, lambda: _check_prior(ctx, decision, reference, row))
    link = Link(
        connection_id=ctx.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=decision.package,
        organisation=decision.organisation,
        kind=row.kind,
        contact_kind=decision.kind,
        reference=reference,
        contact_name=compose(decision.contact_name),
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=prior,
        target=reference,
        differences=[
            {name: compose(value) for name, value in difference.items()}
            for difference in decision.differences
        ],
    )
    return _intend_and_attempt(ctx, link, decision.overrides.also_on, deadline, guard)


def _check_prior(
    ctx: WorkspaceContext, decision: Decision, reference: str, row: MirroredRecord
) -> str | None:
    """Return the record's current reference; raises unless the user has agreed to replace it."""
    overrides = decision.overrides
    record = fetch_record(ctx, row.kind, row.number, row.uuid)
    agreed = _is_same(ctx, record.reference, overrides.replaces)
    if record.reference not in (None, reference) and not agreed:
        raise _record_has_reference_error(ctx, row, record.reference)
    if not (record.reference_shown or overrides.checked_empty or _kind_shows_references(ctx, row)):
        raise ReferenceNotVisible(record=row)
    _require_reference_free(ctx, reference, row, overrides.also_on)
    return record.reference


def undo(
    ctx: WorkspaceContext,
    link_id: str,
    key: str,
    device_id: int,
    also_on: frozenset[str],
    guard: Guard | None = None,
) -> Link:
    """Restore the record's previous reference by a new link whose target is the prior value.

    Allowed while the link is in effect, Commusoft still has its value, and no later link has
    decided about that value; raises CannotUndo otherwise, and the errors of ``confirm``.
    """
    deadline = time.monotonic() + RESPONSE_DEADLINE
    fingerprint = hashlib.sha256(f"undo {link_id} {sorted(also_on)}".encode()).hexdigest()
    if earlier := _await_link_by_key(ctx, key, fingerprint, deadline):
        return earlier
    link = find_link(ctx, link_id)
    if obstacle := undo_obstacle(link):
        raise CannotUndo(obstacle=obstacle)
    if later := _later_decision(ctx, link):
        raise CannotUndo(by=later.device.who, since=later.settled_at or later.created_at)
    if holds_pseudonym(link.prior):
        raise CannotUndo(erased=True)
    row = _load_record(ctx, link.record_id)
    held = _run_until(ctx, deadline, lambda: _check_undo(ctx, link, row, also_on))
    reversal = Link(
        connection_id=ctx.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=link.package,
        organisation=link.organisation,
        kind=link.kind,
        contact_kind=link.contact_kind,
        reference=held if held and _is_same(ctx, held, link.reference) else link.reference,
        contact_name=link.contact_name,
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=held,
        target=link.prior,
        undoes_id=link.id,
    )
    return _intend_and_attempt(ctx, reversal, also_on, deadline, guard)


def _check_undo(
    ctx: WorkspaceContext, link: Link, row: MirroredRecord, also_on: frozenset[str]
) -> str | None:
    """Return Commusoft's current value, which is the link's, possibly as a pseudonym."""
    record = fetch_record(ctx, row.kind, row.number, row.uuid)
    if not _is_same(ctx, record.reference, link.target):
        raise CannotUndo(current_reference=record.reference)
    if link.prior is not None:
        _require_reference_free(ctx, link.prior, row, also_on)
    return record.reference


def _is_same(ctx: WorkspaceContext, one: str | None, other: str | None) -> bool:
    """Return whether two values are equal, either of which may be a pseudonym."""
    with ctx.database.reading() as session:
        return pseudonyms_of(session).same(one, other)


def can_undo(link: Link) -> bool:
    """Return whether a link is in effect and changed the record.

    ``undo`` itself reports a prior value that was erased.
    """
    return undo_obstacle(link) is None


def undo_obstacle(link: Link) -> str | None:
    """Return why a link cannot be undone, as far as it tells itself: a key of UNDO_OBSTACLES."""
    if link.state is not LinkState.LINKED:
        return link.state.value
    if link.undoes_id is not None:
        return "undo"
    return "unchanged" if link.prior == link.target else None


def _later_decision(ctx: WorkspaceContext, link: Link) -> Link | None:
    """Return a later link in effect that replaced this one's value, or wrote it again.

    The record's value is then that decision's.
    """
    with ctx.database.reading() as session:
        forms = pseudonyms_of(session).forms(link.target)
        return session.scalar(
            select(Link)
            .filter_by(
                connection_id=ctx.connection_id,
                kind=link.kind,
                record_number=link.record_number,
                state=LinkState.LINKED,
                undoes_id=None,
            )
            .where(
                Link.created_at > link.created_at,
                Link.prior.is_distinct_from(Link.target),
                or_(Link.prior.in_(forms), Link.target.in_(forms)),
            )
            .order_by(Link.created_at.desc())
            .limit(1)
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


def find_link(ctx: WorkspaceContext, link_id: str) -> Link:
    """Return one link of this workspace; raises LinkUnknown."""
    with ctx.database.reading() as session:
        link = session.get(Link, link_id)
    if link is None or link.connection_id != ctx.connection_id:
        raise LinkUnknown
    return link


def _load_record(ctx: WorkspaceContext, record_id: str) -> MirroredRecord:
    with ctx.database.reading() as session:
        return find_record(session, ctx.connection_id, record_id)


def _kind_shows_references(ctx: WorkspaceContext, row: MirroredRecord) -> bool:
    """Return whether Commusoft showed a reference on any record of this kind.

    If so, an absent one is empty.
    """
    with ctx.database.reading() as session:
        return bool(
            session.scalar(
                select(MirroredRecord.id)
                .filter_by(connection_id=ctx.connection_id, kind=row.kind)
                .where(MirroredRecord.reference.is_not(None))
                .limit(1)
            )
        )


def _record_has_reference_error(
    ctx: WorkspaceContext, row: MirroredRecord, current: str | None
) -> RecordHasReference:
    return RecordHasReference(
        record=row, current_reference=current, **_attribution(ctx, row, current)
    )


def _reference_taken_error(
    ctx: WorkspaceContext, reference: str, holders: list[MirroredRecord]
) -> ReferenceTaken:
    return ReferenceTaken(holders=holders, **_attribution(ctx, holders[0], reference))


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
    return {"by": link.device.who, "since": link.settled_at or link.created_at}


def _require_reference_free(
    ctx: WorkspaceContext, reference: str, row: MirroredRecord, accepted: frozenset[str]
) -> None:
    """Raise ReferenceTaken if other records of this kind have the reference, read again."""
    taken = [
        other
        for other in _possible_holders(ctx, reference, row)
        if other.public_id not in accepted and _still_holds(ctx, other, reference)
    ]
    if taken:
        raise _reference_taken_error(ctx, reference, taken)


def _possible_holders(
    ctx: WorkspaceContext, reference: str, row: MirroredRecord
) -> list[MirroredRecord]:
    """Return records that have the reference by the mirror, or by a link in effect."""
    with ctx.database.reading() as session:
        found = {
            other.id: other for other in holders(session, ctx.connection_id, reference, row.kind)
        }
        linked = select(Link.record_number).where(
            Link.connection_id == ctx.connection_id,
            Link.kind == row.kind,
            Link.state == LinkState.LINKED,
            carries(Link.target, pseudonyms_of(session).forms(reference)),
        )
        for other in session.scalars(
            select(MirroredRecord)
            .filter_by(connection_id=ctx.connection_id, kind=row.kind, gone_at=None)
            .where(MirroredRecord.number.in_(linked))
        ):
            found[other.id] = other
    found.pop(row.id, None)
    return list(found.values())


def _still_holds(ctx: WorkspaceContext, row: MirroredRecord, reference: str) -> bool:
    try:
        held = fetch_record(ctx, row.kind, row.number, row.uuid).reference
    except RecordNotFound:
        return False
    return held is not None and fold(held) == fold(reference)


def _run_until(ctx: WorkspaceContext, deadline: float, check: Callable[[], T]) -> T:
    """Run a check without writes in another thread; raises CommusoftTimeout at the deadline."""
    try:
        return ctx.attempts.submit(check).result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise CommusoftTimeout("still being asked") from None


def _await_link_by_key(
    ctx: WorkspaceContext, key: str, fingerprint: str, deadline: float
) -> Link | None:
    """Return the link that this key already made, once its attempt ends.

    Raises if the key belongs to another decision.
    """
    while True:
        with ctx.database.reading() as session:
            link = session.scalar(
                select(Link).filter_by(connection_id=ctx.connection_id, idempotency_key=key)
            )
            if link is None:
                return None
            if link.fingerprint not in pseudonyms_of(session).forms(fingerprint):
                raise IdempotencyKeyReused
            over = link.state is not LinkState.INTENDED or not is_worked_on(ctx, session, link)
        if over or time.monotonic() > deadline:
            return link
        time.sleep(0.05)


def _intend_and_attempt(
    ctx: WorkspaceContext,
    link: Link,
    accepted: frozenset[str],
    deadline: float,
    guard: Guard | None,
) -> Link:
    """Commit the intent, then attempt it; of two decisions on one record or contact one wins."""
    link.attempt_id = attempt_id = new_id()
    ctx.ownership.working_on.add(attempt_id)
    kept, fingerprint = False, link.fingerprint
    failure: LinkingFailure | None
    try:
        with ctx.database.writing() as session:
            if guard is not None:
                guard(session)
            ctx.require_in_use(session)
            failure = _find_race_conflict(session, ctx, link, accepted)
            if failure is None:
                hide_new_link(session, ctx.workspace_id, link)
                link.owner_id = ctx.ownership.register(session)
                session.add(link)
                session.flush()
                record_intended(session, link)
        kept = failure is None
    except IntegrityError:
        failure = _in_progress_error(ctx, link)
    finally:
        if not kept:
            ctx.ownership.working_on.discard(attempt_id)
    if failure is None:
        return _attempt_until(ctx, link, deadline)
    if earlier := _await_link_by_key(ctx, link.idempotency_key, fingerprint, deadline):
        return earlier
    raise failure


def _find_race_conflict(
    session: Session, ctx: WorkspaceContext, link: Link, accepted: frozenset[str]
) -> LinkingFailure | None:
    """Return what another link changed while this decision was checked, if anything."""
    if test := write_test_on(session, link):
        return RecordBeingTested(by=test.device.who, since=test.created_at)
    row = find_record(session, ctx.connection_id, link.record_id)
    if not pseudonyms_of(session).same(row.reference, link.prior):
        return _record_has_reference_error(ctx, row, row.reference)
    if link.target is None:
        return None
    found = holders(session, ctx.connection_id, link.target, row.kind)
    taken = [other for other in found if other.id != row.id and other.public_id not in accepted]
    if taken:
        return _reference_taken_error(ctx, link.target, taken)
    arriving = session.scalars(
        select(Link)
        .filter_by(connection_id=ctx.connection_id, kind=link.kind, state=LinkState.INTENDED)
        .where(carries(Link.target, [link.target]))
    )
    first = next((other for other in arriving if other.record_id not in accepted), None)
    return LinkInProgress(by=first.device.who, since=first.created_at) if first else None


def _attempt_until(ctx: WorkspaceContext, link: Link, deadline: float) -> Link:
    """Attempt the link in another thread, at most until the deadline of the response."""
    running = ctx.attempts.submit(attempt, ctx, link)
    try:
        return running.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return find_link(ctx, link.id)


def _in_progress_error(ctx: WorkspaceContext, link: Link) -> LinkInProgress:
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
        return LinkInProgress(by=None, since=now())
    return LinkInProgress(by=other.device.who, since=other.created_at)
