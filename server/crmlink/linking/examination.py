"""The doctor, run for one connection: its writes are journalled, its result is stored."""

from __future__ import annotations

from collections.abc import Iterator

from crmlink.commusoft.doctor import CheckResult, run_checks
from crmlink.commusoft.errors import NoApi
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
    """Yield the results of ``run_checks`` as they arrive.

    The dialect found is stored for this context's connection, even if another is in use by then:
    checking a large account takes minutes.
    """
    if not ctx.has_api:
        raise NoApi
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
