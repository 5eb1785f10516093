"""The life of an intended link, and the only code that writes to Commusoft.

The intent is committed with the prior value before anything here runs. Then: compare the record
as it is now → PUT → read back → linked. Whatever was interrupted is read back by ``recover``.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Update

from crmlink.commusoft.errors import CommusoftError, ConnectionEnded, RecordGone, WriteRefused
from crmlink.commusoft.mirror import forget, remember
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.audit import note_settled
from crmlink.linking.context import Desk
from crmlink.store import Link, LinkState, MirroredRecord, WorkspaceConnection
from crmlink.store.connections import is_in_use
from crmlink.store.models import new_id, now

LEASE = timedelta(minutes=5)  # longer than one attempt can take; then another process may take over
MOST_WRITES = 10  # a write whose answer keeps getting lost ends as failed, for a person to see
READ_BACKS = (0.0, 0.3, 1.0)  # seconds to wait before each look at a write that was accepted
GONE, NOT_KEPT = "record-gone", "reference-not-kept"
DOUBTS = (GONE, NOT_KEPT)  # verdicts that one look is not enough for: it may come from before


def attempt(desk: Desk, link: Link) -> Link:
    """Bring an intended link to its end, or leave it intended when Commusoft does not answer.

    What fails in here for another reason, such as a full disk, is raised and leaves the link to
    ``recover``.
    """
    try:
        return _attempt(desk, link)
    except Exception:
        # The row cannot be trusted to take this: the database may be what failed.
        desk.abandoned.add(link.attempt_id)
        raise


def recover(desk: Desk) -> list[Link]:
    """Finish intended links that nobody works on; returns how those stand now.

    Stops at the first that Commusoft does not answer for; its turn comes last in the next round.
    """
    finished = []
    for link in _waiting(desk):
        if _take_over(desk, link):
            finished.append(attempt(desk, link))
            if finished[-1].state is LinkState.INTENDED and not _doubt(finished[-1]):
                break
    return finished


def release(desk: Desk) -> None:
    """Hand every intended link to ``recover``: for the start of the only process that links."""
    with desk.database.writing() as session:
        session.execute(
            update(Link)
            .where(Link.connection_id == desk.connection_id, Link.state == LinkState.INTENDED)
            .values(attempt_id="")
        )


def fresh(desk: Desk, kind: Kind, number: str, uuid: str | None) -> Record:
    """The record as Commusoft has it now; the mirror learns it. Raises CommusoftError.

    What the mirror learned of the record meanwhile, such as a link's read-back, it keeps: this
    answer may be older.
    """
    with desk.database.reading() as session:
        connection = session.get(WorkspaceConnection, desk.connection_id)
        if connection is None:
            raise ConnectionEnded
        start = connection.mirror_version
    try:
        record = desk.commusoft.record(kind, number, uuid)
    except RecordGone:
        with desk.database.writing() as session:
            if not _learned_since(session, desk, kind, number, start):
                forget(session, desk.connection_id, kind, number)
        raise
    with desk.database.writing() as session:
        if not _learned_since(session, desk, kind, number, start):
            remember(session, desk.connection_id, record)
    return record


def _learned_since(session: Session, desk: Desk, kind: Kind, number: str, version: int) -> bool:
    changed = session.scalar(
        select(MirroredRecord.changed).filter_by(
            connection_id=desk.connection_id, kind=kind, number=number
        )
    )
    return changed is not None and changed > version


def _waiting(desk: Desk) -> list[Link]:
    # A clock that was set back must not hide a link: the future counts as long ago, and is first.
    moment = now()
    long_ago = or_(Link.attempted_at < moment - LEASE, Link.attempted_at > moment + LEASE)
    given_up = Link.attempt_id.in_(["", *desk.abandoned])
    query = (
        select(Link)
        .filter_by(connection_id=desk.connection_id, state=LinkState.INTENDED)
        .where(or_(given_up, long_ago))
        .order_by(Link.attempted_at <= moment, Link.attempted_at)
    )
    with desk.database.reading() as session:
        return list(session.scalars(query))


def _attempt(desk: Desk, link: Link) -> Link:
    try:
        held = _look(desk, link)
    except RecordGone:
        return _believe_twice(desk, link, GONE)
    except CommusoftError as error:
        return _leave(desk, link, _doubt(link) or error.code)
    if held.reference != link.prior or link.prior == link.target:
        return _conclude(desk, link, held)
    if _doubt(link) == NOT_KEPT:
        return _believe_twice(desk, link, NOT_KEPT, held)
    return _write(desk, link, held)


def _write(desk: Desk, link: Link, before: Record) -> Link:
    """One PUT, and what the read-back says of it."""
    if not _begin_write(desk, link):
        return _reload(desk, link)
    trouble = _put(desk, before, link)
    try:
        held = _read_back(desk, link, retry=trouble is None)
    except CommusoftError as error:
        return _leave(desk, link, error.code)
    if held.reference != link.prior:
        return _conclude(desk, link, held)
    if trouble is None:
        # A record that changed while its reference did not was read after the PUT: no doubt then.
        if held.raw != before.raw:
            return _settle(desk, link, LinkState.FAILED, {"code": NOT_KEPT}, held)
        return _believe_twice(desk, link, NOT_KEPT, held)
    if isinstance(trouble, WriteRefused) or link.writes >= MOST_WRITES:
        return _settle(desk, link, LinkState.FAILED, {"code": trouble.code}, held)
    return _leave(desk, link, trouble.code)


def _conclude(desk: Desk, link: Link, held: Record) -> Link:
    """The record carries our value, or one that somebody else put there."""
    if held.reference == link.target:
        return _settle(desk, link, LinkState.LINKED, None, held)
    found = {"code": "record-changed", "current_reference": held.reference}
    return _settle(desk, link, LinkState.CONFLICT, found, held)


def _believe_twice(desk: Desk, link: Link, verdict: str, held: Record | None = None) -> Link:
    """Fail a link when a later attempt comes to the same verdict; until then keep it intended."""
    if _doubt(link) != verdict:
        return _leave(desk, link, verdict)
    return _settle(desk, link, LinkState.FAILED, {"code": verdict}, held)


def _doubt(link: Link) -> str | None:
    """What the attempt before found and a second look must confirm."""
    code = (link.failure or {}).get("code")
    return code if code in DOUBTS else None


def _look(desk: Desk, link: Link) -> Record:
    return desk.commusoft.record(link.kind, link.record_number, link.record_uuid)


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
        held = _look(desk, link)
        if held.reference != link.prior:
            break
    return held


def _take_over(desk: Desk, link: Link) -> bool:
    """Make an abandoned attempt ours; False when another process was quicker."""
    ours = new_id()
    with desk.database.writing() as session:
        taken = session.scalar(
            _ours(link).values(attempt_id=ours, attempted_at=now()).returning(Link.id)
        )
    desk.abandoned.discard(link.attempt_id)
    link.attempt_id = ours
    return taken is not None


def _begin_write(desk: Desk, link: Link) -> bool:
    """Count a PUT before it is sent; False when another process has taken the link over.

    So a process that slept through its lease sends nothing when it wakes, and nothing is sent to
    an account that was disconnected.
    """
    with desk.database.writing() as session:
        if not is_in_use(session, desk.connection_id):
            return False
        begun = session.scalar(
            _ours(link)
            .values(writes=link.writes + 1, failure=None, attempted_at=now())
            .returning(Link.id)
        )
    link.writes += 1
    link.failure = None
    return begun is not None


def _settle(
    desk: Desk, link: Link, state: LinkState, failure: dict[str, Any] | None, held: Record | None
) -> Link:
    """End a link and let the mirror learn what was read; None: the record is gone.

    An undo that is linked ends the link that it undoes in the same transaction.
    """
    with desk.database.writing() as session:
        settled = session.scalar(
            _ours(link).values(state=state, failure=failure, settled_at=now()).returning(Link.id)
        )
        if settled:
            note_settled(session, link, state, (failure or {}).get("code"))
        if settled and held:
            remember(session, desk.connection_id, held)
        elif settled:
            forget(session, desk.connection_id, link.kind, link.record_number)
        if settled and state is LinkState.LINKED and link.undoes_id:
            session.execute(
                update(Link)
                .where(Link.id == link.undoes_id, Link.state == LinkState.LINKED)
                .values(state=LinkState.UNDONE)
            )
    return _reload(desk, link)


def _leave(desk: Desk, link: Link, code: str) -> Link:
    """Keep a link intended and free for ``recover``, with what stands in its way."""
    with desk.database.writing() as session:
        session.execute(
            _ours(link).values(attempt_id="", attempted_at=now(), failure={"code": code})
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
        found = session.get(Link, link.id)
    if found is None:  # practice data that was emptied meanwhile
        raise ConnectionEnded
    return found
