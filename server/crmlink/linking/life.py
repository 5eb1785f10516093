"""The life of an intended link, and the only code that writes to Commusoft.

The intent is committed with the prior value before anything here runs. Then: compare the record
as it is now → PUT → read back → linked. Whatever was interrupted is read back by ``recover``.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.sql.dml import Update

from crmlink.commusoft.errors import CommusoftError, RecordGone, WriteRefused
from crmlink.commusoft.mirror import forget, remember
from crmlink.commusoft.records import Record
from crmlink.linking.desk import Desk
from crmlink.linking.failures import commusoft_code
from crmlink.store import Link, LinkState
from crmlink.store.models import new_id, now
from crmlink.words import Kind

LEASE = timedelta(minutes=5)  # longer than one attempt can take; then another process may take over
MOST_WRITES = 10  # a write whose answer keeps getting lost ends as failed, for a person to see
READ_BACKS = (0.0, 0.3, 1.0)  # seconds to wait before each look at a write that was accepted


def attempt(desk: Desk, link: Link) -> Link:
    """Bring an intended link to its end, or leave it intended when Commusoft does not answer."""
    trouble: CommusoftError | None = None
    try:
        held = _held(desk, link)
        if held.reference == link.prior != link.target:
            link.writes += 1
            trouble = _put(desk, held, link)
            held = _read_back(desk, link, retry=trouble is None)
    except RecordGone:
        return _settle(desk, link, LinkState.FAILED, {"code": "record-gone"})
    except CommusoftError as error:
        return _leave(desk, link, error)
    if held.reference == link.target:
        return _settle(desk, link, LinkState.LINKED)
    if held.reference != link.prior:
        found = {"code": "record-changed", "current_reference": held.reference}
        return _settle(desk, link, LinkState.CONFLICT, found)
    if trouble is None:
        return _settle(desk, link, LinkState.FAILED, {"code": "reference-not-kept"})
    if isinstance(trouble, WriteRefused) or link.writes >= MOST_WRITES:
        return _settle(desk, link, LinkState.FAILED, {"code": commusoft_code(trouble)})
    return _leave(desk, link, trouble)


def recover(desk: Desk) -> list[Link]:
    """Finish intended links that nobody works on; returns how those stand now.

    Stops at the first that Commusoft does not answer for; its turn comes last in the next round.
    """
    finished = []
    for link in _waiting(desk):
        if _take_over(desk, link):
            finished.append(attempt(desk, link))
            if finished[-1].state is LinkState.INTENDED:
                break
    return finished


def release(desk: Desk) -> None:
    """Hand every intended link to ``recover``: for the start of the only process that links."""
    with desk.database.writing() as session:
        session.execute(
            update(Link)
            .where(Link.workspace_id == desk.workspace_id, Link.state == LinkState.INTENDED)
            .values(attempt_id="")
        )


def fresh(desk: Desk, kind: Kind, number: str, uuid: str | None) -> Record:
    """The record as Commusoft has it now; the mirror learns it. Raises CommusoftError."""
    try:
        record = desk.commusoft.record(kind, number, uuid)
    except RecordGone:
        with desk.database.writing() as session:
            forget(session, desk.workspace_id, kind, number)
        raise
    with desk.database.writing() as session:
        remember(session, desk.workspace_id, record)
    return record


def _waiting(desk: Desk) -> list[Link]:
    # A clock that was set back must not hide a link: the future counts as long ago.
    long_ago = or_(Link.attempted_at < now() - LEASE, Link.attempted_at > now() + LEASE)
    query = (
        select(Link)
        .filter_by(workspace_id=desk.workspace_id, state=LinkState.INTENDED)
        .where(or_(Link.attempt_id == "", long_ago))
        .order_by(Link.attempted_at)
    )
    with desk.database.reading() as session:
        return list(session.scalars(query))


def _put(desk: Desk, record: Record, link: Link) -> CommusoftError | None:
    """One PUT; what went wrong with it, if anything. The read-back decides what it means."""
    try:
        desk.commusoft.write_reference(record, link.target)
    except CommusoftError as error:
        return error
    return None


def _read_back(desk: Desk, link: Link, *, retry: bool) -> Record:
    """The record after the PUT; looked at again when an accepted write does not show yet."""
    for pause in READ_BACKS if retry else READ_BACKS[:1]:
        time.sleep(pause)
        held = _held(desk, link)
        if held.reference != link.prior:
            break
    return held


def _held(desk: Desk, link: Link) -> Record:
    return fresh(desk, link.kind, link.record_number, link.record_uuid)


def _take_over(desk: Desk, link: Link) -> bool:
    """Make an abandoned attempt ours; False when another process was quicker."""
    ours = new_id()
    with desk.database.writing() as session:
        taken = session.scalar(
            _ours(link).values(attempt_id=ours, attempted_at=now()).returning(Link.id)
        )
    link.attempt_id = ours
    return taken is not None


def _settle(
    desk: Desk, link: Link, state: LinkState, failure: dict[str, Any] | None = None
) -> Link:
    """End a link; an undo that is linked ends the link that it undoes in the same transaction."""
    with desk.database.writing() as session:
        settled = session.scalar(
            _ours(link)
            .values(state=state, failure=failure, writes=link.writes, settled_at=now())
            .returning(Link.id)
        )
        if settled and state is LinkState.LINKED and link.undoes_id:
            session.execute(
                update(Link)
                .where(Link.id == link.undoes_id, Link.state == LinkState.LINKED)
                .values(state=LinkState.UNDONE)
            )
    return _reload(desk, link)


def _leave(desk: Desk, link: Link, error: CommusoftError) -> Link:
    """Keep a link intended and free for ``recover``, with what stands in its way."""
    with desk.database.writing() as session:
        session.execute(
            _ours(link).values(
                attempt_id="",
                writes=link.writes,
                attempted_at=now(),
                failure={"code": commusoft_code(error)},
            )
        )
    return _reload(desk, link)


def _ours(link: Link) -> Update:
    """An update of the link that does nothing when another process has taken it over."""
    return update(Link).where(
        Link.id == link.id,
        Link.state == LinkState.INTENDED,
        Link.attempt_id == link.attempt_id,
    )


def _reload(desk: Desk, link: Link) -> Link:
    with desk.database.reading() as session:
        return session.get_one(Link, link.id)
