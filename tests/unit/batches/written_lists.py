"""What the tests of writing lists look at, and how they interrupt it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crmlink.batches.execute_row import idempotency_key
from crmlink.batches.progress import overview
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.store import BatchRow, BatchState, LinkState, RowState
from support.sandbox import decision
from unit.linking.test_attempts import meddled


def states(ctx: WorkspaceContext) -> Counter[RowState]:
    with ctx.database.reading() as session:
        return Counter(row.state for row in session.query(BatchRow))


def state(ctx: WorkspaceContext, batch_id: str) -> BatchState:
    return overview(ctx, batch_id).batch.state


def after(calls: int) -> Callable[[], bool]:
    """A server that is told to stop after so many looks."""
    left = iter([False] * calls)
    return lambda: next(left, True)


def behind(ctx: WorkspaceContext, **instead: Any) -> WorkspaceContext:
    """A workspace whose Commusoft is meddled with, also for work in the background."""
    away = meddled(ctx, **instead)
    commusoft: Any = away.commusoft
    commusoft.in_background = lambda: commusoft
    return replace(away, commusoft=commusoft)


def died_after(ctx: WorkspaceContext, device_id: int, batch_id: str) -> None:
    """A worker took two rows, made the first one's link, and was gone."""
    with ctx.database.writing() as session:
        rows = session.query(BatchRow).order_by(BatchRow.position).limit(2).all()
        for row in rows:
            row.state = RowState.PROCESSING
    first = rows[0]
    wish = replace(
        decision(first.record_id or "", first.reference), package="sage_50", organisation="",
        contact_name=first.name,
    )  # fmt: skip
    agreed = first.agreed or {}
    wish = replace(wish, differences=tuple(agreed["differences"]))
    assert confirm(ctx, wish, idempotency_key(first), device_id).state is LinkState.LINKED
