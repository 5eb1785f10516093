"""The doctor's write test kept as an intent, and what a dead process left of it put back.

A record's own reference is committed before the doctor writes to the record, and the row stays
until Commusoft holds that reference, or one that somebody else put there, and no PUT of the test
may still be carried out. Meanwhile no link to the record is decided. As with links, a test belongs
to a process, and only a dead one's is taken over.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.errors import (
    ANSWERED_WRITE_ERRORS,
    CommusoftError,
    ConnectionEnded,
    RecordNotFound,
    WriteWithdrawn,
)
from crmlink.commusoft.mirror import upsert_record
from crmlink.commusoft.records import Record
from crmlink.linking.audit import note
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Link, LinkState, WriteTest
from crmlink.store.base import new_id
from crmlink.store.connections import is_in_use
from crmlink.store.processes import is_alive

MAX_RESTORES = 10  # PUTs that Commusoft does not keep; then it is only looked at


class CommittedWriteTest:
    """The write test that the doctor does now; a ``WriteJournal`` of the doctor's."""

    def __init__(self, ctx: WorkspaceContext, device_id: int) -> None:
        self._ctx, self._device_id = ctx, device_id
        self._test: WriteTest | None = None

    def begin(self, record: Record, trial: str | None) -> bool:
        """Commit what has to be put back; False where a link or another test is on its way.

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
                if not is_in_use(session, self._ctx.connection_id):
                    raise ConnectionEnded
                if not _is_busy(session, test):
                    test.owner_id = ownership.register(session)
                    session.add(test)
                    begun = True
        finally:
            if not begun:
                ownership.working_on.discard(test.attempt_id)
        self._test = test if begun else None
        return begun

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        """One PUT, counted before it is sent. Raises CommusoftError, WriteWithdrawn among them."""
        if self._test is None:
            raise WriteWithdrawn
        _put(self._ctx, self._test, client, record, reference)

    def end(self) -> None:
        """Let go of the test: what is not at its end is left to ``recover_write_tests``."""
        if self._test is not None:
            _finish(self._ctx, self._test)
            self._test = None


def open_write_tests(ctx: WorkspaceContext) -> Sequence[WriteTest]:
    """The write tests of a connection that are not at their end, the oldest first."""
    with ctx.database.reading() as session:
        query = select(WriteTest).filter_by(connection_id=ctx.connection_id)
        return session.scalars(query.order_by(WriteTest.created_at)).all()


def write_test_on(session: Session, link: Link) -> WriteTest | None:
    """The write test of the record that a link is to, if one is not at its end."""
    return session.scalar(
        select(WriteTest).filter_by(
            connection_id=link.connection_id, kind=link.kind, record_number=link.record_number
        )
    )


def recover_write_tests(ctx: WorkspaceContext) -> None:
    """Put back what write tests left on records, where no living process works on them."""
    for test in open_write_tests(ctx):
        with ctx.database.reading() as session:
            busy = bool(test.attempt_id) and ctx.ownership.is_worked_on(
                session, test.owner_id, test.attempt_id
            )
        if not busy and _take_over(ctx, test):
            _finish(ctx, test)


def _is_busy(session: Session, test: WriteTest) -> bool:
    """Whether a link to the record, or another write test of it, is on its way."""
    same = {
        "connection_id": test.connection_id,
        "kind": test.kind,
        "record_number": test.record_number,
    }
    link = select(Link.id).filter_by(state=LinkState.INTENDED, **same)
    return bool(session.scalar(link) or session.scalar(select(WriteTest.id).filter_by(**same)))


def _finish(ctx: WorkspaceContext, test: WriteTest) -> None:
    """Look at the record, put its own reference back over the trial value, and end the test.

    Where that is not certain the test is left open, and free for whoever looks next.
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
        if not _holds_trial(test, held):
            return _end(ctx, test, held)
        if test.writes >= MAX_RESTORES:
            return False
        _put(ctx, test, client, held, test.prior)
        held = client.record(test.kind, test.record_number, test.record_uuid)
    except RecordNotFound:
        return not _may_land(ctx, test) and _end(ctx, test, None)
    except CommusoftError:
        return False
    return not _holds_trial(test, held) and _end(ctx, test, held, restored=True)


def _holds_trial(test: WriteTest, held: Record) -> bool:
    return test.trial is not None and test.trial != test.prior and held.reference == test.trial


def _may_land(ctx: WorkspaceContext, test: WriteTest) -> bool:
    """Whether Commusoft may still carry out a PUT of this test that it has not answered."""
    if test.writes <= test.writes_over:
        return False
    return ctx.first_seen.age(test.id, test.writes) < ctx.commusoft.late_after


def _client(ctx: WorkspaceContext, test: WriteTest) -> CommusoftClient:
    """A client that writes as the test did: its way may not be the connection's own yet."""
    try:
        return ctx.commusoft.speaking(Dialect.from_dict(test.dialect or {}))
    except ValueError:
        return ctx.commusoft


def _put(
    ctx: WorkspaceContext,
    test: WriteTest,
    client: CommusoftClient,
    record: Record,
    reference: str | None,
) -> None:
    """One PUT of a test, counted in its row before it is sent. Raises CommusoftError."""
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
    """The last look before a PUT leaves. Raises WriteWithdrawn."""
    with ctx.database.reading() as session:
        ours = session.scalar(select(WriteTest.id).where(*_is_ours(test)))
        if ours is None or not is_in_use(session, ctx.connection_id):
            raise WriteWithdrawn


def _end(
    ctx: WorkspaceContext, test: WriteTest, held: Record | None, *, restored: bool = False
) -> bool:
    """Delete the test; the mirror learns what was read."""
    with ctx.database.writing() as session:
        ended = session.scalar(delete(WriteTest).where(*_is_ours(test)).returning(WriteTest.id))
        if ended and held:
            upsert_record(session, ctx.connection_id, held)
        if ended and restored:
            note(session, ctx.workspace_id, None, "commusoft.write_restored", test.record_id)
    return ended is not None


def _leave_open(ctx: WorkspaceContext, test: WriteTest) -> None:
    with ctx.database.writing() as session:
        session.execute(
            update(WriteTest)
            .where(*_is_ours(test))
            .values(attempt_id="", owner_id=None, writes_over=test.writes_over)
        )


def _take_over(ctx: WorkspaceContext, test: WriteTest) -> bool:
    """Make an abandoned test ours; False when another was quicker, or its owner lives."""
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
    """That the test is still this attempt's, and the attempt's process counts as alive."""
    return [
        WriteTest.id == test.id,
        WriteTest.attempt_id == test.attempt_id,
        is_alive(WriteTest.owner_id),
    ]
