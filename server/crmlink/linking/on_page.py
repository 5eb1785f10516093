"""Links that a person writes on Commusoft's own pages, and what was seen there.

crmlink fills the field, the person saves, and the page is read again. Nothing here writes: an
intended link is settled only by what a page showed, or given up by a user. Each call is one
transaction, and a repeated one gives the same answer; so browser and server may end at any point.

A request may arrive late, after others that were sent later. So an observation names the mirror's
version of the record that its page was opened with, and counts if nothing else was learnt since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.mirror import show_reference
from crmlink.folding import compose, fold
from crmlink.linking.audit import record_prior_replaced
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    CannotUndo,
    LinkingError,
    LinkNotFound,
    NotOnPage,
    PageReadEarlier,
)
from crmlink.linking.obstacles import (
    is_same,
    record_has_reference_error,
    require_reference_free,
    require_replaceable,
    same_record,
)
from crmlink.linking.overrides import Overrides
from crmlink.linking.settling import note_settled
from crmlink.linking.suggest import find_record
from crmlink.pseudonyms import Pseudonyms
from crmlink.store import Link, LinkMethod, LinkState, MirroredRecord
from crmlink.store.base import utc_now
from crmlink.store.connections import is_in_use
from crmlink.store.erased import pseudonyms_of

NOT_SEEN = "not-seen-yet"
CHANGED = "record-changed"
WITHDRAWN, WITHDRAWN_UNSEEN = "withdrawn", "withdrawn-unseen"
Stage = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class SeenOnPage:
    """The reference that a page showed; None for an empty field."""

    reference: str | None

    @classmethod
    def of(cls, text: str | None) -> SeenOnPage:
        """Return the value of a field as read from a page."""
        return cls(compose((text or "").strip()) or None)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a record's page showed, before the field is filled or after the person saved.

    ``replaces`` is another reference that the person has agreed to replace; ``version`` the
    mirror's of the record when the page was opened, None if unknown.
    """

    stage: Stage
    value: SeenOnPage
    replaces: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """The link after an observation; ``fill``: the page may be filled with its target now.

    ``version`` is the mirror's of its record, for the next observation.
    """

    link: Link
    version: int
    fill: bool = False


def known_prior(
    ctx: WorkspaceContext,
    reference: str,
    row: MirroredRecord,
    overrides: Overrides,
    seen: SeenOnPage | None,
) -> str | None:
    """Return the record's reference as the page showed it, else as the mirror has it.

    What a link put there counts in any case, as the page may be older; its next observation has a
    version. Raises RecordHasReference or ReferenceTaken.
    """
    prior = _known(ctx, row, seen)
    with ctx.database.reading() as session:
        present = find_record(session, ctx.connection_id, row.public_id)
        prior = present.reference if _is_linked(session, present) else prior
    require_replaceable(ctx, row, prior, reference, overrides)
    _require_free(ctx, reference, row, overrides.also_on)
    return prior


def known_before_undo(
    ctx: WorkspaceContext,
    link: Link,
    row: MirroredRecord,
    also_on: frozenset[str],
    seen: SeenOnPage | None,
) -> str | None:
    """Return the record's reference, which must be the link's. Raises CannotUndo."""
    held = _known(ctx, row, seen)
    if not is_same(ctx, held, link.target):
        raise CannotUndo(current_reference=held)
    if link.prior is not None:
        _require_free(ctx, link.prior, row, also_on)
    return held


def observe(ctx: WorkspaceContext, link_id: str, seen: Observation, device_id: int) -> Observed:
    """Take what a page showed of a link's record.

    Raises RecordHasReference if the page has another reference than was decided about,
    ReferenceTaken if another record has got the link's since, or PageReadEarlier; the link stays
    intended then. An observation of a settled link changes nothing of it.
    """
    with ctx.database.writing() as session:
        found = _take(session, ctx, link_id, seen, device_id)
    return _answer(ctx, link_id, seen, found)


def observe_many(
    ctx: WorkspaceContext, many: Sequence[tuple[str, Observation]], device_id: int
) -> list[Observed | LinkingError]:
    """Take what a table of many records showed, in one transaction; in order.

    Returns for each the link, or the failure that ``observe`` would raise.
    """
    found: list[Finding | LinkingError] = []
    with ctx.database.writing() as session:
        for link_id, seen in many:
            try:
                found.append(_take(session, ctx, link_id, seen, device_id))
            except LinkingError as failure:
                found.append(failure)
    answers: list[Observed | LinkingError] = []
    for (link_id, seen), finding in zip(many, found, strict=True):
        try:
            answers.append(
                finding
                if isinstance(finding, LinkingError)
                else _answer(ctx, link_id, seen, finding)
            )
        except LinkingError as failure:
            answers.append(failure)
    return answers


def _take(
    session: Session, ctx: WorkspaceContext, link_id: str, seen: Observation, device_id: int
) -> Finding:
    """Store what an observation means; nothing is written that ``_answer`` may refuse."""
    value = seen.value.reference
    link = _page_link(session, ctx, link_id)
    if link.state is not LinkState.INTENDED:
        _show_late(session, link, value)
        return "settled"
    _require_current(session, link, seen)
    _show(session, link, value)
    found = _judge(pseudonyms_of(session), link, seen)
    match found:
        case "linked":
            _settle(session, link, LinkState.LINKED, None, device_id)
        case "conflict":
            failure = {"code": CHANGED, "current_reference": value}
            _settle(session, link, LinkState.CONFLICT, failure, device_id)
        case "not-seen":
            link.failure = {"code": NOT_SEEN}
        case "replaced":
            before, link.prior = link.prior, value
            record_prior_replaced(session, link, before, device_id)
    return found


def _answer(ctx: WorkspaceContext, link_id: str, seen: Observation, found: Finding) -> Observed:
    fill = found in ("fill", "replaced")
    link = _reload(ctx, link_id)
    if found == "other" or fill:
        _require_fillable(ctx, link, seen.value.reference, is_agreed=fill)
    with ctx.database.reading() as session:
        row = _mirrored(session, link)
    return Observed(link, row.mirror_version if row else 0, fill)


def give_up(session: Session, link: Link, device_id: int) -> None:
    """Give up an intended link in a writing session, without a look at its page."""
    failure = {"code": WITHDRAWN_UNSEEN}
    _settle(session, link, LinkState.FAILED, failure, device_id)


def withdraw(ctx: WorkspaceContext, link_id: str, seen: SeenOnPage | None, device_id: int) -> Link:
    """Give up an intended link; if the page shows its target it is linked instead.

    ``seen`` is None if no page was looked at. A settled link is returned as it is.
    """
    with ctx.database.writing() as session:
        link = _page_link(session, ctx, link_id)
        if link.state is not LinkState.INTENDED:
            if seen:
                _show_late(session, link, seen.reference)
        else:
            if seen:
                _show(session, link, seen.reference)
            pseudonyms = pseudonyms_of(session)
            if seen and pseudonyms.same(seen.reference, link.target):
                _settle(session, link, LinkState.LINKED, None, device_id)
            else:
                failure = {"code": WITHDRAWN if seen else WITHDRAWN_UNSEEN}
                _settle(session, link, LinkState.FAILED, failure, device_id)
    return _reload(ctx, link_id)


Finding = Literal["linked", "fill", "replaced", "other", "not-seen", "conflict", "settled"]


def _judge(pseudonyms: Pseudonyms, link: Link, seen: Observation) -> Finding:
    """Return what an observation means for an intended link."""
    value = seen.value.reference
    if pseudonyms.same(value, link.target):
        return "linked"
    as_before = pseudonyms.same(value, link.prior)
    if seen.stage == "after":
        return "not-seen" if as_before else "conflict"
    if as_before:
        return "fill"
    if link.undoes_id:  # what is to be restored was replaced by a value that is no longer there
        return "conflict"
    return "replaced" if value is None or value == seen.replaces else "other"


def _page_link(session: Session, ctx: WorkspaceContext, link_id: str) -> Link:
    """Return a link in a writing session. Raises LinkNotFound, NotOnPage or ConnectionEnded."""
    link = session.get(Link, link_id)
    if link is None or link.connection_id != ctx.connection_id:
        raise LinkNotFound
    if link.method is not LinkMethod.PAGES:
        raise NotOnPage
    if not is_in_use(session, ctx.connection_id):
        raise ConnectionEnded
    return link


def _show(session: Session, link: Link, value: str | None) -> None:
    """Write what was seen to the mirror."""
    show_reference(session, link.connection_id, link.kind, link.record_number, value)


def _show_late(session: Session, link: Link, value: str | None) -> None:
    """Write what was seen of a settled link to the mirror, where it can be nothing older.

    Such a request may have been sent before the link ended, and before a later link decided about
    the record. A given-up link's own reference was saved after all, whenever it was seen.
    """
    if link.state is not LinkState.FAILED or not pseudonyms_of(session).same(value, link.target):
        return
    later = (
        select(Link.id)
        .filter_by(connection_id=link.connection_id)
        .where(same_record(link), Link.created_at > link.created_at)
    )
    if session.scalar(later.limit(1)) is None:
        _show(session, link, value)


def _require_current(session: Session, link: Link, seen: Observation) -> None:
    """Raise PageReadEarlier if something else was learnt of the record since its page was opened.

    A page that shows nothing is believed over a value to be replaced only with its version.
    """
    row, value = _mirrored(session, link), seen.value.reference
    if row is None or pseudonyms_of(session).same(value, row.reference):
        return
    if seen.version is None:
        is_late = seen.stage == "before" and value is None and link.prior is not None
    else:
        is_late = row.mirror_version > seen.version
    if is_late:
        raise PageReadEarlier(record=row)


def _mirrored(session: Session, link: Link) -> MirroredRecord | None:
    return session.scalar(
        select(MirroredRecord).filter_by(
            connection_id=link.connection_id, kind=link.kind, number=link.record_number
        )
    )


def _settle(
    session: Session,
    link: Link,
    state: LinkState,
    failure: dict[str, Any] | None,
    device_id: int,
) -> None:
    session.execute(
        update(Link)
        .where(Link.id == link.id)
        .values(state=state, failure=failure, settled_at=utc_now())
    )
    note_settled(session, link, state, failure, device_id)


def _require_fillable(
    ctx: WorkspaceContext, link: Link, value: str | None, *, is_agreed: bool
) -> None:
    """Raise RecordHasReference unless agreed, or ReferenceTaken by a record not accepted."""
    with ctx.database.reading() as session:
        row = find_record(session, ctx.connection_id, link.record_id)
    if not is_agreed:
        raise record_has_reference_error(ctx, row, value)
    if link.target is not None:
        _require_free(ctx, link.target, row, frozenset(link.also_on))


def _require_free(
    ctx: WorkspaceContext, reference: str, row: MirroredRecord, accepted: frozenset[str]
) -> None:
    """Raise ReferenceTaken if another record has the reference, as far as crmlink knows."""
    require_reference_free(
        ctx, reference, row, accepted, lambda other: _may_hold(ctx, other, reference)
    )


def _may_hold(ctx: WorkspaceContext, row: MirroredRecord, reference: str) -> bool:
    """Return whether a record has a reference, or may have it without the mirror knowing."""
    if row.reference is None:
        return row.reference_seen_at is None
    return fold(row.reference) == fold(reference) or is_same(ctx, row.reference, reference)


def _known(ctx: WorkspaceContext, row: MirroredRecord, seen: SeenOnPage | None) -> str | None:
    if seen is None:
        return row.reference
    with ctx.database.writing() as session:
        if not is_in_use(session, ctx.connection_id):
            raise ConnectionEnded
        if not _is_linked(session, row):
            show_reference(session, ctx.connection_id, row.kind, row.number, seen.reference)
    return seen.reference


def _is_linked(session: Session, row: MirroredRecord) -> bool:
    """Return whether a link put the record's present reference on it."""
    pseudonyms = pseudonyms_of(session)
    present = session.scalar(
        select(MirroredRecord.reference).filter_by(
            connection_id=row.connection_id, kind=row.kind, number=row.number
        )
    )
    targets = session.scalars(
        select(Link.target).filter_by(
            connection_id=row.connection_id, kind=row.kind, record_number=row.number,
            state=LinkState.LINKED,
        )
    )  # fmt: skip
    return present is not None and any(pseudonyms.same(present, target) for target in targets)


def _reload(ctx: WorkspaceContext, link_id: str) -> Link:
    with ctx.database.reading() as session:
        link = session.get(Link, link_id)
    if link is None:  # practice data was deleted in the meantime
        raise ConnectionEnded
    return link
