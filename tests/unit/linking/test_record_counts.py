"""Counts of records follow every change of the mirror, and are counted once for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import event, func, select

from crmlink.commusoft.mirror import mark_deleted, upsert_record
from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord, WorkspaceConnection


def counts(ctx: WorkspaceContext) -> Mapping[str, int]:
    with ctx.database.reading() as session:
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        return ctx.counts.by_kind(session, connection)


def counted_anew(ctx: WorkspaceContext) -> Mapping[str, int]:
    query = (
        select(MirroredRecord.kind, func.count())
        .filter_by(connection_id=ctx.connection_id, deleted_at=None)
        .group_by(MirroredRecord.kind)
    )
    with ctx.database.reading() as session:
        return {str(kind): count for kind, count in session.execute(query)}


def test_they_are_right_after_each_change(ctx: WorkspaceContext) -> None:
    ctx.sync()
    assert counts(ctx) == counted_anew(ctx)
    before = counts(ctx)["customer"]
    record = ctx.commusoft.record("customer", "1001")

    with ctx.database.writing() as session:
        mark_deleted(session, ctx.connection_id, "customer", "1001")
    assert counts(ctx) == counted_anew(ctx)
    assert counts(ctx)["customer"] == before - 1

    with ctx.database.writing() as session:
        upsert_record(session, ctx.connection_id, record)
        upsert_record(session, ctx.connection_id, replace(record, number="999999", uuid=""))
    assert counts(ctx) == counted_anew(ctx)
    assert counts(ctx)["customer"] == before + 1

    ctx.sync()  # Commusoft's list does not have the second one
    assert counts(ctx) == counted_anew(ctx)
    assert counts(ctx)["customer"] == before


def test_an_unchanged_mirror_is_not_counted_again(ctx: WorkspaceContext) -> None:
    counts(ctx)
    asked: list[str] = []

    @event.listens_for(ctx.database.engine, "before_cursor_execute")
    def keep(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    counts(ctx)
    event.remove(ctx.database.engine, "before_cursor_execute", keep)
    assert asked
    assert not [statement for statement in asked if "count(" in statement]
