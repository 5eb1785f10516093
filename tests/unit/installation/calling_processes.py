"""What a process of its own does with an account that it shares; started by `spawn`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.shared.calls import SharedCalls
from crmlink.deadline import Deadline
from crmlink.store import Database

AT_ONCE = 2


def call_in_turn(url: str, connection_id: int, count: int, together: Any, results: Any) -> None:
    """Make calls at the same time as another process; tells when each began and ended."""
    with closing(Database(url)) as database:
        calls = SharedCalls(SharedAccount(database, connection_id).states, AT_ONCE)

        def call(_: int) -> tuple[float, float]:
            with calls.call(Deadline(60)):
                began = time.monotonic()  # the same for all processes of a machine
                time.sleep(0.02)
                return began, time.monotonic()

        together.wait(120)
        with ThreadPoolExecutor(4) as pool:
            results.put(list(pool.map(call, range(count))))


def hang(url: str, connection_id: int, seconds: float, began: Any) -> None:
    with closing(Database(url)) as database:
        states = SharedAccount(database, connection_id).states
        with SharedCalls(states, 1).call(Deadline(seconds)):
            began.put(True)
            time.sleep(600)
