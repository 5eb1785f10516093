"""A person's decision, checked against Commusoft as it is now and committed before it is tried."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.commusoft.errors import CommusoftSlow, RecordGone
from crmlink.kinds import Kind
from crmlink.linking.attempts import attempt, fresh, is_worked_on
from crmlink.linking.audit import note_intended
from crmlink.linking.context import Desk
from crmlink.linking.errors import (
    CannotUndo,
    IdempotencyKeyReused,
    LinkingFailure,
    LinkInProgress,
    LinkUnknown,
    RecordHasReference,
    ReferenceErased,
    ReferenceNotShown,
    ReferenceTaken,
)
from crmlink.linking.overrides import Overrides, require_kind
from crmlink.linking.suggest import holders, lowered_forms, mirrored
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import Link, LinkState, MirroredRecord
from crmlink.store.base import new_id, now
from crmlink.store.erased import pseudonyms_of

LONGEST_WAIT = 15.0  # seconds; browsers end an extension's worker that waits for 30
T = TypeVar("T")
Guard = Callable[[Session], None]  # raises when the decision is not to be kept any more


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided.

    ``kind`` is what the contact is known, or was said, to be; ``overrides`` what they agreed to on
    top; ``differences`` (field, contact, record) are those that they saw and linked over.
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
        """The same for the same decision, so that a key cannot serve two."""
        fields = asdict(self)
        del fields["overrides"]
        fields |= self.overrides.as_dict()
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def confirm(
    desk: Desk, decision: Decision, key: str, device_id: int, guard: Guard | None = None
) -> Link:
    """Carry out a decision once; the same key again gives the same link.

    Returns the link, ``linked``, ``failed`` or ``conflict``, or still ``intended`` when Commusoft
    stopped answering on the way (``recover`` finishes it). Raises a LinkingFailure,
    ReferenceMalformed or CommusoftError before anything was written, and what ``guard`` raises in
    the transaction that is to keep the decision.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    reference = canonical_reference(decision.package, decision.reference, desk.packages)
    if holds_pseudonym(reference):
        raise ReferenceErased
    fingerprint = decision.fingerprint()
    if earlier := _by_key(desk, key, fingerprint, deadline):
        return earlier
    row = _row(desk, decision.record_id)
    require_kind(decision.kind, row, decision.overrides)
    prior = _in_time(desk, deadline, lambda: _checked(desk, decision, reference, row))
    link = Link(
        connection_id=desk.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=decision.package,
        organisation=decision.organisation,
        kind=row.kind,
        contact_kind=decision.kind,
        reference=reference,
        contact_name=decision.contact_name,
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=prior,
        target=reference,
        differences=[dict(difference) for difference in decision.differences],
    )
    return _intend_and_attempt(desk, link, decision.overrides.also_on, deadline, guard)


def _checked(desk: Desk, decision: Decision, reference: str, row: MirroredRecord) -> str | None:
    """What stands on the record now; raises when the person has not agreed to what is there."""
    overrides = decision.overrides
    record = fresh(desk, row.kind, row.number, row.uuid)
    agreed = _is_same(desk, record.reference, overrides.replaces)
    if record.reference not in (None, reference) and not agreed:
        raise _has_reference(desk, row, record.reference)
    if not (record.reference_shown or overrides.checked_empty or _kind_shows_references(desk, row)):
        raise ReferenceNotShown(record=row)
    _refuse_if_taken(desk, reference, row, overrides.also_on)
    return record.reference


def undo(
    desk: Desk,
    link_id: str,
    key: str,
    device_id: int,
    also_on: frozenset[str],
    guard: Guard | None = None,
) -> Link:
    """Put back what stood on the record before; a new link whose target is the prior value.

    Allowed while the link stands, Commusoft still holds its value, and no later link has decided
    about that value; raises CannotUndo otherwise, and what ``confirm`` raises.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    fingerprint = hashlib.sha256(f"undo {link_id} {sorted(also_on)}".encode()).hexdigest()
    if earlier := _by_key(desk, key, fingerprint, deadline):
        return earlier
    link = find_link(desk, link_id)
    if obstacle := undo_obstacle(link):
        raise CannotUndo(obstacle=obstacle)
    if later := _decided_since(desk, link):
        raise CannotUndo(by=later.device.who, since=later.settled_at or later.created_at)
    if holds_pseudonym(link.prior):
        raise CannotUndo(erased=True)
    row = _row(desk, link.record_id)
    held = _in_time(desk, deadline, lambda: _check_undo(desk, link, row, also_on))
    reversal = Link(
        connection_id=desk.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=link.package,
        organisation=link.organisation,
        kind=link.kind,
        contact_kind=link.contact_kind,
        reference=held if held and _is_same(desk, held, link.reference) else link.reference,
        contact_name=link.contact_name,
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=held,
        target=link.prior,
        undoes_id=link.id,
    )
    return _intend_and_attempt(desk, reversal, also_on, deadline, guard)


def _check_undo(desk: Desk, link: Link, row: MirroredRecord, also_on: frozenset[str]) -> str | None:
    """The value that Commusoft holds, which is the link's, hidden in it or not."""
    record = fresh(desk, row.kind, row.number, row.uuid)
    if not _is_same(desk, record.reference, link.target):
        raise CannotUndo(current_reference=record.reference)
    if link.prior is not None:
        _refuse_if_taken(desk, link.prior, row, also_on)
    return record.reference


def _is_same(desk: Desk, one: str | None, other: str | None) -> bool:
    """Whether two values are one, either of which may be hidden because a person was erased."""
    with desk.database.reading() as session:
        return pseudonyms_of(session).same(one, other)


def can_undo(link: Link) -> bool:
    """Whether a link stands and changed something.

    Where the value before it was erased, ``undo`` says so.
    """
    return undo_obstacle(link) is None


def undo_obstacle(link: Link) -> str | None:
    """Return why a link cannot be undone, as far as it tells itself: a key of UNDO_OBSTACLES."""
    if link.state is not LinkState.LINKED:
        return link.state.value
    if link.undoes_id is not None:
        return "undo"
    return "unchanged" if link.prior == link.target else None


def _decided_since(desk: Desk, link: Link) -> Link | None:
    """A later link that stands and replaced this one's value, or put it there anew: its value is
    that decision's now."""
    with desk.database.reading() as session:
        forms = pseudonyms_of(session).forms(link.target)
        return session.scalar(
            select(Link)
            .filter_by(
                connection_id=desk.connection_id,
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
    """Links to the record that a link is to, itself included."""
    return (Link.kind == link.kind) & (Link.record_number == link.record_number)


def same_contact(session: Session, link: Link) -> ColumnElement[bool]:
    """Links of the contact that a link is of, itself included."""
    return (
        (Link.package == link.package)
        & (Link.organisation == link.organisation)
        & (Link.contact_kind == link.contact_kind)
        & Link.reference.in_(pseudonyms_of(session).forms(link.reference))
    )


def find_link(desk: Desk, link_id: str) -> Link:
    """One link of this workspace; raises LinkUnknown."""
    with desk.database.reading() as session:
        link = session.get(Link, link_id)
    if link is None or link.connection_id != desk.connection_id:
        raise LinkUnknown
    return link


def _row(desk: Desk, record_id: str) -> MirroredRecord:
    with desk.database.reading() as session:
        return mirrored(session, desk.connection_id, record_id)


def _kind_shows_references(desk: Desk, row: MirroredRecord) -> bool:
    """Whether Commusoft showed a reference on any record of this kind: then absent is empty."""
    with desk.database.reading() as session:
        return bool(
            session.scalar(
                select(MirroredRecord.id)
                .filter_by(connection_id=desk.connection_id, kind=row.kind)
                .where(MirroredRecord.reference.is_not(None))
                .limit(1)
            )
        )


def _has_reference(desk: Desk, row: MirroredRecord, current: str | None) -> RecordHasReference:
    return RecordHasReference(record=row, current_reference=current, **_by_whom(desk, row, current))


def _is_taken(desk: Desk, reference: str, holders: list[MirroredRecord]) -> ReferenceTaken:
    return ReferenceTaken(holders=holders, **_by_whom(desk, holders[0], reference))


def _by_whom(desk: Desk, row: MirroredRecord, reference: str | None) -> dict[str, Any]:
    """Who of us put the present reference on a record (by) and when (since); None for others."""
    ours = (LinkState.LINKED, LinkState.INTENDED)  # it may have landed and not be read back yet
    with desk.database.reading() as session:
        link = session.scalar(
            select(Link)
            .filter_by(
                connection_id=desk.connection_id,
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


def _refuse_if_taken(
    desk: Desk, reference: str, row: MirroredRecord, accepted: frozenset[str]
) -> None:
    """Raise ReferenceTaken when other records of this kind carry the reference, asked afresh."""
    taken = [
        other
        for other in _suspects(desk, reference, row)
        if other.public_id not in accepted and _still_holds(desk, other, reference)
    ]
    if taken:
        raise _is_taken(desk, reference, taken)


def _suspects(desk: Desk, reference: str, row: MirroredRecord) -> list[MirroredRecord]:
    """Records that carry the reference by the mirror, or got it from a link that stands."""
    with desk.database.reading() as session:
        found = {
            other.id: other for other in holders(session, desk.connection_id, reference, row.kind)
        }
        linked = select(Link.record_number).where(
            Link.connection_id == desk.connection_id,
            Link.kind == row.kind,
            Link.state == LinkState.LINKED,
            func.lower(Link.target).in_(lowered_forms(session, reference)),
        )
        for other in session.scalars(
            select(MirroredRecord)
            .filter_by(connection_id=desk.connection_id, kind=row.kind, gone_at=None)
            .where(MirroredRecord.number.in_(linked))
        ):
            found[other.id] = other
    found.pop(row.id, None)
    return list(found.values())


def _still_holds(desk: Desk, row: MirroredRecord, reference: str) -> bool:
    try:
        held = fresh(desk, row.kind, row.number, row.uuid).reference
    except RecordGone:
        return False
    return held is not None and held.lower() == reference.lower()


def _in_time(desk: Desk, deadline: float, check: Callable[[], T]) -> T:
    """A check that writes nothing, beside this thread; CommusoftSlow when the time is over."""
    try:
        return desk.attempts.submit(check).result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise CommusoftSlow("still being asked") from None


def _by_key(desk: Desk, key: str, fingerprint: str, deadline: float) -> Link | None:
    """The link that a key made already, once its attempt is over; raises when it is another's."""
    while True:
        with desk.database.reading() as session:
            link = session.scalar(
                select(Link).filter_by(connection_id=desk.connection_id, idempotency_key=key)
            )
            if link is None:
                return None
            if link.fingerprint not in pseudonyms_of(session).forms(fingerprint):
                raise IdempotencyKeyReused
            over = link.state is not LinkState.INTENDED or not is_worked_on(desk, session, link)
        if over or time.monotonic() > deadline:
            return link
        time.sleep(0.05)


def _intend_and_attempt(
    desk: Desk, link: Link, accepted: frozenset[str], deadline: float, guard: Guard | None
) -> Link:
    """Commit the intent, then try it; two decisions on one record or contact: the first wins."""
    link.attempt_id = attempt_id = new_id()
    desk.ownership.working_on.add(attempt_id)
    kept = False
    failure: LinkingFailure | None
    try:
        with desk.database.writing() as session:
            if guard is not None:
                guard(session)
            failure = _overtaken(session, desk, link, accepted)
            if failure is None:
                link.owner_id = desk.ownership.register(session)
                session.add(link)
                session.flush()
                note_intended(session, link)
        kept = failure is None
    except IntegrityError:
        failure = _in_progress(desk, link)
    finally:
        if not kept:
            desk.ownership.working_on.discard(attempt_id)
    if failure is None:
        return _answer_in_time(desk, link, deadline)
    if earlier := _by_key(desk, link.idempotency_key, link.fingerprint, deadline):
        return earlier
    raise failure


def _overtaken(
    session: Session, desk: Desk, link: Link, accepted: frozenset[str]
) -> LinkingFailure | None:
    """What another link of ours changed while this decision was being checked, if anything."""
    row = mirrored(session, desk.connection_id, link.record_id)
    if not pseudonyms_of(session).same(row.reference, link.prior):
        return _has_reference(desk, row, row.reference)
    if link.target is None:
        return None
    found = holders(session, desk.connection_id, link.target, row.kind)
    taken = [other for other in found if other.id != row.id and other.public_id not in accepted]
    if taken:
        return _is_taken(desk, link.target, taken)
    arriving = session.scalars(
        select(Link)
        .filter_by(connection_id=desk.connection_id, kind=link.kind, state=LinkState.INTENDED)
        .where(func.lower(Link.target) == func.lower(link.target))
    )
    first = next((other for other in arriving if other.record_id not in accepted), None)
    return LinkInProgress(by=first.device.who, since=first.created_at) if first else None


def _answer_in_time(desk: Desk, link: Link, deadline: float) -> Link:
    """Try the link beside this thread: a slow Commusoft must not outlast the person's browser."""
    running = desk.attempts.submit(attempt, desk, link)
    try:
        return running.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return find_link(desk, link.id)


def _in_progress(desk: Desk, link: Link) -> LinkInProgress:
    """Whose link came first; it may have settled while this one was refused."""
    with desk.database.reading() as session:
        other = session.scalar(
            select(Link)
            .filter_by(connection_id=desk.connection_id)
            .where(or_(same_record(link), same_contact(session, link)))
            .order_by(Link.settled_at.is_not(None), Link.created_at.desc())
            .limit(1)
        )
    if other is None:  # its workspace was emptied while we looked
        return LinkInProgress(by=None, since=now())
    return LinkInProgress(by=other.device.who, since=other.created_at)
