"""The doctor at work for one connection: what it writes is kept, what it finds is remembered."""

from __future__ import annotations

from collections.abc import Iterator

from crmlink.commusoft.doctor import CheckResult, run_checks
from crmlink.linking.connections import record_write_check, save_dialect
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.write_tests import CommittedWriteTest


def examine(
    ctx: WorkspaceContext,
    device_id: int,
    write_test: str | None = None,
    trial: str | None = None,
    known_reference: str | None = None,
) -> Iterator[CheckResult]:
    """The steps of ``run_checks`` as they come.

    The dialect found is remembered of this context's connection, whichever is in use by then: the
    examination of a large account takes minutes.
    """
    if write_test:
        record_write_check(ctx.database, ctx.workspace_id, device_id, write_test, trial)
    steps = run_checks(
        ctx.commusoft.connection,
        write_test,
        trial,
        known_reference,
        journal=CommittedWriteTest(ctx, device_id),
    )
    for step in steps:
        if step.dialect:
            save_dialect(ctx.database, ctx.connection_id, step.dialect)
        yield step
