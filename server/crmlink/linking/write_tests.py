"""Write tests of the doctor, committed as intents, and their recovery after a crash.

A record's reference is committed before the doctor writes to the record, and the whole record
before a form is proved that may empty other fields. The row stays until Commusoft has all that
again, or values written by someone else, and no PUT of the test may still be carried out. Until
then no link to the record is decided. As with links, a test belongs to a process, and only a dead
process's test is taken over.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.doctor.field_changes import form_damage, put_back
from crmlink.commusoft.doctor.form_check import whole_form
from crmlink.commusoft.errors import (
    ANSWERED_WRITE_ERRORS,
    CommusoftError,
    RecordNotFound,
    WriteWithdrawn,
)
from crmlink.commusoft.mirror import upsert_record
from crmlink.commusoft.records import Record
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.form_proofs import refuse_changed_form
from crmlink.store import Link, LinkState, WriteTest
from crmlink.store.base import new_id
from crmlink.store.connections import is_in_use
from crmlink.store.processes import is_alive

MAX_RESTORES = 10  # PUTs without effect; after them the record is only read


class CommittedWriteTest:
    """The doctor's current write test; implements its ``WriteJournal``."""

    def __init__(self, ctx: WorkspaceContext, device_id: int) -> None:
        self._ctx, self._device_id = ctx, device_id
        self._test: WriteTest | None = None

    def begin(self, record: Record, trial: str | None) -> bool:
        """Commit what must be restored; returns False if a link or test is in progress.

        Raises ConnectionEnded.
        """
        test = WriteTest(
            id=new_id(),
            connection_id=self._ctx.connection_id,
            device_id=self._device_id,
            kind=record.kind,
            record_number=record.number,
            record_uuid=record.uuid,
            prior=record.reference,
            trial=trial,
            attempt_id=new_id(),
            writes=0,
            writes_over=0,
        )
        ownership, begun = self._ctx.ownership, False
        ownership.working_on.add(test.attempt_id)
        try:
            with self._ctx.database.writing() as session:
                self._ctx.require_in_use(session)
                if not _is_busy(session, test):
                    test.owner_id = ownership.register(session)
                    session.add(test)
                    begun = True
        finally:
            if not begun:
                ownership.working_on.discard(test.attempt_id)
        self._test = test if begun else None
        return begun

    def keep(self, record: Record) -> None:
        """Commit every field of the record; raises WriteWithdrawn if the test is not ours."""
        test = self._test
        if test is None:
            raise WriteWithdrawn
        before = dict(record.raw)
        with self._ctx.database.writing() as session:
            mine = update(WriteTest).where(*_is_ours(test)).values(before=before)
            if session.scalar(mine.returning(WriteTest.id)) is None:
                raise WriteWithdrawn
        test.before = before

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        """Send one PUT, counted before. Raises CommusoftError, including WriteWithdrawn."""
        if self._test is None:
            raise WriteWithdrawn
        _put(self._ctx, self._test, client, record, reference)

    def end(self) -> None:
        """Release the test: an unfinished one is left to ``recover_write_tests``."""
        if self._test is not None:
            _finish(self._ctx, self._test)
            self._test = None


def open_write_tests(ctx: WorkspaceContext) -> Sequence[WriteTest]:
    """Return the unfinished write tests of a connection, oldest first."""
    with ctx.database.reading() as session:
        query = select(WriteTest).filter_by(connection_id=ctx.connection_id)
        return session.scalars(query.order_by(WriteTest.created_at)).all()


def begin_form_write(
    ctx: WorkspaceContext, link: Link, before: Record, client: CommusoftClient
) -> WriteTest | None:
    """Commit the whole record before a link is written by a form; None for any other way.

    None too if it is committed already: a write before this one is still to be compared.
    """
    if not client.dialect.ways(link.kind).writing.sent:
        return None
    test = WriteTest(
        id=new_id(),
        connection_id=ctx.connection_id,
        device_id=link.device_id,
        kind=link.kind,
        record_number=link.record_number,
        record_uuid=link.record_uuid,
        prior=link.target,
        dialect=client.dialect.as_dict(),
        before=dict(before.raw),
        attempt_id=new_id(),
        writes=1,
        writes_over=0,
    )
    ctx.ownership.working_on.add(test.attempt_id)
    with ctx.database.writing() as session:
        if write_test_on(session, link):
            ctx.ownership.working_on.discard(test.attempt_id)
            return None
        test.owner_id = ctx.ownership.register(session)
        session.add(test)
    ctx.first_seen.age(test.id, test.writes)
    return test


def end_form_write(ctx: WorkspaceContext, test: WriteTest, *, is_over: bool) -> None:
    """Compare the record with what it was; restore it, and refuse the form, if more changed.

    `is_over`: Commusoft can no longer carry out the write.
    """
    test.writes_over = test.writes if is_over else 0
    _finish(ctx, test)


def write_test_on(session: Session, link: Link) -> WriteTest | None:
    """Return the unfinished write test of a link's record, if any."""
    return session.scalar(
        select(WriteTest).filter_by(
            connection_id=link.connection_id, kind=link.kind, record_number=link.record_number
        )
    )


def recover_write_tests(ctx: WorkspaceContext) -> None:
    """Restore what write tests changed, where no live process works on them."""
    for test in open_write_tests(ctx):
        with ctx.database.reading() as session:
            busy = bool(test.attempt_id) and ctx.ownership.is_worked_on(
                session, test.owner_id, test.attempt_id
            )
        if not busy and _take_over(ctx, test):
            _finish(ctx, test)


def _is_busy(session: Session, test: WriteTest) -> bool:
    """Return whether a link to the record, or another write test of it, is in progress."""
    same = {
        "connection_id": test.connection_id,
        "kind": test.kind,
        "record_number": test.record_number,
    }
    link = select(Link.id).filter_by(state=LinkState.INTENDED, **same)
    return bool(session.scalar(link) or session.scalar(select(WriteTest.id).filter_by(**same)))


def _finish(ctx: WorkspaceContext, test: WriteTest) -> None:
    """Read the record, restore what the test changed, and end the test.

    That is its reference where the trial value is, and what a form emptied.

    If that is not certain the test is left open for a later attempt.
    """
    attempt_id = test.attempt_id
    try:
        if not _is_over(ctx, test):
            _leave_open(ctx, test)
    finally:
        ctx.ownership.working_on.discard(attempt_id)


def _is_over(ctx: WorkspaceContext, test: WriteTest) -> bool:
    client = _client(ctx, test)
    try:
        held = client.record(test.kind, test.record_number, test.record_uuid)
        if _may_land(ctx, test):
            return False
        test.writes_over = test.writes
        refuse_changed_form(ctx, test, held)
        if not _needs_restoring(test, held, client.dialect):
            return _end(ctx, test, held)
        if test.writes >= MAX_RESTORES:
            return False
        _put(ctx, test, client, *_restoring(test, held, client.dialect))
        held = client.record(test.kind, test.record_number, test.record_uuid)
    except RecordNotFound:
        return not _may_land(ctx, test) and _end(ctx, test, None)
    except CommusoftError:
        return False
    return not _needs_restoring(test, held, client.dialect) and _end(ctx, test, held, restored=True)


def _needs_restoring(test: WriteTest, held: Record, dialect: Dialect) -> bool:
    if test.before is None or _holds_trial(test, held):
        return _holds_trial(test, held)
    writing = dialect.ways(test.kind).writing
    return bool(form_damage(test.before, held, writing, *_references(test)))


def _restoring(test: WriteTest, held: Record, dialect: Dialect) -> tuple[Record, str | None]:
    """Return the record to send, and the reference, to restore what the test changed."""
    if test.before is None:
        return held, test.prior if _holds_trial(test, held) else held.reference
    writing = dialect.ways(test.kind).writing
    return put_back(test.before, held, writing, *_references(test))


def _references(test: WriteTest) -> tuple[str | None, ...]:
    """Return the references that the test wrote, the one to restore first."""
    return (test.prior,) if test.trial is None else (test.prior, test.trial)


def _holds_trial(test: WriteTest, held: Record) -> bool:
    return test.trial is not None and test.trial != test.prior and held.reference == test.trial


def _may_land(ctx: WorkspaceContext, test: WriteTest) -> bool:
    """Return whether Commusoft may still carry out an unanswered PUT of this test."""
    if test.writes <= test.writes_over:
        return False
    return ctx.first_seen.age(test.id, test.writes) < ctx.commusoft.late_write_seconds


def _client(ctx: WorkspaceContext, test: WriteTest) -> CommusoftClient:
    """Return a client with the test's dialect, which may not be the connection's yet."""
    try:
        dialect = whole_form(Dialect.from_dict(test.dialect or {}), test.kind)
        return ctx.commusoft.with_dialect(dialect)
    except ValueError:
        return ctx.commusoft


def _put(
    ctx: WorkspaceContext,
    test: WriteTest,
    client: CommusoftClient,
    record: Record,
    reference: str | None,
) -> None:
    """Send one PUT of a test, counted in its row before. Raises CommusoftError."""
    _begin_write(ctx, test, client.dialect)
    try:
        client.write_reference(
            record, reference, before_sending=lambda: _refuse_unless_ours(ctx, test)
        )
    except (*ANSWERED_WRITE_ERRORS, WriteWithdrawn):
        test.writes_over = test.writes
        raise
    test.writes_over = test.writes


def _begin_write(ctx: WorkspaceContext, test: WriteTest, dialect: Dialect) -> None:
    with ctx.database.writing() as session:
        begun = is_in_use(session, ctx.connection_id) and session.scalar(
            update(WriteTest)
            .where(*_is_ours(test))
            .values(writes=test.writes + 1, writes_over=test.writes_over, dialect=dialect.as_dict())
            .returning(WriteTest.id)
        )
    if not begun:
        raise WriteWithdrawn
    test.writes += 1
    test.dialect = dialect.as_dict()
    ctx.first_seen.age(test.id, test.writes)


def _refuse_unless_ours(ctx: WorkspaceContext, test: WriteTest) -> None:
    """Check the test immediately before its PUT. Raises WriteWithdrawn."""
    with ctx.database.reading() as session:
        ours = session.scalar(select(WriteTest.id).where(*_is_ours(test)))
        if ours is None or not is_in_use(session, ctx.connection_id):
            raise WriteWithdrawn


def _end(
    ctx: WorkspaceContext, test: WriteTest, held: Record | None, *, restored: bool = False
) -> bool:
    """Delete the test and write what was read to the mirror."""
    with ctx.database.writing() as session:
        ended = session.scalar(delete(WriteTest).where(*_is_ours(test)).returning(WriteTest.id))
        if ended and held:
            upsert_record(session, ctx.connection_id, held)
        if ended and restored:
            record_audit(
                session, ctx.workspace_id, None, "commusoft.write_restored", test.record_id
            )
    return ended is not None


def _leave_open(ctx: WorkspaceContext, test: WriteTest) -> None:
    with ctx.database.writing() as session:
        session.execute(
            update(WriteTest)
            .where(*_is_ours(test))
            .values(attempt_id="", owner_id=None, writes_over=test.writes_over)
        )


def _take_over(ctx: WorkspaceContext, test: WriteTest) -> bool:
    """Take over an abandoned test; returns False if another process was faster or it lives."""
    ours, taken = new_id(), None
    ctx.ownership.working_on.add(ours)
    try:
        with ctx.database.writing() as session:
            owner_id = ctx.ownership.register(session)
            free = or_(
                WriteTest.owner_id.is_(None),
                WriteTest.owner_id == owner_id,
                ~is_alive(WriteTest.owner_id),
            )
            taken = session.scalar(
                update(WriteTest)
                .where(WriteTest.id == test.id, WriteTest.attempt_id == test.attempt_id, free)
                .values(attempt_id=ours, owner_id=owner_id)
                .returning(WriteTest.id)
            )
    finally:
        if taken is None:
            ctx.ownership.working_on.discard(ours)
    if taken is not None:
        test.attempt_id, test.owner_id = ours, owner_id
    return taken is not None


def _is_ours(test: WriteTest) -> list[ColumnElement[bool]]:
    """Return the conditions that this attempt owns the test and its process counts as alive."""
    return [
        WriteTest.id == test.id,
        WriteTest.attempt_id == test.attempt_id,
        is_alive(WriteTest.owner_id),
    ]
