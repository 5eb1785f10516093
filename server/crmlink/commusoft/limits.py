"""Time-outs, rates and sizes for calls to Commusoft."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of one client; times in seconds, sizes in bytes.

    `connect` limits connecting, `read` each silence in a response, `total` a whole call including
    the wait for its slot. A `Retry-After` is accepted up to `retry_after_most` and waited for
    inside a call up to `wait_most`; `wait_unsaid` replaces a missing one. After `faults_to_open`
    consecutive failures calls fail at once for `rest` seconds (doubling up to `rest_most`), then
    one call is sent as a probe. A write without a response may be carried out for `late_after`
    seconds from its start: twice the minute that web servers and gateways commonly allow a request.
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
