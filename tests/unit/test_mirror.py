"""The mirror follows Commusoft, and never takes a broken list for an empty one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crmlink.commusoft import mirror
from crmlink.commusoft.errors import InvalidCommusoftResponse
from crmlink.commusoft.mirror import SyncInProgress, SyncResult, full_sync_is_due
from crmlink.commusoft.records import Record
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.fresh_reads import fetch_record
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.base import utc_now
from support.sandbox import OTHER, SandboxHandle


class Rewritten:
    """Commusoft's client with its lists passed through a function."""

    def __init__(
        self, ctx: WorkspaceContext, rewrite: Callable[[Iterator[Record]], Iterable[Record]]
    ) -> None:
        self._real, self._rewrite = ctx.commusoft, rewrite

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def records(self, kind: Any, created_after: datetime | None = None) -> Iterable[Record]:
        return self._rewrite(self._real.records(kind, created_after))


def rewritten(
    ctx: WorkspaceContext, rewrite: Callable[[Iterator[Record]], Iterable[Record]]
) -> WorkspaceContext:
    return replace(ctx, commusoft=Rewritten(ctx, rewrite))  # type: ignore[arg-type] # a stand-in


def row(ctx: WorkspaceContext, record_id: str) -> MirroredRecord:
    kind, _, number = record_id.partition("-")
    with ctx.database.reading() as session:
        found = session.scalar(select(MirroredRecord).filter_by(kind=kind, number=number))
    assert found
    return found


def test_a_second_sync_of_the_same_records_changes_nothing(ctx: WorkspaceContext) -> None:
    version = row(ctx, "customer-1001").mirror_version
    result = ctx.sync()
    assert (result.added, result.changed, result.gone) == (0, 0, 0)
    assert row(ctx, "customer-1001").mirror_version == version


def test_deleted_records_are_left_out_and_changed_ones_follow(
    ctx: WorkspaceContext, sandbox: SandboxHandle
) -> None:
    with ctx.database.reading() as session:
        numbers = set(session.scalars(select(MirroredRecord.number)))
    assert "1009" not in numbers
    sandbox.put_reference("customer-1001", OTHER)
    sandbox.delete("customer-1008")
    result = ctx.sync()
    assert (result.added, result.changed, result.gone) == (0, 1, 1)
    assert row(ctx, "customer-1001").reference == OTHER
    assert row(ctx, "customer-1008").deleted_at
    assert row(ctx, "customer-1008").name == ""


def test_suggestions_follow_the_mirror_without_a_restart(
    ctx: WorkspaceContext, sandbox: SandboxHandle
) -> None:
    assert ctx.index.matcher().search("owusu") == ["customer-1008"]
    sandbox.delete("customer-1008")
    ctx.sync()
    assert ctx.index.matcher().search("owusu") == []


def test_a_list_that_breaks_off_takes_no_one_for_gone(ctx: WorkspaceContext) -> None:
    def breaks_off(records: Iterator[Record]) -> Iterator[Record]:
        yield next(records)
        raise InvalidCommusoftResponse("cut")

    with pytest.raises(InvalidCommusoftResponse):
        rewritten(ctx, breaks_off).sync()
    assert row(ctx, "customer-1001").deleted_at is None


def test_a_list_that_is_suddenly_empty_is_not_believed(ctx: WorkspaceContext) -> None:
    with pytest.raises(InvalidCommusoftResponse):
        rewritten(ctx, lambda _records: []).sync()
    assert row(ctx, "customer-1001").deleted_at is None


def test_what_a_link_read_back_during_a_sync_is_not_overwritten_by_the_older_list(
    ctx: WorkspaceContext, sandbox: SandboxHandle
) -> None:
    def overtaken(records: Iterator[Record]) -> Iterable[Record]:
        older = list(records)
        if older[0].kind == "customer":
            sandbox.put_reference("customer-1001", OTHER)
            fetch_record(ctx, "customer", "1001", row(ctx, "customer-1001").uuid)
        return older

    rewritten(ctx, overtaken).sync()
    assert row(ctx, "customer-1001").reference == OTHER


def test_a_quick_sync_asks_for_new_records_only_and_takes_no_one_for_gone(
    ctx: WorkspaceContext, sandbox: SandboxHandle
) -> None:
    sandbox.delete("customer-1008")
    asked: list[datetime | None] = []

    class Watched(Rewritten):
        def records(self, kind: Any, created_after: datetime | None = None) -> Iterable[Record]:
            asked.append(created_after)
            return super().records(kind, created_after)

    watched = replace(ctx, commusoft=Watched(ctx, lambda records: records))  # type: ignore[arg-type] # a stand-in
    assert watched.sync(full=False).gone == 0
    assert asked[0]
    assert row(ctx, "customer-1008").deleted_at is None
    assert ctx.sync().gone == 1


def test_a_full_sync_is_due_twice_a_day_and_when_the_clock_makes_no_sense(
    ctx: WorkspaceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not full_sync_is_due(ctx.database, ctx.connection_id)
    for hours in (13, -72):
        later = utc_now() + timedelta(hours=hours)
        monkeypatch.setattr(mirror, "utc_now", lambda later=later: later)
        assert full_sync_is_due(ctx.database, ctx.connection_id)


def test_one_sync_at_a_time_and_a_dead_one_does_not_block_for_ever(
    ctx: WorkspaceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(records: Iterator[Record]) -> Iterable[Record]:
        with pytest.raises(SyncInProgress):
            ctx.sync()
        return records

    rewritten(ctx, another).sync()
    with ctx.database.writing() as session:
        session.get_one(WorkspaceConnection, ctx.connection_id).syncing_until = (
            utc_now() + timedelta(minutes=9)
        )
    with pytest.raises(SyncInProgress):
        ctx.sync()
    later = utc_now() + timedelta(minutes=10)
    monkeypatch.setattr(mirror, "utc_now", lambda: later)
    ctx.sync()


def test_a_sync_tells_how_far_it_is(ctx: WorkspaceContext) -> None:
    seen: list[int] = []

    def note(result: SyncResult) -> None:
        seen.append(sum(result.read.values()))

    ctx.sync(note)
    assert seen == sorted(seen)
    assert seen[-1] > 60
