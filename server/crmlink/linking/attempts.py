"""Attempts at an intended link; the only code that writes links to Commusoft by its API.

The intent is committed with the prior value before anything here runs. Then: compare the current
record → PUT → read back → linked. ``recover`` reads back whatever was interrupted. A worker that
writes a whole list may leave a link written instead, to be checked by one read of Commusoft's list
for hundreds (see list_checks.py); it stays intended until a read shows it.

An attempt belongs to a process (see store/processes.py), and only a dead process's attempt is taken
over. A link has at most one open PUT: until it is answered, seen to have landed, or too old for
Commusoft to carry out, the link stays intended and nothing else is decided about its record. So no
late PUT can change what a later decision settled.
"""

from __future__ import annotations

import time

from sqlalchemy import select

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import (
    ANSWERED_WRITE_ERRORS,
    CommusoftError,
    CommusoftTimeout,
    RecordNotFound,
    ReferenceErased,
    WriteRejected,
    WriteWithdrawn,
)
from crmlink.commusoft.mirror import upsert_record
from crmlink.commusoft.records import Record
from crmlink.linking.attempt_rows import (
    begin_write,
    is_worked_on,
    leave_open,
    leave_written,
    refuse_unless_ours,
    reload,
    settle,
    take_over,
    update_if_owned,
)
from crmlink.linking.audit import record_left_to_page
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.form_proofs import client_to_write
from crmlink.linking.fresh_reads import FreshRecord
from crmlink.linking.ways import ways_to_write
from crmlink.linking.write_tests import (
    begin_form_write,
    end_form_write,
    open_write_tests,
    recover_write_tests,
)
from crmlink.store import Database, Link, LinkMethod, LinkState, WorkspaceConnection, WriteTest
from crmlink.store.base import utc_now
from crmlink.store.workspaces import active_workspaces

COMPARISON_TTL = 2.0  # seconds after its answer for which a read serves as the comparison
MAX_UNCHECKED_SECONDS = 300.0  # seconds after which a written link is read alone, not with a list
POLL_INTERVAL = 5.0  # seconds between reads for an open PUT
MAX_WRITES = 10  # a write without a response fails after so many tries
READ_BACK_DELAYS = (0.0, 0.3, 1.0)  # seconds before each read of an accepted write
GONE, NOT_KEPT, UNANSWERED = "record-gone", "reference-not-kept", "write-unanswered"
RESTORED = "backup-restored"
NEEDS_CONFIRMATION = (GONE, NOT_KEPT)  # verdicts that need a second read: the first may be older


def attempt(ctx: WorkspaceContext, link: Link, compared: FreshRecord | None = None) -> Link:
    """Settle an intended link, or leave it intended if Commusoft does not answer.

    ``compared`` is the decision's own read, taken for the comparison while it is fresh. Any other
    error, such as a full disk, is raised and leaves the link to ``recover``.
    """
    attempt_id = link.attempt_id
    try:
        return _attempt(ctx, link, compared)
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
        if take_over(ctx, link):
            finished.append(attempt(ctx, link))
            if finished[-1].state is LinkState.INTENDED and not _answered(finished[-1]):
                break
    return finished


def firms_to_recover(database: Database) -> list[int]:
    """Return the ids of active workspaces with intended links or unfinished write tests."""
    in_use = select(WorkspaceConnection.workspace_id).where(WorkspaceConnection.ended_at.is_(None))
    intended = in_use.join(Link, Link.connection_id == WorkspaceConnection.id).where(
        Link.state == LinkState.INTENDED, Link.method == LinkMethod.API
    )
    tested = in_use.join(WriteTest, WriteTest.connection_id == WorkspaceConnection.id)
    return active_workspaces(database, intended.union(tested))


def check_now(ctx: WorkspaceContext, link: Link) -> Link:
    """Check a written link by a read of its own; returns its present state, as ``attempt``."""
    for pause in READ_BACK_DELAYS:
        if not link.is_to_be_checked:
            break
        time.sleep(pause)
        if not take_over(ctx, link):
            return reload(ctx, link)
        link = attempt(ctx, link)
        if link.state is LinkState.INTENDED and not _answered(link):
            break
    return link


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
    """Return whether to read a link now: one with an open PUT may just have been read.

    A written one is left for a while to the list read that checks it with hundreds of others.
    """
    if link.is_to_be_checked and link.failure is None:
        return ctx.first_seen.age(link.id, "written") >= MAX_UNCHECKED_SECONDS
    return not _may_land(ctx, link) or ctx.first_seen.seconds_since_read(link.id) >= POLL_INTERVAL


def _may_land(ctx: WorkspaceContext, link: Link) -> bool:
    """Return whether Commusoft may still carry out an unanswered PUT of this link."""
    if link.writes <= link.writes_over:
        return False
    return ctx.first_seen.age(link.id, link.writes) < ctx.commusoft.late_write_seconds


def _attempt(ctx: WorkspaceContext, link: Link, compared: FreshRecord | None) -> Link:
    ctx.first_seen.record_read(link.id)
    if compared is not None and compared.age <= COMPARISON_TTL:
        return _settle_or_write(ctx, link, compared.record)
    try:
        held = _read(ctx, link)
    except RecordNotFound:
        if _may_land(ctx, link):
            return leave_open(ctx, link, UNANSWERED)
        return _confirm_before_failing(ctx, link, GONE)
    except CommusoftError as error:
        return leave_open(ctx, link, _pending_verdict(link) or error.code)
    return _settle_or_write(ctx, link, held)


def _settle_or_write(ctx: WorkspaceContext, link: Link, held: Record) -> Link:
    """Settle the link by the record as it is, or send a PUT while it has the prior value."""
    if held.reference == link.target:
        return _settle_by_value(ctx, link, held)
    if _may_land(ctx, link):
        return leave_open(ctx, link, UNANSWERED)
    link.writes_over = link.writes
    if held.reference != link.prior:
        return _settle_by_value(ctx, link, held)
    if link.is_restored:
        return settle(ctx, link, LinkState.FAILED, {"code": RESTORED}, held)
    # An accepted PUT is not repeated: a person may have put the prior value back since.
    if _pending_verdict(link) == NOT_KEPT or link.written_at is not None:
        return _confirm_before_failing(ctx, link, NOT_KEPT, held)
    if link.writes >= MAX_WRITES:
        return settle(ctx, link, LinkState.FAILED, {"code": CommusoftTimeout.code}, held)
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
    if not begin_write(ctx, link):
        return reload(ctx, link)
    write_error = _put(ctx, client, before, link)
    if isinstance(write_error, WriteWithdrawn):
        return reload(ctx, link)
    if write_error is None or isinstance(write_error, ANSWERED_WRITE_ERRORS):
        link.writes_over = link.writes
    if write_error is None and _may_wait(ctx, link, client):
        return leave_written(ctx, link)
    try:
        held = _read_back(ctx, link, retry=write_error is None)
    except CommusoftError as error:
        return leave_open(ctx, link, error.code)
    return _settle_by_read_back(ctx, link, before, held, write_error)


def _may_wait(ctx: WorkspaceContext, link: Link, client: CommusoftClient) -> bool:
    """Return whether a list read may check the PUT; a form's needs the whole record at once."""
    by_form = bool(client.dialect.ways(link.kind).writing.sent)
    return ctx.list_trust is not None and ctx.list_trust.trusts(link.kind) and not by_form


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
        return leave_open(ctx, link, UNANSWERED)
    if held.reference != link.prior:
        return _settle_by_value(ctx, link, held)
    if write_error is None:
        # A record that changed while its reference did not was read after the PUT: no doubt then.
        if held.raw != before.raw:
            return _refused(ctx, link, NOT_KEPT, held)
        return _confirm_before_failing(ctx, link, NOT_KEPT, held)
    if isinstance(write_error, WriteRejected):
        return _refused(ctx, link, write_error.code, held)
    if link.writes >= MAX_WRITES:
        return settle(ctx, link, LinkState.FAILED, {"code": write_error.code}, held)
    return leave_open(ctx, link, write_error.code)


def _settle_by_value(ctx: WorkspaceContext, link: Link, held: Record) -> Link:
    """Settle by the record's value: the link's target, or another one."""
    if held.reference == link.target:
        return settle(ctx, link, LinkState.LINKED, None, held)
    found = {"code": "record-changed", "current_reference": held.reference}
    return settle(ctx, link, LinkState.CONFLICT, found, held)


def _confirm_before_failing(
    ctx: WorkspaceContext, link: Link, verdict: str, held: Record | None = None
) -> Link:
    """Fail a link once a later attempt gives the same verdict; keep it intended until then."""
    if _pending_verdict(link) != verdict:
        return leave_open(ctx, link, verdict)
    if held is None:
        return settle(ctx, link, LinkState.FAILED, {"code": verdict}, None)
    return _refused(ctx, link, verdict, held)


def _refused(ctx: WorkspaceContext, link: Link, code: str, held: Record) -> Link:
    """End an answered write that changed nothing: failed, or left to a person on the page."""
    if code == ReferenceErased.code or not ways_to_write(ctx).then_pages:
        return settle(ctx, link, LinkState.FAILED, {"code": code}, held)
    with ctx.database.writing() as session:
        left = session.scalar(
            update_if_owned(link)
            .values(
                method=LinkMethod.PAGES, attempt_id="", owner_id=None, failure={"code": code},
                writes_over=link.writes,
            )
            .returning(Link.id)
        )  # fmt: skip
        if left:
            upsert_record(session, ctx.connection_id, held)
            record_left_to_page(session, link, code)
    return reload(ctx, link)


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
            record, link.target, before_sending=lambda: refuse_unless_ours(ctx, link)
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
