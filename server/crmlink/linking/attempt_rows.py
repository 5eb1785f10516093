"""Rows of attempts: every change of an intended link is conditional on the attempt that owns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select, union_all, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Update

from crmlink.commusoft.errors import ConnectionEnded, WriteWithdrawn
from crmlink.commusoft.mirror import mark_deleted, upsert_record
from crmlink.commusoft.records import Record
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.settling import note_settled
from crmlink.store import Link, LinkState, WorkspaceConnection
from crmlink.store.base import new_id, utc_now
from crmlink.store.connections import is_in_use
from crmlink.store.processes import is_alive

OWNERLESS_TTL = 300.0  # seconds unchanged after which a version without owners counts as dead

_TO_BE_CHECKED = select(Link.id).where(
    Link.connection_id == bindparam("connection_id"),
    Link.state == LinkState.INTENDED,
    Link.written_at.is_not(None),
)
# Built once. Each half reads its own index: a condition with "or" would use neither.
_WRITTEN = select(Link).where(
    Link.id.in_(
        union_all(
            _TO_BE_CHECKED.where(
                Link.kind == bindparam("kind"), Link.record_number == bindparam("number")
            ),
            _TO_BE_CHECKED.where(
                Link.package == bindparam("package"), Link.reference == bindparam("reference")
            ),
        )
    )
)


def links_to_check(
    ctx: WorkspaceContext, record_id: str, package: str, reference: str
) -> Sequence[Link]:
    """Return links to this record or of this reference that are written, and to be checked."""
    kind, _, number = record_id.partition("-")
    asked = {"connection_id": ctx.connection_id, "kind": kind, "number": number}
    asked |= {"package": package, "reference": reference}
    with ctx.database.reading() as session:
        return session.scalars(_WRITTEN, asked).all()


def is_worked_on(ctx: WorkspaceContext, session: Session, link: Link) -> bool:
    """Return whether an attempt at the link is in progress."""
    if not link.attempt_id:
        return False
    if link.owner_id is None:
        return ctx.first_seen.age(link.id, (link.attempt_id, link.writes)) < OWNERLESS_TTL
    return ctx.ownership.is_worked_on(session, link.owner_id, link.attempt_id)


def take_over(ctx: WorkspaceContext, link: Link) -> bool:
    """Take over an abandoned attempt; returns False if another process was faster or it lives."""
    ours, taken = new_id(), None
    ctx.ownership.working_on.add(ours)
    try:
        with ctx.database.writing() as session:
            owner_id = ctx.ownership.register(session)
            free = or_(Link.owner_id.is_(None), Link.owner_id == owner_id, ~is_alive(Link.owner_id))
            taken = session.scalar(
                update(Link)
                .where(
                    Link.id == link.id,
                    Link.state == LinkState.INTENDED,
                    Link.attempt_id == link.attempt_id,
                    free,
                )
                .values(attempt_id=ours, owner_id=owner_id, attempted_at=utc_now())
                .returning(Link.id)
            )
    finally:
        if taken is None:
            ctx.ownership.working_on.discard(ours)
    if taken is not None:
        link.attempt_id, link.owner_id = ours, owner_id
    return taken is not None


def begin_write(ctx: WorkspaceContext, link: Link) -> bool:
    """Count a PUT before it is sent; returns False if another process has taken over.

    So a process that was suspended, and counted as dead, sends nothing afterwards, and nothing is
    sent to a disconnected account.
    """
    with ctx.database.writing() as session:
        if not is_in_use(session, ctx.connection_id):
            return False
        begun = session.scalar(
            update_if_owned(link)
            .values(
                writes=link.writes + 1,
                writes_over=link.writes_over,
                failure=None,
                attempted_at=utc_now(),
            )
            .returning(Link.id)
        )
    link.writes += 1
    link.failure = None
    ctx.first_seen.age(link.id, link.writes)
    return begun is not None


def refuse_unless_ours(ctx: WorkspaceContext, link: Link) -> None:
    """Check the attempt immediately before its PUT, which may have waited for its slot.

    Raises WriteWithdrawn.
    """
    with ctx.database.reading() as session:
        in_use = select(WorkspaceConnection.id).filter_by(id=ctx.connection_id, ended_at=None)
        ours = session.scalar(select(Link.id).where(*_is_ours(link), in_use.exists()))
    if ours is None:
        raise WriteWithdrawn


def settle(
    ctx: WorkspaceContext,
    link: Link,
    state: LinkState,
    failure: dict[str, Any] | None,
    held: Record | None,
) -> Link:
    """Settle a link and write what was read to the mirror; None: the record is gone."""
    with ctx.database.writing() as session:
        settled = session.scalar(
            update_if_owned(link)
            .values(state=state, failure=failure, settled_at=utc_now(), owner_id=None)
            .returning(Link.id)
        )
        if settled and held:
            upsert_record(session, ctx.connection_id, held)
        elif settled:
            mark_deleted(session, ctx.connection_id, link.kind, link.record_number)
        if settled:
            return note_settled(session, link, state, failure)
    return reload(ctx, link)


def leave_open(ctx: WorkspaceContext, link: Link, code: str) -> Link:
    """Keep a link intended and free for ``recover``, with the code of the obstacle."""
    with ctx.database.writing() as session:
        session.execute(
            update_if_owned(link).values(
                attempt_id="",
                owner_id=None,
                attempted_at=utc_now(),
                failure={"code": code},
                writes_over=link.writes_over,
            )
        )
    return reload(ctx, link)


def leave_written(ctx: WorkspaceContext, link: Link) -> Link:
    """Keep a link intended whose PUT was accepted, to be checked by a read that begins later."""
    with ctx.database.writing() as session:
        session.execute(
            update_if_owned(link).values(
                attempt_id="",
                owner_id=None,
                written_at=utc_now(),
                writes_over=link.writes_over,
            )
        )
    return reload(ctx, link)


def update_if_owned(link: Link) -> Update:
    """Return an update of the link that does nothing once another process has taken over."""
    return update(Link).where(*_is_ours(link))


def _is_ours(link: Link) -> list[ColumnElement[bool]]:
    """Return the conditions that this attempt owns the link and its process counts as alive."""
    return [
        Link.id == link.id,
        Link.state == LinkState.INTENDED,
        Link.attempt_id == link.attempt_id,
        is_alive(Link.owner_id),
    ]


def reload(ctx: WorkspaceContext, link: Link) -> Link:
    """Return the link as the database has it; raises ConnectionEnded if it was deleted."""
    with ctx.database.reading() as session:
        found = session.get(Link, link.id)
    if found is None:  # practice data was deleted in the meantime
        raise ConnectionEnded
    return found
