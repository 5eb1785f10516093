"""Calls of several processes to one account start at the rate of one.

The intervals are so long that the time the test takes does not matter.
"""

from __future__ import annotations

import pytest

from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.rate_limiter import RateLimiter
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.shared.starts import SharedStarts
from crmlink.deadline import Deadline
from crmlink.installation import Installation
from crmlink.store import Database

INTERVAL = 1_000.0  # seconds
LIMITS = ClientLimits(max_per_second=1 / INTERVAL)


@pytest.fixture
def processes(accounts: tuple[SharedAccount, SharedAccount]) -> tuple[SharedStarts, SharedStarts]:
    """The starts of one connection, as two processes take them."""
    one, other = accounts
    return one.starts, other.starts


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=INTERVAL / 5)


def test_processes_take_turns_and_people_may_go_ahead(
    processes: tuple[SharedStarts, SharedStarts],
) -> None:
    one, other = processes
    assert one.reserve(INTERVAL, 0, 0) == about(0)
    assert other.reserve(INTERVAL, 0, 0) is None, "another process has just called"
    assert other.reserve(INTERVAL, 2 * INTERVAL, 0) == about(0), "a person's call"
    assert one.reserve(INTERVAL, 2 * INTERVAL, 0) == about(0)
    assert one.reserve(INTERVAL, 2 * INTERVAL, 0) is None, "so far ahead and no further"
    assert one.reserve(INTERVAL, 2 * INTERVAL, 2 * INTERVAL) == about(INTERVAL)


def test_what_commusoft_asks_one_process_to_wait_all_wait(
    processes: tuple[SharedStarts, SharedStarts],
) -> None:
    one, other = processes
    one.pause_for(INTERVAL)
    one.pause_for(INTERVAL / 2)  # a shorter one takes nothing back
    assert other.reserve(1, 5, 10) is None
    assert other.reserve(1, 5, 2 * INTERVAL) == about(INTERVAL)


def test_a_limiter_waits_for_the_starts_of_others(
    processes: tuple[SharedStarts, SharedStarts],
) -> None:
    one, other = (RateLimiter(LIMITS, each) for each in processes)
    with one.slot(Deadline(5)):
        pass
    with pytest.raises(CommusoftBusy), other.slot(Deadline(5)):
        pytest.fail("called though another process had just called")


def test_the_installation_shares_the_starts_of_its_account(shared: Installation) -> None:
    transport = shared.workspace.commusoft._account.transport
    assert transport._limiter._shared is not None


def test_a_database_that_is_away_stops_no_call() -> None:
    gone = SharedStarts(Database("postgresql+psycopg://none@127.0.0.1:1/nothing"), 1)
    gone.pause_for(INTERVAL)
    assert gone.reserve(INTERVAL, 0, 0) == 0
