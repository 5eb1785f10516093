"""Duplicate reports: shared references, contested records, and pairs of similar records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import aliased

from crmlink.batches.row_details import dump_suggestions, load_suggestions
from crmlink.folding import fold
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.live_matcher import details
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
    MirroredRecord,
    SuspectedDuplicate,
    Verdict,
)
from crmlink.store.base import utc_now
from crmlink.store.folded import key_of

log = structlog.get_logger()

MAX_LISTED = 500
MAX_QUERIED = 20_000  # records that one search runs the matcher for
MAX_SHARING = 30  # values shared by more records are ignored
MAX_SUGGESTIONS = 4
NEAR_TIE_RATIO = 0.05  # relative to the record's own probability, as in matching.decide
CHUNK_SIZE = 500


@dataclass(frozen=True, slots=True)
class SharedReference:
    """A reference on several records of one kind."""

    reference: str
    records: tuple[MirroredRecord, ...]


@dataclass(frozen=True, slots=True)
class ContestedRecord:
    """A record claimed by two contacts: rows of a list, or links that replaced each other.

    ``contacts`` are their names; ``batch_id`` and ``positions`` locate the rows.
    """

    record: MirroredRecord
    contacts: tuple[str, ...]
    batch_id: str | None = None
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two records of probably one customer or supplier; ``id`` identifies it for dismissal."""

    id: int
    first: MirroredRecord
    second: MirroredRecord
    similarity: float
    reasons: tuple[Reason, ...]


def shared_references(ctx: WorkspaceContext) -> list[SharedReference]:
    """Return references that are on more than one record of a kind."""
    folded = key_of(MirroredRecord.reference)
    conditions = (
        MirroredRecord.connection_id == ctx.connection_id,
        MirroredRecord.deleted_at.is_(None),
        func.coalesce(MirroredRecord.reference, "") != "",
    )
    shared = (
        select(MirroredRecord.kind, folded.label("reference"))
        .where(*conditions)
        .group_by(MirroredRecord.kind, folded)
        .having(func.count() > 1)
        .order_by(folded)
        .limit(MAX_LISTED)
        .subquery()
    )
    query = (
        select(MirroredRecord)
        .join(shared, (shared.c.reference == folded) & (shared.c.kind == MirroredRecord.kind))
        .where(*conditions)
        .order_by(shared.c.reference, MirroredRecord.kind, MirroredRecord.id)
    )
    groups: defaultdict[tuple[str, str], list[MirroredRecord]] = defaultdict(list)
    with ctx.database.reading() as session:
        for record in session.scalars(query):
            groups[record.kind, fold(record.reference or "")].append(record)
    return [
        SharedReference(records[0].reference or "", tuple(records)) for records in groups.values()
    ]


def contested_records(ctx: WorkspaceContext) -> list[ContestedRecord]:
    """Return records that two contacts claim and no user has decided between."""
    return [*_contested_rows(ctx), *_replaced_links(ctx)][:MAX_LISTED]


def duplicate_pairs(ctx: WorkspaceContext, limit: int = 100) -> list[DuplicatePair]:
    """Return pairs of similar records from the last search, most similar first."""
    query = (
        select(SuspectedDuplicate)
        .filter_by(connection_id=ctx.connection_id, dismissed_at=None)
        .order_by(SuspectedDuplicate.similarity.desc(), SuspectedDuplicate.id)
        .limit(limit)
    )
    with ctx.database.reading() as session:
        pairs = list(session.scalars(query))
        ids = sorted({record_id for pair in pairs for record_id in (pair.first_id, pair.second_id)})
        records = records_by_id(session, ctx.connection_id, ids)
    return [
        DuplicatePair(
            pair.id, records[pair.first_id], records[pair.second_id], pair.similarity,
            load_suggestions(pair.reasons)[0].reasons,
        )
        for pair in pairs
        if pair.first_id in records and pair.second_id in records
    ]  # fmt: skip


def dismiss_duplicate_pair(ctx: WorkspaceContext, device_id: int, pair_id: int) -> bool:
    """Mark a pair as distinct, permanently; returns False if it does not exist."""
    with ctx.database.writing() as session:
        pair = session.get(SuspectedDuplicate, pair_id)
        if pair is None or pair.connection_id != ctx.connection_id:
            return False
        if pair.dismissed_at is None:
            pair.dismissed_at, pair.dismissed_by_id = utc_now(), device_id
            record_audit(
                session, ctx.workspace_id, device_id, "lookalike.dismissed", pair.first_id,
                other=pair.second_id,
            )  # fmt: skip
    return True


def search_duplicates(ctx: WorkspaceContext) -> int:
    """Search all records again at a bounded cost; returns the number of pairs.

    Only records that share an email, a phone, or a postcode and the first letters of a name are
    compared; a pair counts if the matcher cannot distinguish the two.
    """
    with ctx.database.reading() as session:
        records = session.scalars(
            select(MirroredRecord)
            .filter_by(connection_id=ctx.connection_id, deleted_at=None)
            .order_by(MirroredRecord.id)
            .execution_options(yield_per=2_000)
        )
        row_ids = _blocking(records)
    pairs = list(_find_pairs(ctx, ctx.index.matcher(), row_ids))
    _store(ctx, pairs)
    log.info("looked for duplicates", asked=len(row_ids), pairs=len(pairs))
    return len(pairs)


def _blocking(records: Iterable[MirroredRecord]) -> list[int]:
    """Return row ids of records that share a value with few others."""
    sharing: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for record in records:
        for key in _keys(record):
            sharing[key].append(record.id)
    selected = {row_id for ids in sharing.values() if 1 < len(ids) <= MAX_SHARING for row_id in ids}
    return sorted(selected)[:MAX_QUERIED]


def _keys(record: MirroredRecord) -> Iterator[tuple[str, ...]]:
    if email := normalise.email(record.email):
        yield record.kind, "email", email
    for phone in record.phones:
        if number := normalise.phone(phone):
            yield record.kind, "phone", number
    name = normalise.fold(record.company or record.name)
    if (postcode := normalise.postcode(record.postcode)) and name:
        yield record.kind, "place", postcode, name[:3]


def _find_pairs(
    ctx: WorkspaceContext, matcher: Matcher, row_ids: Sequence[int]
) -> Iterator[tuple[str, str, float, list[Any]]]:
    """Yield pairs that the matcher cannot distinguish, the lower number first."""
    yielded: set[tuple[str, str]] = set()
    for start in range(0, len(row_ids), CHUNK_SIZE):
        with ctx.database.reading() as session:
            records = session.scalars(
                select(MirroredRecord)
                .where(MirroredRecord.id.in_(row_ids[start : start + CHUNK_SIZE]))
                .order_by(MirroredRecord.id)
            ).all()
        for record in records:
            own_id = record.public_id
            suggestions = matcher.suggest(details(record), MAX_SUGGESTIONS)
            chances = {item.record_id: item.probability for item in suggestions.items}
            if own_id not in chances:
                continue
            for item in suggestions.items:
                first, second = sorted((own_id, item.record_id), key=lambda each: (len(each), each))
                ids = (first, second)
                near = item.probability >= NEAR_TIE_RATIO * max(chances.values())
                same_kind = item.record_id.partition("-")[0] == record.kind
                if item.record_id == own_id or not near or not same_kind or ids in yielded:
                    continue
                yielded.add(ids)
                similarity = min(1.0, item.probability / chances[own_id])
                yield (
                    first,
                    second,
                    similarity,
                    dump_suggestions(Suggestions((item,), suggestions.none), 0.0),
                )


def _store(ctx: WorkspaceContext, pairs: Sequence[tuple[str, str, float, list[Any]]]) -> None:
    """Replace the pairs of the last search, keeping dismissed ones."""
    with ctx.database.writing() as session:
        dismissed = {
            (pair.first_id, pair.second_id)
            for pair in session.query(SuspectedDuplicate).filter_by(connection_id=ctx.connection_id)
            if pair.dismissed_at
        }
        session.execute(
            delete(SuspectedDuplicate).where(
                SuspectedDuplicate.connection_id == ctx.connection_id,
                SuspectedDuplicate.dismissed_at.is_(None),
            )
        )
        ids = {record_id for first, second, *_ in pairs for record_id in (first, second)}
        present = records_by_id(session, ctx.connection_id, sorted(ids))
        kept = {record_id for record_id, record in present.items() if not record.erased_at}
        session.add_all(
            SuspectedDuplicate(
                connection_id=ctx.connection_id,
                first_id=first,
                second_id=second,
                similarity=similarity,
                reasons=reasons,
            )
            for first, second, similarity, reasons in pairs
            if (first, second) not in dismissed and reasons and {first, second} <= kept
        )


def _contested_rows(ctx: WorkspaceContext) -> Iterator[ContestedRecord]:
    query = (
        select(BatchRow)
        .join(Batch, Batch.id == BatchRow.batch_id)
        .where(
            Batch.connection_id == ctx.connection_id,
            Batch.state.in_((BatchState.REVIEW, BatchState.WRITING, BatchState.PAUSED,
                             BatchState.DONE, BatchState.FILLING)),
            BatchRow.verdict == Verdict.CONFLICT,
            BatchRow.choice == Choice.OPEN,
        )
        .order_by(Batch.created_at.desc(), BatchRow.position)
        .limit(4 * MAX_LISTED)
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
                records[best], tuple(row.label for row in rows), batch_id,
                tuple(row.position for row in rows),
            )  # fmt: skip


def _replaced_links(ctx: WorkspaceContext) -> Iterator[ContestedRecord]:
    """Yield records with two successful links, the later one of another contact."""
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
        .limit(MAX_LISTED)
    )
    with ctx.database.reading() as session:
        pairs = session.execute(query).all()
        records = records_by_id(session, ctx.connection_id, [old.record_id for old, _ in pairs])
    for old, new in pairs:
        if old.record_id in records:
            contacts = (old.contact_name or old.reference, new.contact_name or new.reference)
            yield ContestedRecord(records[old.record_id], contacts)
