"""Link health: share of records linked, state of the mirror, and open links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crmlink.commusoft.mirror import api_shows_references, is_syncing
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.on_page import WITHDRAWN, WITHDRAWN_UNSEEN
from crmlink.linking.records.imports import latest_imports
from crmlink.store import (
    Device,
    ImportSource,
    Link,
    LinkMethod,
    LinkState,
    MirroredRecord,
    WorkspaceConnection,
)
from crmlink.store.base import utc_now
from crmlink.store.links import BY_TIME

STALLED_AFTER = timedelta(minutes=2)  # a link usually takes seconds
UNCHECKED_AFTER = timedelta(minutes=15)  # since it was written; lists are read more often
IMPORT_STALE_AFTER = timedelta(days=7)  # for records that are imported
MAX_MISSED_SYNCS = 3  # the mirror is stale after so many missed syncs
UNSUCCESSFUL_STATES = (LinkState.CONFLICT, LinkState.FAILED)


@dataclass(frozen=True, slots=True)
class Share:
    """How many records of a kind have a reference, ``by_crmlink`` of them from a link."""

    kind: Kind
    of: int
    linked: int
    by_crmlink: int

    @property
    def before(self) -> int:
        """Records linked by hand, or before crmlink was installed."""
        return self.linked - self.by_crmlink


@dataclass(frozen=True, slots=True)
class ImportedKind:
    """When, and from where, the records of a kind were imported last."""

    kind: Kind
    source: ImportSource
    read_at: datetime


@dataclass(frozen=True, slots=True)
class MirrorState:
    """Age of the mirror; ``since`` is None before the first sync.

    Without an API its records are imported: ``imports`` then tells the age of each kind.
    """

    since: datetime | None
    syncing: bool
    is_stale: bool
    has_api: bool = True
    imports: tuple[ImportedKind, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenLinks:
    """Links that need a person's attention, newest first: unsuccessful, or stalled.

    ``unseen`` were withdrawn without a look at the page, where they may have been saved.
    """

    conflicts: tuple[Link, ...]
    failed: tuple[Link, ...]
    unseen: tuple[Link, ...]
    stalled: tuple[Link, ...]


def shares(ctx: WorkspaceContext) -> list[Share]:
    """Return how many records of each kind are linked."""
    carries = func.coalesce(MirroredRecord.reference, "") != ""
    counted = (
        select(MirroredRecord.kind, func.count(), func.count(case((carries, 1))))
        .where(
            MirroredRecord.connection_id == ctx.connection_id, MirroredRecord.deleted_at.is_(None)
        )
        .group_by(MirroredRecord.kind)
    )
    with ctx.database.reading() as session:
        counts = {kind: (of, linked) for kind, of, linked in session.execute(counted)}
        ours = dict(session.execute(_records_linked_by_us(ctx)).all())
    return [Share(kind, *counts.get(kind, (0, 0)), ours.get(kind, 0)) for kind in KINDS]


def mirror_state(ctx: WorkspaceContext, sync_minutes: int) -> MirrorState:
    """Return the age of the mirror; ``sync_minutes`` is the sync interval."""
    with ctx.database.reading() as session:
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        syncing = is_syncing(session, connection, ctx.ownership)
    if not ctx.has_api:
        return _imported_state(ctx)
    since = connection.synced_at
    limit = timedelta(minutes=sync_minutes * MAX_MISSED_SYNCS)
    is_stale = since is None or utc_now() - since > limit
    return MirrorState(since, syncing, is_stale)


def _imported_state(ctx: WorkspaceContext) -> MirrorState:
    """Return the age of imported records; the oldest kind's counts."""
    latest = latest_imports(ctx)
    imports = tuple(ImportedKind(kind, one.source, one.read_at) for kind, one in latest.items())
    since = min((one.read_at for one in imports), default=None)
    is_stale = since is None or utc_now() - since > IMPORT_STALE_AFTER
    return MirrorState(since, False, is_stale, has_api=False, imports=imports)


def unfinished(ctx: WorkspaceContext) -> OpenLinks:
    """Return conflicts and failures to resolve, and links that do not finish.

    One is resolved once the same contact or record has a newer link, the record has the link's
    target, or the record no longer exists. A link that was withdrawn is resolved if the page was
    looked at, then or since.
    """
    with ctx.database.reading() as session:
        ended = [
            link
            for link, record in session.execute(_unresolved_links(ctx))
            if not (is_withdrawn(link) and _was_seen(session, link, record))
        ]
        stalled = session.scalars(
            select(Link)
            .filter_by(
                connection_id=ctx.connection_id, state=LinkState.INTENDED, method=LinkMethod.API
            )
            .where(or_(Link.attempt_id == "", Link.created_at < utc_now() - STALLED_AFTER))
            .where(or_(Link.written_at.is_(None), Link.written_at < utc_now() - UNCHECKED_AFTER))
            .order_by(Link.created_at.desc())
        ).all()
    return OpenLinks(
        conflicts=tuple(link for link in ended if link.state is LinkState.CONFLICT),
        failed=tuple(
            link for link in ended if link.state is LinkState.FAILED and not is_withdrawn(link)
        ),
        unseen=tuple(link for link in ended if is_withdrawn(link)),
        stalled=tuple(stalled),
    )


def is_withdrawn(link: Link) -> bool:
    """Return whether a user gave a link up before it was seen on Commusoft's page."""
    return (link.failure or {}).get("code") in (WITHDRAWN, WITHDRAWN_UNSEEN)


def waiting_on_pages(ctx: WorkspaceContext, limit: int) -> list[Link]:
    """Return links that wait to be saved on Commusoft's pages, the oldest first."""
    query = (
        select(Link)
        .filter_by(
            connection_id=ctx.connection_id, state=LinkState.INTENDED, method=LinkMethod.PAGES
        )
        .order_by(Link.created_at, Link.id)
        .limit(limit)
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query))


def recent_links(ctx: WorkspaceContext, limit: int = 8) -> list[Link]:
    """Return the newest links, undos included."""
    query = (
        select(Link)
        .filter_by(connection_id=ctx.connection_id)
        .order_by(BY_TIME.desc(), Link.id.desc())
        .limit(limit)
    )
    with ctx.database.reading() as session:
        return list(session.scalars(query))


def has_linked(ctx: WorkspaceContext, person_id: int) -> bool:
    """Return whether a person has made a link here that was written, even if undone since."""
    query = (
        select(Link.id)
        .join(Device, Device.id == Link.device_id)
        .where(
            Link.connection_id == ctx.connection_id,
            Device.person_id == person_id,
            Link.undoes_id.is_(None),
            Link.state.in_((LinkState.LINKED, LinkState.UNDONE)),
        )
    )
    with ctx.database.reading() as session:
        return session.scalar(query.limit(1)) is not None


def linked_packages(ctx: WorkspaceContext) -> set[str]:
    """Return the ids of the accounting packages whose contacts were linked here."""
    query = (
        select(Link.package)
        .distinct()
        .where(
            Link.connection_id == ctx.connection_id,
            Link.state.in_((LinkState.LINKED, LinkState.UNDONE)),
        )
    )
    with ctx.database.reading() as session:
        return set(session.scalars(query))


def _records_linked_by_us(ctx: WorkspaceContext) -> Select[Kind, int]:
    """Return the query for records whose reference was written by a link."""
    return (
        select(MirroredRecord.kind, func.count(func.distinct(MirroredRecord.id)))
        .join(Link, _is_of(MirroredRecord))
        .where(
            Link.connection_id == ctx.connection_id,
            Link.state == LinkState.LINKED,
            Link.undoes_id.is_(None),
            Link.target == MirroredRecord.reference,
            MirroredRecord.deleted_at.is_(None),
        )
        .group_by(MirroredRecord.kind)
    )


def _was_seen(session: Session, link: Link, record: MirroredRecord) -> bool:
    """Return whether the record's reference was read when a link was withdrawn, or later."""
    if link.failure == {"code": WITHDRAWN} or link.settled_at is None:
        return True
    read_at = record.reference_seen_at
    if read_at is None and api_shows_references(session, link.connection_id, link.kind):
        read_at = session.get_one(WorkspaceConnection, link.connection_id).fully_synced_at
    return read_at is not None and read_at > link.settled_at


def _unresolved_links(ctx: WorkspaceContext) -> Select[Link, MirroredRecord]:
    on_record = _latest_times(ctx, Link.kind, Link.record_number)
    of_contact = _latest_times(
        ctx, Link.contact_kind, Link.package, Link.organisation, Link.reference
    )
    as_wanted = func.coalesce(MirroredRecord.reference, "") == func.coalesce(Link.target, "")
    return (
        select(Link, MirroredRecord)
        .join(MirroredRecord, _is_of(MirroredRecord))
        .join(on_record, _is_latest(on_record))
        .join(of_contact, _is_latest(of_contact))
        .where(
            Link.connection_id == ctx.connection_id,
            Link.state.in_(UNSUCCESSFUL_STATES),
            MirroredRecord.deleted_at.is_(None),
            ~as_wanted,
        )
        .order_by(Link.created_at.desc())
    )


def _latest_times(ctx: WorkspaceContext, *what: InstrumentedAttribute[Any]) -> Subquery:
    """Return the time of the latest link of each record, or of each contact."""
    return (
        select(*what, func.max(Link.created_at).label("created_at"))
        .where(Link.connection_id == ctx.connection_id)
        .group_by(*what)
        .subquery()
    )


def _is_latest(newest: Subquery) -> ColumnElement[bool]:
    return and_(*(getattr(Link, column.name) == column for column in newest.columns))


def _is_of(record: type[MirroredRecord]) -> ColumnElement[bool]:
    return and_(
        record.connection_id == Link.connection_id,
        record.kind == Link.kind,
        record.number == Link.record_number,
    )
