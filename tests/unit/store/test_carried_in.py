"""Rows that carry a reference are found by their indexes, however many rows a connection has."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.obstacles import possible_holders
from crmlink.linking.suggest import find_record, holders, links_behind


def test_holders_and_their_links_are_read_by_index_alone(ctx: WorkspaceContext) -> None:
    if ctx.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL joins the two indexes of a condition with OR by itself")
    asked: list[tuple[str, object]] = []

    @event.listens_for(ctx.database.engine, "before_cursor_execute")
    def keep(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    with ctx.database.reading() as session:
        known = find_record(session, ctx.connection_id, "customer-1001")
        asked.clear()
        holders(session, ctx.connection_id, "HOLL01")
        links_behind(session, ctx.connection_id, [known])
    possible_holders(ctx, "HOLL01", known)
    event.remove(ctx.database.engine, "before_cursor_execute", keep)

    plans = [_plan(ctx, *one) for one in asked if one[0].startswith("SELECT")]
    assert len(plans) == 4
    for plan in plans:
        assert "(connection_id=?)" not in plan, plan
        assert "SCAN" not in plan, plan


def _plan(ctx: WorkspaceContext, statement: str, parameters: object) -> str:
    with ctx.database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
    return "\n".join(str(row[3]) for row in rows)
