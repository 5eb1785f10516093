"""Calls that no one waits for go behind those of people, within the same pace."""

import threading
import time
from itertools import pairwise

import pytest

from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.rate_limiter import SHARE_FOR, RateLimiter
from crmlink.deadline import Deadline


def started(pace: RateLimiter, *, background: bool, seconds: float = 60.0) -> float:
    """Waits for a slot and gives it back at once; when it was over."""
    with Deadline(seconds, background=background) as deadline, pace.slot(deadline):
        pass
    return time.monotonic()


def background_starts(pace: RateLimiter, now: float) -> list[float]:
    """When calls of a list begin in the second after a moment."""
    over, starts = now + 1.0, []
    while now < over:
        wait = pace._background_wait(now)
        if wait <= 0:
            starts.append(now)
        now += max(wait, 1e-6)
    return starts


def test_a_list_leaves_a_quarter_of_the_starts_free_after_a_person_and_comes_evenly() -> None:
    pace = RateLimiter(ClientLimits(max_per_second=8, max_concurrent=4))
    over = started(pace, background=False) + 1.5  # the person's own start is forgotten by then
    starts = background_starts(pace, over)
    assert len(starts) == pace.background_per_second == 6
    assert min(later - earlier for earlier, later in pairwise(starts)) > 0.16


def test_a_list_has_every_start_while_no_person_asks() -> None:
    pace = RateLimiter(ClientLimits(max_per_second=8, max_concurrent=4))
    assert len(background_starts(pace, 0.0)) == pace.background_per_second == 8
    over = started(pace, background=False) + SHARE_FOR + 1
    assert len(background_starts(pace, over)) == 8


def test_a_pace_of_one_call_a_second_lets_a_list_go_on() -> None:
    assert RateLimiter(ClientLimits(max_per_second=1, max_concurrent=1)).background_per_second == 1


def test_while_a_persons_call_is_out_a_list_begins_none() -> None:
    pace = RateLimiter(ClientLimits(max_per_second=1000, max_concurrent=4))
    out, over = threading.Event(), threading.Event()

    def person() -> None:
        with Deadline(60) as deadline, pace.slot(deadline):
            out.set()
            assert over.wait(60)

    call = threading.Thread(target=person)
    call.start()
    assert out.wait(60)
    with pytest.raises(CommusoftBusy):
        started(pace, background=True, seconds=0.2)
    over.set()
    call.join()
    started(pace, background=True)


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_person_gets_in_however_few_places_there_are(at_once: int) -> None:
    pace = RateLimiter(ClientLimits(max_per_second=1000, max_concurrent=at_once))
    stop = threading.Event()

    def lists() -> None:
        while not stop.is_set():
            started(pace, background=True)

    hands = [threading.Thread(target=lists) for _ in range(3)]
    for hand in hands:
        hand.start()
    for _ in range(5):
        started(pace, background=False)
    stop.set()
    for hand in hands:
        hand.join()
