"""Decisions: checked against the current state of Commusoft, committed, then attempted."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy import or_, select

from crmlink.accounting.locate import canonical_reference
from crmlink.commusoft.errors import CommusoftTimeout, RecordNotFound
from crmlink.commusoft.mirror import api_shows_references
from crmlink.folding import compose, fold
from crmlink.kinds import Kind
from crmlink.linking.attempt_rows import links_to_check
from crmlink.linking.attempts import attempt, check_now
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    CannotUndo,
    LinkNotFound,
    OtherConnection,
    ReferenceErased,
    ReferenceNotVisible,
)
from crmlink.linking.fresh_reads import FreshRecord, fetch_fresh, fetch_record
from crmlink.linking.intents import Guard, await_link_by_key, intend
from crmlink.linking.known_kinds import kind_in_truth
from crmlink.linking.obstacles import (
    is_same,
    require_reference_free,
    require_replaceable,
)
from crmlink.linking.on_page import SeenOnPage, known_before_undo, known_prior
from crmlink.linking.overrides import Overrides, require_kind
from crmlink.linking.suggest import find_record
from crmlink.linking.ways import ways_to_write
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import Link, LinkMethod, LinkState, MirroredRecord
from crmlink.store.base import new_id
from crmlink.store.erased import pseudonyms_of
from crmlink.store.shared_reads import sharing_reads

RESPONSE_DEADLINE = 15.0  # seconds; browsers stop an extension's worker after 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """A user's decision.

    ``kind`` is the contact's kind as stated; a known one precedes it. ``overrides`` are the user's
    explicit overrides; ``differences`` (field, contact, record) are those they saw and accepted;
    ``seen`` is what the record's page showed, for a workspace that writes there.
    """

    package: str
    kind: Kind
    reference: str
    record_id: str
    organisation: str = ""
    contact_name: str = ""
    overrides: Overrides = field(default_factory=Overrides)
    differences: tuple[Mapping[str, str], ...] = ()
    seen: SeenOnPage | None = None

    def fingerprint(self) -> str:
        """Return a hash of the decision, so that one key cannot serve two decisions."""
        fields = asdict(self)
        del fields["overrides"], fields["seen"]
        fields |= self.overrides.as_dict()
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class UndoDecision:
    """A user's decision to undo a link.

    ``also_on`` are the other records that may keep the prior value; ``seen`` as of `Decision`.
    """

    link_id: str
    also_on: frozenset[str] = frozenset()
    seen: SeenOnPage | None = None

    def fingerprint(self) -> str:
        """Return a hash of the decision, so that one key cannot serve two decisions."""
        return hashlib.sha256(f"undo {self.link_id} {sorted(self.also_on)}".encode()).hexdigest()


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
    stopped answering (``recover`` finishes it) or if it is to be written on Commusoft's page (see
    ``on_page``). Raises LinkingError, InvalidReference or CommusoftError before anything was
    written, and any error of ``guard`` in the transaction that would store the decision.
    """
    deadline = time.monotonic() + RESPONSE_DEADLINE
    reference = canonical_reference(decision.package, decision.reference, ctx.packages)
    if holds_pseudonym(reference):
        raise ReferenceErased
    fingerprint = decision.fingerprint()
    if earlier := await_link_by_key(ctx, key, fingerprint, deadline):
        return earlier
    overrides = decision.overrides
    with sharing_reads():
        row = _load_record(ctx, decision.record_id)
        require_kind(decision.kind, row, overrides)
        kind = _kind_of_contact(ctx, decision, reference)
        ways = ways_to_write(ctx)
    require_kind(kind, row, overrides)
    method, prior, fresh = ways.first, None, None
    if method is LinkMethod.API:
        _settle_written(ctx, decision, reference, deadline)
        try:
            fresh = _run_until(ctx, deadline, lambda: _check_prior(ctx, decision, reference, row))
            prior = fresh.record.reference
        except ReferenceNotVisible:
            if not ways.then_pages:
                raise
            method = LinkMethod.PAGES
    if method is LinkMethod.PAGES:
        prior = known_prior(ctx, reference, row, overrides, decision.seen)
    link = Link(
        connection_id=ctx.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=decision.package,
        organisation=decision.organisation,
        kind=row.kind,
        contact_kind=kind,
        reference=reference,
        contact_name=compose(decision.contact_name),
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=prior,
        target=reference,
        method=method,
        also_on=sorted(overrides.also_on),
        differences=[
            {name: compose(value) for name, value in difference.items()}
            for difference in decision.differences
        ],
    )
    # For a person the record is read again, however short the time in between.
    return _carry_out(ctx, link, deadline, guard, fresh if ctx.list_trust else None)


def _kind_of_contact(ctx: WorkspaceContext, decision: Decision, reference: str) -> Kind:
    """Return the contact's kind: as crmlink knows it, else as it was stated."""
    contact = (decision.package, decision.organisation, reference)
    with ctx.database.reading() as session:
        return kind_in_truth(session, ctx, contact, decision.kind) or decision.kind


def _check_prior(
    ctx: WorkspaceContext, decision: Decision, reference: str, row: MirroredRecord
) -> FreshRecord:
    """Return the current record; raises unless the user has agreed to replace its reference."""
    overrides = decision.overrides
    fresh = fetch_fresh(ctx, row.kind, row.number, row.uuid)
    record = fresh.record
    require_replaceable(ctx, row, record.reference, reference, overrides)
    if not (record.reference_shown or overrides.checked_empty or _kind_shows_references(ctx, row)):
        raise ReferenceNotVisible(record=row)
    _require_free_now(ctx, reference, row, overrides.also_on)
    return fresh


def _settle_written(
    ctx: WorkspaceContext, decision: Decision, reference: str, deadline: float
) -> None:
    """Check a written link of the same record or reference now: a person waits for no list."""
    if ctx.list_trust is not None:
        return
    for link in links_to_check(ctx, decision.record_id, decision.package, reference):
        _run_until(ctx, deadline, partial(check_now, ctx, link))


def undo(
    ctx: WorkspaceContext,
    decision: UndoDecision,
    key: str,
    device_id: int,
    guard: Guard | None = None,
) -> Link:
    """Restore the record's previous reference by a new link whose target is the prior value.

    Allowed while the link is in effect, Commusoft still has its value, and no later link has
    decided about that value; raises CannotUndo otherwise, and the errors of ``confirm``. A link
    that was written on Commusoft's page is undone there too.
    """
    deadline = time.monotonic() + RESPONSE_DEADLINE
    fingerprint, also_on = decision.fingerprint(), decision.also_on
    if earlier := await_link_by_key(ctx, key, fingerprint, deadline):
        return earlier
    _settle_undo(ctx, find_link(ctx, decision.link_id), deadline)
    link = find_link(ctx, decision.link_id)
    if link.is_to_be_checked:
        link = _run_until(ctx, deadline, partial(check_now, ctx, link))
        if link.is_to_be_checked:
            raise CannotUndo(obstacle=link.state.value)
    if obstacle := undo_obstacle(link):
        raise CannotUndo(obstacle=obstacle)
    if later := _later_decision(ctx, link):
        raise CannotUndo(by=later.device.actor_name, since=later.settled_at or later.created_at)
    if holds_pseudonym(link.prior):
        raise CannotUndo(erased=True)
    row, fresh = _load_record(ctx, link.record_id), None
    on_page = LinkMethod.PAGES in (link.method, ways_to_write(ctx).first)
    if on_page:
        held = known_before_undo(ctx, link, row, also_on, decision.seen)
    else:
        fresh = _run_until(ctx, deadline, lambda: _check_undo(ctx, link, row, also_on))
        held = fresh.record.reference
    reversal = Link(
        connection_id=ctx.connection_id,
        device_id=device_id,
        idempotency_key=key,
        fingerprint=fingerprint,
        package=link.package,
        organisation=link.organisation,
        kind=link.kind,
        contact_kind=link.contact_kind,
        reference=held if held and is_same(ctx, held, link.reference) else link.reference,
        contact_name=link.contact_name,
        record_number=row.number,
        record_uuid=row.uuid,
        record_label=row.label,
        prior=held,
        target=link.prior,
        method=LinkMethod.PAGES if on_page else LinkMethod.API,
        also_on=sorted(also_on),
        undoes_id=link.id,
    )
    return _carry_out(ctx, reversal, deadline, guard, fresh if ctx.list_trust else None)


def _settle_undo(ctx: WorkspaceContext, link: Link, deadline: float) -> None:
    """Check an undo that a list has written already: a person waits for no list."""
    if ctx.list_trust is not None:
        return
    query = select(Link).filter_by(
        connection_id=ctx.connection_id,
        kind=link.kind,
        record_number=link.record_number,
        state=LinkState.INTENDED,
        undoes_id=link.id,
    )
    with ctx.database.reading() as session:
        undone = session.scalar(query)
    if undone is not None and undone.is_to_be_checked:
        _run_until(ctx, deadline, partial(check_now, ctx, undone))


def _check_undo(
    ctx: WorkspaceContext, link: Link, row: MirroredRecord, also_on: frozenset[str]
) -> FreshRecord:
    """Return the current record, whose value is the link's, possibly as a pseudonym."""
    fresh = fetch_fresh(ctx, row.kind, row.number, row.uuid)
    record = fresh.record
    if not is_same(ctx, record.reference, link.target):
        raise CannotUndo(current_reference=record.reference)
    if link.prior is not None:
        _require_free_now(ctx, link.prior, row, also_on)
    return fresh


def _carry_out(
    ctx: WorkspaceContext,
    link: Link,
    deadline: float,
    guard: Guard | None,
    compared: FreshRecord | None = None,
) -> Link:
    """Commit the intent and attempt it; what is written on a page waits there."""
    accepted = frozenset(link.also_on)
    if link.method is LinkMethod.PAGES:
        link.attempt_id = ""
        return find_link(ctx, intend(ctx, link, accepted, deadline, guard).id)
    link.attempt_id = attempt_id = new_id()
    ctx.ownership.working_on.add(attempt_id)
    kept = None
    try:
        kept = intend(ctx, link, accepted, deadline, guard)
    finally:
        if kept is not link:
            ctx.ownership.working_on.discard(attempt_id)
    return _attempt_until(ctx, link, deadline, compared) if kept is link else kept


def _attempt_until(
    ctx: WorkspaceContext, link: Link, deadline: float, compared: FreshRecord | None
) -> Link:
    """Attempt the link in another thread, at most until the deadline of the response."""
    running = ctx.attempts.submit(attempt, ctx, link, compared)
    try:
        return running.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return find_link(ctx, link.id)


def can_undo(link: Link) -> bool:
    """Return whether a link is in effect and changed the record, or may be in a moment.

    ``undo`` itself reports a prior value that was erased.
    """
    return undo_obstacle(link) is None


def undo_obstacle(link: Link) -> str | None:
    """Return why a link cannot be undone, as far as it tells itself: a key of UNDO_OBSTACLES.

    A written link that is not checked yet can: ``undo`` checks it first.
    """
    if link.is_to_be_checked and link.undoes_id is None:
        return None
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


def find_link(ctx: WorkspaceContext, link_id: str) -> Link:
    """Return one link of this workspace; raises LinkNotFound."""
    with ctx.database.reading() as session:
        link = session.get(Link, link_id)
    if link is None or link.connection_id != ctx.connection_id:
        raise LinkNotFound
    return link


def _load_record(ctx: WorkspaceContext, record_id: str) -> MirroredRecord:
    with ctx.database.reading() as session:
        return find_record(session, ctx.connection_id, record_id)


def _kind_shows_references(ctx: WorkspaceContext, row: MirroredRecord) -> bool:
    with ctx.database.reading() as session:
        return api_shows_references(session, ctx.connection_id, row.kind)


def _require_free_now(
    ctx: WorkspaceContext, reference: str, row: MirroredRecord, accepted: frozenset[str]
) -> None:
    """Raise ReferenceTaken if other records of this kind have the reference, read again."""
    require_reference_free(
        ctx, reference, row, accepted, lambda other: _still_holds(ctx, other, reference)
    )


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
