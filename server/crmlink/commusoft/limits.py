"""How long to wait for Commusoft and how hard to press it, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits for one client; times in seconds, sizes in bytes.

    `connect` is the longest for a connection, `read` the longest silence in an answer, `total` the
    longest that any call may take, waiting for its turn included. A `Retry-After` is believed up
    to `retry_after_most` and waited for inside a call up to `wait_most`; `wait_unsaid` stands in
    for one that was not said. After `faults_to_open` failures in a row calls fail at once for
    `rest` seconds (doubling up to `rest_most`), then one call goes out as a probe. A write that was
    not answered may be carried out for `late_after` seconds from when it was begun: the minute that
    web servers and gateways commonly give a request, twice.
    """

    connect: float = 5.0
    read: float = 25.0
    total: float = 29.0
    at_once: int = 4
    per_second: float = 5.0
    read_again: int = 2
    retry_after_most: float = 300.0
    wait_most: float = 10.0
    wait_unsaid: float = 1.0
    faults_to_open: int = 5
    rest: float = 5.0
    rest_most: float = 60.0
    late_after: float = 120.0
    token_life: float = 25 * 60.0
    record_bytes: int = 4 * 1024 * 1024
    list_bytes: int = 512 * 1024 * 1024
