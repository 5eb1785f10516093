"""Duplicates that turned up: a reference on two records, two contacts on one record, and records
that look like the same customer or supplier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import aliased

from crmlink.batches.row_details import dump_suggestions, label, load_suggestions
from crmlink.folding import fold
from crmlink.linking.audit import note
from crmlink.linking.context import WorkspaceContext, details
from crmlink.linking.suggest import records_by_id
from crmlink.matching import Matcher, Reason, normalise
from crmlink.matching.details import Suggestions
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    Link,
    LinkState,
    Lookalike,
    MirroredRecord,
    Verdict,
)
from crmlink.store.base import now
from crmlink.store.folded import key_of

log = structlog.get_logger()

MOST_LISTED = 500
MOST_ASKED = 20_000  # records that one run asks the matcher about
MOST_ALIKE = 30  # records that may share a value for it to say anything
OFFERED = 4
NEAR = 0.05  # of the record's own likelihood: as near-ties are told in suggestions
STORED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SharedReference:
    """A reference that stands on several records of one kind."""

    reference: str
    records: tuple[MirroredRecord, ...]


@dataclass(frozen=True, slots=True)
class ContestedRecord:
    """A record that two contacts lay claim to: rows of a list, or links that replaced each other.

    ``contacts`` are what they are called; ``batch_id`` and ``positions`` are where to decide.
    """

    record: MirroredRecord
    contacts: tuple[str, ...]
    batch_id: str | None = None
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two records that look like one. ``id`` is what to dismiss it by."""

    id: int
    first: MirroredRecord
    second: MirroredRecord
    likeness: float
    reasons: tuple[Reason, ...]


def shared_references(ctx: WorkspaceContext) -> list[SharedReference]:
    """References that more than one record of a kind carries."""
    folded = key_of(MirroredRecord.reference)
    mine = (
        MirroredRecord.connection_id == ctx.connection_id,
        MirroredRecord.gone_at.is_(None),
        func.coalesce(MirroredRecord.reference, "") != "",
    )
    shared = (
        select(MirroredRecord.kind, folded.label("reference"))
        .where(*mine)
        .group_by(MirroredRecord.kind, folded)
        .having(func.count() > 1)
        .order_by(folded)
        .limit(MOST_LISTED)
        .subquery()
    )
    query = (
        select(MirroredRecord)
        .join(shared, (shared.c.reference == folded) & (shared.c.kind == MirroredRecord.kind))
        .where(*mine)
        .order_by(shared.c.reference, MirroredRecord.kind, MirroredRecord.id)
    )
    found: defaultdict[tuple[str, str], list[MirroredRecord]] = defaultdict(list)
    with ctx.database.reading() as session:
        for record in session.scalars(query):
            found[record.kind, fold(record.reference or "")].append(record)
    return [
        SharedReference(records[0].reference or "", tuple(records)) for records in found.values()
    ]


def contested_records(ctx: WorkspaceContext) -> list[ContestedRecord]:
    """Records that two contacts lay claim to, and nobody has decided between."""
    return [*_rivals_on_lists(ctx), *_replaced(ctx)][:MOST_LISTED]


def duplicate_pairs(ctx: WorkspaceContext, limit: int = 100) -> list[DuplicatePair]:
    """Pairs of records that look like one, the likest first; as the last search found them."""
    query = (
        select(Lookalike)
        .filter_by(connection_id=ctx.connection_id, dismissed_at=None)
        .order_by(Lookalike.likeness.desc(), Lookalike.id)
        .limit(limit)
    )
    with ctx.database.reading() as session:
        pairs = list(session.scalars(query))
        ids = sorted({each for pair in pairs for each in (pair.first_id, pair.second_id)})
        records = records_by_id(session, ctx.connection_id, ids)
    return [
        DuplicatePair(
            pair.id, records[pair.first_id], records[pair.second_id], pair.likeness,
            load_suggestions(pair.reasons)[0].reasons,
        )
        for pair in pairs
        if pair.first_id in records and pair.second_id in records
    ]  # fmt: skip


def dismiss_duplicate_pair(ctx: WorkspaceContext, device_id: int, pair_id: int) -> bool:
    """Somebody says that they are two; that stays. False when there is no such pair."""
    with ctx.database.writing() as session:
        pair = session.get(Lookalike, pair_id)
        if pair is None or pair.connection_id != ctx.connection_id:
            return False
        if pair.dismissed_at is None:
            pair.dismissed_at, pair.dismissed_by_id = now(), device_id
            note(
                session, ctx.workspace_id, device_id, "lookalike.dismissed", pair.first_id,
                other=pair.second_id,
            )  # fmt: skip
    return True


def search_duplicates(ctx: WorkspaceContext) -> int:
    """Search all records anew, at a bounded cost; returns how many pairs there are.

    Only records that share an email, a phone, or a postcode with the first letters of a name are
    asked about, and a pair counts when the matcher cannot tell the two apart.
    """
    with ctx.database.reading() as session:
        records = session.scalars(
            select(MirroredRecord)
            .filter_by(connection_id=ctx.connection_id, gone_at=None)
            .order_by(MirroredRecord.id)
            .execution_options(yield_per=2_000)
        )
        asked = _blocking(records)
    found = list(_near(ctx, ctx.index.matcher(), asked))
    _store(ctx, found)
    log.info("looked for duplicates", asked=len(asked), pairs=len(found))
    return len(found)


def _blocking(records: Iterable[MirroredRecord]) -> list[int]:
    """The row ids of records that share something telling with few others."""
    sharing: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for record in records:
        for key in _keys(record):
            sharing[key].append(record.id)
    wanted = {each for ids in sharing.values() if 1 < len(ids) <= MOST_ALIKE for each in ids}
    return sorted(wanted)[:MOST_ASKED]


def _keys(record: MirroredRecord) -> Iterator[tuple[str, ...]]:
    if email := normalise.email(record.email):
        yield record.kind, "email", email
    for phone in record.phones:
        if number := normalise.phone(phone):
            yield record.kind, "phone", number
    name = normalise.fold(record.company or record.name)
    if (postcode := normalise.postcode(record.postcode)) and name:
        yield record.kind, "place", postcode, name[:3]


def _near(
    ctx: WorkspaceContext, matcher: Matcher, asked: Sequence[int]
) -> Iterator[tuple[str, str, float, list[Any]]]:
    """Pairs that the matcher cannot tell apart, the lower number first."""
    seen: set[tuple[str, str]] = set()
    for start in range(0, len(asked), STORED_AT_ONCE):
        with ctx.database.reading() as session:
            records = session.scalars(
                select(MirroredRecord)
                .where(MirroredRecord.id.in_(asked[start : start + STORED_AT_ONCE]))
                .order_by(MirroredRecord.id)
            ).all()
        for record in records:
            own = record.public_id
            found = matcher.suggest(details(record), OFFERED)
            chances = {item.record_id: item.probability for item in found.items}
            if own not in chances:
                continue
            for item in found.items:
                first, second = sorted((own, item.record_id), key=lambda each: (len(each), each))
                ids = (first, second)
                near = item.probability >= NEAR * max(chances.values())
                same_kind = item.record_id.partition("-")[0] == record.kind
                if item.record_id == own or not near or not same_kind or ids in seen:
                    continue
                seen.add(ids)
                likeness = min(1.0, item.probability / chances[own])
                yield (
                    first,
                    second,
                    likeness,
                    dump_suggestions(Suggestions((item,), found.none), 0.0),
                )


def _store(ctx: WorkspaceContext, found: Sequence[tuple[str, str, float, list[Any]]]) -> None:
    """Replace what the last search found; what people dismissed stays dismissed."""
    with ctx.database.writing() as session:
        kept = {
            (pair.first_id, pair.second_id)
            for pair in session.query(Lookalike).filter_by(connection_id=ctx.connection_id)
            if pair.dismissed_at
        }
        session.execute(
            delete(Lookalike).where(
                Lookalike.connection_id == ctx.connection_id, Lookalike.dismissed_at.is_(None)
            )
        )
        session.add_all(
            Lookalike(
                connection_id=ctx.connection_id,
                first_id=first,
                second_id=second,
                likeness=likeness,
                reasons=reasons,
            )
            for first, second, likeness, reasons in found
            if (first, second) not in kept and reasons
        )


def _rivals_on_lists(ctx: WorkspaceContext) -> Iterator[ContestedRecord]:
    query = (
        select(BatchRow)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.connection_id == ctx.connection_id,
            Batch.state.in_((BatchState.REVIEW, BatchState.WRITING, BatchState.PAUSED,
                             BatchState.DONE)),
            BatchRow.verdict == Verdict.CONFLICT,
            BatchRow.choice == Choice.OPEN,
        )
        .order_by(Batch.created_at.desc(), BatchRow.position)
        .limit(4 * MOST_LISTED)
    )  # fmt: skip
    with ctx.database.reading() as session:
        groups: defaultdict[tuple[str, str], list[BatchRow]] = defaultdict(list)
        for row in session.scalars(query):
            if (row.conflict or {}).get("code") == "contact-twice" and row.best:
                groups[row.batch_id, row.best].append(row)
        records = records_by_id(session, ctx.connection_id, [best for _, best in groups])
    for (batch_id, best), rows in groups.items():
        if best in records:
            yield ContestedRecord(
                records[best], tuple(map(label, rows)), batch_id,
                tuple(row.position for row in rows),
            )  # fmt: skip


def _replaced(ctx: WorkspaceContext) -> Iterator[ContestedRecord]:
    """Records whose link of one contact was replaced by another contact's, both of which stand."""
    later = aliased(Link)
    query = (
        select(Link, later)
        .join(
            later,
            (later.connection_id == Link.connection_id)
            & (later.kind == Link.kind)
            & (later.record_number == Link.record_number)
            & (later.prior == Link.target),
        )
        .where(
            Link.connection_id == ctx.connection_id,
            Link.state == LinkState.LINKED,
            later.state == LinkState.LINKED,
            Link.undoes_id.is_(None),
            later.undoes_id.is_(None),
            or_(later.reference != Link.reference, later.package != Link.package),
        )
        .order_by(later.created_at.desc())
        .limit(MOST_LISTED)
    )
    with ctx.database.reading() as session:
        pairs = session.execute(query).all()
        records = records_by_id(session, ctx.connection_id, [old.record_id for old, _ in pairs])
    for old, new in pairs:
        if old.record_id in records:
            contacts = (old.contact_name or old.reference, new.contact_name or new.reference)
            yield ContestedRecord(records[old.record_id], contacts)
