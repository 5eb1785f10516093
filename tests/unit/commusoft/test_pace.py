"""The pace of calls by what Commusoft answers, within the admin's bound."""

from __future__ import annotations

import pytest

from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.pace import (
    CLEAN_ANSWERS,
    INITIAL_PER_SECOND,
    MIN_PER_SECOND,
    QUIET_AFTER_DROP,
    STEP,
    Pace,
)
from crmlink.commusoft.rate_limiter import RateLimiter
from crmlink.deadline import Deadline
from unit.commusoft.fake_server import Clock


def answered(pace: Pace, times: int, seconds: float = 0.1) -> float:
    for _ in range(times):
        pace.record_response(seconds, 200)
    return pace.state().per_second


def test_it_grows_by_steps_while_answers_are_clean_and_never_above_the_bound() -> None:
    pace = Pace(7, Clock())
    assert pace.state().per_second == INITIAL_PER_SECOND
    assert answered(pace, CLEAN_ANSWERS - 1) == INITIAL_PER_SECOND
    assert answered(pace, 1) == INITIAL_PER_SECOND + STEP
    assert answered(pace, 100 * CLEAN_ANSWERS) == 7
    assert Pace(2, Clock()).state().per_second == 2


@pytest.mark.parametrize(
    ("status", "reason"), [(429, "busy"), (503, "busy"), (500, "failing"), (502, "failing")]
)
def test_the_first_answer_that_asks_for_less_halves_it_and_those_under_way_do_not_again(
    status: int, reason: str
) -> None:
    clock = Clock()
    pace = Pace(40, clock)
    answered(pace, 30 * CLEAN_ANSWERS)
    before = pace.state().per_second
    for _ in range(4):
        pace.record_response(0.1, status)
    assert (pace.state().per_second, pace.state().reason) == (before / 2, reason)
    clock.now += QUIET_AFTER_DROP
    pace.record_response(0.1, status)
    assert pace.state().per_second == before / 4


def test_answers_that_take_twice_as_long_halve_it_and_a_slow_system_by_itself_does_not() -> None:
    pace = Pace(5, Clock())
    assert answered(pace, 50, seconds=1.0) == 5
    assert answered(pace, 50, seconds=2.5) == 2.5
    assert pace.state().reason == "slow"
    quick = Pace(5, Clock())
    answered(quick, 50, seconds=0.003)
    assert answered(quick, 50, seconds=0.02) == 5  # no one's delay


def test_it_halves_without_an_answer_but_goes_on_and_recovers() -> None:
    clock = Clock()
    pace = Pace(5, clock)
    for _ in range(10):
        pace.record_timeout()
        clock.now += QUIET_AFTER_DROP
    assert (pace.state().per_second, pace.state().reason) == (MIN_PER_SECOND, "silent")
    assert answered(pace, 9 * CLEAN_ANSWERS) == 5
    assert pace.state().reason is None


@pytest.mark.usefixtures("limiter_clock")
@pytest.mark.parametrize("background", [False, True])
def test_calls_wait_for_their_start_by_the_pace(background: bool) -> None:
    limiter = RateLimiter(ClientLimits(max_per_second=100, paced_by_answers=True))
    assert limiter.pace is not None
    limiter.pace.record_response(0.1, 429)  # 2.5 a second by now
    with Deadline(0.2, background=background) as deadline:
        with limiter.slot(deadline):
            pass
        with pytest.raises(CommusoftBusy), limiter.slot(deadline):
            pass
