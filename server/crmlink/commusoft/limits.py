"""Time-outs, rates and sizes for calls to Commusoft."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of one client; times in seconds, sizes in bytes.

    With `paced_by_answers`, `max_per_second` is only the most, see `pace.py`.
    `connect_timeout` limits connecting, `read_timeout` each silence in a response, `total_timeout`
    a whole call including the wait for its slot. A `Retry-After` is accepted up to
    `max_retry_after` and waited for inside a call up to `max_wait`; `default_retry_after` replaces
    a missing one. After `failure_threshold` consecutive failures calls fail at once for
    `open_seconds` (doubling up to `max_open_seconds`), then one call is sent as a probe. A write
    without a response may be carried out for `late_write_seconds` from its start: twice the minute
    that web servers and gateways commonly allow a request.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 25.0
    total_timeout: float = 29.0
    max_concurrent: int = 4
    max_per_second: float = 5.0
    paced_by_answers: bool = False
    read_retries: int = 2
    max_retry_after: float = 300.0
    max_wait: float = 10.0
    default_retry_after: float = 1.0
    failure_threshold: int = 5
    open_seconds: float = 5.0
    max_open_seconds: float = 60.0
    late_write_seconds: float = 120.0
    token_ttl: float = 25 * 60.0
    record_bytes: int = 4 * 1024 * 1024
    list_bytes: int = 512 * 1024 * 1024
