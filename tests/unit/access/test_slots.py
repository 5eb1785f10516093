"""Few threads do long work, few wait for it, and the others are told at once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from browsers.real_services import wait_until
from crmlink.access.errors import TooManyAttempts
from crmlink.access.slots import Slots

PATIENCE = 30
FULL = TooManyAttempts(retry_after=2)


def test_a_thread_that_finds_too_many_others_is_told_at_once() -> None:
    slots = Slots(working=2, waiting=2, seconds=PATIENCE)
    done = []

    def wait() -> None:
        with slots.one(FULL):
            done.append(1)

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    with slots.one(FULL), slots.one(FULL):
        for thread in waiting:
            thread.start()
        wait_until(lambda: not slots._entered._value, "both wait")
        begun = time.monotonic()
        with pytest.raises(TooManyAttempts), slots.one(FULL):
            done.append(2)
        assert time.monotonic() - begun < PATIENCE
        assert done == []
    for thread in waiting:
        thread.join()
    assert done == [1, 1]


def test_a_thread_that_waits_too_long_is_told_and_leaves_no_slot_held() -> None:
    slots = Slots(working=1, waiting=1, seconds=0.05)
    for _ in range(3):
        with slots.one(FULL), pytest.raises(TooManyAttempts), slots.one(FULL):
            pass
    with suppress(ValueError), slots.one(FULL):
        raise ValueError
    with slots.one(FULL):
        pass
