"""`crmlink serve` for which a PUT without a response is over after seconds instead of two minutes.

The bound itself is tested in `unit/linking/test_late_put.py`, with a clock that the test moves.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial

from crmlink.cli import main as crmlink
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import open_workspace

LATE_WRITE_SECONDS = 4.0
CLOCK = "CLOCK_OFF_BY"  # environment variable: seconds by which this machine's clock is ahead


def main() -> None:
    """Run the command with the short bound, and with a clock that may be off."""
    if seconds := float(os.environ.get(CLOCK, 0)):
        import time_machine

        shown = datetime.now(UTC) + timedelta(seconds=seconds)
        time_machine.travel(shown, tick=True).start()
    open_workspace.ClientLimits = partial(  # type: ignore[attr-defined, assignment] # makes the same limits
        ClientLimits, late_write_seconds=LATE_WRITE_SECONDS
    )
    crmlink()


if __name__ == "__main__":
    main()
