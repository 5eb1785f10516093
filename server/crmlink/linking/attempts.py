"""Attempts at an intended link; the only code that writes links to Commusoft by its API.

The intent is committed with the prior value before anything here runs. Then: compare the current
record → PUT → read back → linked. ``recover`` reads back whatever was interrupted.

An attempt belongs to a process (see store/processes.py), and only a dead process's attempt is taken
over. A link has at most one open PUT: until it is answered, seen to have landed, or too old for
Commusoft to carry out, the link stays intended and nothing else is decided about its record. So no
late PUT can change what a later decision settled.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Update

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import (
    ANSWERED_WRITE_ERRORS,
    CommusoftError,
    CommusoftTimeout,
    ConnectionEnded,
    RecordNotFound,
    ReferenceErased,
    WriteRejected,
    WriteWithdrawn,
)
from crmlink.commusoft.mirror import mark_deleted, upsert_record
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.audit import record_left_to_page
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.form_proofs import client_to_write
from crmlink.linking.settling import note_settled
from crmlink.linking.ways import ways_to_write
from crmlink.linking.write_tests import (
    begin_form_write,
    end_form_write,
    open_write_tests,
    recover_write_tests,
)
from crmlink.store import Link, LinkMethod, LinkState, MirroredRecord, WorkspaceConnection
from crmlink.store.base import new_id, utc_now
from crmlink.store.connections import is_in_use
from crmlink.store.processes import is_alive

OWNERLESS_FOR = 300.0  # seconds unchanged after which a version without owners counts as dead
LOOK_EVERY = 5.0  # seconds between reads for an open PUT
MOST_WRITES = 10  # a write without a response fails after so many tries
READ_BACK_DELAYS = (0.0, 0.3, 1.0)  # seconds before each read of an accepted write
GONE, NOT_KEPT, UNANSWERED = "record-gone", "reference-not-kept", "write-unanswered"
NEEDS_CONFIRMATION = (
    GONE,
    NOT_KEPT,
)  # verdicts that need a second read: the first may be older


def attempt(ctx: WorkspaceContext, link: Link) -> Link:
    """Settle an intended link, or leave it intended if Commusoft does not answer.

    Any other error, such as a full disk, is raised and leaves the link to ``recover``.
    """
    attempt_id = link.attempt_id
    try:
        return _attempt(ctx, link)
    finally:
        # Do not write this to the row: the database itself may have failed.
        ctx.ownership.working_on.discard(attempt_id)


def recover(ctx: WorkspaceContext) -> list[Link]:
    """Settle intended links that no live process works on; returns their present state.

    Stops at the first that Commusoft does not answer for; that one is last in the next round. Also
    finishes write tests of the doctor.
    """
    recover_write_tests(ctx)
    finished = []
    for link in _recoverable(ctx):
        if _take_over(ctx, link):
            finished.append(attempt(ctx, link))
            if finished[-1].state is LinkState.INTENDED and not _answered(finished[-1]):
                break
    return finished


def is_worked_on(ctx: WorkspaceContext, session: Session, link: Link) -> bool:
    """Return whether an attempt at the link is in progress."""
    if not link.attempt_id:
        return False
    if link.owner_id is None:
        return ctx.first_seen.age(link.id, (link.attempt_id, link.writes)) < OWNERLESS_FOR
    return ctx.ownership.is_worked_on(session, link.owner_id, link.attempt_id)


def fetch_record(ctx: WorkspaceContext, kind: Kind, number: str, uuid: str | None) -> Record:
    """Return the record as Commusoft has it now, and update the mirror. Raises CommusoftError.

    A newer state of the mirror, such as a link's read-back, is kept: this response may be older.
    """
    with ctx.database.reading() as session:
        connection = session.get(WorkspaceConnection, ctx.connection_id)
        if connection is None:
            raise ConnectionEnded
        start = connection.mirror_version
    try:
        record = ctx.commusoft.record(kind, number, uuid)
    except RecordNotFound:
        with ctx.database.writing() as session:
            if not _mirror_changed_since(session, ctx, kind, number, start):
                mark_deleted(session, ctx.connection_id, kind, number)
        raise
    with ctx.database.writing() as session:
        if not _mirror_changed_since(session, ctx, kind, number, start):
            upsert_record(session, ctx.connection_id, record)
    return record


def _mirror_changed_since(
    session: Session, ctx: WorkspaceContext, kind: Kind, number: str, version: int
) -> bool:
    changed = session.scalar(
        select(MirroredRecord.mirror_version).filter_by(
            connection_id=ctx.connection_id, kind=kind, number=number
        )
    )
    return changed is not None and changed > version


def _recoverable(ctx: WorkspaceContext) -> list[Link]:
    """Return intended links to take over, the longest unattended first."""
    moment = utc_now()
    query = (
        select(Link)
        .filter_by(connection_id=ctx.connection_id, state=LinkState.INTENDED, method=LinkMethod.API)
        # After the clock was set back, a future time counts as long ago.
        .order_by(Link.attempted_at <= moment, Link.attempted_at)
    )
    with ctx.database.reading() as session:
        intended = list(session.scalars(query))
        waiting = [link for link in intended if not is_worked_on(ctx, session, link)]
    tests = {test.id for test in open_write_tests(ctx)}
    ctx.first_seen.forget_all_but({link.id for link in intended} | tests)
    return [link for link in waiting if _is_due(ctx, link)]


def _is_due(ctx: WorkspaceContext, link: Link) -> bool:
    """Return whether to read a link now: one with an open PUT may just have been read."""
    return not _may_land(ctx, link) or ctx.first_seen.since_look(link.id) >= LOOK_EVERY


def _may_land(ctx: WorkspaceContext, link: Link) -> bool:
    """Return whether Commusoft may still carry out an unanswered PUT of this link."""
    if link.writes <= link.writes_over:
        return False
    return ctx.first_seen.age(link.id, link.writes) < ctx.commusoft.late_write_seconds


def _attempt(ctx: WorkspaceContext, link: Link) -> Link:
    ctx.first_seen.note_look(link.id)
    try:
        held = _read(ctx, link)
    except RecordNotFound:
        if _may_land(ctx, link):
            return _leave_open(ctx, link, UNANSWERED)
        return _confirm_before_failing(ctx, link, GONE)
    except CommusoftError as error:
        return _leave_open(ctx, link, _pending_verdict(link) or error.code)
    return _settle_or_write(ctx, link, held)


def _settle_or_write(ctx: WorkspaceContext, link: Link, held: Record) -> Link:
    """Settle the link by the record as it is, or send a PUT while it has the prior value."""
    if held.reference == link.target:
        return _settle_by_value(ctx, link, held)
    if _may_land(ctx, link):
        return _leave_open(ctx, link, UNANSWERED)
    link.writes_over = link.writes
    if held.reference != link.prior:
        return _settle_by_value(ctx, link, held)
    if _pending_verdict(link) == NOT_KEPT:
        return _confirm_before_failing(ctx, link, NOT_KEPT, held)
    if link.writes >= MOST_WRITES:
        return _settle(ctx, link, LinkState.FAILED, {"code": CommusoftTimeout.code}, held)
    return _write(ctx, link, held)


def _write(ctx: WorkspaceContext, link: Link, before: Record) -> Link:
    """Send one PUT, and settle the link by the read-back.

    The record is compared and restored where the PUT is a form that could change more.
    """
    client = client_to_write(ctx, link.kind)
    form = begin_form_write(ctx, link, before, client)
    try:
        return _write_by(ctx, link, before, client)
    finally:
        if form is not None:
            end_form_write(ctx, form, is_over=link.writes <= link.writes_over)


def _write_by(ctx: WorkspaceContext, link: Link, before: Record, client: CommusoftClient) -> Link:
    if not _begin_write(ctx, link):
        return _reload(ctx, link)
    write_error = _put(ctx, client, before, link)
    if isinstance(write_error, WriteWithdrawn):
        return _reload(ctx, link)
    if write_error is None or isinstance(write_error, ANSWERED_WRITE_ERRORS):
        link.writes_over = link.writes
    try:
        held = _read_back(ctx, link, retry=write_error is None)
    except CommusoftError as error:
        return _leave_open(ctx, link, error.code)
    return _settle_by_read_back(ctx, link, before, held, write_error)


def _settle_by_read_back(
    ctx: WorkspaceContext,
    link: Link,
    before: Record,
    held: Record,
    write_error: CommusoftError | None,
) -> Link:
    """Settle the link by the record before and after its PUT, which had this error, if any."""
    if held.reference == link.target:
        return _settle_by_value(ctx, link, held)
    if _may_land(ctx, link):
        return _leave_open(ctx, link, UNANSWERED)
    if held.reference != link.prior:
        return _settle_by_value(ctx, link, held)
    if write_error is None:
        # A record that changed while its reference did not was read after the PUT: no doubt then.
        if held.raw != before.raw:
            return _refused(ctx, link, NOT_KEPT, held)
        return _confirm_before_failing(ctx, link, NOT_KEPT, held)
    if isinstance(write_error, WriteRejected):
        return _refused(ctx, link, write_error.code, held)
    if link.writes >= MOST_WRITES:
        return _settle(ctx, link, LinkState.FAILED, {"code": write_error.code}, held)
    return _leave_open(ctx, link, write_error.code)


def _settle_by_value(ctx: WorkspaceContext, link: Link, held: Record) -> Link:
    """Settle by the record's value: the link's target, or another one."""
    if held.reference == link.target:
        return _settle(ctx, link, LinkState.LINKED, None, held)
    found = {"code": "record-changed", "current_reference": held.reference}
    return _settle(ctx, link, LinkState.CONFLICT, found, held)


def _confirm_before_failing(
    ctx: WorkspaceContext, link: Link, verdict: str, held: Record | None = None
) -> Link:
    """Fail a link once a later attempt gives the same verdict; keep it intended until then."""
    if _pending_verdict(link) != verdict:
        return _leave_open(ctx, link, verdict)
    if held is None:
        return _settle(ctx, link, LinkState.FAILED, {"code": verdict}, None)
    return _refused(ctx, link, verdict, held)


def _refused(ctx: WorkspaceContext, link: Link, code: str, held: Record) -> Link:
    """End an answered write that changed nothing: failed, or left to a person on the page."""
    if code == ReferenceErased.code or not ways_to_write(ctx).then_pages:
        return _settle(ctx, link, LinkState.FAILED, {"code": code}, held)
    with ctx.database.writing() as session:
        left = session.scalar(
            _update_if_owned(link)
            .values(
                method=LinkMethod.PAGES, attempt_id="", owner_id=None, failure={"code": code},
                writes_over=link.writes,
            )
            .returning(Link.id)
        )  # fmt: skip
        if left:
            upsert_record(session, ctx.connection_id, held)
            record_left_to_page(session, link, code)
    return _reload(ctx, link)


def _pending_verdict(link: Link) -> str | None:
    """Return the verdict of the previous attempt that needs confirmation."""
    code = (link.failure or {}).get("code")
    return code if code in NEEDS_CONFIRMATION else None


def _answered(link: Link) -> bool:
    """Return whether Commusoft answered when the link was left intended."""
    return (link.failure or {}).get("code") in (*NEEDS_CONFIRMATION, UNANSWERED)


def _read(ctx: WorkspaceContext, link: Link) -> Record:
    return ctx.commusoft.record(link.kind, link.record_number, link.record_uuid)


def _put(
    ctx: WorkspaceContext, client: CommusoftClient, record: Record, link: Link
) -> CommusoftError | None:
    """Send one PUT and return its error, if any; the read-back decides what it means."""
    try:
        client.write_reference(
            record, link.target, before_sending=lambda: _refuse_unless_ours(ctx, link)
        )
    except CommusoftError as error:
        return error
    return None


def _read_back(ctx: WorkspaceContext, link: Link, *, retry: bool) -> Record:
    """Return the record after the PUT, read again while an accepted write is not visible."""
    for pause in READ_BACK_DELAYS if retry else READ_BACK_DELAYS[:1]:
        time.sleep(pause)
        held = _read(ctx, link)
        if held.reference != link.prior:
            break
    return held


def _take_over(ctx: WorkspaceContext, link: Link) -> bool:
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


def _begin_write(ctx: WorkspaceContext, link: Link) -> bool:
    """Count a PUT before it is sent; returns False if another process has taken over.

    So a process that was suspended, and counted as dead, sends nothing afterwards, and nothing is
    sent to a disconnected account.
    """
    with ctx.database.writing() as session:
        if not is_in_use(session, ctx.connection_id):
            return False
        begun = session.scalar(
            _update_if_owned(link)
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


def _refuse_unless_ours(ctx: WorkspaceContext, link: Link) -> None:
    """Check the attempt immediately before its PUT, which may have waited for its slot.

    Raises WriteWithdrawn.
    """
    with ctx.database.reading() as session:
        ours = session.scalar(select(Link.id).where(*_is_ours(link)))
        if ours is None or not is_in_use(session, ctx.connection_id):
            raise WriteWithdrawn


def _settle(
    ctx: WorkspaceContext,
    link: Link,
    state: LinkState,
    failure: dict[str, Any] | None,
    held: Record | None,
) -> Link:
    """Settle a link and write what was read to the mirror; None: the record is gone."""
    with ctx.database.writing() as session:
        settled = session.scalar(
            _update_if_owned(link)
            .values(state=state, failure=failure, settled_at=utc_now(), owner_id=None)
            .returning(Link.id)
        )
        if settled and held:
            upsert_record(session, ctx.connection_id, held)
        elif settled:
            mark_deleted(session, ctx.connection_id, link.kind, link.record_number)
        if settled:
            note_settled(session, link, state, failure)
    return _reload(ctx, link)


def _leave_open(ctx: WorkspaceContext, link: Link, code: str) -> Link:
    """Keep a link intended and free for ``recover``, with the code of the obstacle."""
    with ctx.database.writing() as session:
        session.execute(
            _update_if_owned(link).values(
                attempt_id="",
                owner_id=None,
                attempted_at=utc_now(),
                failure={"code": code},
                writes_over=link.writes_over,
            )
        )
    return _reload(ctx, link)


def _update_if_owned(link: Link) -> Update:
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


def _reload(ctx: WorkspaceContext, link: Link) -> Link:
    with ctx.database.reading() as session:
        found = session.get(Link, link.id)
    if found is None:  # practice data was deleted in the meantime
        raise ConnectionEnded
    return found
