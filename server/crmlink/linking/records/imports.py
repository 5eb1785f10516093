"""Imports of records, for accounts without an API: one transaction for each part.

A record leaves the mirror only if all parts of a complete import are there and none of them has it;
and never more than one in ten of those known before without a second yes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, bindparam, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.mirror_import import ImportCounts, MirrorImport
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ImportKeyReused, RecordsComeFromApi
from crmlink.store import ImportSource, RecordImport, RecordImportPart, WorkspaceConnection
from crmlink.store.base import new_id, utc_now
from crmlink.store.erased import pseudonyms_of

MAX_REMOVED_SHARE = 10  # one record in so many may leave without a second yes
MANY = 2**31  # parts: of an import that has not said how many
PART_RETENTION = timedelta(days=7)  # for the parts of an import that was never finished


def _latest_with(counted: InstrumentedAttribute[int]) -> ScalarSelect[int]:
    return (
        select(RecordImport.id)
        .where(RecordImport.connection_id == bindparam("connection_id"), counted > 0)
        .order_by(RecordImport.read_at.desc(), RecordImport.id.desc())
        .limit(1)
        .scalar_subquery()
    )


_COUNTED: dict[Kind, InstrumentedAttribute[int]] = {
    "customer": RecordImport.customers,
    "supplier": RecordImport.suppliers,
}
_LATEST = (
    select(RecordImport)
    .where(RecordImport.id.in_([_latest_with(counted) for counted in _COUNTED.values()]))
    .order_by(RecordImport.read_at, RecordImport.id)
)  # built once: every browser asks it


@dataclass(frozen=True, slots=True)
class ImportPart:
    """One part of an import, or the whole of it.

    ``read_at`` is when Commusoft showed the records. ``complete``: with all its ``parts`` the
    import has every record of its kinds; then others are gone, but for ``spared``, the public ids
    in lines that were left out. ``unreadable`` counts lines that may be records of an unknown id:
    with any, nothing is gone. ``agreed`` is how many records the person agreed to remove.
    """

    records: Sequence[Record]
    read_at: datetime
    source: ImportSource
    key: str = field(default_factory=new_id)
    part: int = 1
    parts: int | None = None
    complete: bool = False
    agreed: int | None = None
    spared: frozenset[str] = frozenset()
    unreadable: int = 0

    def fingerprint(self) -> str:
        """Return a hash of the records, so that one number cannot serve two parts."""
        fields = [asdict(replace(record, raw={})) for record in self.records]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What a part did, or would do.

    ``gone`` records were removed; or ``would_remove`` of them wait for the person's second yes.
    ``missing_parts`` are the numbers of parts that a complete import still lacks; ``kept_back``:
    nothing was removed because lines could not be read.
    """

    key: str
    counts: ImportCounts
    gone: int = 0
    would_remove: int = 0
    missing_parts: tuple[int, ...] = ()
    kept_back: bool = False
    finished: bool = True


def require_imports(ctx: WorkspaceContext) -> None:
    """Raise RecordsComeFromApi if the connection's records are read from an API."""
    if ctx.has_api:
        raise RecordsComeFromApi


def preview_import(ctx: WorkspaceContext, part: ImportPart) -> ImportOutcome:
    """Return what a whole import would do, without doing it. Raises RecordsComeFromApi."""
    require_imports(ctx)
    with ctx.database.reading() as session:
        mirror = MirrorImport(session, ctx.connection_id, part.read_at, dry=True)
        counts = mirror.apply(part.records)
        if not part.complete or part.unreadable:
            return ImportOutcome(part.key, counts, kept_back=part.complete)
        present = [*(record.id for record in part.records), *part.spared]
        kinds = _kinds(present)
        missing = len(mirror.missing(present, kinds))
        is_much = _is_much(missing, mirror.known(kinds))
    if is_much:
        return ImportOutcome(part.key, counts, would_remove=missing, finished=False)
    return ImportOutcome(part.key, counts, gone=missing)


def import_records(ctx: WorkspaceContext, device_id: int, part: ImportPart) -> ImportOutcome:
    """Store a part; the same part again changes nothing more.

    Raises RecordsComeFromApi, ConnectionEnded, or ImportKeyReused if the key or the part's
    number belong to others.
    """
    require_imports(ctx)
    part = replace(part, read_at=min(part.read_at, utc_now()))
    with ctx.database.writing() as session:
        connection = session.get(WorkspaceConnection, ctx.connection_id)
        if connection is None or connection.ended_at:
            raise ConnectionEnded
        _forget_old_parts(session)
        whole = _import(session, ctx, device_id, part)
        mirror = MirrorImport(session, ctx.connection_id, whole.read_at)
        counts, is_new = _apply(session, mirror, whole, part)
        outcome = _finish(session, mirror, whole, part, counts)
        if is_new or outcome.gone:
            connection.synced_at = max(filter(None, (connection.synced_at, whole.read_at)))
            record_audit(
                session, ctx.workspace_id, device_id, "records.imported", whole.key,
                source=whole.source.value, part=part.part, records=len(part.records),
                added=counts.added, changed=counts.changed, gone=outcome.gone,
            )  # fmt: skip
    return outcome


def latest_imports(ctx: WorkspaceContext) -> dict[Kind, RecordImport]:
    """Return for each kind the import that read its records last."""
    with ctx.database.reading() as session:
        rows = session.scalars(_LATEST, {"connection_id": ctx.connection_id}).all()
    return {
        kind: row for kind, counted in _COUNTED.items() for row in rows if getattr(row, counted.key)
    }


def _import(
    session: Session, ctx: WorkspaceContext, device_id: int, part: ImportPart
) -> RecordImport:
    """Return the part's import, begun by its first part. Raises ImportKeyReused."""
    whole = session.scalar(
        select(RecordImport).filter_by(connection_id=ctx.connection_id, key=part.key)
    )
    if whole is None:
        whole = RecordImport(
            connection_id=ctx.connection_id, device_id=device_id, key=part.key,
            source=part.source, read_at=part.read_at,
            customers=0, suppliers=0, added=0, changed=0, gone=0,
        )  # fmt: skip
        session.add(whole)
        session.flush()
    elif whole.source is not part.source or (part.parts or MANY) < (whole.parts or 1):
        raise ImportKeyReused
    if part.complete and not whole.complete:
        whole.finished_at = None
    whole.complete = whole.complete or part.complete
    whole.parts = part.parts or whole.parts
    if _goes_on(whole, part):
        whole.complete, whole.parts = False, None
    return whole


def _goes_on(whole: RecordImport, part: ImportPart) -> bool:
    """Return whether a part follows after the person said that all were there, and went back."""
    return (
        whole.complete
        and not whole.finished_at
        and not part.complete
        and part.part > (whole.parts or MANY)
    )


def _apply(
    session: Session, mirror: MirrorImport, whole: RecordImport, part: ImportPart
) -> tuple[ImportCounts, bool]:
    """Return what a part did, now or at its first request, and whether it did it now."""
    known = session.scalar(select(RecordImportPart).filter_by(import_id=whole.id, part=part.part))
    # Keyed: a plain hash of names and addresses could be tried out.
    fingerprint = pseudonyms_of(session).of(part.fingerprint())
    if known is not None:
        if known.fingerprint != fingerprint:
            raise ImportKeyReused
        return ImportCounts(known.added, known.changed, known.unchanged, known.older), False
    if whole.complete and whole.finished_at:
        raise ImportKeyReused
    counts = mirror.apply(part.records)
    record_ids = [record.id for record in part.records]
    session.add(
        RecordImportPart(
            import_id=whole.id,
            part=part.part,
            fingerprint=fingerprint,
            record_ids=[*record_ids, *part.spared],
            **asdict(counts),
        )
    )
    session.flush()
    customers = sum(record.kind == "customer" for record in part.records)
    whole.customers += customers
    whole.suppliers += len(part.records) - customers
    whole.added += counts.added
    whole.changed += counts.changed
    return counts, True


def _finish(
    session: Session,
    mirror: MirrorImport,
    whole: RecordImport,
    part: ImportPart,
    counts: ImportCounts,
) -> ImportOutcome:
    """Remove what a complete import lacks, once its parts are there and the number is agreed to."""
    outcome = ImportOutcome(whole.key, counts)
    if whole.complete and whole.finished_at:
        return replace(outcome, gone=whole.gone)
    if not whole.complete:
        whole.finished_at = utc_now()
        return outcome
    rows = list(session.scalars(select(RecordImportPart).filter_by(import_id=whole.id)))
    numbers = {row.part for row in rows}
    lacking = tuple(number for number in range(1, (whole.parts or 1) + 1) if number not in numbers)
    if lacking or part.unreadable:
        whole.finished_at = None if lacking else utc_now()
        return replace(
            outcome, missing_parts=lacking[:100], kept_back=not lacking, finished=not lacking
        )
    present = [record_id for row in rows for record_id in row.record_ids]
    kinds = _kinds(present)
    missing = mirror.missing(present, kinds)
    before = mirror.known(kinds) - whole.added
    if _is_much(len(missing), before) and part.agreed != len(missing):
        return replace(outcome, would_remove=len(missing), finished=False)
    mirror.remove(missing)
    whole.gone, whole.finished_at = len(missing), utc_now()
    for row in rows:
        row.record_ids = []
    return replace(outcome, gone=len(missing))


def _is_much(removed: int, of: int) -> bool:
    return removed * MAX_REMOVED_SHARE > of


def _kinds(record_ids: Iterable[str]) -> list[Kind]:
    """Return the kinds that an import has records of: it says nothing of others."""
    named = {record_id.partition("-")[0] for record_id in record_ids}
    return [kind for kind in KINDS if kind in named]


def _forget_old_parts(session: Session) -> None:
    old = select(RecordImport.id).where(RecordImport.started_at < utc_now() - PART_RETENTION)
    session.execute(delete(RecordImportPart).where(RecordImportPart.import_id.in_(old)))
