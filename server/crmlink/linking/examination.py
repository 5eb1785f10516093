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
    checking a large account takes minutes. A way to save that was proved before is kept, unless a
    test that ended shows that none works, or another.
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
    tested = False
    for step in steps:
        tested = tested or step.code in ("write-kept", "not-written")
        if step.dialect:
            save_dialect(ctx.database, ctx.connection_id, step.dialect, keep_proved=not tested)
        yield step
