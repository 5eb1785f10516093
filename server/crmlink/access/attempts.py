"""Limits on guessing: an attempt is counted before it is made, and uncounted if it succeeds.

Counting afterwards would let as many concurrent attempts pass a limit as there are threads. Counts
are in memory, per process. Keys are keyed hashes of bounded text, so that memory contains nothing
that was typed.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crmlink.access.errors import TooManyAttempts

MAX_KEYS = 100_000
MAX_KEY_LENGTH = 300  # characters of a text that are used
IPV6_NETWORK = 64  # bits: the network of one customer


@dataclass(frozen=True, slots=True)
class Bound:
    """Maximum of failed attempts in a number of seconds."""

    most: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Counted:
    """One key and its limit."""

    key: bytes
    bound: Bound


class Attempts:
    """Failed attempts by key, within a moving window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._moments: OrderedDict[bytes, deque[float]] = OrderedDict()

    def begin(self, *counted: Counted) -> tuple[float, bool]:
        """Count an attempt under each key, or under none.

        Returns its time, for ``uncount``, and whether the first key had another attempt that
        failed or is in progress. Raises TooManyAttempts at a limit.
        """
        with self._lock:
            moment = self._clock()
            waits = [self._wait(each, moment) for each in counted]
            if wait := max(waits, default=0.0):
                raise TooManyAttempts(retry_after=wait)
            others = bool(counted and self._moments.get(counted[0].key))
            for each in counted:
                self._moments.setdefault(each.key, deque()).append(moment)
                self._moments.move_to_end(each.key)
            while len(self._moments) > MAX_KEYS:
                self._moments.popitem(last=False)
        return moment, others

    def uncount(self, moment: float, *counted: Counted) -> None:
        """Uncount a successful attempt."""
        with self._lock:
            for each in counted:
                moments = self._moments.get(each.key)
                if moments and moment in moments:
                    moments.remove(moment)
                    if not moments:
                        del self._moments[each.key]

    @contextmanager
    def guessing(self, failure: type[Exception], *counted: Counted) -> Iterator[bool]:
        """Count the block as an attempt, which stays counted only if it raises ``failure``.

        Yields whether the first key has other attempts that failed or are in progress.
        """
        moment, others = self.begin(*counted)
        try:
            yield others
        except failure:
            raise
        except BaseException:
            self.uncount(moment, *counted)
            raise
        self.uncount(moment, *counted)

    def _wait(self, counted: Counted, moment: float) -> float:
        """Return the seconds until another attempt is allowed, 0 for now."""
        moments = self._moments.get(counted.key)
        if moments is None:
            return 0.0
        oldest = moment - counted.bound.seconds
        while moments and moments[0] <= oldest:
            moments.popleft()
        if len(moments) < counted.bound.most:
            return 0.0
        return moments[-counted.bound.most] - oldest


def network_of(address: str | None) -> str:
    """Return the network that counts as one client: an IPv4 address, or an IPv6 /64."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
