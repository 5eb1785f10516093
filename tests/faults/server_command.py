"""`crmlink serve` for which a PUT without a response is over after seconds instead of two minutes.

The bound itself is tested in `unit/linking/test_late_put.py`, with a clock that the test moves.
"""

from __future__ import annotations

from functools import partial

from crmlink.cli import main as crmlink
from crmlink.commusoft.limits import ClientLimits
from crmlink.installation import open_workspace

LATE_WRITE_SECONDS = 4.0


def main() -> None:
    """Run the command with the short bound."""
    open_workspace.ClientLimits = partial(  # type: ignore[attr-defined, assignment] # makes the same limits
        ClientLimits, late_write_seconds=LATE_WRITE_SECONDS
    )
    crmlink()
