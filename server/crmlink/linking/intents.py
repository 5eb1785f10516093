"""Intents: a decision is committed, once for each key, before anything is done about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crmlink.linking.attempt_rows import is_worked_on, reload
from crmlink.linking.audit import record_intended
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import IdempotencyKeyReused, LinkingError
from crmlink.linking.obstacles import (
    find_race_conflict,
    in_progress_error,
    same_contact,
    same_record,
)
from crmlink.store import Link, LinkMethod, LinkState
from crmlink.store.base import utc_now
from crmlink.store.erased import pseudonyms_of
from crmlink.store.hidden_references import hide_new_link

_BY_KEY = select(Link).where(
    Link.connection_id == bindparam("connection_id"), Link.idempotency_key == bindparam("key")
)  # built once: every link asks it
Guard = Callable[[Session], None]  # raises if the decision must not be stored any more


def await_link_by_key(
    ctx: WorkspaceContext, key: str, fingerprint: str, deadline: float
) -> Link | None:
    """Return the link that this key already made, once its attempt ends.

    Raises if the key belongs to another decision.
    """
    while True:
        with ctx.database.reading() as session:
            link = session.scalar(_BY_KEY, {"connection_id": ctx.connection_id, "key": key})
            if link is None:
                return None
            if link.fingerprint not in pseudonyms_of(session).forms(fingerprint):
                raise IdempotencyKeyReused
            over = link.state is not LinkState.INTENDED or not is_worked_on(ctx, session, link)
        if over or time.monotonic() > deadline:
            # The attempt may have ended between the look at its row and the look at its process.
            return reload(ctx, link)
        time.sleep(0.05)


def intend(
    ctx: WorkspaceContext,
    link: Link,
    accepted: frozenset[str],
    deadline: float,
    guard: Guard | None = None,
) -> Link:
    """Commit a decision; of two on one record or contact one wins.

    Returns the link itself, or the one that its key made in the meantime. Raises LinkingError,
    ConnectionEnded, and any error of ``guard``, which is called in the same transaction. A link
    that the API writes needs its ``attempt_id`` before.
    """
    fingerprint = link.fingerprint
    failure: LinkingError | None
    try:
        with ctx.database.writing() as session:
            if guard is not None:
                guard(session)
            ctx.require_in_use(session)
            failure = find_race_conflict(session, ctx, link, accepted)
            if failure is None:
                hide_new_link(session, ctx.workspace_id, link)
                if link.method is LinkMethod.API:
                    link.owner_id = ctx.ownership.register(session)
                link.created_at = _after_earlier(session, link)
                session.add(link)
                session.flush()
                record_intended(session, link)
    except IntegrityError:
        failure = in_progress_error(ctx, link)
    if failure is None:
        return link
    if earlier := await_link_by_key(ctx, link.idempotency_key, fingerprint, deadline):
        return earlier
    raise failure


def _after_earlier(session: Session, link: Link) -> datetime:
    """Return the time of a new link: now, or just after earlier ones if the clock was set back.

    Which of two links of a record or contact is the later one decides what may be undone.
    """
    newest = select(func.max(Link.created_at)).filter_by(connection_id=link.connection_id)
    # Each of them reads its own index: a condition with "or" would use neither.
    same = (same_record(link), same_contact(session, link))
    earlier = session.scalars(union_all(*(newest.where(one) for one in same)))
    return max([utc_now(), *(at + timedelta(microseconds=1) for at in earlier if at)])
