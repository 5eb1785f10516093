"""How many calls a whole list takes, and how long that is at a given rate.

    PYTHONPATH=tests python -m bench.paced [--contacts 5000] [--per-second 5] [--undo]

The list is written to the sandbox without a pace, and every request is counted. Its checks
come after as many rows as they would at that rate. The time is that of as many background calls by
the rate limiter itself, on a simulated clock, with no person asking meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

from bench.batches import _accepted, _free_records
from crmlink.access.devices import command_line_actor
from crmlink.batches import written_rows
from crmlink.batches.control import start_undo, start_writing
from crmlink.batches.progress import overview, summary
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.rate_limiter import RateLimiter
from crmlink.commusoft.transport import Request, Transport
from crmlink.linking.context import WorkspaceContext
from faults.killable_lists import ListInstallation
from faults.shared_installation import sandbox_process

UNPACED = ClientLimits(max_per_second=10_000, max_concurrent=4)


def run(contacts: int, per_second: float, *, undone: bool) -> None:
    """Print the calls of a list, and of its undo if wanted, and the minutes that they take."""
    calls = _counted()
    written_rows.CHECK_AFTER = int(written_rows.CHECK_INTERVAL * per_second / 2)
    written_rows.SHARE_OF_LIST = 0.0
    with (
        sandbox_process(int(contacts * 1.35) + 200) as address,
        tempfile.TemporaryDirectory() as folder,
    ):
        installation = ListInstallation(Path(folder), address, UNPACED).open()
        ctx = installation.workspace
        ctx.sync()
        device_id = command_line_actor(installation.access).device.id
        batch_id = _accepted(installation, device_id, _free_records(installation)[:contacts])
        start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
        _carry_out(ctx, batch_id, calls, per_second)
        if undone:
            start_undo(ctx, device_id, batch_id)
            _carry_out(ctx, batch_id, calls, per_second)
        installation.close()


def _carry_out(
    ctx: WorkspaceContext, batch_id: str, calls: Counter[str], per_second: float
) -> None:
    calls.clear()
    began = time.monotonic()
    write_waiting(ctx)
    took, count = time.monotonic() - began, sum(calls.values())
    states = {one.value: rows for one, rows in overview(ctx, batch_id).counts.states.items()}
    rows = sum(states.values())
    print(f"{rows} rows, {states}: {count} calls {dict(calls)}, {count / rows:.3f} a row")
    minutes = _seconds_of(count, per_second) / 60
    print(f"  {took:.0f} s without a pace; at {per_second:g} calls a second "
          f"{minutes:.1f} minutes by the rate limiter", flush=True)  # fmt: skip


def _counted() -> Counter[str]:
    """Count every request by its method; a list's apart."""
    calls: Counter[str] = Counter()
    send = Transport.send

    def counted(self: Transport, call: Request, *more: Any) -> Any:
        is_list = call.path.rpartition("/")[2] in ("customers", "suppliers")
        calls["list" if is_list else call.method] += 1
        return send(self, call, *more)

    Transport.send = counted  # type: ignore[method-assign, assignment]  # in this program
    return calls


def _seconds_of(calls: int, per_second: float) -> float:
    limiter = RateLimiter(ClientLimits(max_per_second=per_second))
    moment, begun = 0.0, 0
    while begun < calls:
        wait = limiter._background_wait(moment)
        begun += wait <= 0
        moment += max(wait, 0.0)
    return moment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--per-second", type=float, default=5.0)
    parser.add_argument("--undo", action="store_true", help="undo the list again, too")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    run(given.contacts, given.per_second, undone=given.undo)


if __name__ == "__main__":
    main()
