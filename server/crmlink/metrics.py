"""Counters of this process for ``/metrics``: kinds and codes, no names and no firm's data.

With several web processes of one server, prometheus_client keeps them in files of a folder
(``PROMETHEUS_MULTIPROC_DIR``), so that whichever process answers, answers for all.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

disable_created_metrics()  # type: ignore[no-untyped-call] # no series of when each began
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
_requests = Counter(
    "crmlink_requests",
    "Requests answered.",
    ("route", "method", "status"),
    registry=REGISTRY,
)
_request_seconds = Histogram(
    "crmlink_request_seconds", "Duration of requests.", ("route",), buckets=SECONDS,
    registry=REGISTRY,
)  # fmt: skip
_suggestions = Counter(
    "crmlink_suggestions",
    "Contacts for which suggestions were asked, by whether a record was offered.",
    ("result",),
    registry=REGISTRY,
)
_calls = Counter(
    "crmlink_commusoft_calls",
    "Calls to Commusoft, by the class of the status or the kind of the fault.",
    ("method", "outcome"),
    registry=REGISTRY,
)
_call_seconds = Histogram(
    "crmlink_commusoft_call_seconds", "Duration of calls to Commusoft.", ("method",),
    buckets=SECONDS, registry=REGISTRY,
)  # fmt: skip


def count_request(route: str | None, method: str, status: int, seconds: float) -> None:
    """Count a request by its route's rule, which has no values."""
    _requests.labels(route or "none", method, str(status)).inc()
    _request_seconds.labels(route or "none").observe(seconds)


def count_suggestion(*, offered: bool) -> None:
    """Count a contact for which suggestions were asked."""
    _suggestions.labels("offered" if offered else "none").inc()


def count_commusoft_call(method: str, outcome: str | int, seconds: float) -> None:
    """Count a call by its response's status, or by its error's code."""
    if isinstance(outcome, int):
        outcome = "429" if outcome == 429 else f"{outcome // 100}xx"
    _calls.labels(method, outcome).inc()
    _call_seconds.labels(method).observe(seconds)
