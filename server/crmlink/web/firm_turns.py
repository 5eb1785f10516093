"""Turns of firms: one question of a firm at a time in a process, while other firms ask too.

Python runs one thread of a process at a time. Several questions of one firm at once are therefore
answered no sooner than one after another, but would take most of the process from other firms, and
its threads. A firm that was at work for much of the last seconds, and more than another that asks,
waits until that is less: side by side each would take twice as long. What changes something, or may
wait for Commusoft, has no turn.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, current_app, g, request

from crmlink.access.errors import TooManyAttempts
from crmlink.web.auth import current_access

MAX_WAITING = 3  # of a firm, or of all that go last: with one at work, half of a process's threads
WAIT_SECONDS = 2.0  # after which a question no longer waits
LOOK_SECONDS = 0.1  # between two looks at what a firm that waits has worked
RECENT_SECONDS = 10.0  # within which another firm's question counts
MUCH = 0.25  # of these seconds
MAX_KNOWN = 64  # firms that asked last
EXTENSION = "crmlink_firm_turns"
QUESTIONS = {"suggestions.SuggestionsView"}  # by POST, for their length


@dataclass(slots=True)
class _Recent:
    """What a firm did lately, by the clock."""

    asked: float
    counted: float  # until then
    worked: float = 0.0  # seconds, which count for less the longer ago they are

    def count(self, now: float, *, at_work: bool) -> None:
        """Count what has passed."""
        kept = math.exp(-(now - self.counted) / RECENT_SECONDS)
        self.worked = kept * self.worked + ((1 - kept) * RECENT_SECONDS if at_work else 0.0)
        self.counted = now


class FirmTurns:
    """Who is at work and who waits, by workspace; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._working: Counter[int] = Counter()
        self._waiting: Counter[int] = Counter()
        self._recent: OrderedDict[int, _Recent] = OrderedDict()  # who asked last comes last

    def begin(self, workspace_id: int) -> None:
        """Wait for the firm's turn. Raises TooManyAttempts if too many of it wait."""
        with self._changed:
            self._note(workspace_id)
            if self._has_to_wait(workspace_id):
                self._wait(workspace_id)
            self._count(workspace_id)
            self._working[workspace_id] += 1

    def end(self, workspace_id: int) -> None:
        """End a turn."""
        with self._changed:
            self._count(workspace_id)
            self._working[workspace_id] -= 1
            if not self._working[workspace_id]:
                del self._working[workspace_id]
            self._changed.notify_all()

    def _has_to_wait(self, workspace_id: int) -> bool:
        if next(self._others(workspace_id), None) is None:
            return False
        return self._working[workspace_id] > 0 or self._goes_last(workspace_id)

    def _goes_last(self, workspace_id: int) -> bool:
        """Return whether it has worked much, and more than another that asks."""
        worked = self._count(workspace_id)
        return worked > MUCH * RECENT_SECONDS and any(
            self._count(each) < worked for each in self._others(workspace_id)
        )

    def _may_wait(self, workspace_id: int) -> bool:
        """Return whether a question may wait: firms that go last have their places together."""
        waiting = self._waiting[workspace_id]
        if self._goes_last(workspace_id):
            waiting = sum(n for each, n in self._waiting.items() if self._goes_last(each))
        return waiting < MAX_WAITING

    def _wait(self, workspace_id: int) -> None:
        if not self._may_wait(workspace_id):
            raise TooManyAttempts(retry_after=1)
        self._waiting[workspace_id] += 1
        ends = time.monotonic() + WAIT_SECONDS
        try:
            while self._has_to_wait(workspace_id) and (left := ends - time.monotonic()) > 0:
                self._changed.wait(min(left, LOOK_SECONDS))
        finally:
            self._waiting[workspace_id] -= 1
            if not self._waiting[workspace_id]:
                del self._waiting[workspace_id]

    def _count(self, workspace_id: int) -> float:
        """Return the seconds that a firm has worked lately."""
        recent = self._recent.get(workspace_id)
        if recent is None:
            return 0.0
        recent.count(self._clock(), at_work=self._working[workspace_id] > 0)
        return recent.worked

    def _note(self, workspace_id: int) -> None:
        now = self._clock()
        self._recent.setdefault(workspace_id, _Recent(now, now)).asked = now
        self._recent.move_to_end(workspace_id)
        if len(self._recent) > MAX_KNOWN:
            self._recent.popitem(last=False)

    def _others(self, workspace_id: int) -> Iterator[int]:
        """Yield the other firms that asked lately, the latest first. The lock is held."""
        began = self._clock() - RECENT_SECONDS
        for each, recent in reversed(self._recent.items()):
            if recent.asked <= began:
                return
            if each != workspace_id:
                yield each


def init_firm_turns(app: Flask) -> None:
    """Let questions of signed-in people and programs wait for their firm's turn."""
    app.extensions[EXTENSION] = FirmTurns()
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    is_question = request.method in ("GET", "HEAD") or request.endpoint in QUESTIONS
    if is_question and "actor" in g:
        workspace_id = current_access().workspace_id
        turns: FirmTurns = current_app.extensions[EXTENSION]
        turns.begin(workspace_id)
        g.firm_turn = workspace_id


def _end(_error: BaseException | None) -> None:
    if (workspace_id := g.pop("firm_turn", None)) is not None:
        turns: FirmTurns = current_app.extensions[EXTENSION]
        turns.end(workspace_id)
