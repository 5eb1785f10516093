"""Calls to one account that are in progress at once, in all processes together.

A call is noted with the time that it may last, so one of a process that was killed counts until
then: Commusoft may still be busy with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from crmlink.commusoft.account_state import AccountState, KeepsState
from crmlink.commusoft.errors import CommusoftBusy
from crmlink.deadline import Deadline
from crmlink.store.base import new_id

POLL_INTERVAL = 0.05  # seconds between two looks whether a call may begin
MARGIN = 5.0  # seconds after its deadline in which a call ends


class SharedCalls:
    """The calls in progress; ``most`` at once, of which background calls leave one free."""

    def __init__(self, states: KeepsState, most: int) -> None:
        self._states, self._most = states, most

    @contextmanager
    def call(self, deadline: Deadline) -> Iterator[None]:
        """Be one of the calls in progress. Raises `CommusoftBusy` if none ends in time."""
        name = new_id()
        while not self._states.change(lambda state, now: self._begin(state, now, name, deadline)):
            if deadline.remaining() <= POLL_INTERVAL:
                raise CommusoftBusy(cause="no free slot among all processes")
            time.sleep(POLL_INTERVAL)
        try:
            yield
        finally:
            self._states.change(lambda state, _: state.calls.pop(name, None))

    def _begin(self, state: AccountState, now: float, name: str, deadline: Deadline) -> bool:
        state.calls = {each: call for each, call in state.calls.items() if call[0] > now}
        background = sum(is_background for _, is_background in state.calls.values())
        is_free = len(state.calls) < self._most
        if deadline.background:
            is_free &= background < max(1, self._most - 1)
        if is_free:
            state.calls[name] = (now + deadline.remaining() + MARGIN, deadline.background)
        return is_free
